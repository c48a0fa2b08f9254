// The back end over the made-up network. Its blocks come by a timer; what is sent succeeds after a moment.

import { ConsoleError, type Backend, type LinkState, type Unsubscribe } from "../api/backend";
import type { ContractsApi } from "../api/contracts";
import type { Governance } from "../api/governance";
import { describe } from "../api/happenings";
import type { NetworkIdentity, SeenBlock, Snapshot } from "../api/model";
import { BALANCE, facts, governance, tallyAt, treasury, votes, VOTES_OF } from "./governance";
import { id, NOW_MS, POOLS, snapshot, UNIT } from "./network";

const BLOCK_MS = 600;

export interface MockOptions {
  identity?: Partial<NetworkIdentity>;
  snapshot?: (block: number) => Snapshot | Promise<Snapshot>;
  link?: LinkState;
  governance?: (block: number) => Governance | Promise<Governance>;
}

const IDENTITY: NetworkIdentity = {
  genesis: id(0, 0),
  chain: "Made-up network",
  node: "ws://mock",
  development: true,
  symbol: "PHA",
  decimals: 12,
  hasEconomy: true,
  hasPlaces: true,
  hasGovernance: true,
};

const contracts: ContractsApi = {
  deploy: ({ progress }) => {
    progress("Made up");
    return Promise.resolve({ id: id(2, 0) });
  },
  query: () =>
    Promise.resolve({
      value: { total: 1_234, names: ["Ada", "Grace"], open: true },
      worker: id(1, 1),
      block: 1_512,
      gas: 120_000n,
      receiptFile: null,
    }),
  call: () => Promise.resolve({ value: null, block: 1_513, number: 99n, gas: 90_000n }),
  logs: () => Promise.resolve([{ block: 1_500, level: "info", text: "counted 3 votes" }]),
};

export function mockBackend(options: MockOptions = {}): Backend {
  const identity = { ...IDENTITY, ...options.identity };
  let block = 1_512;
  const wave = (place: number) => Math.sin(place / 5) + place / 9;
  const samples = Array.from({ length: 48 }, (_, place) => ({
    block: place * 30 + 1,
    timeMs: NOW_MS - (48 - place) * 60_000,
    place,
  }));
  return {
    identity,
    contracts,
    watchBlocks: (listener) =>
      every(BLOCK_MS, () => {
        block += 1;
        const seen = (number: number, final: boolean): SeenBlock => ({
          number,
          hash: id(8, number),
          seenAtMs: Date.now() - (final ? BLOCK_MS : 0),
          finalAtMs: final ? Date.now() : null,
        });
        listener(seen(block, false));
        listener(seen(block - 1, true));
      }),
    watchHappenings: (listener) => {
      listener(
        describe(
          1_510,
          [
            {
              pallet: "PhalaPhatContracts",
              name: "CheckpointAgreed",
              value: { cluster: `0x${"1".padStart(64, "0")}`, next_number: 96n },
            },
            { pallet: "PhalaRegistry", name: "WorkerUpdated", value: { pubkey: id(1, 2) } },
          ],
          identity.symbol,
          identity.decimals,
        ),
      );
      return () => {};
    },
    watchLink: (listener) => {
      if (options.link) listener(options.link);
      return () => {};
    },
    snapshot: async () => (options.snapshot ?? snapshot)(block),
    workerSays: (url) =>
      url.endsWith("9949")
        ? Promise.reject(new Error("connection refused"))
        : Promise.resolve({
            version: "0.1.0",
            platform: "insecure-simulated",
            readyAfterMs: 1_840,
            traffic: { windowMs: 10_000, queries: 412 },
            serving: { cluster: `0x${"1".padStart(64, "0")}`, blockNumber: block, nextNumber: 99, stateRoot: id(5, 2) },
          }),
    pools: () => Promise.resolve(POOLS),
    pool: async (number) => {
      const pool = POOLS.find((one) => one.id === number);
      const { workers } = snapshot(block);
      return pool
        ? {
            pool,
            gracePeriodSeconds: 604_800,
            contributionMin: UNIT,
            queue:
              pool.queueLength === 0
                ? []
                : [
                    { staker: pool.owner, shares: 500n * UNIT, madeSeconds: NOW_MS / 1000 - 90_000 },
                    { staker: POOLS[0]!.owner, shares: 200n * UNIT, madeSeconds: NOW_MS / 1000 - 600 },
                  ],
            sessions: pool.workers.map((worker) => ({
              worker,
              session: workers.find((one) => one.id === worker)?.session ?? null,
            })),
          }
        : null;
    },
    poolHistory: () =>
      Promise.resolve(
        samples.map(({ place, ...at }) => ({
          ...at,
          value: 12_000n * UNIT + BigInt(Math.round(wave(place) * 60)) * UNIT,
          shares: 12_000n * UNIT,
          free: BigInt(800 + place * 4) * UNIT,
        })),
      ),
    sessionHistory: () =>
      Promise.resolve(
        samples.map(({ place, ...at }) => ({
          ...at,
          v: 3_000 + wave(place) * 20,
          p: 640 + 12 * Math.sin(place / 3),
          earned: (BigInt(place) * UNIT) / 4n,
        })),
      ),
    delegations: () => Promise.resolve([{ pool: 0, shares: 250n * UNIT, queued: 0n, locked: 0n }]),
    money: () => Promise.resolve({ free: 4_321n * UNIT, held: 150n * UNIT }),
    contractStake: () => Promise.resolve(50n * UNIT),
    governance: async () => (options.governance ?? governance)(block),
    referendum: async (index) => {
      const view = await (options.governance ?? governance)(block);
      const referendum = view.referenda.find((one) => one.index === index);
      return referendum ? { view, referendum, votes: votes(index), facts, treasury: BALANCE } : null;
    },
    referendumHistory: () =>
      Promise.resolve(
        samples.map(({ place, ...at }) => ({ ...at, tally: tallyAt(place), since: place < 6 ? null : 181 })),
      ),
    votesOf: () => Promise.resolve(VOTES_OF),
    treasury: () => Promise.resolve(treasury(block)),
    fee: () => Promise.resolve(UNIT / 800n),
    submit: async (call, _account, progress) => {
      if (call.call === "fails") throw new ConsoleError("The chain refused it.", "Try something else.");
      progress("final");
      return { block };
    },
    close: () => {},
  };
}

function every(ms: number, work: () => void): Unsubscribe {
  const timer = setInterval(work, ms);
  return () => clearInterval(timer);
}
