/**
 * A cluster as its clients see it: which workers it has, whom to ask first, how new answers must be.
 *
 * The rules are those of `client/client` and docs/protocol/query.md. What counts as an answer is what the
 * attested worker has sealed; whatever else comes may be anybody's doing, and the next worker is asked. Each client
 * has an order of its own over the workers, and stays with who answered last. Answers must be as new as the
 * newest block that is proven to be final, less one, and as what this client has seen before.
 */

import type { Account } from "./account.js";
import { SessionKeys } from "./certificate.js";
import type { Chain } from "./chain.js";
import { systemContractId } from "./domain.js";
import { Aborted, NoneAnswered, PhatError, QueryRefused, WorkerError, type Failure } from "./errors.js";
import { STANDING_TEXT, type Membership, type Standing } from "./facts.js";
import { concat, normalHex, type Hex } from "./hex.js";
import { askReplicas, type Replicas } from "./replicas.js";
import { callRequest, loggerRequest } from "./request.js";
import { DecodeError, decodeAll, hex32, result, u128, u8, type Codec } from "./scale.js";
import { pause, within, type Waiting } from "./timing.js";
import { WorkerClient, type AskOptions, type Asked } from "./worker.js";
import { ANSWER_BYTES_MAX, type QueryRequest } from "./wire.js";

export type { AskOptions } from "./worker.js";

/** How many blocks behind what is known to be final a worker may answer from. */
const SLACK_BLOCKS = 1;
/** Age of what is known of the chain from which on it is read anew, beside the questions. */
const REFRESH_AFTER_MS = 3_000;
/** Age from which on a question waits for that, and how long. */
const REFRESH_FIRST_AFTER_MS = 30_000;
const REFRESH_TIMEOUT_MS = 5_000;
/** How long a worker that failed is asked after all others. */
const AVOIDED_FOR_MS = 10_000;
/** Pause between two questions to a worker that is a little behind. */
const BEHIND_POLL_MS = 50;
/** Blocks behind the demand beyond which a worker is not waited for. */
const BEHIND_BLOCKS_MAX = 20;
/** Pause after the workers were gone through once, in the mean; it doubles. */
const BACKOFF_MS = 150;

/** How long and how often is asked. */
export interface Patience {
  /** For one question in all, milliseconds. */
  deadlineMs: number;
  /** Attempts for one question in all, over all workers. */
  attempts: number;
  /** How often the workers are gone through. */
  rounds: number;
  /** How long a worker that is a little behind is waited for. */
  behindMs: number;
  /** How long a worker may say nothing before it is asked whether it is there at all. */
  silentMs: number;
}

const DEFAULT_PATIENCE: Patience = { deadlineMs: 40_000, attempts: 12, rounds: 4, behindMs: 2_000, silentMs: 3_000 };

/** How to treat a cluster. */
export interface ClusterOptions extends Waiting {
  patience?: Partial<Patience>;
  /** Asks this worker and no other. */
  only?: Hex;
  /** Takes answers from any block that the question itself allows, however old. */
  anyBlock?: boolean;
}

/** Selectors of the system contract: `core/contract-abi` `system`. */
const FREE_BALANCE_OF = Uint8Array.of(0x8a, 0x0d, 0x40, 0xd7);

/** What was tried for one question. */
export class Tries {
  readonly failures: Failure[] = [];
  attempts = 0;

  /** Keeps a worker's last reason. */
  note(worker: Hex, error: unknown): void {
    const reason = reasonOf(error);
    const known = this.failures.find((failure) => failure.worker === worker);
    if (known) known.reason = reason;
    else this.failures.push({ worker, reason });
  }

