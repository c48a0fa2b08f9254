/** The same in Chromium: a page of another origin than node and workers. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium, type BrowserContext } from "playwright-core";
import { Chain, ContractFile, accountFromSecret, deploy, type Hex } from "../../src/index.js";
import { BALLOT, Network, missing } from "./network.js";
import type { Outcome, Task } from "./page.js";

const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const browser = BROWSERS.find((path) => existsSync(path));
const skip = missing() || (browser === undefined ? "there is no Chromium" : false);
/** Neither a sandbox, which root has not, nor what it would ask other hosts for. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let network: Network;
let contract: Hex;
let server: Server;
let context: BrowserContext;
let profile: string;

async function bundle(): Promise<string> {
  const entry = join(dirname(fileURLToPath(import.meta.url)), "page.js");
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: "iife",
    globalName: "page",
    platform: "browser",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0]!.text;
}

before(async () => {
  if (skip) return;
  network = await Network.start(29_964, 2);
  const chain = await Chain.connect(network.info.node);
  const alice = accountFromSecret("//Alice");
  const args = [alice.address, ["Ada", "Grace"], [[1, alice.address]]];
  const deployed = await deploy(chain, ContractFile.parse(readFileSync(BALLOT)), { account: alice, args });
  contract = deployed.id;
  await deployed.contract.call("report", [1, [120, 95]], { account: alice });
  await deployed.contract.call("close", [], { account: alice });
  chain.close();
  const script = await bundle();
  server = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    // As strict a policy as the package can live under.
    const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src ws: http:";
    response.setHeader("Content-Security-Policy", policy);
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(isScript ? script : "<!doctype html><title>test</title><script src=/page.js></script>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  profile = mkdtempSync(join(tmpdir(), "phat-js-chromium-"));
  context = await chromium.launchPersistentContext(profile, { executablePath: browser!, headless: true, args: FLAGS });
});

after(async () => {
  await context?.close();
  server?.close();
  await network?.stop();
  if (profile) rmSync(profile, { recursive: true, force: true });
});

test("a page reads, asks, checks a receipt, and has a wallet sign", { skip }, async () => {
  const page = await context.newPage();
  const trouble: string[] = [];
  page.on("pageerror", (error) => trouble.push(error.message));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const metadata = JSON.parse(readFileSync(BALLOT, "utf8")) as { source: { wasm?: string } };
  delete metadata.source.wasm;
  const task: Task = { node: network.info.node, genesis: network.info.genesis, contract, metadata };
  const outcome = await page.evaluate(
    (given) => (globalThis as unknown as { page: { story(task: unknown): Promise<unknown> } }).page.story(given),
    task,
  );
  const { tally, receipt, wallets, accounts, mine, prompts, refused, worker } = outcome as Outcome;
  assert.deepEqual((tally as { votes: unknown }).votes, [["Ada", 120], ["Grace", 95]]);
  assert.ok(network.info.workers.some((one) => one.worker === worker));
  assert.ok(receipt.holds && receipt.links >= 10, JSON.stringify(receipt));
  assert.deepEqual(wallets, ["scripted"]);
  assert.deepEqual(accounts, ["Alice"]);
  assert.deepEqual((mine as { votes: number[] }).votes, [120, 95]);
  // Asked once for two questions, in words that a person can read; and once more, in vain.
  assert.equal(prompts.length, 2);
  assert.match(prompts[0]!, /^Phat query certificate\nNetwork: 0x[0-9a-f]{64}\nAccount: 0x[0-9a-f]{64}\n/);
  assert.match(prompts[0]!, /may read as this account\. It cannot spend or change anything\.$/);
  assert.match(refused, /the wallet did not sign the permission to ask in your name: Cancelled/);
  assert.deepEqual(trouble, []);
});
