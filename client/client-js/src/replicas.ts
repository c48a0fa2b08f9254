/**
 * Asking several workers the same, and comparing: `client/client` `replicas`, rule for rule.
 *
 * At one final block all workers of a cluster have the same state, and a contract that reads nothing but its state,
 * its input and the block gives the same answer. Answers from two different blocks are no contradiction: then all are
 * asked again for the newest block that one of them had. Another answer does not prove lying, where the contract asks
 * the outside world, draws random numbers, or looks at the time or at who runs it; another *state* at the same block is never
 * honest.
 */

import { sr25519 } from "@polkadot-labs/hdkd-helpers";
import { Tries, backoffMs, isOfWorker, mayPass, type Cluster } from "./cluster.js";
import { QueryRefused, TooFewWorkers, WorkerError, type Failure } from "./errors.js";
import { equalBytes, fromHex, type Hex } from "./hex.js";
import { pause, within } from "./timing.js";
import { QueryError, receiptSignedBytes, type QueryRequest, type Receipt } from "./wire.js";
import type { AskOptions, Asked } from "./worker.js";

/** How often all are asked again because they answered from different blocks. */
const ALIGNMENTS_MAX = 6;
/** Blocks beyond what this client knows to be final that an answer may plausibly come from. */
const AHEAD_BLOCKS_MAX = 5;

/** How an answer stands to the majority's. */
export type ReplicaVerdict =
  /** It is the majority's. */
  | "agrees"
  /** From another block of the same number. Never honest on one chain. */
  | "anotherChain"
  /** From another state at the same block, or after the same mailbox entries. Never honest. */
  | "anotherState"
  /** Another answer from the same state at the same block. */
  | "anotherAnswer"
  /** From another block than the majority's, also after asking again: nothing can be said. */
  | "notComparable"
  /** No answer has a majority. */
  | "noMajority";

/** A worker's answer beside the others'. */
export interface Replica {
  worker: Hex;
  asked: Asked;
  verdict: ReplicaVerdict;
}

/** Two receipts that cannot both be right. */
export interface Contradiction {
  workers: [Hex, Hex];
  differ: ReplicaVerdict;
}

/** What several workers answered. */
export class Replicas {
  constructor(
    /** How many answers were wanted. */
    readonly wanted: number,
    /** How often all were asked. */
    readonly rounds: number,
    readonly replicas: Replica[],
    /** Who was asked and gave none. */
    readonly failures: Failure[],
  ) {}

  /** The answer of more than half of those that were wanted. */
  get majority(): Asked | undefined {
    return this.replicas.find((replica) => replica.verdict === "agrees")?.asked;
  }

  /** How many gave the majority's answer. */
  get agreed(): number {
    return this.replicas.filter((replica) => replica.verdict === "agrees").length;
  }

  /** Whether as many as were wanted answered, all the same. */
  get unanimous(): boolean {
    return this.agreed === this.wanted;
  }

  /** Those whose answer is not the majority's. */
  get dissenting(): Replica[] {
    return this.replicas.filter((replica) => replica.verdict !== "agrees");
  }

  /** Pairs of receipts, signatures checked, of which one at least is wrong, or the contract is no function of its state. */
  contradictions(): Contradiction[] {
    const signed = this.replicas.filter(({ asked }) => asked.reply.receipt && isReceiptSigned(asked.reply.receipt));
    return signed.flatMap((one, place) =>
      signed.slice(place + 1).flatMap((other) => {
        const differ = contradiction(one.asked, other.asked);
        return differ ? [{ workers: [one.worker, other.worker] as [Hex, Hex], differ }] : [];
      }),
    );
  }
}

/** Whether the worker that a receipt names signed it. Whether it is attested is for the chain to say. */
export function isReceiptSigned(receipt: Receipt): boolean {
  const message = receiptSignedBytes(receipt);
  try {
    return message !== undefined && sr25519.verify(receipt.signature, message, fromHex(receipt.body.worker, 32));
  } catch {
    return false;
  }
}

/** What must be the same where the state is the same: not the gas used, which tells of the engine's path. */
function isSameAnswer(one: Asked, other: Asked): boolean {
  const [a, b] = [one.reply.result, other.reply.result];
  if (!a.ok || !b.ok) {
    return !a.ok && !b.ok && equalBytes(QueryError.enc(a.error), QueryError.enc(b.error));
  }
  const isCostSame =
    a.value.gasRequired === b.value.gasRequired && a.value.storageDeposit === b.value.storageDeposit;
  return (
    a.value.flags === b.value.flags &&
    equalBytes(a.value.data, b.value.data) &&
    one.request.estimate === other.request.estimate &&
    (!one.request.estimate || isCostSame)
  );
}

/** In what two answers cannot both be right. */
export function contradiction(one: Asked, other: Asked): ReplicaVerdict | undefined {
  const [a, b] = [one.reply, other.reply];
  const isSameBlock = a.blockNumber === b.blockNumber;
  const entries = a.receipt?.body.nextNumber;
  const isSameEntries = entries !== undefined && b.receipt?.body.nextNumber === entries;
  if (isSameBlock && a.blockHash !== b.blockHash) return "anotherChain";
  if ((isSameBlock || isSameEntries) && a.stateRoot !== b.stateRoot) return "anotherState";
  if (isSameBlock && !isSameAnswer(one, other)) return "anotherAnswer";
  return undefined;
}

