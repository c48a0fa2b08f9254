// Reads of the chain's storage, all at one block, into the model. Names of pallets and items are those of
// the runtime (`chain/runtime/src/composition.rs`); what an item means is said in its pallet.

import type { PolkadotClient } from "polkadot-api";
import { big, fixed, flag, hex, list, number, optional, record, text, variant, type Decoded } from "./decode";
import type {
  Checkpoint,
  Cluster,
  Contract,
  Delegation,
  EconomyStatus,
  Hex,
  Place,
  Pool,
  QueueRequest,
  Session,
  SessionState,
  Snapshot,
  Suspension,
  Worker,
} from "./model";

/** A map's entry: its keys, outermost first, and its value. */
interface Entry {
  keys: unknown[];
  value: unknown;
}

/** Storage at one block, by names. Items that the runtime does not have read as empty where asked for with `has`. */
export class ChainState {
  readonly #api;

  constructor(
    client: PolkadotClient,
    readonly at: Hex,
    private readonly items: ReadonlySet<string>,
  ) {
    this.#api = client.getUnsafeApi();
  }

  has(pallet: string, item: string): boolean {
    return this.items.has(`${pallet}.${item}`);
  }

  value(pallet: string, item: string, ...keys: unknown[]): Promise<unknown> {
    return this.#entry(pallet, item).getValue(...keys, { at: this.at });
  }

  async entries(pallet: string, item: string, ...keys: unknown[]): Promise<Entry[]> {
    if (!this.has(pallet, item)) return [];
    const found: { keyArgs: unknown[]; value: unknown }[] = await this.#entry(pallet, item).getEntries(...keys, {
      at: this.at,
    });
    return found.map(({ keyArgs, value }) => ({ keys: keyArgs, value }));
  }

  constant(pallet: string, name: string): Promise<unknown> {
    // The names are data here; the types are what the metadata says.
    return (this.#api.constants as any)[pallet][name]();
  }

  #entry(pallet: string, item: string): any {
    return (this.#api.query as any)[pallet][item];
  }
}

/** Values of a map by their first key in hex. */
async function byKey<T>(
  state: ChainState,
  pallet: string,
  item: string,
  read: (value: unknown) => T,
): Promise<Map<Hex, T>> {
  const entries = await state.entries(pallet, item);
  return new Map(entries.map(({ keys, value }) => [hex(keys[0], item), read(value)]));
}

/** Values of a map of a cluster's workers, by worker. A worker is in one cluster. */
async function byWorker<T>(
  state: ChainState,
  item: string,
  read: (value: Decoded) => T,
): Promise<Map<Hex, { cluster: Hex; value: T }>> {
  const entries = await state.entries("PhalaPhatContracts", item);
  return new Map(
    entries.map(({ keys, value }) => [
      hex(keys[1], item),
      { cluster: hex(keys[0], item), value: read(record(value, item)) },
    ]),
  );
}

function checkpoint(value: Decoded): Checkpoint {
  return {
    nextNumber: big(value.next_number, "checkpoint"),
    stateRoot: hex(value.state_root, "checkpoint"),
    reportedAt: number(value.reported_at, "checkpoint"),
  };
}

function suspension(value: Decoded): Suspension {
  return {
    nextNumber: big(value.next_number, "suspension"),
    reported: hex(value.reported, "suspension"),
    agreed: hex(value.agreed, "suspension"),
    since: number(value.since, "suspension"),
  };
}

function endpoints(value: unknown): string[] {
  return list(variant(value, "endpoints").value, "endpoints").map((url) => text(url, "endpoint"));
}

/** A declared place, unless the account that declared it operates the worker no more. */
function place(value: unknown, operator: string | null): Place | null {
  const declared = record(value, "place");
  if (declared.operator !== operator) return null;
  const at = record(declared.place, "place");
  return {
    country: letters(at.country),
    city: text(at.city, "city"),
    latitude: number(at.latitude_decidegrees, "latitude") / 10,
    longitude: number(at.longitude_decidegrees, "longitude") / 10,
  };
}

function letters(value: unknown): string {
  const bytes = hex(value, "country").slice(2).match(/../g) ?? [];
  return String.fromCharCode(...bytes.map((byte) => Number.parseInt(byte, 16)));
}

function version(value: unknown): string {
  const packed = number(value, "version");
  return `${packed >>> 16}.${(packed >>> 8) & 255}.${packed & 255}`;
}

interface Sessions {
  ofWorker: Map<Hex, Session>;
  byAccount: Map<string, Session>;
}

