/** One worker, spoken to in protocol v1. */

import type { Account } from "./account.js";
import { SessionKeys, issueSessionKey, CERTIFICATE_LIFETIME_MS } from "./certificate.js";
import { Aborted, PhatError, QueryRefused, Unsupported, WorkerError, textOf } from "./errors.js";
import type { WorkerRecord } from "./facts.js";
import { toHex, type Hex } from "./hex.js";
import { QUERY_LIFETIME_MS, outcomeRequest } from "./request.js";
import { DecodeError, decodeAll } from "./scale.js";
import { SessionError, openSession, sealQuery, type PendingReply, type Session, type WorkerAddress } from "./session.js";
import { check, pause, type Waiting } from "./timing.js";
import {
  ANSWER_BYTES_MAX,
  CommandOutcome,
  LogInclusion,
  REPLY_BYTES_MAX,
  answerCommitment,
  requestCommitment,
  type QueryReply,
  type QueryRequest,
} from "./wire.js";

/** How long one HTTP request may take, milliseconds: a query may compute, and wait for others' turns. */
const HTTP_TIMEOUT_MS = 30_000;
/** How long a worker may take to say that it is there at all. */
const PROBE_TIMEOUT_MS = 2_000;
/** A worker that does not know the session. */
const STATUS_GONE = 410;
/** The status of an answer that will be there later. */
const STATUS_UNAVAILABLE = 503;
/** Longest place in a log: 16 siblings and three numbers. */
const LOG_BYTES_MAX = 1024;
/** Longest evidence with its registration. */
const EVIDENCE_BYTES_MAX = (16 + 64 + 1) * 1024;
/** What browsers let pages ask that came over https, though it is http itself. */
const LOOPBACK = /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|\/|$)/;
/** Longest description of itself. */
const INFO_BYTES_MAX = 64 * 1024;

/** A question with its answer, whom it was asked for, and who answered. */
export interface Asked {
  /** Who answered. */
  worker: Hex;
  /** The question. */
  request: QueryRequest;
  /** For whom. */
  origin?: Hex;
  /** The answer; an error of the contract or the query is inside. */
  reply: QueryReply;
}

/** Whom to ask for. */
export interface AskOptions extends Waiting {
  /** The account that asks; without it nobody in particular does. */
  account?: Account;
}

/** What a worker says of itself, by its own word. */
export interface WorkerInfo {
  version: string;
  genesis: Hex;
  worker: Hex;
  hpke_public_key: Hex;
  /** Kind of TEE; `insecure-simulated` protects nothing. */
  platform: string;
  serving: null | {
    cluster: Hex;
    block_number: number;
    block_timestamp_ms: number;
    state_root: Hex;
    next_number: number;
  };
  ready_after_ms: number | null;
  light_client_after_ms: number | null;
}

/** One worker, with a session for each account once one is needed. */
export class WorkerClient {
  private readonly urls: string[];
  /** Which of them is used: the next one after each that did not answer. */
  private place = 0;
  private readonly sessions = new Map<Hex | undefined, Promise<Session>>();

  /**
   * A worker as the chain, proven, knows it.
   *
   * @throws WorkerError where it announces no endpoint
   */
  constructor(
    genesis: Hex,
    record: WorkerRecord,
    private readonly keys: SessionKeys = new SessionKeys(genesis),
  ) {
    if (record.endpoints.length === 0) throw new WorkerError(record.worker, "noEndpoint", "it announces no endpoint");
    this.urls = record.endpoints.map(trimmed);
    this.address = { genesis, worker: record.worker, hpkePublicKey: record.hpkePublicKey };
  }

  /** The key material that messages to it are sealed with. */
  readonly address: WorkerAddress;

  /** Which worker. */
  get worker(): Hex {
    return this.address.worker;
  }

  /** Where it is. */
  get url(): string {
    return this.urls[this.place] ?? "";
  }

  /** After a failure: the worker's next URL, and no session. */
  goElsewhere(): void {
    this.place = (this.place + 1) % this.urls.length;
    this.sessions.clear();
  }

