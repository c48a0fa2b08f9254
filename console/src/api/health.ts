// What is wrong, and what to do about it: of the network at a glance, and of one worker.

import { clusterName, count, short, span } from "../ui/format";
import type { WorkerWord } from "./store";
import type { Cluster, Hex, NetworkIdentity, Snapshot, Worker } from "./model";

export type HealthTone = "good" | "warn" | "bad";

export interface Finding {
  tone: HealthTone | "info";
  text: string;
  cure: string | null;
  link: string | null;
}

/** Blocks without a new agreement, with entries waiting for one, from which on that is worth a word. */
const AGREEMENT_BLOCKS = 240;
/** A registration that ends sooner is worth a word, ms. */
const EXPIRY_SOON_MS = 3 * 24 * 3_600_000;

export function workerState(
  worker: Worker,
  word: WorkerWord | undefined,
  nowMs: number,
): { tone: HealthTone | "quiet"; text: string } {
  if (worker.suspension) return { tone: "bad", text: "Suspended" };
  if (worker.expiresMs <= nowMs) return { tone: "bad", text: "Expired" };
  if (!worker.measurementAllowed) return { tone: "bad", text: "Build not allowed" };
  if (worker.session?.state === "unresponsive") return { tone: "bad", text: "No heartbeat" };
  if (word?.error) return { tone: "warn", text: "Not reached" };
  if (word?.says?.serving) return { tone: "good", text: "Serving" };
  if (worker.joining) return { tone: "warn", text: "Joining" };
  if (worker.gatekeeper) return { tone: "good", text: "Guarding keys" };
  if (!worker.cluster) return { tone: "quiet", text: "Free" };
  if (word?.says) return { tone: "warn", text: "Not serving" };
  return { tone: "quiet", text: "Registered" };
}

/** What is wrong with a worker and what its operator does about it; empty when nothing is. */
export function workerFindings(worker: Worker, word: WorkerWord | undefined, nowMs: number, block: number): Finding[] {
  const findings: Finding[] = [];
  const find = (tone: Finding["tone"], text: string, cure: string) => findings.push({ tone, text, cure, link: null });
  if (worker.expiresMs <= nowMs) {
    find(
      "bad",
      `Its proof of hardware expired ${span(nowMs - worker.expiresMs)} ago.`,
      "Start the worker: it makes a new quote and registers again. Check that its operator account has money for the fee.",
    );
  } else if (worker.expiresMs - nowMs < EXPIRY_SOON_MS) {
    find(
      "warn",
      `Its proof of hardware expires in ${span(worker.expiresMs - nowMs)}.`,
      "A running worker renews it by itself. If it does not, look at its log and its collateral file.",
    );
  }
  if (!worker.measurementAllowed) {
    find(
      "bad",
      "The network does not allow its program any more.",
      "Install a build that the network allows and start it with --take-over-from, so that it keeps identity and keys.",
    );
  }
  if (worker.suspension) {
    find(
      "bad",
      `It reported another state than its cluster after entry ${worker.suspension.nextNumber}, so it must not serve.`,
      "Stop it, remove its state (not its keys) and start it: it takes the state over from its peers, and is released once it agrees.",
    );
  }
  if (worker.joining)
    find(
      "info",
      "It is catching up with its cluster.",
      "Nothing to do: it has a vote as soon as it reports an agreed state.",
    );
  if (word?.error)
    find(
      "warn",
      `This page does not reach it at ${worker.endpoints[0]}: ${word.error}.`,
      "Check that it runs, and that its address can be reached from outside.",
    );
  if (worker.endpoints.length === 0 && !worker.gatekeeper)
    find("warn", "It says no address, so no client finds it.", "Start it with --endpoint and its public URL.");
  if (word?.says && !word.says.serving && worker.cluster && !worker.joining && !worker.suspension) {
    find(
      "warn",
      "It runs, but answers no queries yet.",
      "It waits for its cluster's key or catches up. If that lasts, look at its log.",
    );
  }
  if (worker.session?.state === "unresponsive") {
    const { challenge } = worker.session;
    find(
      "bad",
      challenge
        ? `It did not answer the heartbeat of block ${challenge.block} by block ${challenge.deadline}. It earns nothing and loses value.`
        : "It does not answer heartbeats. It earns nothing and loses value.",
      "Start it, or repair its connection: the first answer ends this.",
    );
  } else if (worker.session?.challenge) {
    const left = worker.session.challenge.deadline - block;
    find(
      "info",
      `It is asked for a heartbeat, and has ${left > 0 ? count(left) : "no"} more block${left === 1 ? "" : "s"} to answer.`,
      "Nothing to do: it answers by itself.",
    );
  }
  if (worker.session && worker.session.owed > 0n)
    find(
      "info",
      "The subsidy pool owes it money.",
      "Anybody may claim it for the pool once the subsidy pool has money again.",
    );
  return findings;
}