function session(account: string, value: unknown, owed: bigint, challenge: Session["challenge"]): Session {
  const info = record(value, "session");
  const state = variant(info.state, "session");
  const empty: Session = {
    account,
    state: "ready",
    stake: 0n,
    v: 0,
    ve: 0,
    p: 0,
    earned: big(info.earned, "session"),
    owed,
    lost: 0,
    settledAt: null,
    challenge,
    coolingSinceMs: null,
  };
  if (state.type === "Computing") {
    const running = record(state.value, "session");
    const performance = record(running.performance, "performance");
    const online = running.entry !== undefined;
    return {
      ...empty,
      state: (online ? "computing" : "unresponsive") satisfies SessionState,
      stake: big(running.stake, "stake"),
      v: fixed(running.v, "value"),
      ve: fixed(running.ve, "value"),
      p: fixed(performance.instant, "performance"),
      lost: fixed(running.lost, "loss"),
      settledAt: number(running.settled, "block"),
    };
  }
  if (state.type === "CoolingDown") {
    const rest = record(state.value, "cool-down");
    return {
      ...empty,
      state: "cooling",
      stake: big(rest.stake, "stake"),
      coolingSinceMs: number(rest.since_ms, "time"),
    };
  }
  return empty;
}

export async function readSessions(state: ChainState): Promise<Sessions> {
  const [sessions, bindings, owed, challenges] = await Promise.all([
    state.entries("PhalaComputation", "Sessions"),
    state.entries("PhalaComputation", "SessionBindings"),
    state.entries("PhalaComputation", "Owed"),
    state.entries("PhalaComputation", "PendingChallenges"),
  ]);
  const owedTo = new Map(owed.map(({ keys, value }) => [text(keys[0], "account"), big(value, "debt")]));
  const challengeOf = new Map(
    challenges.map(({ keys, value }) => {
      const challenge = record(value, "challenge");
      return [
        text(keys[0], "account"),
        { block: number(challenge.block, "block"), deadline: number(challenge.deadline, "block") },
      ];
    }),
  );
  const byAccount = new Map(
    sessions.map(({ keys, value }) => {
      const account = text(keys[0], "account");
      return [account, session(account, value, owedTo.get(account) ?? 0n, challengeOf.get(account) ?? null)];
    }),
  );
  const ofWorker = new Map<Hex, Session>();
  for (const { keys, value } of bindings) {
    const found = byAccount.get(text(keys[0], "account"));
    if (found) ofWorker.set(hex(value, "worker"), found);
  }
  return { ofWorker, byAccount };
}

export async function readSession(state: ChainState, account: string): Promise<Session | null> {
  const value = await state.value("PhalaComputation", "Sessions", account);
  return value === undefined ? null : session(account, value, 0n, null);
}

async function readWorkers(state: ChainState, sessions: Sessions): Promise<{ workers: Worker[]; gatekeepers: Hex[] }> {
  const [infos, endpointsOf, allowed, places, gatekeeperList, clusterOf, checkpoints, suspensions, joining, pools] =
    await Promise.all([
      state.entries("PhalaRegistry", "Workers"),
      byKey(state, "PhalaRegistry", "Endpoints", endpoints),
      byKey(state, "PhalaRegistry", "AllowedMeasurements", () => true),
      byKey(state, "PhalaRegistry", "WorkerPlaces", (value) => value),
      state.value("PhalaRegistry", "Gatekeeper"),
      byKey(state, "PhalaPhatContracts", "ClusterByWorkers", (value) => hex(value, "cluster")),
      byWorker(state, "Checkpoints", checkpoint),
      byWorker(state, "Suspensions", suspension),
      state.entries("PhalaPhatContracts", "JoiningWorkers"),
      byKey(state, "PhalaStakePoolv2", "WorkerAssignments", (value) => number(value, "pool")),
    ]);
  const gatekeepers = list(gatekeeperList, "gatekeepers").map((id) => hex(id, "gatekeeper"));
  const joiners = new Set(joining.flatMap(({ value }) => list(value, "workers").map((id) => hex(id, "worker"))));
  const workers = infos.map(({ value }): Worker => {
    const info = record(value, "worker");
    const id = hex(info.worker, "worker");
    const operator = optional(info.operator, (account) => text(account, "operator"));
    const measurement = hex(info.measurement, "measurement");
    const cluster = clusterOf.get(id) ?? null;
    const inCluster = <T>(found: { cluster: Hex; value: T } | undefined) =>
      found && found.cluster === cluster ? found.value : null;
    return {
      id,
      operator,
      measurement,
      cluster,
      registrant: text(info.registrant, "registrant"),
      tee: variant(info.tee, "TEE").type,
      root: variant(info.root, "root").type,
      tier: number(info.confidence_level, "tier"),
      version: version(info.runtime_version),
      measurementAllowed: allowed.has(measurement),
      updatedMs: number(info.last_updated_ms, "time"),
      expiresMs: number(info.expires_at_ms, "time"),
      score: optional(info.initial_score, (score) => number(score, "score")),
      endpoints: endpointsOf.get(id) ?? [],
      gatekeeper: gatekeepers.includes(id),
      joining: joiners.has(id),
      suspension: inCluster(suspensions.get(id)),
      checkpoint: inCluster(checkpoints.get(id)),
      place: places.has(id) ? place(places.get(id), operator) : null,
      pool: pools.get(id) ?? null,
      session: sessions.ofWorker.get(id) ?? null,
    };
  });
  return { workers, gatekeepers };
}

