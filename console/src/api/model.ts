// What the pages show, as plain data. A back end (`backend.ts`) makes it from a chain or from fixtures.
// Amounts are in the smallest unit, times in milliseconds since 1970 unless the name says otherwise.

export type Hex = `0x${string}`;

/** Which network, and how its numbers are written. */
export interface NetworkIdentity {
  genesis: Hex;
  chain: string;
  node: string;
  /** The chain accepts development evidence: nothing on it is confidential, development accounts have money. */
  development: boolean;
  symbol: string;
  decimals: number;
  /** The pallets of workers' earnings and of pools are in the runtime. */
  hasEconomy: boolean;
  /** The registry takes workers' places. */
  hasPlaces: boolean;
  /** Holders decide by referenda. */
  hasGovernance: boolean;
}

/** A block as this page saw it come. */
export interface SeenBlock {
  number: number;
  hash: Hex;
  seenAtMs: number;
  /** When this page heard that it is final. */
  finalAtMs: number | null;
}

/** Something that happened in a final block, ready to read. */
export interface Happening {
  block: number;
  index: number;
  /** Event name as on chain, `Pallet.Event`. */
  name: string;
  text: string;
  link: string | null;
}

export interface Place {
  /** ISO 3166-1 alpha-2. */
  country: string;
  city: string;
  latitude: number;
  longitude: number;
}

export interface Checkpoint {
  nextNumber: bigint;
  stateRoot: Hex;
  reportedAt: number;
}

export interface Suspension {
  nextNumber: bigint;
  reported: Hex;
  agreed: Hex;
  since: number;
}

export interface Worker {
  id: Hex;
  operator: string | null;
  registrant: string;
  tee: string;
  root: string;
  tier: number;
  version: string;
  measurement: Hex;
  measurementAllowed: boolean;
  updatedMs: number;
  expiresMs: number;
  score: number | null;
  endpoints: string[];
  cluster: Hex | null;
  gatekeeper: boolean;
  joining: boolean;
  suspension: Suspension | null;
  checkpoint: Checkpoint | null;
  place: Place | null;
  pool: number | null;
  session: Session | null;
}

export interface Cluster {
  id: Hex;
  owner: string;
  isPublic: boolean;
  workers: Hex[];
  contracts: Hex[];
  gasPrice: bigint;
  depositPerItem: bigint;
  depositPerByte: bigint;
  /** The number that the next mailbox entry gets. */
  inboxNext: bigint;
  agreed: { nextNumber: bigint; stateRoot: Hex; agreedAt: number } | null;
}

export interface Contract {
  id: Hex;
  deployer: string;
  cluster: Hex;
  /** Its workers have told its key: it can be called. */
  ready: boolean;
  stake: bigint;
}

export type SessionState = "ready" | "computing" | "unresponsive" | "cooling";

/** One worker's work for a pool (`PhalaComputation.Sessions`). */
export interface Session {
  account: string;
  state: SessionState;
  stake: bigint;
  /** Value and first value, PHA; performance, iterations in 6 seconds. */
  v: number;
  ve: number;
  p: number;
  earned: bigint;
  owed: bigint;
  /** Value lost to slashes, PHA. */
  lost: number;
  settledAt: number | null;
  challenge: { block: number; deadline: number } | null;
  coolingSinceMs: number | null;
}

/** All that the lists show, read at one final block. */
export interface Snapshot {
  block: number;
  timeMs: number;
  workers: Worker[];
  clusters: Cluster[];
  contracts: Contract[];
  gatekeepers: Hex[];
  /** Staked to contracts. */
  staked: bigint;
  /** At stake for workers that compute; null without the pools. */
  computing: bigint | null;
  economy: EconomyStatus | null;
}

export interface EconomyStatus {
  onlineWorkers: number;
  heartbeatsPaused: boolean;
  coolDownSeconds: number;
  /** Challenges in a block, all sessions together. */
  challengesPerBlock: number;
  slotMs: number;
}

export interface Pool {
  id: number;
  kind: "stakePool" | "vault";
  owner: string;
  account: string;
  value: bigint;
  shares: bigint;
  free: bigint;
  /** Millionths. */
  commission: number;
  raise: { to: number; fromSeconds: number } | null;
  queueLength: number;
  queuedShares: bigint;
  cap: bigint | null;
  computing: bigint;
  cooling: bigint;
  workers: Hex[];
  description: string;
  locked: boolean;
  closed: boolean;
}

export interface QueueRequest {
  staker: string;
  shares: bigint;
  madeSeconds: number;
}

export interface PoolDetail {
  pool: Pool;
  queue: QueueRequest[];
  sessions: { worker: Hex; session: Session | null }[];
  gracePeriodSeconds: number;
  contributionMin: bigint;
}

export interface Delegation {
  pool: number;
  shares: bigint;
  queued: bigint;
  locked: bigint;
}

/** A past block's values, for plots. */
export interface SessionSample {
  block: number;
  timeMs: number;
  v: number;
  p: number;
  earned: bigint;
}

export interface PoolSample {
  block: number;
  timeMs: number;
  value: bigint;
  shares: bigint;
  free: bigint;
}

/** What a worker says of itself over HTTP (`GET /v1/info`). Its own word, checked by nobody. */
export interface WorkerSays {
  version: string;
  platform: string;
  serving: { cluster: Hex; blockNumber: number; nextNumber: number; stateRoot: Hex } | null;
  readyAfterMs: number | null;
  /** Queries answered in the last whole window, where the worker publishes it. */
  traffic: { windowMs: number; queries: number } | null;
}

export interface AccountMoney {
  free: bigint;
  held: bigint;
}
