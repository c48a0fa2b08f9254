/** Failover, sessions and comparison, at workers over HTTP whose answers the tests write. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { accountFromSecret, accountFromSigner } from "../../src/account.js";
import { Cluster, backoffMs, type Patience } from "../../src/cluster.js";
import { Aborted, NoneAnswered, SigningRefused, TooFewWorkers, WorkerError } from "../../src/errors.js";
import type { Member } from "../../src/facts.js";
import { toHex } from "../../src/hex.js";
import { callRequest } from "../../src/request.js";
import { blockToAlign } from "../../src/replicas.js";
import { WorkerClient } from "../../src/worker.js";
import { CLUSTER, GENESIS, ScriptedWorker, says } from "../scripted-worker.js";
import { of32 } from "../fixtures.js";

let running: ScriptedWorker[] = [];

async function workers(count: number): Promise<ScriptedWorker[]> {
  running = await Promise.all(Array.from({ length: count }, (_, place) => ScriptedWorker.start(place + 1)));
  return running;
}

afterEach(async () => {
  await Promise.all(running.map((worker) => worker.stop().catch(() => {})));
  running = [];
});

const QUICK: Partial<Patience> = { silentMs: 100, behindMs: 200, deadlineMs: 10_000 };

function clusterOf(members: Member[], block = 100, patience = QUICK): Cluster {
  return Cluster.fromMembership(GENESIS, { cluster: CLUSTER, block: { number: block, hash: GENESIS }, members }, { patience });
}

const question = (options = {}) => callRequest(of32(9), Uint8Array.of(1, 2, 3, 4), options);

test("the same worker answers while it does, in one session", async () => {
  const all = await workers(3);
  const cluster = clusterOf(all.map((worker) => worker.member()));
  const first = await cluster.ask(question());
  for (let times = 0; times < 5; times++) assert.equal((await cluster.ask(question())).worker, first.worker);
  const asked = all.find((worker) => worker.id === first.worker)!;
  assert.equal(asked.opened, 1);
  assert.equal(asked.questions.length, 6);
  // A question demands what is proven, less one.
  assert.equal(asked.questions[0]!.minimumBlock, 99);
});

test("questions at once share a session, and numbers of their own", async () => {
  const [worker] = await workers(1);
  const cluster = clusterOf([worker!.member()]);
  await Promise.all(Array.from({ length: 10 }, () => cluster.ask(question())));
  assert.equal(worker!.opened, 1);
  assert.equal(worker!.questions.length, 10);
});

test("a worker that is gone, refuses, or damages answers is stood in for", async () => {
  for (const spoil of [
    (worker: ScriptedWorker) => worker.stop(),
    (worker: ScriptedWorker) => void (worker.conduct.status = 503),
    (worker: ScriptedWorker) => void (worker.conduct.damages = true),
    (worker: ScriptedWorker) => void (worker.conduct.hangs = true),
    (worker: ScriptedWorker) => void (worker.conduct.block = 10),
  ]) {
    const all = await workers(2);
    const cluster = clusterOf(all.map((worker) => worker.member()));
    const { worker: first } = await cluster.ask(question());
    await spoil(all.find((worker) => worker.id === first)!);
    const second = await cluster.ask(question());
    assert.notEqual(second.worker, first, String(spoil));
    await Promise.all(all.map((worker) => worker.stop().catch(() => {})));
  }
});

test("a worker that was started again gets a new session", async () => {
  const [worker] = await workers(1);
  const cluster = clusterOf([worker!.member()]);
  await cluster.ask(question());
  worker!.forgetSessions();
  await cluster.ask(question());
  assert.equal(worker!.opened, 2);
});

test("a worker's next URL is asked where one does not answer", async () => {
  const [worker] = await workers(1);
  const dead = await ScriptedWorker.start(9);
  const { url } = dead;
  await dead.stop();
  const cluster = clusterOf([worker!.member("serves", [url, worker!.url])]);
  assert.equal((await cluster.ask(question())).worker, worker!.id);
});

test("where none answers, each is named with its reason", async () => {
  const all = await workers(4);
  all[0]!.conduct.status = 400;
  all[1]!.conduct.damages = true;
  all[2]!.conduct.block = 50;
  const members = [...all.slice(0, 3).map((worker) => worker.member()), all[3]!.member("suspended")];
  await assert.rejects(clusterOf(members).ask(question()), (error: unknown) => {
    assert.ok(error instanceof NoneAnswered);
    assert.equal(error.failures.length, 4);
    const reason = (place: number) => error.failures.find(({ worker }) => worker === all[place]!.id)!.reason;
    assert.match(reason(0), /it refuses: so the script says/);
    assert.match(reason(1), /not made by the attested worker/);
    assert.match(reason(2), /it is behind: its last final block is 50/);
    assert.match(reason(3), /the chain has suspended it/);
    for (const { worker } of error.failures) assert.ok(error.message.includes(worker));
    return true;
  });
  await assert.rejects(clusterOf([]).ask(question()), /has no workers/);
});

test("attempts are bounded, and so is the time", async () => {
  const [worker] = await workers(1);
  worker!.conduct.status = 503;
  await assert.rejects(clusterOf([worker!.member()], 100, { ...QUICK, attempts: 2 }).ask(question()), (error: unknown) => {
    assert.ok(error instanceof NoneAnswered);
    assert.equal(error.attempts, 2);
    return true;
  });
  worker!.conduct = { block: 100, answer: says(0), hangs: true };
  const impatient = clusterOf([worker!.member()], 100, { deadlineMs: 50, silentMs: 10_000 });
  await assert.rejects(impatient.ask(question()), (error: unknown) => error instanceof NoneAnswered && error.deadlineMs === 50);
});

test("an error of the question is an answer, and no other worker is asked", async () => {
  const all = await workers(2);
  for (const worker of all) worker.conduct.answer = { ok: false, error: { tag: "Execution", value: "it trapped" } };
  const { reply } = await clusterOf(all.map((worker) => worker.member())).ask(question());
  assert.deepEqual(reply.result, { ok: false, error: { tag: "Execution", value: "it trapped" } });
  assert.equal(all[0]!.questions.length + all[1]!.questions.length, 1);
});

test("a worker that lies about its age or its receipt gives no answer", async () => {
  const [worker] = await workers(1);
  const client = new WorkerClient(GENESIS, worker!.member().record);
  const isOfKind = (kind: string) => (error: unknown) => error instanceof WorkerError && error.kind === kind;
  await assert.rejects(client.ask(question({ receipt: true })), isOfKind("receipt"));
  worker!.conduct.receipts = true;
  assert.ok((await client.ask(question({ receipt: true }))).reply.receipt);
  assert.ok((await client.askOnce(question({ receipt: true }), { account: accountFromSecret("//Alice") })).reply.receipt);
});

test("what was seen is not unseen, as far as it is proven", async () => {
  const [worker] = await workers(1);
  const cluster = clusterOf([worker!.member()], 200);
  worker!.conduct.block = 200;
  await cluster.ask(question());
  assert.equal(cluster.floor, 200);
  worker!.conduct.block = 5_000;
  await cluster.ask(question());
  // Beyond what is proven it would let a lying worker set a demand that nobody can meet.
  assert.equal(cluster.floor, 200);
});

test("a wallet is asked once for all workers, and its refusal is its own", async () => {
  const all = await workers(3);
  const alice = accountFromSecret("//Alice");
  let asked = 0;
  const wallet = accountFromSigner({
    kind: "sr25519",
    signer: alice.signer,
    signText: (text) => {
      asked++;
      assert.match(text, /^Phat query certificate\nNetwork: 0x07/);
      return alice.signText(text);
    },
  });
  const cluster = clusterOf(all.map((worker) => worker.member()));
  const replicas = await cluster.askReplicas(question(), 3, { account: wallet });
  assert.ok(replicas.unanimous);
  assert.ok(replicas.replicas.every(({ asked: one }) => one.origin === alice.id));
  assert.equal(asked, 1);
  const unwilling = accountFromSigner({
    kind: "sr25519",
    signer: alice.signer,
    signText: () => Promise.reject(new Error("Cancelled")),
  });
  // One that has no session and no certificate of the account yet.
  const other = clusterOf(all.map((worker) => worker.member()));
  await assert.rejects(other.ask(question(), { account: unwilling }), SigningRefused);
  await assert.rejects(other.askReplicas(question(), 2, { account: unwilling }), SigningRefused);
  // A wallet that signs with another key would only be found out by the worker.
  const wrong = accountFromSigner({ kind: "sr25519", signer: alice.signer, signText: (text) => accountFromSecret("//Bob").signText(text) });
  await assert.rejects(other.ask(question(), { account: wrong }), /not that of the account/);
});

test("who gives up waits no longer", async () => {
  const [worker] = await workers(1);
  worker!.conduct.hangs = true;
  const cluster = clusterOf([worker!.member()], 100, { ...QUICK, silentMs: 10_000 });
  const controller = new AbortController();
  const asking = cluster.ask(question(), { signal: controller.signal });
  controller.abort();
  await assert.rejects(asking, Aborted);
});

test("replicas that agree do, and who differs is named", async () => {
  const all = await workers(4);
  const cluster = clusterOf(all.map((worker) => worker.member()));
  for (const worker of all) worker.conduct.receipts = true;
  const agreed = await cluster.askReplicas(question({ receipt: true }), 3);
  assert.ok(agreed.unanimous && agreed.majority);
  assert.deepEqual(agreed.contradictions(), []);
  // One nonce, sealed to each.
  assert.equal(new Set(agreed.replicas.map(({ asked }) => asked.request.nonce)).size, 1);

  const cases = [
    ["anotherAnswer", { answer: says(1) }],
    ["anotherState", { stateRoot: of32(1) }],
    ["anotherChain", { blockHash: of32(1) }],
  ] as const;
  for (const [verdict, differing] of cases) {
    for (const worker of all) worker.conduct = { block: 100, answer: says(0), receipts: true };
    Object.assign(all[2]!.conduct, differing);
    const three = clusterOf(all.slice(0, 3).map((worker) => worker.member()));
    const replicas = await three.askReplicas(question({ receipt: true }), 3);
    assert.equal(replicas.agreed, 2, verdict);
    assert.deepEqual(replicas.dissenting.map(({ worker, verdict: found }) => [worker, found]), [[all[2]!.id, verdict]]);
    const contradicting = replicas.contradictions();
    assert.equal(contradicting.length, 2, verdict);
    assert.ok(contradicting.every(({ workers: pair, differ }) => pair.includes(all[2]!.id) && differ === verdict));
  }
});

test("without a majority there is none", async () => {
  const all = await workers(2);
  all[1]!.conduct.answer = says(1);
  const replicas = await clusterOf(all.map((worker) => worker.member())).askReplicas(question(), 2);
  assert.equal(replicas.majority, undefined);
  assert.deepEqual(replicas.replicas.map(({ verdict }) => verdict), ["noMajority", "noMajority"]);
});

test("answers from different blocks are asked for again, at the newest", async () => {
  const all = await workers(2);
  const [one, other] = all as [ScriptedWorker, ScriptedWorker];
  one.conduct = { block: 101, answer: says(1) };
  other.conduct = { block: 100, answer: says(0) };
  const cluster = clusterOf(all.map((worker) => worker.member()));
  const asking = cluster.askReplicas(question(), 2);
  // It follows while it is waited for.
  while (other.questions.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  other.conduct = { block: 101, answer: says(1) };
  const replicas = await asking;
  assert.ok(replicas.unanimous, JSON.stringify(replicas.replicas.map(({ verdict }) => verdict)));
  assert.ok(replicas.rounds > 1);
});

test("one that fails is replaced, and more than there are cannot be asked", async () => {
  const all = await workers(3);
  all[0]!.conduct.status = 400;
  const cluster = clusterOf(all.map((worker) => worker.member()));
  const replicas = await cluster.askReplicas(question(), 2);
  assert.ok(replicas.unanimous);
  await assert.rejects(cluster.askReplicas(question(), 4), TooFewWorkers);
  await assert.rejects(cluster.askReplicas(question(), 0), TooFewWorkers);
});

test("a liar's block is not asked for", async () => {
  const all = await workers(2);
  all[1]!.conduct = { block: 1_000_000, answer: says(1) };
  const replicas = await clusterOf(all.map((worker) => worker.member())).askReplicas(question(), 2);
  assert.equal(replicas.rounds, 1);
  assert.equal(blockToAlign(replicas.replicas.map(({ asked }) => asked), 100, 0), undefined);
});

test("pauses grow and differ", () => {
  const all = Array.from({ length: 64 }, () => backoffMs(3));
  assert.ok(all.every((pause) => pause >= 300 && pause <= 900));
  assert.ok(new Set(all).size > 1);
  assert.ok(toHex(Uint8Array.of(1)) === "0x01");
});
