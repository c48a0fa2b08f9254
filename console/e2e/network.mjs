// A real network for the story: `phat dev` with its own data and ports, ended with the test.

import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve as absolute } from "node:path";
import { promisify } from "node:util";

/** How long a network may take to serve, ms: far more than it does. */
const START_MS = 180_000;
/** How long it may take to end. */
const END_MS = 20_000;

export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; cargo xtask test sets it`);
  return value;
}

export async function startNetwork() {
  const binaries = required("PHAT_BINARIES");
  const phat = join(binaries, "phat");
  if (!existsSync(phat)) throw new Error(`${phat} is missing; cargo xtask build makes it`);
  const data = mkdtempSync(join(tmpdir(), "phat-console-"));
  const port = process.env.PHAT_PORT_BASE ?? "24944";
  const other = process.env.PHAT_CONSOLE ? ["--console", absolute(process.env.PHAT_CONSOLE)] : [];
  const process_ = spawn(phat, ["--json", "dev", "--data-dir", data, "--port-base", port, ...other], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, errors] = ["", ""];
  process_.stderr.on("data", (text) => {
    errors += text;
  });
  const ended = new Promise((resolve) => process_.once("exit", resolve));
  const stop = async () => {
    process_.kill("SIGTERM");
    const timer = setTimeout(() => process_.kill("SIGKILL"), END_MS);
    await ended;
    clearTimeout(timer);
    rmSync(data, { recursive: true, force: true });
  };
  const info = await new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no network after ${START_MS} ms: ${errors.slice(-2000)}`)),
      START_MS,
    );
    process_.stdout.on("data", (text) => {
      out += text;
      try {
        resolve(JSON.parse(out));
        clearTimeout(timer);
      } catch {
        // Not all of it yet.
      }
    });
    void ended.then((code) => reject(new Error(`phat dev ended (${code}): ${errors.slice(-2000)}`)));
  }).catch(async (error) => {
    await stop();
    throw error;
  });
  /** Runs `phat` on this network; gives what it prints as JSON. */
  const run = async (...parts) => {
    const of = ["--json", "--node", info.node, "--genesis", info.genesis];
    const { stdout } = await promisify(execFile)(phat, [...of, ...parts], { timeout: START_MS });
    return JSON.parse(stdout);
  };
  return { info, stop, run };
}
