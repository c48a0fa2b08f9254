/**
 * What crosses between client, worker and chain, as bytes: `core/wire`, type for type and in its order.
 *
 * `client/fixtures` holds values of each with their bytes, which Rust wrote and both sides check.
 */

import { LABELS, taggedHash, type Label } from "./domain.js";
import { fromHex, toHex, type Hex } from "./hex.js";
import {
  Enum,
  Option,
  Struct,
  Tuple,
  bool,
  bytes,
  fixedBytes,
  hex16,
  hex32,
  i128,
  list,
  nothing,
  result,
  str,
  u128,
  u32,
  u64,
  type Codec,
  type CodecType,
} from "./scale.js";

/** Version of the protocol. */
export const PROTOCOL_VERSION = 1;
/** Longest answer, bytes. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** Longest sealed reply that is looked at, bytes. */
export const REPLY_BYTES_MAX = ANSWER_BYTES_MAX + 64 * 1024;
/** Longest command on chain, bytes. */
export const COMMAND_BYTES_MAX = 64 * 1024;
/** Most receipts under one signature. */
const BATCH_LEAVES_MAX = 4096;
/** Most siblings in a path: of a log with 65 536 leaves. */
const PATH_MAX = 16;
/** Most contracts made by one command that are read. */
const MADE_MAX = 4096;

const signature = fixedBytes(64);

/** A message sealed by HPKE. */
export const HpkeSealed = Struct({
  sender: Enum({ Anonymous: nothing, SessionKey: hex32 }),
  encapsulatedKey: hex32,
  ciphertext: bytes,
});
/** What is posted to a worker's query endpoint. */
export const Envelope = Enum({
  OneShot: HpkeSealed,
  Session: Struct({ session: hex16, sequence: u64, ciphertext: bytes }),
});

/** A session key and who speaks through it. */
export const Certificate = Struct({
  account: hex32,
  sessionKey: hex32,
  expiresAtMs: u64,
  kind: Enum({ Sr25519: nothing, Ed25519: nothing }),
  signature,
});
/** A session key and who speaks through it. */
export type Certificate = CodecType<typeof Certificate>;

/** The plaintext that opens a session. */
export const SessionOpen = Struct({
  clientEphemeral: hex32,
  expiresAtMs: u64,
  nonce: hex16,
  certificate: Option(Certificate),
});
/** The worker's answer to it. */
export const SessionAccept = Struct({
  session: hex16,
  serverEphemeral: hex32,
  expiresAtMs: u64,
  confirmation: fixedBytes(32),
});
/** The worker's answer to an opening. */
export type SessionAccept = CodecType<typeof SessionAccept>;

/** What to run. */
export const QueryTarget = Enum({
  Call: Struct({ contract: hex32 }),
  Instantiate: Struct({ codeHash: hex32, salt: bytes }),
  Outcome: Struct({ number: u64 }),
  Logger: nothing,
});
/** What to run. */
export type QueryTarget = CodecType<typeof QueryTarget>;

/** A query, in the clear. */
export const QueryRequest = Struct({
  target: QueryTarget,
  input: bytes,
  value: u128,
  gasLimit: u64,
  estimate: bool,
  minimumBlock: u32,
  expiresAtMs: u64,
  nonce: hex16,
  receipt: bool,
});
/** A query, in the clear. */
export type QueryRequest = CodecType<typeof QueryRequest>;

/** The plaintext of a one-shot query. */
export const OneShotQuery = Struct({ request: QueryRequest, certificate: Option(Certificate) });

/** What a contract answered; bit 0 of `flags`: it returned an error and reverted. */
export const QueryOutput = Struct({
  flags: u32,
  data: bytes,
  gasConsumed: u64,
  gasRequired: u64,
  storageDeposit: i128,
});
/** What a contract answered. */
export type QueryOutput = CodecType<typeof QueryOutput>;

/** Why a worker gives no output. */
export const QueryError = Enum({
  ContractNotFound: nothing,
  OutcomeNotFound: nothing,
  CertificateMissing: nothing,
  BlockNotReached: Struct({ have: u32 }),
  Expired: nothing,
  Replayed: nothing,
  Certificate: str,
  Execution: str,
  AnswerTooLong: nothing,
});
/** Why a worker gives no output. */
export type QueryError = CodecType<typeof QueryError>;

/** Output, or why there is none. */
export const QueryResult = result(QueryOutput as Codec<QueryOutput>, QueryError as Codec<QueryError>);
/** Output, or why there is none. */
export type QueryResult = CodecType<typeof QueryResult>;