async function readClusters(state: ChainState): Promise<{ clusters: Cluster[]; contracts: Contract[] }> {
  const ids = (value: unknown) => list(value, "list").map((id) => hex(id, "id"));
  const [clusters, workersOf, readyOf, inbox, agreed, contracts, stakes] = await Promise.all([
    state.entries("PhalaPhatContracts", "Clusters"),
    byKey(state, "PhalaPhatContracts", "ClusterWorkers", ids),
    byKey(state, "PhalaPhatContracts", "ClusterContracts", ids),
    byKey(state, "PhalaMq", "InboxNext", (value) => big(value, "number")),
    byKey(state, "PhalaPhatContracts", "AgreedCheckpoints", (value) => {
      const point = record(value, "agreement");
      return {
        nextNumber: big(point.next_number, "agreement"),
        stateRoot: hex(point.state_root, "agreement"),
        agreedAt: number(point.agreed_at, "agreement"),
      };
    }),
    state.entries("PhalaPhatContracts", "Contracts"),
    byKey(state, "PhalaPhatTokenomic", "ContractTotalStakes", (value) => big(value, "stake")),
  ]);
  const ready = new Set([...readyOf.values()].flat());
  return {
    clusters: clusters
      .map(({ keys, value }) => {
        const id = hex(keys[0], "cluster");
        const info = record(value, "cluster");
        return {
          id,
          owner: text(info.owner, "owner"),
          isPublic: variant(info.permission, "permission").type === "Public",
          workers: workersOf.get(id) ?? [],
          contracts: readyOf.get(id) ?? [],
          gasPrice: big(info.gas_price, "price"),
          depositPerItem: big(info.deposit_per_item, "price"),
          depositPerByte: big(info.deposit_per_byte, "price"),
          inboxNext: inbox.get(id) ?? 0n,
          agreed: agreed.get(id) ?? null,
        };
      })
      .sort((one, other) => (one.id < other.id ? -1 : 1)),
    contracts: contracts.map(({ keys, value }) => {
      const id = hex(keys[0], "contract");
      const info = record(value, "contract");
      return {
        id,
        deployer: text(info.deployer, "deployer"),
        cluster: hex(info.cluster, "cluster"),
        ready: ready.has(id),
        stake: stakes.get(id) ?? 0n,
      };
    }),
  };
}

async function readEconomy(state: ChainState): Promise<EconomyStatus | null> {
  if (!state.has("PhalaComputation", "OnlineWorkers")) return null;
  const [online, paused, coolDown, parameters, slot] = await Promise.all([
    state.value("PhalaComputation", "OnlineWorkers"),
    state.value("PhalaComputation", "HeartbeatPaused"),
    state.value("PhalaComputation", "CoolDownPeriod"),
    state.value("PhalaComputation", "TokenomicParameters"),
    state.value("Slots", "DurationMs"),
  ]);
  return {
    onlineWorkers: number(online, "workers"),
    heartbeatsPaused: flag(paused, "pause"),
    coolDownSeconds: number(coolDown, "time"),
    challengesPerBlock: number(record(parameters, "parameters").challenges, "challenges"),
    slotMs: number(slot, "slot"),
  };
}

/** Everything that lists show. */
export async function readSnapshot(state: ChainState, block: number): Promise<Snapshot> {
  const sessions = readSessions(state);
  const [now, { workers, gatekeepers }, { clusters, contracts }, economy, { byAccount }] = await Promise.all([
    state.value("Timestamp", "Now"),
    sessions.then((read) => readWorkers(state, read)),
    readClusters(state),
    readEconomy(state),
    sessions,
  ]);
  const computing = [...byAccount.values()].filter((one) => one.state === "computing" || one.state === "unresponsive");
  return {
    block,
    workers,
    gatekeepers,
    clusters,
    contracts,
    economy,
    timeMs: number(now, "time"),
    staked: contracts.reduce((sum, contract) => sum + contract.stake, 0n),
    computing: economy && computing.reduce((sum, one) => sum + one.stake, 0n),
  };
}