  /** Whether this is what the chain has of the worker. */
  isOf(record: WorkerRecord): boolean {
    return (
      record.worker === this.worker &&
      record.hpkePublicKey === this.address.hpkePublicKey &&
      record.endpoints.map(trimmed).join() === this.urls.join()
    );
  }

  private error(kind: WorkerError["kind"], reason: string, status?: number, cause?: unknown): WorkerError {
    return new WorkerError(this.worker, kind, reason, status, cause === undefined ? undefined : { cause });
  }

  /** Errors of sealing and opening, as this worker's. */
  private notAuthentic(error: unknown): PhatError {
    if (error instanceof PhatError) return error;
    if (error instanceof SessionError) return this.error("notAuthentic", error.message, undefined, error);
    return new PhatError("bug", textOf(error), { cause: error });
  }

  /** Sends a request and gives the answer's bytes; an error of the worker becomes one here. */
  private async send(path: string, body: Uint8Array | undefined, bytesMax: number, waiting: Waiting): Promise<Uint8Array> {
    const { url } = this;
    check(waiting.signal);
    let status: number;
    let bytes: Uint8Array | undefined;
    try {
      ({ status, bytes } = await http(`${url}${path}`, body, bytesMax, HTTP_TIMEOUT_MS, waiting.signal));
    } catch (error) {
      check(waiting.signal);
      if (error instanceof PhatError) throw error;
      throw this.error("unreachable", `it does not answer at ${url}: ${networkTrouble(error)}`, undefined, error);
    }
    if (!bytes) throw this.error("refused", `its answer is longer than ${bytesMax} bytes`, status);
    if (status >= 200 && status < 300) return bytes;
    throw this.error("refused", `it refuses: ${errorText(bytes) ?? `HTTP status ${status}`}`, status);
  }

  /** Resolves to an error when the worker answers nothing at all any more. */
  async untilDead(silentMs: number, signal: AbortSignal): Promise<WorkerError> {
    const { url } = this;
    for (;;) {
      await pause(silentMs, signal);
      try {
        await http(`${url}/v1/info`, undefined, INFO_BYTES_MAX, PROBE_TIMEOUT_MS, signal);
      } catch {
        check(signal);
        return this.error("silent", `it has said nothing at ${url} for ${(silentMs + PROBE_TIMEOUT_MS) / 1000} s`);
      }
    }
  }

  /** What the worker says of itself, by its own word. */
  async info(waiting: Waiting = {}): Promise<WorkerInfo> {
    return parseInfo(await this.send("/v1/info", undefined, INFO_BYTES_MAX, waiting));
  }

  /** Mailbox entries that the worker has run, by its own word; `undefined` where it does not say. */
  async nextNumber(waiting: Waiting = {}): Promise<bigint | undefined> {
    try {
      const next = (await this.info(waiting)).serving?.next_number;
      return typeof next === "number" ? BigInt(next) : undefined;
    } catch (error) {
      if (error instanceof Aborted) throw error;
      return undefined;
    }
  }

  /** The evidence that it registered with, and its registration, SCALE; untrusted until judged. */
  evidence(waiting: Waiting = {}): Promise<Uint8Array> {
    return this.send("/v1/evidence", undefined, EVIDENCE_BYTES_MAX, waiting);
  }

  /** Where a batch of receipts stands in the worker's log; `undefined` while that is not on chain. */
  async receiptLog(signed: Uint8Array, waiting: Waiting = {}): Promise<LogInclusion | undefined> {
    try {
      const path = `/v1/receipt-log/${toHex(signed).slice(2)}`;
      return decodeAll(LogInclusion, await this.send(path, undefined, LOG_BYTES_MAX, waiting), LOG_BYTES_MAX);
    } catch (error) {
      if (error instanceof WorkerError && error.status === STATUS_UNAVAILABLE) return undefined;
      if (error instanceof DecodeError) throw this.error("refused", `its log cannot be read: ${error.message}`, 200);
      throw error;
    }
  }

