/** A whole network on this machine, of the built programs: `phat dev`. */

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Hex } from "../../src/index.js";
import { ROOT } from "../fixtures.js";

const run = promisify(execFile);

/** What `phat dev` says of its network. */
export interface NetworkInfo {
  node: string;
  genesis: Hex;
  cluster: Hex;
  workers: { role: string; url: string; worker: Hex }[];
}

const binaries = process.env["PHAT_BINARIES"] ?? join(process.env["CARGO_TARGET_DIR"] ?? join(ROOT, "target"), "release");

/** The command line. */
export const PHAT = join(binaries, "phat");

/** Why these tests cannot run here; `false` where they can. */
export function missing(): string | false {
  const file = ballotFile();
  if (!existsSync(PHAT)) return `there is no ${PHAT}: cargo xtask build makes it, PHAT_BINARIES names its folder`;
  if (!existsSync(file)) return `there is no ${file}: phat build makes it, PHAT_BALLOT_CONTRACT names it`;
  return false;
}

function ballotFile(): string {
  const built = "guest/examples/ballot/target/ink/ballot.contract";
  return process.env["PHAT_BALLOT_CONTRACT"] ?? join(ROOT, built);
}

/** The ballot's `.contract` file. */
export const BALLOT = ballotFile();

/** Runs `phat` and gives what it prints. */
export async function phat(...args: string[]): Promise<string> {
  return (await run(PHAT, args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
}

/** A running network. */
export class Network {
  private constructor(
    readonly info: NetworkInfo,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  /** Starts one; its ports begin at `portBase`. */
  static async start(portBase: number, workers: number): Promise<Network> {
    const folder = mkdtempSync(join(tmpdir(), "phat-js-"));
    const args = ["dev", "--json", "--data-dir", folder, "--port-base", String(portBase), "--workers", String(workers)];
    const child = spawn(PHAT, args, { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([
      new Promise<string>((resolve) => lines.once("line", resolve)),
      new Promise<never>((_, reject) => child.once("exit", (code) => reject(new Error(`phat dev ended with ${code}`)))),
    ]);
    return new Network(JSON.parse(first) as NetworkInfo, child, folder);
  }

  /** Ends it and forgets it. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Stops a worker's process as a hung machine would, until what is given is called. */
  freeze(worker: Hex): () => void {
    const { url } = this.info.workers.find((one) => one.worker === worker)!;
    const pid = this.processOf(new URL(url).port);
    process.kill(pid, "SIGSTOP");
    return () => process.kill(pid, "SIGCONT");
  }

  /** The process of this network that listens on a port: it has the port among its arguments or in its configuration. */
  private processOf(port: string): number {
    const socket = listener(Number(port));
    for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      try {
        if (!readFileSync(`/proc/${name}/cmdline`, "utf8").includes("phat-worker")) continue;
        const handles = readdirSync(`/proc/${name}/fd`).map((handle) => readLink(`/proc/${name}/fd/${handle}`));
        if (handles.includes(`socket:[${socket}]`)) return Number(name);
      } catch {
        // It has ended meanwhile.
      }
    }
    throw new Error(`no worker listens on port ${port}`);
  }
}

/** The number of the socket that listens on a port of this machine. */
function listener(port: number): string {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(`:${wanted}`) && fields[3] === "0A") return fields[9]!;
  }
  throw new Error(`nothing listens on port ${port}`);
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
