/** What the chain says of workers, clusters and contracts: `core/chain-facts` `values`. */

import { formatAddress } from "./address.js";
import { FormatError, textOf } from "./errors.js";
import type { Hex } from "./hex.js";
import {
  Enum,
  Option,
  Struct,
  decodeAll,
  hex32,
  list,
  nothing,
  str,
  u128,
  u32,
  u64,
  u8,
  type Codec,
} from "./scale.js";
import type { ProvenState } from "./proof.js";

/** Most bytes of a value that is read here. */
const VALUE_BYTES_MAX = 1024 * 1024;
/** Bounds of the chain's lists: `core/primitives` `bounds`. */
const CLUSTER_WORKERS_MAX = 64;
const CLUSTER_CONTRACTS_MAX = 4096;
const ENDPOINTS_MAX = 4;

/** A registered worker, as stored. */
const WorkerInfoCodec = Struct({
  worker: hex32,
  hpkePublicKey: hex32,
  runtimeVersion: u32,
  operator: Option(hex32),
  registrant: hex32,
  measurement: hex32,
  tee: Enum({ Sgx: nothing, Tdx: nothing }),
  root: Enum({ Intel: nothing, Development: nothing }),
  confidenceLevel: u8,
  evidenceHash: hex32,
  registrationHash: hex32,
  madeAtMs: u64,
  lastUpdatedMs: u64,
  expiresAtMs: u64,
  initialScore: Option(u32),
});
const Endpoints = Enum({ V1: list(str, ENDPOINTS_MAX) });
const WorkerIds = list(hex32, CLUSTER_WORKERS_MAX);
const ContractIds = list(hex32, CLUSTER_CONTRACTS_MAX);
const ClusterInfoCodec = Struct({
  owner: hex32,
  permission: Enum({ Public: nothing, OnlyOwner: hex32 }),
  systemContract: hex32,
  gasPrice: u128,
  depositPerItem: u128,
  depositPerByte: u128,
});
const ContractInfoCodec = Struct({ deployer: hex32, cluster: hex32 });

/** Codecs of the chain's values. */
export const facts = {
  worker: WorkerInfoCodec,
  endpoints: Endpoints,
  workerIds: WorkerIds,
  contractIds: ContractIds,
  cluster: ClusterInfoCodec,
  contract: ContractInfoCodec,
  key: hex32,
  counter: u64,
  balance: u128,
  milliseconds: u64,
} as const;

/** A block. */
export interface BlockRef {
  number: number;
  hash: Hex;
}

/** Something that is proven at a final block. */
export interface At<T> {
  value: T;
  block: BlockRef;
}

/** A worker as the chain knows it, and where it says it can be reached. */
export interface WorkerRecord {
  /** Its identity. */
  worker: Hex;
  /** The X25519 key that requests are sealed to. */
  hpkePublicKey: Hex;
  /** Version of its program. */
  version: string;
  /** Who operates it: an address. */
  operator?: string;
  /** Who paid for the registration: an address. */
  registrant: string;
  /** Its build, as its quote says. */
  measurement: Hex;
  tee: "Sgx" | "Tdx";
  /** `Development` proves nothing about any machine. */
  root: "Intel" | "Development";
  /** Tier: 1 is best. */
  tier: number;
  evidenceHash: Hex;
  registrationHash: Hex;
  /** Milliseconds since 1970. */
  madeAtMs: number;
  updatedAtMs: number;
  expiresAtMs: number;
  /** Benchmark score, once measured. */
  initialScore?: number;
  /** URLs. */
  endpoints: string[];
}

/** Whether a worker of a cluster may be asked, and if not, why. */
export type Standing = "serves" | "lapsed" | "suspended" | "noEndpoint";

/** What a {@link Standing} means. */
export const STANDING_TEXT: Record<Standing, string> = {
  serves: "it may be asked",
  lapsed: "its registration has lapsed",
  suspended: "the chain has suspended it",
  noEndpoint: "it announces no endpoint",
};

/** A worker of a cluster. */
export interface Member {
  record: WorkerRecord;
  standing: Standing;
}

/** A cluster's workers at a final block, proven. */
export interface Membership {
  cluster: Hex;
  block: BlockRef;
  /** In the chain's order. */
  members: Member[];
}

/** A cluster, proven. */
export interface ClusterRecord {
  id: Hex;
  /** An address. */
  owner: string;
  /** Who may deploy: anybody, or one address. */
  permission: "public" | { onlyOwner: string };
  gasPrice: bigint;
  depositPerItem: bigint;
  depositPerByte: bigint;
  workers: Hex[];
  /** Those of them that the chain has suspended. */
  suspended: Hex[];
  contracts: Hex[];
}

/** A contract, proven. */
export interface ContractRecord {
  id: Hex;
  /** An address. */
  deployer: string;
  cluster: Hex;
  /** The key that commands are sealed to; missing where the constructor failed or has not run. */
  hpkeKey?: Hex;
  /** What is staked to it in all. */
  stake: bigint;
}

/** Decodes a value of the chain's. */
export function decodeFact<T>(what: string, codec: Codec<T>, bytes: Uint8Array): T {
  try {
    return decodeAll(codec, bytes, VALUE_BYTES_MAX);
  } catch (error) {
    throw new FormatError(what, textOf(error));
  }
}

/** Reads a proven value. */
export function readFact<T>(state: ProvenState, what: string, codec: Codec<T>, key: Uint8Array): T | undefined {
  const bytes = state.read(key);
  return bytes && decodeFact(what, codec, bytes);
}

/** A worker's record out of what the chain stores. */
export function workerRecord(info: ReturnType<typeof WorkerInfoCodec.dec>, endpoints: string[]): WorkerRecord {
  const version = info.runtimeVersion;
  return {
    worker: info.worker,
    hpkePublicKey: info.hpkePublicKey,
    version: `${version >>> 16}.${(version >>> 8) & 0xff}.${version & 0xff}`,
    ...(info.operator !== undefined && { operator: formatAddress(info.operator) }),
    registrant: formatAddress(info.registrant),
    measurement: info.measurement,
    tee: info.tee.tag,
    root: info.root.tag,
    tier: info.confidenceLevel,
    evidenceHash: info.evidenceHash,
    registrationHash: info.registrationHash,
    madeAtMs: Number(info.madeAtMs),
    updatedAtMs: Number(info.lastUpdatedMs),
    expiresAtMs: Number(info.expiresAtMs),
    ...(info.initialScore !== undefined && { initialScore: info.initialScore }),
    endpoints,
  };
}

/** Whether a worker may be asked; `nowMs` is the chain's time. */
export function standingOf(record: WorkerRecord, nowMs: number, suspended: Hex[]): Standing {
  if (record.expiresAtMs <= nowMs) return "lapsed";
  if (suspended.includes(record.worker)) return "suspended";
  return record.endpoints.length === 0 ? "noEndpoint" : "serves";
}
