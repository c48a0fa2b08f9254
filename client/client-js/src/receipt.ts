/** Receipt files: made here, from an answer, a worker and the chain; checked by the Rust verifier, as WebAssembly. */

import type { Chain } from "./chain.js";
import { NodeError, PhatError, TimedOut, WorkerError, textOf } from "./errors.js";
import { LABELS, taggedHash } from "./domain.js";
import { fromHex, toHex, utf8, type Hex } from "./hex.js";
import { keys } from "./keys.js";
import { askProof } from "./proof.js";
import { Enum, Option, Struct, Tuple, bytes, decodeAll, hex32, list, str, u32, u64, type Codec, type CodecType } from "./scale.js";
import { pause, type Waiting } from "./timing.js";
import { askVerdict } from "./verifier.js";
import { LogInclusion, QueryRequest, QueryResult, Receipt, receiptSignedBytes } from "./wire.js";
import type { Asked, WorkerClient } from "./worker.js";

/** Version of the file's layout. */
const FILE_VERSION = 2;
/** Longest receipt file that is read, bytes. */
export const FILE_BYTES_MAX = 16 * 1024 * 1024;
/** How often, and after what pause, a proof is asked for again that does not reach the receipt's block. */
const PROOF_TRIES = 40;
const PROOF_PAUSE_MS = 250;
/** How long a worker is waited for to put a receipt under a root on chain, and how often it is asked. */
const LOG_PATIENCE_MS = 180_000;
const LOG_PAUSE_MS = 500;
/** Most questions until a proof is whole: each step of its plan may be barred once. */
const PLANS_MAX = 4096;
/** Bounds of `core/chain-proof`. */
const PARTS_MAX = 1000;
const NODES_MAX = 16_384;

/** How to check. */
export interface VerifyOptions {
  /** The network that the file must be of; without it the network is whatever the file says. */
  genesis?: Hex;
  /** The time, milliseconds since 1970, to tell how old the proof is; by default this machine's. */
  nowMs?: number;
  /** Whether the file must show the receipt in the worker's log on chain. */
  logged?: boolean;
  /** A file of `phat receipt trusted-set`. */
  trustedSet?: Uint8Array;
}

/** What was found out about a receipt file. */
export interface Verdict {
  /** Whether every link holds. */
  holds: boolean;
  /** Links that hold, in order, with what was found. */
  links: { name: string; finding: string }[];
  /** The link that does not. */
  failed?: string;
  reason?: string;
  /** Links after that, which were not looked at. */
  unchecked?: string[];
  /** What must be known beside. */
  warning?: string | null;
}

/** Checks a receipt file, link by link: says the same as `phat receipt verify`. Never throws because of the file. */
export async function verifyReceipt(file: Uint8Array, options: VerifyOptions = {}): Promise<Verdict> {
  const json = await askVerdict(
    file,
    options.genesis,
    options.trustedSet ?? new Uint8Array(),
    options.logged ?? false,
    options.nowMs ?? Date.now(),
  );
  return JSON.parse(json) as Verdict;
}

const nodeList = list(bytes, NODES_MAX);
const PortableQuestion = Struct({
  genesis: hex32,
  header: bytes,
  authorities: nodeList,
  warp: list(bytes, PARTS_MAX),
  /** Entries of the history whose states the node does not have. */
  closed: list(u32, PLANS_MAX),
  /** Trie nodes of the authority set, by the block whose state has them. */
  sets: list(Tuple(hex32, nodeList) as Codec<[Hex, Uint8Array[]]>, PLANS_MAX),
  /** Headers, by their hash. */
  headers: list(Tuple(hex32, bytes) as Codec<[Hex, Uint8Array]>, PLANS_MAX),
  /** Trie nodes of the wanted values, under the last block. */
  values: Option(nodeList),
});
const Need = Struct({ entry: u32, block: hex32, header: Option(hex32) });
const PortableAnswer = Enum({
  /** More parts of the history, from this block on. */
  More: hex32,
  /** Sets of these blocks. */
  Sets: list(Need, PLANS_MAX),
  /** The wanted values under this block; with the set, where the flag says so. */
  Values: Struct({ block: hex32, withSet: u32 }),
  Done: Struct({ proof: bytes, number: u32, block: hex32, stateRoot: hex32 }),
});
type PortableAnswer = CodecType<typeof PortableAnswer>;
type PortableDone = Extract<PortableAnswer, { tag: "Done" }>["value"];

/** Proves `wanted` at a recent final block in as few bytes as can be, from genesis. */
async function portableProof(chain: Chain, wanted: Uint8Array[], waiting: Waiting): Promise<PortableDone> {
  const start = await chain.begin();
  if (start.tag !== "Genesis") throw new PhatError("bug", "a proof for a file starts at genesis");
  const { header, authorities } = start.value;
  const setKeys = [keys.grandpaAuthorities(), keys.grandpaSetId()];
  const warp = async (from: Hex) => fromHex(await chain.request<Hex>("phat_warpProof", [from], waiting));
  const question: CodecType<typeof PortableQuestion> = {
    genesis: chain.genesis,
    header,
    authorities,
    warp: [await warp(chain.genesis)],
    closed: [],
    sets: [],
    headers: [],
    values: undefined,
  };
  for (let plans = 0; plans < PLANS_MAX; plans++) {
    const answer = await askProof("phat_portable", PortableQuestion.enc(question), PortableAnswer as Codec<PortableAnswer>);
    switch (answer.tag) {
      case "Done":
        return answer.value;
      case "More":
        if (question.warp.length >= PARTS_MAX) throw new NodeError("the proof of its final blocks does not come to an end");
        question.warp.push(await warp(answer.value));
        break;
      case "Values": {
        const { block, withSet } = answer.value;
        question.values = await chain.readProof(withSet ? [...wanted, ...setKeys] : wanted, block, waiting);
        break;
      }
      case "Sets":
        for (const { entry, block, header: parent } of answer.value) {
          try {
            const trieNodes = await chain.readProof(setKeys, block, waiting);
            if (parent !== undefined) question.headers.push([parent, await chain.header(parent, waiting)]);
            question.sets.push([block, trieNodes]);
          } catch (error) {
            // The node has pruned that state: the way around it is taken.
            if (!(error instanceof NodeError)) throw error;
            question.closed.push(entry);
            break;
          }
        }
    }
  }
  throw new NodeError("it has too few of its past states for a proof");
}