function pool(id: number, value: unknown, workers: Hex[], description: string, closed: boolean): Pool {
  const info = record(value, "pool");
  const base = record(info.base, "pool");
  const queue = record(info.queue, "queue");
  const kind = variant(info.kind, "pool");
  const inner = record(kind.value, "pool");
  const isStakePool = kind.type === "StakePool";
  return {
    id,
    workers,
    description,
    closed,
    kind: isStakePool ? "stakePool" : "vault",
    owner: text(info.owner, "owner"),
    account: text(info.account, "account"),
    value: big(base.value, "value"),
    shares: big(base.shares, "shares"),
    free: big(info.free, "money"),
    commission: number(info.commission, "commission"),
    raise: optional(info.raise, (raise) => {
      const to = record(raise, "commission");
      return { to: number(to.to, "commission"), fromSeconds: number(to.from, "time") };
    }),
    queueLength: number(queue.len, "queue"),
    queuedShares: big(queue.shares, "queue"),
    cap: isStakePool ? optional(inner.cap, (cap) => big(cap, "cap")) : null,
    computing: isStakePool ? big(inner.computing, "stake") : 0n,
    cooling: isStakePool ? big(inner.cooling, "stake") : 0n,
    locked: isStakePool ? false : flag(inner.locked, "lock"),
  };
}

export async function readPools(state: ChainState): Promise<Pool[]> {
  const [pools, workers, descriptions, lists] = await Promise.all([
    state.entries("PhalaStakePoolv2", "Pools"),
    state.entries("PhalaStakePoolv2", "PoolWorkers"),
    state.entries("PhalaStakePoolv2", "PoolDescriptions"),
    state.entries("PhalaStakePoolv2", "PoolContributionWhitelists"),
  ]);
  const workersOf = new Map(
    workers.map(({ keys, value }) => [number(keys[0], "pool"), list(value, "workers").map((id) => hex(id, "worker"))]),
  );
  const descriptionOf = new Map(
    descriptions.map(({ keys, value }) => [number(keys[0], "pool"), text(value, "description")]),
  );
  const closed = new Set(lists.map(({ keys }) => number(keys[0], "pool")));
  return pools
    .map(({ keys, value }) => {
      const id = number(keys[0], "pool");
      return pool(id, value, workersOf.get(id) ?? [], descriptionOf.get(id) ?? "", closed.has(id));
    })
    .sort((one, other) => one.id - other.id);
}

/** A pool's figures alone, for its history. */
export async function readPool(state: ChainState, id: number): Promise<Pool | null> {
  const value = await state.value("PhalaStakePoolv2", "Pools", BigInt(id));
  return value === undefined ? null : pool(id, value, [], "", false);
}

/** A pool's queue from its head on: who is paid first comes first. */
export async function readQueue(state: ChainState, id: number): Promise<QueueRequest[]> {
  const entries = await state.entries("PhalaStakePoolv2", "Requests", BigInt(id));
  return (
    entries
      .map(({ keys, value }) => {
        const request = record(value, "request");
        return {
          number: number(keys[1], "request"),
          staker: text(request.staker, "staker"),
          shares: big(request.shares, "shares"),
          madeSeconds: number(request.made, "time"),
        };
      })
      // Requests join at the tail, so their numbers grow from head to tail.
      .sort((one, other) => one.number - other.number)
      .map(({ number: _, ...request }) => request)
  );
}

export async function readDelegations(state: ChainState, account: string): Promise<Delegation[]> {
  if (!state.has("PhalaStakePoolv2", "StakerPools")) return [];
  const pools = list(await state.value("PhalaStakePoolv2", "StakerPools", account), "pools");
  const delegations = await Promise.all(
    pools.map(async (id): Promise<Delegation | null> => {
      const value = await state.value("PhalaStakePoolv2", "Delegations", id, account);
      if (value === undefined) return null;
      const own = record(value, "delegation");
      return {
        pool: number(id, "pool"),
        shares: big(own.shares, "shares"),
        queued: big(own.queued, "shares"),
        locked: big(own.locked, "shares"),
      };
    }),
  );
  return delegations.filter((one) => one !== null);
}