export function networkFindings(
  snapshot: Snapshot,
  words: ReadonlyMap<Hex, WorkerWord>,
  identity: NetworkIdentity,
): Finding[] {
  const findings: Finding[] = [];
  const find = (tone: Finding["tone"], text: string, link: string | null, cure: string | null = null) =>
    findings.push({ tone, text, link, cure });
  for (const worker of snapshot.workers) {
    const href = `#/workers/${worker.id}`;
    if (worker.suspension)
      find("bad", `Worker ${short(worker.id)} computes something else than its cluster and is suspended.`, href);
    else if (worker.expiresMs <= snapshot.timeMs)
      find("warn", `The hardware proof of worker ${short(worker.id)} has expired.`, href);
    else if (!worker.measurementAllowed)
      find("warn", `Worker ${short(worker.id)} runs a program that is allowed no more.`, href);
    else if (words.get(worker.id)?.error) find("warn", `Worker ${short(worker.id)} is not reached from here.`, href);
    if (worker.session?.state === "unresponsive")
      find("warn", `Worker ${short(worker.id)} does not answer heartbeats.`, href);
  }
  for (const cluster of snapshot.clusters) {
    const finding = clusterFinding(cluster, snapshot);
    if (finding) findings.push(finding);
  }
  if (snapshot.gatekeepers.length === 0) find("bad", "The network has no gatekeeper: nobody hands out keys.", null);
  if (snapshot.gatekeepers.length === 1) {
    find(
      identity.development ? "info" : "warn",
      "One gatekeeper holds the whole key of the network.",
      `#/workers/${snapshot.gatekeepers[0]}`,
    );
  }
  if (identity.development)
    find(
      "info",
      "This is a development network: its hardware is simulated, nothing on it is confidential.",
      "#/network",
    );
  return findings;
}

function clusterFinding(cluster: Cluster, snapshot: Snapshot): Finding | null {
  const waiting = cluster.inboxNext - (cluster.agreed?.nextNumber ?? 0n);
  const since = snapshot.block - (cluster.agreed?.agreedAt ?? 0);
  if (cluster.workers.length === 0)
    return { tone: "bad", text: `${clusterName(cluster.id)} has no worker.`, cure: null, link: null };
  if (waiting <= 0n || since < AGREEMENT_BLOCKS) return null;
  return {
    tone: "warn",
    link: null,
    cure: null,
    text: `${clusterName(cluster.id)}: its workers have not agreed on a state for ${count(since)} blocks, ${waiting} entries wait.`,
  };
}

export function overall(findings: Finding[]): { tone: HealthTone; title: string } {
  const worst = (["bad", "warn"] as const).find((tone) => findings.some((finding) => finding.tone === tone));
  if (!worst) return { tone: "good", title: "The network is healthy" };
  const number = findings.filter((finding) => finding.tone === "bad" || finding.tone === "warn").length;
  const things = `${number} thing${number === 1 ? "" : "s"}`;
  return worst === "bad"
    ? { tone: "bad", title: `The network has a problem: ${things} to look at` }
    : { tone: "warn", title: `The network works, with ${things} to look at` };
}