  /** Opens a session, for an account or for nobody in particular. */
  async openSession(options: AskOptions = {}): Promise<Session> {
    const { account } = options;
    const opened = this.startSession(options);
    this.sessions.set(account?.id, opened);
    opened.catch(() => this.forget(account?.id, opened));
    return opened;
  }

  private async startSession({ account, signal }: AskOptions): Promise<Session> {
    try {
      const identity = account && (await this.keys.of(account));
      const opening = await openSession(this.address, identity, Date.now());
      const answer = await this.send("/v1/session", opening.bytes, 1024, { ...(signal && { signal }) });
      return await opening.finish(answer);
    } catch (error) {
      throw this.notAuthentic(error);
    }
  }

  private forget(origin: Hex | undefined, session: Promise<Session>): void {
    if (this.sessions.get(origin) === session) this.sessions.delete(origin);
  }

  /**
   * Asks in a session; opens one if there is none for this account.
   *
   * @throws WorkerError. An error of the contract or the query is inside the answer.
   */
  async ask(request: QueryRequest, options: AskOptions = {}): Promise<Asked> {
    const origin = options.account?.id;
    const kept = this.sessions.get(origin);
    if (kept) {
      const session = await kept.catch(() => undefined);
      if (session && session.expiresAtMs > Date.now() + QUERY_LIFETIME_MS) {
        try {
          return await this.askIn(kept, request, options);
        } catch (error) {
          // A restarted worker has forgotten the session: nothing of the query was run.
          if (!(error instanceof WorkerError && error.status === STATUS_GONE)) throw error;
        }
      }
      this.forget(origin, kept);
    }
    // Another question may have opened one meanwhile.
    const opening = this.sessions.get(origin) ?? this.openSession(options);
    return this.askIn(opening, request, options);
  }

  private async askIn(opening: Promise<Session>, request: QueryRequest, options: AskOptions): Promise<Asked> {
    const origin = options.account?.id;
    const session = await opening;
    let reply: PendingReply;
    let answer: Uint8Array;
    try {
      const sealed = await session.seal(request);
      reply = sealed.reply;
      answer = await this.send("/v1/query", sealed.bytes, REPLY_BYTES_MAX, options);
    } catch (error) {
      if (!(error instanceof Aborted)) this.forget(origin, opening);
      throw this.notAuthentic(error);
    }
    return this.opened(reply, answer, origin, request);
  }

  private async opened(pending: PendingReply, answer: Uint8Array, origin: Hex | undefined, request: QueryRequest): Promise<Asked> {
    let reply: QueryReply;
    try {
      reply = await pending.open(answer);
    } catch (error) {
      throw this.notAuthentic(error);
    }
    this.checkAge(request, reply);
    this.checkReceipt(origin, request, reply);
    return { worker: this.worker, request, ...(origin !== undefined && { origin }), reply };
  }

  private checkAge(request: QueryRequest, reply: QueryReply): void {
    const [block, minimum] = [reply.blockNumber, request.minimumBlock];
    if (reply.result.ok && block < minimum) {
      throw this.error("tooOld", `it answers from block ${block}, though block ${minimum} was asked for`);
    }
  }

  /** A receipt that was asked for must be there, and be about this question and this answer. */
  private checkReceipt(origin: Hex | undefined, request: QueryRequest, reply: QueryReply): void {
    if (!request.receipt || !reply.result.ok) return;
    const body = reply.receipt?.body;
    const fits =
      body?.worker === this.worker &&
      body.requestCommitment === requestCommitment(origin, request) &&
      body.answerCommitment === answerCommitment(request.nonce, reply.result) &&
      body.blockNumber === reply.blockNumber &&
      body.blockHash === reply.blockHash &&
      body.stateRoot === reply.stateRoot;
    if (!fits) throw this.error("receipt", "its receipt does not fit the question and the answer");
  }