/**
 * Bundles an answer with all that an offline verifier needs.
 *
 * @param options `logged`: waits until the worker has put the receipt under a root on chain, and shows that too
 */
export async function makeReceiptFile(
  chain: Chain,
  worker: WorkerClient,
  asked: Asked,
  options: Waiting & { logged?: boolean } = {},
): Promise<Uint8Array> {
  const { receipt } = asked.reply;
  if (!receipt) throw new PhatError("argument", "the answer carries no receipt: ask with the option receipt");
  const log = options.logged ? await awaitLog(worker, receipt, options) : undefined;
  const evidence = await provenEvidence(chain, worker, options);
  const wanted = [
    keys.blockHash(0),
    keys.timestamp(),
    keys.blockHash(receipt.body.blockNumber),
    keys.worker(worker.worker),
    keys.allowedMeasurement(evidence.measurement),
    keys.acceptedRoots(),
    keys.tierMax(),
    ...(log ? [keys.receiptLog(worker.worker, log.index)] : []),
  ];
  let proof = await portableProof(chain, wanted, options);
  // The node's newest proof may be a block or two behind what the worker has seen.
  for (let tries = 0; proof.number < receipt.body.blockNumber && tries < PROOF_TRIES; tries++) {
    await pause(PROOF_PAUSE_MS, options.signal);
    proof = await portableProof(chain, wanted, options);
  }
  const hex = (part: Uint8Array) => toHex(part).slice(2);
  const file = {
    version: FILE_VERSION,
    genesis: chain.genesis,
    origin: asked.origin ?? null,
    request: hex(QueryRequest.enc(asked.request)),
    answer: hex(QueryResult.enc(asked.reply.result)),
    receipt: hex(Receipt.enc(receipt)),
    evidence: hex(evidence.evidence),
    registration: hex(evidence.registration),
    chain_proof: hex(proof.proof),
    ...(log && { log: hex(LogInclusion.enc(log)) }),
  };
  return utf8(JSON.stringify(file, null, 2));
}

async function awaitLog(worker: WorkerClient, receipt: Receipt, waiting: Waiting): Promise<LogInclusion> {
  const signed = receiptSignedBytes(receipt);
  if (!signed) throw new WorkerError(worker.worker, "receipt", "the receipt's path does not fit");
  const started = Date.now();
  for (;;) {
    const inclusion = await worker.receiptLog(signed, waiting);
    if (inclusion) return inclusion;
    if (Date.now() - started > LOG_PATIENCE_MS) {
      throw new TimedOut("the worker has not put the receipt under a root on chain in time: try again later");
    }
    await pause(LOG_PAUSE_MS, waiting.signal);
  }
}

/** DCAP evidence: `core/attestation` `Evidence`. */
const Evidence = Struct({
  quote: bytes,
  collateral: Struct({
    pckCrlIssuerChain: str,
    rootCaCrl: bytes,
    pckCrl: bytes,
    tcbInfoIssuerChain: str,
    tcbInfo: str,
    tcbInfoSignature: bytes,
    qeIdentityIssuerChain: str,
    qeIdentity: str,
    qeIdentitySignature: bytes,
    pckCertificateChain: Option(str),
  }),
});
/** What a worker's evidence vouches for: `core/wire` `WorkerRegistration`. */
const Registration = Struct({
  version: u32,
  worker: hex32,
  hpkePublicKey: hex32,
  genesis: hex32,
  operator: Option(hex32),
  madeAtMs: u64,
});
const Served = Tuple(Evidence, Registration);
const SERVED_BYTES_MAX = 128 * 1024;

/** The worker's evidence and registration, which are those that the chain has of it. */
async function provenEvidence(chain: Chain, worker: WorkerClient, waiting: Waiting) {
  const served = await worker.evidence(waiting);
  let parts: CodecType<typeof Served>;
  try {
    parts = decodeAll(Served as Codec<CodecType<typeof Served>>, served, SERVED_BYTES_MAX);
  } catch (error) {
    throw new WorkerError(worker.worker, "refused", `its evidence cannot be read: ${textOf(error)}`, 200);
  }
  const registration = Registration.enc(parts[1]);
  const { value: record } = await chain.worker(worker.worker, waiting);
  if (toHex(taggedHash(LABELS.registration, [registration])) !== record.registrationHash) {
    throw new WorkerError(worker.worker, "receipt", "it has renewed its registration meanwhile; ask again");
  }
  return { evidence: Evidence.enc(parts[0]), registration, measurement: record.measurement };
}
