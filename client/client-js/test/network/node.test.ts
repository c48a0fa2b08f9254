/** The whole way against a real network, from Node.js. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import {
  AnotherNetwork,
  Chain,
  ChainUnreachable,
  Cluster,
  Contract,
  ContractFailed,
  ContractFile,
  ContractRefused,
  NoneAnswered,
  NotFound,
  QueryRefused,
  SigningRefused,
  TooFewWorkers,
  TransactionRefused,
  WorkerClient,
  accountFromSecret,
  accountFromSigner,
  callRequest,
  deploy,
  fetchWorkerInfo,
  generateSecret,
  isReceiptSigned,
  toHex,
  transactions,
  verifyReceipt,
  type Hex,
} from "../../src/index.js";
import { ROOT } from "../fixtures.js";
import { BALLOT, Network, missing, phat } from "./network.js";

const run = promisify(execFile);

const skip = missing();
const alice = accountFromSecret("//Alice");
const bob = accountFromSecret("//Bob");
const nobody: Hex = `0x${"99".repeat(32)}`;

let network: Network;
let chain: Chain;
let contract: Contract;
let file: ContractFile;

interface Tally {
  votes: [string, bigint][];
  reported: number;
  closed: boolean;
}

before(async () => {
  if (skip) return;
  network = await Network.start(29_944, 2);
  chain = await Chain.connect(network.info.node, { genesis: network.info.genesis });
  file = ContractFile.parse(readFileSync(BALLOT));
});

after(async () => {
  chain?.close();
  await network?.stop();
});

test("a node of another network, and no node, are told apart", { skip }, async () => {
  await assert.rejects(Chain.connect(network.info.node, { genesis: nobody }), AnotherNetwork);
  await assert.rejects(Chain.connect("ws://127.0.0.1:9", { timeoutMs: 1500 }), ChainUnreachable);
  await assert.rejects(Chain.connect("http://127.0.0.1:9"), /starts with ws/);
});

test("the chain is read with proofs", { skip }, async () => {
  const clusters = await chain.clusters();
  const cluster = clusters.value.find(({ id }) => id === network.info.cluster)!;
  const serving = network.info.workers.filter(({ role }) => role !== "gatekeeper").map(({ worker }) => worker);
  assert.deepEqual([...cluster.workers].sort(), [...serving].sort());
  assert.equal(cluster.permission, "public");
  const workers = await chain.workers();
  assert.equal(workers.value.length, network.info.workers.length);
  const membership = await chain.membership(network.info.cluster);
  assert.ok(membership.members.every(({ standing }) => standing === "serves"));
  for (const { worker, url } of network.info.workers.filter(({ role }) => role !== "gatekeeper")) {
    const { value, block } = await chain.worker(worker);
    assert.deepEqual(value.endpoints.map((one) => one.replace(/\/$/, "")), [url.replace(/\/$/, "")]);
    assert.equal(value.root, "Development");
    assert.equal(await chain.hashOf(block.number), block.hash);
    assert.equal((await fetchWorkerInfo(url)).worker, worker);
  }
  await assert.rejects(chain.worker(nobody), NotFound);
  await assert.rejects(chain.contract(nobody), NotFound);
  await assert.rejects(chain.membership(nobody), NotFound);
  await assert.rejects(Cluster.ofContract(chain, nobody), NotFound);
});

test("proofs go on from the last one, and survive that the chain did not", { skip }, async () => {
  const first = await chain.finalBlock();
  const second = await chain.finalBlock();
  assert.ok(second.number >= first.number);
  for (let times = 0; times < 5; times++) await chain.finalBlock();
});

test("a contract is deployed, with arguments that are checked before anything is sent", { skip }, async () => {
  const args = [alice.address, ["Ada", "Grace"], [[1, alice.address], [2, bob.address]]];
  await assert.rejects(deploy(chain, file, { account: alice, args: [alice.address, "Ada", []] }), /argument candidates/);
  await assert.rejects(deploy(chain, file, { account: alice, args: [alice.address, [], []] }), ContractRefused);
  const steps: string[] = [];
  const deployed = await deploy(chain, file, {
    account: alice,
    constructorName: "new",
    args,
    onProgress: ({ step }) => steps.push(step),
  });
  contract = deployed.contract;
  assert.ok(steps.includes("try") && steps.at(-1) === "wait for keys", steps.join());
  const record = await chain.contract(contract.id);
  assert.equal(record.value.deployer, alice.address);
  assert.ok(record.value.hpkeKey);
  const all = await chain.contracts(network.info.cluster);
  assert.ok(all.value.some(({ id }) => id === contract.id));
});

test("questions are answered, as who asks", { skip }, async () => {
  await assert.rejects(contract.query("tally"), (error: unknown) => {
    assert.ok(error instanceof ContractRefused);
    assert.equal(error.error, "StillOpen");
    return true;
  });
  const tally = await contract.query<Tally>("tally", [], { account: alice });
  assert.deepEqual(tally.value.votes, [["Ada", 0n], ["Grace", 0n]]);
  assert.equal(tally.value.closed, false);
  const ed = accountFromSecret("//Alice", { kind: "ed25519" });
  await assert.rejects(contract.query("tally", [], { account: ed }), ContractRefused);
  await assert.rejects(contract.query("nothing"), /there is no message nothing/);
  await assert.rejects(contract.query("my_report", [-1], { account: alice }), /whole number from 0/);
});

test("commands are sealed, run, and their errors told", { skip }, async () => {
  const done = await contract.call("report", [1, [120, 95]], { account: alice });
  assert.equal(done.value, null);
  assert.ok(done.gasConsumed > 0n);
  // What one's own command changed is seen, at whichever worker.
  const report = await contract.query<{ votes: bigint[] }>("my_report", [1], { account: alice });
  assert.deepEqual(report.value.votes, [120n, 95n]);
  await assert.rejects(contract.call("report", [1, [1, 2]], { account: alice }), (error: unknown) => {
    assert.ok(error instanceof ContractRefused);
    assert.equal(error.error, "AlreadyReported");
    return true;
  });
  const estimate = await contract.estimate("report", [2, [1, 2]], { account: bob });
  assert.ok(estimate.gasRequired > 0n);
  // Two at once: both get in.
  const both = await Promise.all([
    contract.call("report", [2, [7, 8]], { account: bob }),
    contract.query<Tally>("tally", [], { account: alice }),
  ]);
  assert.equal(both[0].value, null);
  await contract.call("close", [], { account: alice });
});

test("an answer becomes a receipt file that holds here and in Rust", { skip }, async () => {
  const tally = await contract.query<Tally>("tally", [], { receipt: true });
  assert.equal(tally.value.reported, 2);
  assert.ok(tally.receipt && isReceiptSigned(tally.receipt));
  const bytes = await contract.receiptFile(tally);
  const verdict = await verifyReceipt(bytes, { genesis: network.info.genesis });
  assert.ok(verdict.holds, JSON.stringify(verdict));
  const path = join(mkdtempSync(join(tmpdir(), "phat-js-receipt-")), "tally.json");
  writeFileSync(path, bytes);
  const said = JSON.parse(await phat("--json", "--genesis", network.info.genesis, "receipt", "verify", path)) as object;
  assert.ok(said);
  const altered = JSON.parse(new TextDecoder().decode(bytes)) as { answer: string };
  altered.answer = altered.answer.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
  const refused = await verifyReceipt(new TextEncoder().encode(JSON.stringify(altered)), { genesis: network.info.genesis });
  assert.equal(refused.holds, false);
  assert.ok(refused.failed && refused.reason);
  const elsewhere = await verifyReceipt(bytes, { genesis: nobody });
  assert.equal(elsewhere.failed, "network");
});

test("replicas agree, and their receipts do not contradict each other", { skip }, async () => {
  const tally = await contract.query<Tally>("tally", [], { replicas: 2, receipt: true });
  assert.ok(tally.replicas?.unanimous, JSON.stringify(tally.replicas?.failures));
  assert.equal(new Set(tally.replicas.replicas.map(({ worker }) => worker)).size, 2);
  assert.deepEqual(tally.replicas.contradictions(), []);
  await assert.rejects(contract.query("tally", [], { replicas: 9 }), TooFewWorkers);
});

test("one worker alone can be asked, also without a session", { skip }, async () => {
  const { members } = contract.cluster.membership;
  const worker = new WorkerClient(chain.genesis, members[0]!.record);
  const request = callRequest(contract.id, file.encode("tally"));
  assert.ok((await worker.askOnce(request)).reply.result.ok);
  const asked = await worker.ask(callRequest(contract.id, file.encode("my_report", [1])), { account: alice });
  assert.equal(asked.origin, alice.id);
  assert.ok(asked.reply.result.ok);
  const missingContract = await worker.ask(callRequest(nobody, file.encode("tally")));
  assert.ok(!missingContract.reply.result.ok && missingContract.reply.result.error.tag === "ContractNotFound");
});

test("a worker that hangs is stood in for", { skip }, async () => {
  const cluster = await Cluster.ofContract(chain, contract.id, { patience: { silentMs: 300 } });
  const own = new Contract(chain, cluster, contract.id, file);
  const first = await own.query<Tally>("tally");
  const thaw = network.freeze(first.worker);
  try {
    const second = await own.query<Tally>("tally");
    assert.notEqual(second.worker, first.worker);
    assert.deepEqual(second.value, first.value);
    const alone = await Cluster.ofContract(chain, contract.id, { only: first.worker, patience: { silentMs: 300 } });
    await assert.rejects(new Contract(chain, alone, contract.id, file).query("tally"), (error: unknown) => {
      assert.ok(error instanceof NoneAnswered, String(error));
      assert.match(error.failures[0]!.reason, /has said nothing/);
      return true;
    });
  } finally {
    thaw();
  }
});

test("stake is set, seen and taken back", { skip }, async () => {
  const amount = 100n * 10n ** 12n;
  await contract.setStake(alice, amount);
  const staked = async () => (await contract.stakes(alice)).value;
  // What is proven may be a block behind what was included.
  while ((await staked()).own !== amount) await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal((await staked()).total, amount);
  await contract.setStake(alice, 0n);
  assert.ok((await chain.balance(alice.id)).free > 0n);
  assert.ok((await chain.estimateFee(alice, transactions.adjustStake(contract.id, amount))) > 0n);
});

test("logs are the owner's", { skip }, async () => {
  const { records } = await contract.logs(alice, { count: 10 });
  assert.ok(Array.isArray(records));
  assert.deepEqual((await contract.logs(accountFromSecret(generateSecret()))).records.length, 0);
});

test("transactions that cannot be are refused with the reason", { skip }, async () => {
  const poor = accountFromSecret(generateSecret());
  await assert.rejects(chain.submit(poor, transactions.adjustStake(contract.id, 1n)), (error: unknown) => {
    assert.ok(error instanceof TransactionRefused, String(error));
    assert.match(error.message, /cannot pay/);
    return true;
  });
  await assert.rejects(chain.submit(alice, transactions.adjustStake(contract.id, 1n)), (error: unknown) => {
    assert.ok(error instanceof TransactionRefused, String(error));
    assert.match(error.message, /PhalaPhatTokenomic\.InvalidAmountOfStake/);
    return true;
  });
  await assert.rejects(chain.submit(alice, transactions.call("Nothing", "here")), TransactionRefused);
  const unwilling = accountFromSigner({
    kind: "sr25519",
    signer: {
      publicKey: alice.signer.publicKey,
      signTx: () => Promise.reject(new Error("Cancelled")),
      signBytes: () => Promise.reject(new Error("Cancelled")),
    },
  });
  await assert.rejects(chain.submit(unwilling, transactions.transfer(bob.id, 1n)), SigningRefused);
  const anew = await Contract.at(chain, contract.id, file);
  await assert.rejects(anew.query("tally", [], { account: unwilling }), SigningRefused);
});

test("who gives up is heard", { skip }, async () => {
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(contract.query("tally", [], { signal: controller.signal }), { code: "aborted" });
  const soon = AbortSignal.timeout(1);
  await assert.rejects(contract.call("close", [], { account: alice, signal: soon }), { code: "aborted" });
});

test("what the cluster has for an account, and an outcome of another account", { skip }, async () => {
  assert.equal(typeof (await contract.cluster.balanceOf(alice.id)), "bigint");
  await assert.rejects(
    contract.cluster.client(contract.cluster.candidates()[0]!).outcome(bob, 0n),
    (error: unknown) => error instanceof QueryRefused && error.reason.tag === "OutcomeNotFound",
  );
  assert.ok(ContractFailed && toHex);
});

test("a contract has types, once they are generated", { skip, timeout: 300_000 }, async () => {
  const folder = join(ROOT, "client/client-js/build/typed");
  mkdirSync(folder, { recursive: true });
  await phat("codegen", BALLOT, "--output", join(folder, "ballot.ts"));
  copyFileSync(join(ROOT, "client/client-js/test/network/typed.ts.txt"), join(folder, "typed.ts"));
  const options = ["--target", "es2022", "--module", "nodenext", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck"];
  await run(process.execPath, [join(ROOT, "client/client-js/node_modules/typescript/bin/tsc"), ...options, join(folder, "typed.ts")]);
  const { story } = (await import(join(folder, "typed.js"))) as {
    story(node: string, code: string): Promise<{ votes: [string, bigint][]; order: number }>;
  };
  const { votes, order } = await story(network.info.node, readFileSync(BALLOT, "utf8"));
  assert.deepEqual(votes, [["Ada", 3n], ["Grace", 4n]]);
  assert.equal(order, 1);
});

test("the example runs", { skip, timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "phat-js-example-"));
  const example = join(ROOT, "client/client-js/examples/ballot.mjs");
  const { stdout } = await run(process.execPath, [example, BALLOT], {
    cwd: folder,
    env: { ...process.env, PHAT_NODE: network.info.node },
  });
  assert.match(stdout, /Bob asks too early: StillOpen/);
  assert.match(stdout, /2 of 2 workers agree/);
  assert.match(stdout, /the receipt holds: tally\.json/);
});

test("blocks are told as they come", { skip }, async () => {
  const seen: number[] = [];
  await new Promise<void>((resolve) => {
    const end = chain.onBlocks(({ best, final }) => {
      assert.ok(best.number >= final.number);
      seen.push(final.number);
      if (seen.length < 3) return;
      queueMicrotask(() => end());
      resolve();
    });
  });
  const properties = await chain.properties();
  assert.equal(properties.tokenSymbol, "PHA");
  assert.ok((await chain.finalNumber()) > 0);
});