  /** Asks once, without a session. */
  async askOnce(request: QueryRequest, options: AskOptions = {}): Promise<Asked> {
    const { account } = options;
    const { genesis } = this.address;
    let sealed: Awaited<ReturnType<typeof sealQuery>>;
    try {
      const expiresAtMs = Date.now() + CERTIFICATE_LIFETIME_MS;
      const identity =
        account && (account.asksPerson ? await this.keys.of(account) : await issueSessionKey(account, genesis, expiresAtMs));
      sealed = await sealQuery(this.address, identity, request);
    } catch (error) {
      throw this.notAuthentic(error);
    }
    const answer = await this.send("/v1/query", sealed.bytes, REPLY_BYTES_MAX, options);
    return this.opened(sealed.reply, answer, account?.id, request);
  }

  /**
   * The outcome of a mailbox entry that `account` sent, as soon as the worker has run it.
   *
   * @throws QueryRefused where there is no outcome yet
   */
  async outcome(account: Account, number: bigint, options: Waiting & { minimumBlock?: number } = {}): Promise<CommandOutcome> {
    return readOutcome(await this.ask(outcomeRequest(number, options), { ...options, account }));
  }
}

/** The outcome in an answer to an `outcomeRequest`. */
export function readOutcome(asked: Asked): CommandOutcome {
  const { result } = asked.reply;
  if (!result.ok) throw new QueryRefused(result.error);
  try {
    return decodeAll(CommandOutcome, result.value.data, ANSWER_BYTES_MAX);
  } catch (error) {
    throw new WorkerError(asked.worker, "refused", `its outcome cannot be read: ${textOf(error)}`, 200);
  }
}

/**
 * What a worker at `url` says of itself; by its own word, so only good for looking around.
 *
 * @throws PhatError where nothing answers there
 */
export async function fetchWorkerInfo(url: string, waiting: Waiting = {}): Promise<WorkerInfo> {
  const at = trimmed(url);
  try {
    const { bytes } = await http(`${at}/v1/info`, undefined, INFO_BYTES_MAX, 5000, waiting.signal);
    return parseInfo(bytes ?? new Uint8Array());
  } catch (error) {
    check(waiting.signal);
    throw new PhatError("worker", `no worker answers at ${at}: ${networkTrouble(error)}`, { cause: error });
  }
}

function parseInfo(bytes: Uint8Array): WorkerInfo {
  return JSON.parse(new TextDecoder().decode(bytes)) as WorkerInfo;
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

function errorText(bytes: Uint8Array): string | undefined {
  try {
    const { error } = JSON.parse(new TextDecoder().decode(bytes)) as { error?: unknown };
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

/** What is the matter with a connection: `fetch` hides it in the cause. */
function networkTrouble(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  const text = textOf(cause);
  if (text !== "") return text;
  return typeof code === "string" ? code : "the connection broke";
}

/** One HTTP request, without redirects; `bytes` is missing where the answer is longer than `bytesMax`. */
async function http(
  url: string,
  body: Uint8Array | undefined,
  bytesMax: number,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<{ status: number; bytes?: Uint8Array }> {
  if (globalThis.location?.protocol === "https:" && url.startsWith("http:") && !LOOPBACK.test(url)) {
    throw new Unsupported(`this page came over https, so the browser does not let it ask ${url}: the worker needs an https endpoint`);
  }
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new Error(`no answer within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  const onAbort = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const response = await fetch(url, {
      method: body ? "POST" : "GET",
      // No content type: a request that browsers need not ask about first.
      ...(body && { body: new Uint8Array(body) }),
      redirect: "error",
      credentials: "omit",
      cache: "no-store",
      signal: controller.signal,
    });
    return { status: response.status, ...(await readBody(response, bytesMax)) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

async function readBody(response: Response, bytesMax: number): Promise<{ bytes?: Uint8Array }> {
  const reader = response.body?.getReader();
  if (!reader) return { bytes: new Uint8Array() };
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > bytesMax) {
      void reader.cancel();
      return {};
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { bytes };
}