/** What a worker vouches for. */
export const ReceiptBody = Struct({
  genesis: hex32,
  cluster: hex32,
  contract: hex32,
  codeHash: hex32,
  requestCommitment: hex32,
  answerCommitment: hex32,
  blockNumber: u32,
  blockHash: hex32,
  stateRoot: hex32,
  nextNumber: u64,
  worker: hex32,
});
/** What a worker vouches for. */
export type ReceiptBody = CodecType<typeof ReceiptBody>;

/** A body with its path to a signed root. */
export const Receipt = Struct({
  body: ReceiptBody,
  leafIndex: u32,
  leafCount: u32,
  path: list(fixedBytes(32), PATH_MAX),
  signature,
});
/** A worker's signed word on one answer. */
export type Receipt = CodecType<typeof Receipt>;

/** Where a batch of receipts stands in its worker's log. */
export const LogInclusion = Struct({ index: u64, leafIndex: u32, leafCount: u32, path: list(fixedBytes(32), PATH_MAX) });
/** Where a batch of receipts stands in its worker's log. */
export type LogInclusion = CodecType<typeof LogInclusion>;

/** What the worker answers. */
export const QueryReply = Struct({
  blockNumber: u32,
  blockHash: hex32,
  stateRoot: hex32,
  result: QueryResult,
  receipt: Option(Receipt),
});
/** What the worker answers. */
export type QueryReply = CodecType<typeof QueryReply>;

/** What became of a command or an instantiation. */
export const CommandOutcome = Struct({
  blockNumber: u32,
  sender: hex32,
  contract: hex32,
  result: result(Tuple(u32, bytes) as Codec<[number, Uint8Array]>, str),
  gasConsumed: u64,
  made: list(Tuple(hex32, hex32) as Codec<[Hex, Hex]>, MADE_MAX),
});
/** What became of a command or an instantiation. */
export type CommandOutcome = CodecType<typeof CommandOutcome>;

/** A call of a contract, in the clear. */
export const InkCommand = Enum({
  InkMessage: Struct({
    nonce: bytes,
    message: bytes,
    transfer: u128,
    gasLimit: u64,
    storageDepositLimit: Option(u128),
  }),
});
/** A call of a contract, in the clear. */
export type InkCommand = CodecType<typeof InkCommand>;

/** What is on chain of a command. */
export const CommandPayload = Enum({
  Plain: InkCommand,
  Encrypted: Struct({ iv: fixedBytes(12), pubkey: hex32, data: bytes }),
  Sealed: Struct({ encapsulatedKey: hex32, ciphertext: bytes }),
});
/** What is on chain of a command. */
export type CommandPayload = CodecType<typeof CommandPayload>;

/** Associated data of everything sealed to a worker. */
export function sealedToWorkerAad(label: Label, genesis: Hex, worker: Hex): Uint8Array {
  return taggedHash(label, [Uint8Array.of(PROTOCOL_VERSION), fromHex(genesis, 32), fromHex(worker, 32)]);
}

/** Hash that stands for a request in a receipt. */
export function requestCommitment(origin: Hex | undefined, request: QueryRequest): Hex {
  return toHex(taggedHash(LABELS.requestCommitment, [Option(hex32).enc(origin), QueryRequest.enc(request)]));
}

/** Hash that stands for an answer in a receipt. */
export function answerCommitment(nonce: Hex, answer: QueryResult): Hex {
  return toHex(taggedHash(LABELS.answerCommitment, [fromHex(nonce, 16), QueryResult.enc(answer)]));
}

/** What the worker signed for the batch of a receipt; `undefined` where its path does not fit. */
export function receiptSignedBytes(receipt: Receipt): Uint8Array | undefined {
  const { body, leafIndex, leafCount, path } = receipt;
  if (leafIndex >= leafCount || leafCount > BATCH_LEAVES_MAX) return undefined;
  let hash = taggedHash(LABELS.receiptLeaf, [ReceiptBody.enc(body)]);
  let place = leafIndex;
  const siblings = path.values();
  for (let width = leafCount; width > 1; width = Math.ceil(width / 2), place = Math.floor(place / 2)) {
    // An odd node at the end of a level moves up alone.
    if ((place ^ 1) >= width) continue;
    const sibling = siblings.next().value;
    if (!sibling) return undefined;
    hash = taggedHash(LABELS.receiptNode, place % 2 === 0 ? [hash, sibling] : [sibling, hash]);
  }
  if (!siblings.next().done) return undefined;
  return taggedHash(LABELS.receiptBatch, [fromHex(body.genesis, 32), fromHex(body.worker, 32), u32.enc(leafCount), hash]);
}