/** Answers that agree, each group by its places in `answers`. */
function groups(answers: Asked[]): number[][] {
  const found: number[][] = [];
  answers.forEach((answer, place) => {
    const group = found.find((members) =>
      members.every((member) => {
        const other = answers[member]!;
        return (
          other.reply.stateRoot === answer.reply.stateRoot &&
          isSameAnswer(other, answer) &&
          contradiction(other, answer) === undefined
        );
      }),
    );
    if (group) group.push(place);
    else found.push([place]);
  });
  return found;
}

/** How each answer stands to the majority's. */
export function judge(answers: Asked[], wanted: number): Replica[] {
  const majority = groups(answers).find((group) => 2 * group.length > wanted);
  const verdict = (asked: Asked, place: number): ReplicaVerdict => {
    if (!majority) return "noMajority";
    if (majority.includes(place)) return "agrees";
    for (const member of majority) {
      const differ = contradiction(asked, answers[member]!);
      if (differ) return differ;
    }
    return "notComparable";
  };
  return answers.map((asked, place) => ({ worker: asked.worker, asked, verdict: verdict(asked, place) }));
}

/**
 * The block to ask for so that all answers can be compared; `undefined` where they can be already. `missed` is how
 * often a demand was too high for the others.
 */
export function blockToAlign(answers: Asked[], known: number, missed: number): number | undefined {
  if (groups(answers).length < 2) return undefined;
  // A liar could name a block that will never be.
  const blocks = answers
    .map((asked) => asked.reply.blockNumber)
    .filter((block) => block <= known + AHEAD_BLOCKS_MAX)
    .sort((a, b) => b - a);
  if (blocks[0] === blocks.at(-1)) return undefined;
  return blocks[Math.min(missed, blocks.length - 1)];
}

/** See {@link Cluster.askReplicas}. @internal */
export async function askReplicas(
  cluster: Cluster,
  question: QueryRequest,
  wanted: number,
  options: AskOptions,
): Promise<Replicas> {
  await cluster.keepFresh();
  const have = cluster.candidates().length;
  if (have < wanted || wanted < 1) throw new TooFewWorkers(cluster.id, wanted, have);
  const floor = Math.max(question.minimumBlock, cluster.floor);
  const round = new Round(cluster, { ...question, minimumBlock: floor }, options);
  let answers = await round.gather(wanted);
  if (answers.length === 0) throw cluster.noneAnswered(round.tries);
  let rounds = 1;
  let missed = 0;
  // So that it can be told which blocks are plausible.
  if (blockToAlign(answers, Number.MAX_SAFE_INTEGER, 0) !== undefined) await cluster.refresh().catch(() => {});
  while (rounds <= ALIGNMENTS_MAX && round.leftMs() > 0) {
    const block = blockToAlign(answers, cluster.finalNumber, missed);
    if (block === undefined) break;
    rounds++;
    round.request = { ...round.request, minimumBlock: Math.max(block, floor) };
    const again = await round.askAll(answers.map((asked) => asked.worker));
    // Whoever does not answer now stands by its first answer.
    answers = answers.map((asked) => again.get(asked.worker)?.asked ?? asked);
    const isBehind = [...again.values()].some(
      ({ error }) => error instanceof QueryRefused && error.reason.tag === "BlockNotReached",
    );
    if (isBehind) missed++;
  }
  const replicas = judge(answers, wanted);
  for (const { verdict, asked } of replicas) {
    if (verdict === "agrees") cluster.noteAnswer(asked.worker, asked.reply.blockNumber);
  }
  return new Replicas(wanted, rounds, replicas, round.tries.failures);
}

interface Answered {
  asked?: Asked;
  error?: unknown;
}

/** One comparison that is going on. */
class Round {
  readonly tries = new Tries();
  private readonly until: number;

  constructor(
    private readonly cluster: Cluster,
    public request: QueryRequest,
    private readonly options: AskOptions,
  ) {
    this.until = Date.now() + cluster.patience.deadlineMs;
  }

  leftMs(): number {
    return this.until - Date.now();
  }

  /** Answers of up to `wanted` different workers; those that fail are replaced, and tried again last. */
  async gather(wanted: number): Promise<Asked[]> {
    const answers: Asked[] = [];
    let untried = this.cluster.candidates();
    let toRepeat: Hex[] = [];
    let round = 0;
    while (answers.length < wanted && this.leftMs() > 0) {
      if (untried.length === 0) {
        round++;
        if (toRepeat.length === 0 || round >= this.cluster.patience.rounds) break;
        await pause(backoffMs(round), this.options.signal);
        [untried, toRepeat] = [toRepeat, []];
      }
      const next = untried.splice(0, wanted - answers.length);
      for (const [worker, { asked, error }] of await this.askAll(next)) {
        this.tries.attempts++;
        if (asked) {
          this.tries.forget(worker);
          answers.push(asked);
          continue;
        }
        this.cluster.avoid(worker);
        if (mayPass(error)) toRepeat.push(worker);
        this.tries.note(worker, error);
      }
    }
    return answers;
  }

  /** Asks several workers at once. */
  async askAll(workers: Hex[]): Promise<Map<Hex, Answered>> {
    const leftMs = Math.max(this.leftMs(), 0);
    const one = async (worker: Hex): Promise<[Hex, Answered]> => {
      const controller = new AbortController();
      const late = () => new WorkerError(worker, "unreachable", `it does not answer within ${(leftMs / 1000).toFixed(1)} s`);
      try {
        const asking = this.cluster.askPatiently(worker, this.request, { ...this.options, signal: controller.signal });
        return [worker, { asked: await within(asking, leftMs, late, this.options.signal) }];
      } catch (error) {
        if (!isOfWorker(error)) throw error;
        return [worker, { error }];
      } finally {
        controller.abort();
      }
    };
    return new Map(await Promise.all(workers.map(one)));
  }
}
