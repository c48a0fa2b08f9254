/**
 * The client's side of a query: `core/secrets` `client`, in TypeScript.
 *
 * ```text
 * openSession ── opening ──► worker
 *   finish ◄── SessionAccept ──┘
 * Session.seal ── Envelope ──► worker
 *   PendingReply.open ◄── bytes ──┘
 * ```
 *
 * or, with no session, {@link sealQuery} and {@link PendingReply.open}.
 */

import { x25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { LABELS, derive, taggedHash, type Label } from "./domain.js";
import { concat, equalBytes, fromHex, toHex, utf8, type Hex } from "./hex.js";
import { UnusableKey, seal, type Exporter, type HpkeSecret, type Sealed } from "./hpke.js";
import { secureRandom, type Random } from "./random.js";
import { decodeAll, u64 } from "./scale.js";
import {
  Envelope,
  HpkeSealed,
  OneShotQuery,
  QueryReply,
  QueryRequest,
  REPLY_BYTES_MAX,
  SessionAccept,
  SessionOpen,
  sealedToWorkerAad,
  type Certificate,
} from "./wire.js";

/** How long an opening may travel, milliseconds. */
const OPENING_LIFETIME_MS = 60_000;
/** Most queries in one session. */
export const SESSION_QUERIES_MAX = 2 ** 40;
/** Longest answer to an opening, bytes. */
const ACCEPT_BYTES_MAX = 256;
/** Replies are padded to a multiple of so many bytes. */
const REPLY_PADDING_BYTES = 256;
const TAG_BITS = 128;

/** The worker that a message is for. */
export interface WorkerAddress {
  /** The network. */
  genesis: Hex;
  /** The worker. */
  worker: Hex;
  /** Its attested X25519 key, from the chain. */
  hpkePublicKey: Hex;
}

/** For whom a client speaks: a session key and the account's certificate for it. */
export interface Identity {
  sessionKey: HpkeSecret;
  certificate: Certificate;
}

/** Why a session does not start, or a reply is not one. */
export class SessionError extends Error {
  override name = "SessionError";
}

const workerKey = () =>
  new SessionError("the worker's key is not a usable X25519 key; get it from the chain again");
const malformed = () =>
  new SessionError("the worker's answer is not a valid encoding; is the endpoint a worker?");
const notAuthentic = () =>
  new SessionError("the answer was not made by the attested worker for this request; do not trust it");

async function sealToWorker(
  to: WorkerAddress,
  sender: HpkeSecret | undefined,
  label: Label,
  plaintext: Uint8Array,
  random: Random,
): Promise<{ message: { sender: HpkeSenderValue } & Sealed; exporter: Exporter }> {
  const aad = sealedToWorkerAad(label, to.genesis, to.worker);
  try {
    const { sealed, exporter } = await seal(to.hpkePublicKey, sender, label, aad, plaintext, random);
    const from: HpkeSenderValue = sender
      ? { tag: "SessionKey", value: sender.publicKey }
      : { tag: "Anonymous", value: undefined };
    return { message: { sender: from, ...sealed }, exporter };
  } catch (error) {
    throw error instanceof UnusableKey ? workerKey() : error;
  }
}

type HpkeSenderValue = { tag: "SessionKey"; value: Hex } | { tag: "Anonymous"; value: undefined };

/** A session that was asked for. */
export interface Opening {
  /** What to post. */
  bytes: Uint8Array;
  /** Takes the worker's answer and checks that the attested worker made it. */
  finish(answer: Uint8Array): Promise<Session>;
}

/** Asks for a session. */
export async function openSession(
  to: WorkerAddress,
  identity: Identity | undefined,
  nowMs: number,
  random: Random = secureRandom,
): Promise<Opening> {
  const ephemeral = random(32);
  const open = SessionOpen.enc({
    clientEphemeral: toHex(x25519.getPublicKey(ephemeral)),
    expiresAtMs: BigInt(nowMs + OPENING_LIFETIME_MS),
    nonce: toHex(random(16)),
    certificate: identity?.certificate,
  });
  const { message, exporter } = await sealToWorker(to, identity?.sessionKey, LABELS.sessionOpen, open, random);
  const bytes = HpkeSealed.enc(message);
  const aad = sealedToWorkerAad(LABELS.sessionOpen, to.genesis, to.worker);
  const exported = exporter.key(LABELS.sessionKeys);
  return { bytes, finish: (answer) => finish(ephemeral, exported, aad, bytes, answer) };
}

async function finish(
  ephemeral: Uint8Array,
  exported: Uint8Array,
  aad: Uint8Array,
  opening: Uint8Array,
  answer: Uint8Array,
): Promise<Session> {
  let accept: SessionAccept;
  try {
    accept = decodeAll(SessionAccept, answer, ACCEPT_BYTES_MAX);
  } catch {
    throw malformed();
  }
  let agreed: Uint8Array;
  try {
    // Throws where the secret would be zero.
    agreed = x25519.getSharedSecret(ephemeral, fromHex(accept.serverEphemeral, 32));
  } catch {
    throw notAuthentic();
  }
  const accepted = concat(fromHex(accept.session, 16), fromHex(accept.serverEphemeral, 32), u64.enc(accept.expiresAtMs));
  const transcript = taggedHash(LABELS.sessionKeys, [aad, opening, accepted]);
  const key = (name: string) =>
    derive(LABELS.sessionKeys, concat(exported, agreed), [transcript, utf8(name)]);
  if (!equalBytes(hmac(sha256, key("confirmation"), transcript), accept.confirmation)) throw notAuthentic();
  return new Session(
    accept.session,
    Number(accept.expiresAtMs),
    await RecordKey.of(key("client to server")),
    await RecordKey.of(key("server to client")),
  );
}

/** Where a record stands: what its seal is bound to. */
interface RecordPlace {
  label: Label;
  session: Hex;
  sequence: bigint;
}

/** A key of AES-256-GCM for the records of one direction. */
class RecordKey {
  private constructor(private readonly key: CryptoKey) {}

  static async of(bytes: Uint8Array): Promise<RecordKey> {
    const raw = new Uint8Array(bytes);
    return new RecordKey(await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]));
  }

  private parameters({ label, session, sequence }: RecordPlace): AesGcmParams {
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setBigUint64(4, sequence, false);
    const additionalData = new Uint8Array(taggedHash(label, [fromHex(session, 16), u64.enc(sequence)]));
    return { name: "AES-GCM", iv, additionalData, tagLength: TAG_BITS };
  }

  async seal(place: RecordPlace, plaintext: Uint8Array): Promise<Uint8Array> {
    const bytes = new Uint8Array(plaintext);
    return new Uint8Array(await crypto.subtle.encrypt(this.parameters(place), this.key, bytes));
  }

  async open(place: RecordPlace, ciphertext: Uint8Array): Promise<Uint8Array> {
    try {
      const bytes = new Uint8Array(ciphertext);
      return new Uint8Array(await crypto.subtle.decrypt(this.parameters(place), this.key, bytes));
    } catch {
      throw notAuthentic();
    }
  }
}

