// A made-up network: numbers that look like a real one's, the same at each start. For work on pages and for
// their tests; no part of what is built for people.

import type { Cluster, Contract, Hex, Place, Pool, Session, Snapshot, Worker } from "../api/model";

export const NOW_MS = 1_800_000_000_000;
export const UNIT = 1_000_000_000_000n;

export function id(kind: number, number: number): Hex {
  let state = (kind * 7919 + number * 104_729 + 1) >>> 0;
  let digits = "";
  while (digits.length < 64) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    digits += state.toString(16).padStart(8, "0");
  }
  return `0x${digits.slice(0, 64)}`;
}

export const ACCOUNTS = [
  "45R2pfjQUW2s9PQRHU48HQKLKHVMaDja7N3wpBtmF28UYDs2",
  "43bfwSTTUJLAvSB8GUGcGFaJdzvyfnGKREvHKx5tsrZwAgZT",
  "448EgwyzVbZCn1Qww2G5VuxrfP5hTLfLMFJYpjiwiSRfgxoW",
  "42nHmfLCQoPQMJ1kXPn8JPuMn6gMPJ6JCTkRWFhHq2JfLNA7",
];

const PLACES: Place[] = [
  { country: "CA", city: "Montreal", latitude: 45.5, longitude: -73.6 },
  { country: "DE", city: "Frankfurt", latitude: 50.1, longitude: 8.7 },
  { country: "SG", city: "Singapore", latitude: 1.4, longitude: 103.8 },
  { country: "BR", city: "São Paulo", latitude: -23.6, longitude: -46.6 },
  { country: "KE", city: "Nairobi", latitude: -1.3, longitude: 36.8 },
  { country: "JP", city: "Tokyo", latitude: 35.7, longitude: 139.7 },
];

export const CLUSTER: Hex = `0x${"1".padStart(64, "0")}`;

function session(number: number): Session {
  const state = number === 4 ? "unresponsive" : "computing";
  return {
    account: `session-${number}`,
    state,
    stake: BigInt(2_000 + number * 250) * UNIT,
    v: 3_100 + number * 41.7,
    ve: 3_000,
    p: 640 + number * 21,
    earned: BigInt(12 + number) * UNIT + 345_600_000_000n,
    owed: 0n,
    lost: number === 4 ? 1.25 : 0,
    settledAt: 1_500,
    challenge: number === 4 ? { block: 1_480, deadline: 1_500 } : null,
    coolingSinceMs: null,
  };
}

function worker(number: number): Worker {
  const place = PLACES[number % PLACES.length]!;
  return {
    id: id(1, number),
    operator: ACCOUNTS[number % 3]!,
    registrant: ACCOUNTS[number % 3]!,
    tee: number % 3 === 2 ? "Sgx" : "Tdx",
    root: "Development",
    tier: (number % 3) + 1,
    version: "0.1.0",
    measurement: id(9, 1),
    measurementAllowed: true,
    updatedMs: NOW_MS - 3_600_000,
    expiresMs: NOW_MS + 20 * 86_400_000,
    score: 650 + number * 20,
    endpoints: number === 0 ? [] : [`http://127.0.0.1:${9946 + number}`],
    cluster: number === 0 || number === 7 ? null : CLUSTER,
    gatekeeper: number === 0,
    joining: false,
    suspension: number === 5 ? { nextNumber: 88n, reported: id(5, 1), agreed: id(5, 2), since: 1_400 } : null,
    checkpoint: number === 0 ? null : { nextNumber: 96n, stateRoot: id(5, 2), reportedAt: 1_510 },
    place: number === 6 ? null : place,
    pool: number === 0 || number === 7 ? null : number % 2,
    session: number === 0 || number === 7 ? null : session(number),
  };
}

const WORKERS = Array.from({ length: 8 }, (_, number) => worker(number));

const CONTRACTS: Contract[] = Array.from({ length: 4 }, (_, number) => ({
  id: id(2, number),
  deployer: ACCOUNTS[number % 2]!,
  cluster: CLUSTER,
  ready: number !== 3,
  stake: BigInt(number * 150) * UNIT,
}));

const CLUSTERS: Cluster[] = [
  {
    id: CLUSTER,
    owner: ACCOUNTS[0]!,
    isPublic: true,
    workers: WORKERS.filter((one) => one.cluster).map((one) => one.id),
    contracts: CONTRACTS.filter((one) => one.ready).map((one) => one.id),
    gasPrice: 0n,
    depositPerItem: 0n,
    depositPerByte: 0n,
    inboxNext: 99n,
    agreed: { nextNumber: 96n, stateRoot: id(5, 2), agreedAt: 1_511 },
  },
];

export function snapshot(block: number): Snapshot {
  return {
    block,
    timeMs: NOW_MS,
    workers: WORKERS,
    clusters: CLUSTERS,
    contracts: CONTRACTS,
    gatekeepers: [WORKERS[0]!.id],
    staked: CONTRACTS.reduce((sum, one) => sum + one.stake, 0n),
    computing: WORKERS.reduce((sum, one) => sum + (one.session?.stake ?? 0n), 0n),
    economy: {
      onlineWorkers: 6,
      heartbeatsPaused: false,
      coolDownSeconds: 604_800,
      challengesPerBlock: 20,
      slotMs: 500,
    },
  };
}

export const EMPTY: Snapshot = {
  block: 1,
  timeMs: NOW_MS,
  workers: [],
  clusters: [],
  contracts: [],
  gatekeepers: [],
  staked: 0n,
  computing: null,
  economy: null,
};

export const POOLS: Pool[] = [0, 1, 2].map((number) => ({
  id: number,
  kind: number === 2 ? "vault" : "stakePool",
  owner: ACCOUNTS[number % 3]!,
  account: `pool-${number}`,
  value: BigInt(12_400 + number * 800) * UNIT,
  shares: BigInt(12_000 + number * 800) * UNIT,
  free: number === 1 ? 0n : 900n * UNIT,
  commission: 80_000 + number * 10_000,
  raise: null,
  queueLength: number === 1 ? 2 : 0,
  queuedShares: number === 1 ? 700n * UNIT : 0n,
  cap: null,
  computing: 11_000n * UNIT,
  cooling: 0n,
  workers: WORKERS.filter((one) => one.pool === number).map((one) => one.id),
  description: number === 0 ? "Four machines in three countries, run since the first block." : "",
  locked: false,
  closed: false,
}));