  /** The worker has answered after all. */
  forget(worker: Hex): void {
    const place = this.failures.findIndex((failure) => failure.worker === worker);
    if (place >= 0) this.failures.splice(place, 1);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof WorkerError) return error.reason;
  if (error instanceof QueryRefused && error.reason.tag === "BlockNotReached") {
    return `it is behind: its last final block is ${error.reason.value.have}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Whether another worker may be asked after this: not where the person or this program is at fault. */
export function isOfWorker(error: unknown): boolean {
  return error instanceof WorkerError || error instanceof QueryRefused;
}

/** Whether the same worker may answer soon. One that hangs has had its time. */
export function mayPass(error: unknown): boolean {
  if (error instanceof QueryRefused) return true;
  if (!(error instanceof WorkerError)) return false;
  if (error.kind === "unreachable") return true;
  const status = error.status ?? 0;
  return error.kind === "refused" && (status === 408 || status === 410 || status >= 500);
}

/** The pause before a round, from half to one and a half times the mean, so that clients spread. */
export function backoffMs(round: number): number {
  return BACKOFF_MS * Math.min(2 ** Math.max(round - 1, 0), 16) * (0.5 + Math.random());
}

/** A cluster's workers, each of which can stand in for the others. */
export class Cluster {
  private view: Membership;
  private readAt = Date.now();
  private triedAt = Date.now();
  /** This client's order. */
  private readonly ranks = new Map<Hex, number>();
  /** Who answered last. */
  private preferred: Hex | undefined;
  /** Who failed, and when. */
  private readonly avoided = new Map<Hex, number>();
  private readonly clients = new Map<Hex, WorkerClient>();
  private readonly sessionKeys: SessionKeys;
  /** Newest block that an answer came from, and newest final block by the node's word where that was asked for. */
  private seen = 0;
  private nodeSays = 0;
  private onlyWorker: Hex | undefined;
  private readonly anyBlock: boolean;
  /** How long and how often is asked. */
  patience: Patience;

  private constructor(
    private readonly chain: Chain | undefined,
    /** Which network. */
    readonly genesis: Hex,
    membership: Membership,
    options: ClusterOptions,
  ) {
    this.view = membership;
    this.sessionKeys = new SessionKeys(genesis);
    this.patience = { ...DEFAULT_PATIENCE, ...options.patience };
    this.anyBlock = options.anyBlock ?? false;
    if (options.only !== undefined) this.only(options.only);
  }

  /** A cluster, by one proven read. */
  static async open(chain: Chain, cluster: Hex, options: ClusterOptions = {}): Promise<Cluster> {
    return new Cluster(chain, chain.genesis, await chain.membership(cluster, options), options);
  }

  /** The cluster where a contract lives, by one proven read. */
  static async ofContract(chain: Chain, contract: Hex, options: ClusterOptions = {}): Promise<Cluster> {
    return new Cluster(chain, chain.genesis, await chain.membershipOfContract(contract, options), options);
  }

  /** A cluster whose workers the caller has proven, and proves anew ({@link Cluster.renew}). */
  static fromMembership(genesis: Hex, membership: Membership, options: ClusterOptions = {}): Cluster {
    return new Cluster(undefined, genesis, membership, options);
  }

  /** Which cluster. */
  get id(): Hex {
    return this.view.cluster;
  }

  /** Its workers as last proven. */
  get membership(): Membership {
    return this.view;
  }

  /** The newest block that is proven to be final. */
  get finalNumber(): number {
    return this.view.block.number;
  }

  /** The oldest block that answers may come from. */
  get floor(): number {
    if (this.anyBlock) return 0;
    const known = this.finalNumber;
    // What was seen is a worker's word; beyond what is proven it would let a lying one set a demand that nobody can
    // meet.
    return Math.max(known - SLACK_BLOCKS, Math.min(this.seen, known), this.nodeSays);
  }

  /**
   * Asks this worker and no other.
   *
   * @throws PhatError where it is none of the cluster's
   */
  only(worker: Hex): void {
    const id = normalHex(worker, 32);
    if (!this.view.members.some((member) => member.record.worker === id)) {
      const known = this.view.members.map((member) => member.record.worker).join(", ");
      throw new PhatError("notFound", `worker ${id} is not of cluster ${this.id}; there are: ${known}`);
    }
    this.onlyWorker = id;
  }

  /** Sets how long and how often is asked. */
  setPatience(patience: Partial<Patience>): void {
    this.patience = { ...this.patience, ...patience };
  }

  /**
   * From here on wants all that is final by the node's word, which may be a block or two more than it proves. A
   * node that lies can only raise the demand, and so be of no use.
   */
  async demandNewest(waiting: Waiting = {}): Promise<void> {
    if (this.chain) this.nodeSays = Math.max(this.nodeSays, await this.chain.finalNumber(waiting));
  }

  /** A newer proven list of workers. */
  renew(membership: Membership): void {
    // Reads may overtake one another.
    if (membership.block.number < this.view.block.number) return;
    this.view = membership;
    this.readAt = Date.now();
  }

  /** Reads the chain anew, and waits for that. Where that fails, what was known stays. */
  async refresh(waiting: Waiting = {}): Promise<void> {
    if (!this.chain) return;
    this.triedAt = Date.now();
    const late = () => new PhatError("node", "the node does not answer in time");
    this.renew(await within(this.chain.membership(this.id), REFRESH_TIMEOUT_MS, late, waiting.signal));
  }

  /** Sees to it that what is known of the chain is not old; waits only where it is very old. */
  async keepFresh(): Promise<void> {
    if (!this.chain) return;
    const now = Date.now();
    const [age, tried] = [now - this.readAt, now - this.triedAt];
    if (tried <= REFRESH_AFTER_MS) return;
    // The workers may answer even where this node does not.
    const refreshed = this.refresh().catch(() => {});
    if (age > REFRESH_FIRST_AFTER_MS && tried > REFRESH_FIRST_AFTER_MS) await refreshed;
  }

  /** This client has seen the state at `block`: it wants no older answers, from no worker. */
  async hasSeen(block: number): Promise<void> {
    this.seen = Math.max(this.seen, block);
    if (this.seen > this.finalNumber) await this.refresh().catch(() => {});
  }

  /** @internal */
  noteAnswer(worker: Hex, block: number): void {
    this.preferred = worker;
    this.avoided.delete(worker);
    this.seen = Math.max(this.seen, block);
  }

  /** @internal */
  avoid(worker: Hex): void {
    this.avoided.set(worker, Date.now());
    if (this.preferred === worker) this.preferred = undefined;
  }

  /** Asks another worker next. */
  turnToAnother(): void {
    const [first] = this.candidates();
    if (first !== undefined) this.avoid(first);
  }

  /** Workers that may be asked, in this client's order. */
  candidates(): Hex[] {
    const now = Date.now();
    const rank = (worker: Hex): [number, number, number] => {
      const since = this.avoided.get(worker);
      const avoided = since !== undefined && now - since < AVOIDED_FOR_MS;
      let place = this.ranks.get(worker);
      if (place === undefined) this.ranks.set(worker, (place = Math.random()));
      return [Number(avoided), Number(this.preferred !== worker), place];
    };
    return this.view.members
      .filter((member) => member.standing === "serves")
      .map((member) => member.record.worker)
      .filter((worker) => this.onlyWorker === undefined || worker === this.onlyWorker)
      .map((worker) => ({ worker, rank: rank(worker) }))
      .sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1] || a.rank[2] - b.rank[2])
      .map(({ worker }) => worker);
  }

  private others(): { worker: Hex; standing: Standing }[] {
    return this.view.members
      .map(({ record, standing }) => ({ worker: record.worker, standing }))
      .filter(({ standing }) => standing !== "serves")
      .filter(({ worker }) => this.onlyWorker === undefined || worker === this.onlyWorker);
  }

  /** The client of a worker, with its session; made anew where the chain has other facts of it by now. */
  client(worker: Hex): WorkerClient {
    const record = this.view.members.find((member) => member.record.worker === worker)?.record;
    if (!record) throw new WorkerError(worker, "noEndpoint", "it is not of the cluster any more");
    const kept = this.clients.get(worker);
    if (kept?.isOf(record)) return kept;
    const made = new WorkerClient(this.genesis, record, this.sessionKeys);
    this.clients.set(worker, made);
    return made;
  }

  /** Mailbox entries that the worker which is asked next has run, by its own word. */
  async nextNumber(waiting: Waiting = {}): Promise<bigint | undefined> {
    const [first] = this.candidates();
    if (first === undefined) return undefined;
    const found = await this.client(first).nextNumber(waiting);
    if (found === undefined) this.avoid(first);
    return found;
  }

  /**
   * Asks one worker after the other until one answers, the one that answered last time first. The question demands a
   * state that is new enough ({@link Cluster.floor}). An error of the contract or the query is inside the answer.
   *
   * @throws NoneAnswered, which names each worker with its reason
   */
  async ask(question: QueryRequest, options: AskOptions = {}): Promise<Asked> {
    await this.keepFresh();
    const request = { ...question, minimumBlock: Math.max(question.minimumBlock, this.floor) };
    const { deadlineMs } = this.patience;
    const tries = new Tries();
    const controller = new AbortController();
    const inTurn = this.askInTurn(request, { ...options, signal: controller.signal }, tries);
    const late = () => this.noneAnswered(tries, deadlineMs);
    try {
      const asked = await within(inTurn, deadlineMs, late, options.signal);
      if (asked) return asked;
    } finally {
      controller.abort();
    }
    throw this.noneAnswered(tries);
  }

  /** @internal */
  noneAnswered(tries: Tries, deadlineMs?: number): NoneAnswered {
    const unasked = this.others().map(({ worker, standing }) => ({ worker, reason: STANDING_TEXT[standing] }));
    return new NoneAnswered(this.id, tries.attempts, [...tries.failures, ...unasked], deadlineMs);
  }

  private async askInTurn(request: QueryRequest, options: AskOptions, tries: Tries): Promise<Asked | undefined> {
    const { rounds, attempts } = this.patience;
    for (let round = 0; round < rounds; round++) {
      if (round > 0) await pause(backoffMs(round), options.signal);
      // Workers come and go, and move.
      if (round === 1) await this.refresh().catch(() => {});
      let again = false;
      for (const worker of this.candidates()) {
        if (tries.attempts >= attempts) return undefined;
        tries.attempts++;
        try {
          const asked = await this.askPatiently(worker, request, options);
          this.noteAnswer(worker, asked.reply.blockNumber);
          return asked;
        } catch (error) {
          if (!isOfWorker(error)) throw error;
          this.avoid(worker);
          again ||= mayPass(error);
          tries.note(worker, error);
        }
      }
      if (!again) return undefined;
    }
    return undefined;
  }

  /**
   * Asks one worker: waits a moment where it is a little behind, and not where it is dead.
   *
   * @internal
   */
  async askPatiently(worker: Hex, request: QueryRequest, options: AskOptions): Promise<Asked> {
    const client = this.client(worker);
    const started = Date.now();
    for (;;) {
      const asked = await this.askUnlessDead(client, request, options);
      const { result: answer } = asked.reply;
      if (answer.ok) return asked;
      // Our clock or that worker's: another one's tells.
      if (answer.error.tag === "Expired") throw new QueryRefused(answer.error);
      if (answer.error.tag !== "BlockNotReached") return asked;
      const near = request.minimumBlock - answer.error.value.have <= BEHIND_BLOCKS_MAX;
      if (!near || Date.now() - started >= this.patience.behindMs) throw new QueryRefused(answer.error);
      await pause(BEHIND_POLL_MS, options.signal);
    }
  }

  private async askUnlessDead(client: WorkerClient, request: QueryRequest, options: AskOptions): Promise<Asked> {
    const controller = new AbortController();
    const stop = () => controller.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", stop, { once: true });
    const { signal } = controller;
    // A person who signs takes their time; only from then on a worker can be silent.
    if (options.account) await this.sessionKeysReady(options.account);
    const dead = client.untilDead(this.patience.silentMs, signal).then((error) => {
      throw error;
    });
    dead.catch(() => {});
    try {
      return await Promise.race([client.ask(request, { ...options, signal }), dead]);
    } catch (error) {
      if (error instanceof WorkerError && (error.kind === "unreachable" || error.kind === "silent")) client.goElsewhere();
      throw error;
    } finally {
      controller.abort(new Aborted());
      options.signal?.removeEventListener("abort", stop);
    }
  }

  private async sessionKeysReady(account: Account): Promise<void> {
    if (account.asksPerson) await this.sessionKeys.of(account);
  }

  /**
   * Asks `wanted` different workers the same, and compares their answers. Where one gives no answer, another takes
   * its place.
   *
   * @throws TooFewWorkers, NoneAnswered. That fewer than `wanted` answered, or that they differ, is in the result.
   */
  askReplicas(question: QueryRequest, wanted: number, options: AskOptions = {}): Promise<Replicas> {
    return askReplicas(this, question, wanted, options);
  }

  /** What an account has inside the cluster. */
  balanceOf(account: Hex, options: AskOptions = {}): Promise<bigint> {
    return this.askSystem(concat(FREE_BALANCE_OF, hex32.enc(normalHex(account, 32))), u128, options);
  }

  /** Asks the cluster's system contract. */
  private async askSystem<T>(input: Uint8Array, codec: Codec<T>, options: AskOptions): Promise<T> {
    const asked = await this.ask(callRequest(systemContractId(this.id), input), options);
    const answer = asked.reply.result;
    if (!answer.ok) throw new QueryRefused(answer.error);
    const refuse = () => new WorkerError(asked.worker, "refused", "its system contract does not answer this question", 200);
    try {
      // The outer result is that of the call itself: `00` and the value, or an unknown selector.
      const value = decodeAll(result(codec, u8), answer.value.data, ANSWER_BYTES_MAX);
      if (value.ok && (answer.value.flags & 1) === 0) return value.value;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
    throw refuse();
  }

  /** Asks what contracts wrote: a question in JSON and its answer, as docs/protocol/query.md says. */
  async logger(question: object, options: AskOptions = {}): Promise<unknown> {
    const asked = await this.ask(loggerRequest(question), options);
    const answer = asked.reply.result;
    if (!answer.ok) throw new QueryRefused(answer.error);
    let json: { error?: unknown };
    try {
      json = JSON.parse(new TextDecoder().decode(answer.value.data)) as { error?: unknown };
    } catch {
      throw new WorkerError(asked.worker, "refused", "its answer is not JSON", 200);
    }
    if (typeof json.error === "string") {
      throw new WorkerError(asked.worker, "refused", `it does not understand the question: ${json.error}`, 200);
    }
    return json;
  }
}