/** An open session. */
export class Session {
  private next = 0;

  /** Only {@link Opening.finish} makes one. */
  constructor(
    /** Its name. */
    readonly id: Hex,
    /** When the worker forgets it. */
    readonly expiresAtMs: number,
    private readonly toServer: RecordKey,
    private readonly toClient: RecordKey,
  ) {}

  /** Seals a query: what to post, and what opens the reply. No number is ever used twice. */
  async seal(request: QueryRequest): Promise<{ bytes: Uint8Array; reply: PendingReply }> {
    if (this.next >= SESSION_QUERIES_MAX) throw new SessionError("the session is used up; open a new one");
    // Taken before anything that waits: two queries at once have two numbers.
    const sequence = BigInt(this.next++);
    const place = { label: LABELS.sessionQuery, session: this.id, sequence };
    const ciphertext = await this.toServer.seal(place, QueryRequest.enc(request));
    return {
      bytes: Envelope.enc({ tag: "Session", value: { session: this.id, sequence, ciphertext } }),
      reply: new PendingReply(this.toClient, { ...place, label: LABELS.sessionReply }),
    };
  }
}

/** Opens the reply to one query. */
export class PendingReply {
  constructor(
    private readonly key: RecordKey,
    private readonly place: RecordPlace,
  ) {}

  /** Opens the worker's answer. */
  async open(answer: Uint8Array): Promise<QueryReply> {
    if (answer.length > REPLY_BYTES_MAX) throw malformed();
    const padded = await this.key.open(this.place, answer);
    try {
      return decodeAll(QueryReply, unpad(padded), REPLY_BYTES_MAX);
    } catch {
      throw malformed();
    }
  }
}

/** Seals a query on its own. */
export async function sealQuery(
  to: WorkerAddress,
  identity: Identity | undefined,
  request: QueryRequest,
  random: Random = secureRandom,
): Promise<{ bytes: Uint8Array; reply: PendingReply }> {
  const plaintext = OneShotQuery.enc({ request, certificate: identity?.certificate });
  const { message, exporter } = await sealToWorker(to, identity?.sessionKey, LABELS.oneShotQuery, plaintext, random);
  // The key of a one-shot reply serves once, so its place is always the same.
  const place: RecordPlace = { label: LABELS.oneShotReply, session: toHex(new Uint8Array(16)), sequence: 0n };
  return {
    bytes: Envelope.enc({ tag: "OneShot", value: message }),
    reply: new PendingReply(await RecordKey.of(exporter.key(LABELS.oneShotReply)), place),
  };
}

/** The bytes in a padded reply: their length (u32), they, zeroes to a multiple of 256. */
export function unpad(padded: Uint8Array): Uint8Array {
  if (padded.length < 4) throw malformed();
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0, true);
  const whole = Math.ceil((4 + length) / REPLY_PADDING_BYTES) * REPLY_PADDING_BYTES;
  if (padded.length !== whole || padded.subarray(4 + length).some((byte) => byte !== 0)) throw malformed();
  return padded.subarray(4, 4 + length);
}
