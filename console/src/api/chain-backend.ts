// A real network: chain data through polkadot-api, everything sealed or proven through the SDK.

import {
  Chain,
  Cluster,
  Contract,
  deploy,
  transactions,
  type Account,
  type CallOptions,
  type ContractFile,
  type LogRecord,
} from "@phat/client";
import type { PolkadotClient } from "polkadot-api";
import { decAnyMetadata, unifyMetadata } from "@polkadot-api/substrate-bindings";
import type { Backend, ChainCall, LinkState, Progress, Unsubscribe } from "./backend";
import { ConsoleError } from "./backend";
import { readGovernance, readReferendum, readTally, readTreasury, readVotesOf, type Reading } from "./chain-governance";
import {
  ChainState,
  readDelegations,
  readPool,
  readPools,
  readQueue,
  readSession,
  readSessions,
  readSnapshot,
} from "./chain-state";
import type { ContractsApi, LogLine } from "./contracts";
import { big, flag, list, number, record, text } from "./decode";
import {
  asCall,
  type Call,
  type Governance,
  type ReferendumDetail,
  type TallySample,
  type TrackVotes,
  type Treasury,
} from "./governance";
import { describe } from "./happenings";
import type {
  AccountMoney,
  Delegation,
  Happening,
  Hex,
  NetworkIdentity,
  Pool,
  PoolDetail,
  PoolSample,
  SeenBlock,
  SessionSample,
  Snapshot,
  WorkerSays,
} from "./model";
import { amount, count, short, span } from "../ui/format";

type SdkProgress = Parameters<NonNullable<CallOptions["onProgress"]>>[0];

/** Past blocks that a plot reads: enough for a curve, few enough for a second. */
const SAMPLES = 48;
/** How long a worker may take to say how it is. */
const WORKER_PATIENCE_MS = 4_000;
/** From this age of the last final block on, the connection counts as lost. */
const SILENCE_MS = 20_000;

export async function connect(node: string, genesis: Hex | null): Promise<Backend> {
  const chain = await Chain.connect(node, genesis ? { genesis } : {});
  try {
    const client = chain.client;
    const final = await client.getFinalizedBlock();
    const [properties, metadata] = await Promise.all([chain.properties(), client.getMetadata(final.hash)]);
    const items = new Set(
      unifyMetadata(decAnyMetadata(metadata)).pallets.flatMap((pallet) =>
        (pallet.storage?.items ?? []).map((item) => `${pallet.name}.${item.name}`),
      ),
    );
    if (!items.has("PhalaRegistry.Workers")) {
      throw new ConsoleError(
        "This node belongs to a network that is not Phat's.",
        "Choose a node whose chain has workers and contracts.",
      );
    }
    const state = new ChainState(client, final.hash as Hex, items);
    const development = flag(await state.value("PhalaRegistry", "DevelopmentNetwork"), "kind of network");
    const identity: NetworkIdentity = {
      genesis: chain.genesis,
      chain: properties.name,
      node,
      development,
      symbol: properties.tokenSymbol,
      decimals: properties.tokenDecimals,
      hasEconomy: items.has("PhalaStakePoolv2.Pools") && items.has("PhalaComputation.Sessions"),
      hasPlaces: items.has("PhalaRegistry.WorkerPlaces"),
      hasGovernance: items.has("Referenda.ReferendumInfoFor") && items.has("ConvictionVoting.VotingFor"),
    };
    return new ChainBackend(chain, identity, items);
  } catch (error) {
    chain.close();
    throw error;
  }
}

class ChainBackend implements Backend {
  readonly contracts: ContractsApi;
  readonly #client: PolkadotClient;

  constructor(
    private readonly chain: Chain,
    readonly identity: NetworkIdentity,
    private readonly items: ReadonlySet<string>,
  ) {
    this.#client = chain.client;
    this.contracts = new ChainContracts(chain);
  }

  watchBlocks(listener: (block: SeenBlock) => void): Unsubscribe {
    const seen = new Map<Hex, SeenBlock>();
    const note = (block: { number: number; hash: string }, final: boolean) => {
      const hash = block.hash as Hex;
      const known = seen.get(hash);
      if (known && (known.finalAtMs !== null || !final)) return;
      const now = Date.now();
      const next = { number: block.number, hash, seenAtMs: known?.seenAtMs ?? now, finalAtMs: final ? now : null };
      seen.set(hash, next);
      for (const [old, { number }] of seen) if (number + 256 < block.number) seen.delete(old);
      listener(next);
    };
    const best = this.#client.bestBlocks$.subscribe({
      next: (blocks) => {
        const block = blocks[0];
        if (block) note(block, false);
      },
      error: () => {},
    });
    const final = this.#client.finalizedBlock$.subscribe({ next: (block) => note(block, true), error: () => {} });
    return () => {
      best.unsubscribe();
      final.unsubscribe();
    };
  }

  watchHappenings(listener: (happenings: Happening[]) => void): Unsubscribe {
    const { symbol, decimals } = this.identity;
    const final = this.#client.finalizedBlock$.subscribe({
      next: (block) =>
        void this.#events(block.hash as Hex).then(
          (events) => {
            const told = describe(block.number, events, symbol, decimals);
            if (told.length > 0) listener(told);
          },
          // A block that is gone before its events were read: the next one has its own.
          () => {},
        ),
      error: () => {},
    });
    return () => final.unsubscribe();
  }

  async #events(at: Hex): Promise<{ pallet: string; name: string; value: unknown }[]> {
    const events = await this.#state(at).value("System", "Events");
    return list(events, "events").map((entry) => {
      const event = record(record(entry, "event").event, "event");
      const inner = record(event.value, "event");
      return { pallet: text(event.type, "event"), name: text(inner.type, "event"), value: inner.value };
    });
  }

  watchLink(listener: (state: LinkState) => void): Unsubscribe {
    let last = Date.now();
    let state: LinkState = "connected";
    const say = (next: LinkState) => {
      if (next !== state) listener((state = next));
    };
    const final = this.#client.finalizedBlock$.subscribe({
      next: () => {
        last = Date.now();
        say("connected");
      },
      error: () => say("lost"),
    });
    const timer = setInterval(() => {
      if (Date.now() - last > SILENCE_MS) say("lost");
    }, 1_000);
    return () => {
      final.unsubscribe();
      clearInterval(timer);
    };
  }

  #state(at: Hex): ChainState {
    return new ChainState(this.#client, at, this.items);
  }

  async #final(): Promise<{ state: ChainState; number: number }> {
    const block = await this.#client.getFinalizedBlock();
    return { state: this.#state(block.hash as Hex), number: block.number };
  }

  async snapshot(): Promise<Snapshot> {
    const { state, number } = await this.#final();
    return readSnapshot(state, number);
  }

  async workerSays(url: string): Promise<WorkerSays> {
    const response = await fetch(new URL("/v1/info", url), {
      signal: AbortSignal.timeout(WORKER_PATIENCE_MS),
      credentials: "omit",
    });
    if (!response.ok) throw new ConsoleError(`the worker answers with status ${response.status}`);
    const info = record(await response.json(), "worker's information");
    const serving = info.serving ? record(info.serving, "worker's information") : null;
    const traffic = info.traffic ? record(info.traffic, "worker's information") : null;
    return {
      version: text(info.version, "version"),
      platform: text(info.platform, "platform"),
      serving: serving && {
        cluster: `0x${text(serving.cluster, "cluster").replace(/^0x/, "")}`,
        blockNumber: number(serving.block_number, "block"),
        nextNumber: number(serving.next_number, "number"),
        stateRoot: `0x${text(serving.state_root, "root").replace(/^0x/, "")}`,
      },
      readyAfterMs: typeof info.ready_after_ms === "number" ? info.ready_after_ms : null,
      traffic: traffic && {
        windowMs: number(traffic.window_ms, "window"),
        queries: number(traffic.queries, "queries"),
      },
    };
  }

  async pools(): Promise<Pool[]> {
    return readPools((await this.#final()).state);
  }

  async pool(id: number): Promise<PoolDetail | null> {
    const { state } = await this.#final();
    const [pools, queue, sessions, periods, least] = await Promise.all([
      readPools(state),
      readQueue(state, id),
      readSessions(state),
      state.value("PhalaStakePoolv2", "WaitingPeriods"),
      state.constant("PhalaStakePoolv2", "ContributionMin"),
    ]);
    const pool = pools.find((one) => one.id === id);
    return pool
      ? {
          pool,
          queue,
          sessions: pool.workers.map((worker) => ({ worker, session: sessions.ofWorker.get(worker) ?? null })),
          gracePeriodSeconds: number(record(periods, "periods").grace, "time"),
          contributionMin: big(least, "contribution"),
        }
      : null;
  }

  /** Blocks spread evenly over what the node keeps: a node that prunes has the newest alone. */
  async #past<T>(
    read: (state: ChainState) => Promise<T | null>,
    first = 1,
    end = Infinity,
  ): Promise<(T & { block: number; timeMs: number })[]> {
    const last = Math.max(first, Math.min(end, (await this.#client.getFinalizedBlock()).number));
    const numbers = Array.from({ length: SAMPLES }, (_, place) =>
      Math.round(first + (last - first) * (place / (SAMPLES - 1))),
    );
    const samples = await Promise.all(
      [...new Set(numbers)].map(async (block) => {
        try {
          const state = await this.#stateAt(block);
          if (!state) return null;
          const [sample, now] = await Promise.all([read(state), state.value("Timestamp", "Now")]);
          return sample && { ...sample, block, timeMs: number(now, "time") };
        } catch {
          // The node has dropped that block's state.
          return null;
        }
      }),
    );
    return samples.filter((sample) => sample !== null);
  }

  async #stateAt(block: number): Promise<ChainState | null> {
    const at = await this.#client._request<Hex | null>("chain_getBlockHash", [block]);
    return at ? this.#state(at) : null;
  }

  async #reading(): Promise<Reading> {
    const { symbol, decimals } = this.identity;
    const { state, number: block } = await this.#final();
    return {
      state,
      block,
      decodeCall: (bytes) => this.#decodeCall(bytes),
      stateAt: (past) => this.#stateAt(past),
      write: { span, count, short, money: (value) => `${amount(value, decimals)} ${symbol}` },
    };
  }

  async #decodeCall(bytes: Uint8Array): Promise<Call | null> {
    try {
      const { decodedCall } = await this.#client.getUnsafeApi().txFromCallData(bytes);
      return asCall(decodedCall)[0] ?? null;
    } catch {
      // No call of this runtime: people see its hash.
      return null;
    }
  }

  async governance(): Promise<Governance> {
    return readGovernance(await this.#reading());
  }

  async referendum(index: number): Promise<ReferendumDetail | null> {
    return readReferendum(await this.#reading(), index);
  }

  referendumHistory(index: number, from: number, to: number): Promise<TallySample[]> {
    return this.#past((state) => readTally(state, index), from, to);
  }

  async votesOf(account: string): Promise<TrackVotes[]> {
    return readVotesOf((await this.#final()).state, account);
  }

  async treasury(): Promise<Treasury> {
    return readTreasury(await this.#reading());
  }

  poolHistory(id: number): Promise<PoolSample[]> {
    return this.#past(async (state) => {
      const pool = await readPool(state, id);
      return pool && { value: pool.value, shares: pool.shares, free: pool.free };
    });
  }

  sessionHistory(account: string): Promise<SessionSample[]> {
    return this.#past(async (state) => {
      const session = await readSession(state, account);
      return session && { v: session.v, p: session.p, earned: session.earned };
    });
  }

  async delegations(account: string): Promise<Delegation[]> {
    return readDelegations((await this.#final()).state, account);
  }

  async money(account: string): Promise<AccountMoney> {
    const { state } = await this.#final();
    const data = record(record(await state.value("System", "Account", account), "account").data, "account");
    return { free: big(data.free, "money"), held: big(data.reserved, "money") };
  }

  async contractStake(account: string, contract: Hex): Promise<bigint> {
    const { state } = await this.#final();
    return big(await state.value("PhalaPhatTokenomic", "ContractUserStakes", account, contract), "stake");
  }

  fee(call: ChainCall, account: Account): Promise<bigint> {
    return this.chain.estimateFee(account, transactions.call(call.pallet, call.call, call.arguments));
  }

  async submit(call: ChainCall, account: Account, progress: (step: Progress) => void): Promise<{ block: number }> {
    progress("signing");
    const transaction = transactions.call(call.pallet, call.call, call.arguments);
    const included = await this.chain.submit(account, transaction, {
      until: "final",
      onStatus: (status) => {
        if (status === "sent") progress("sent");
        if (status === "inBlock") progress("included");
      },
    });
    progress("final");
    return { block: included.block.number };
  }

  close(): void {
    this.chain.close();
  }
}

/** Contracts through the SDK. One cluster's session serves all of its contracts, so a wallet signs once. */
class ChainContracts implements ContractsApi {
  readonly #clusters = new Map<Hex, Promise<Cluster>>();

  constructor(private readonly chain: Chain) {}

  async #at(id: Hex, file: ContractFile): Promise<Contract> {
    const { value } = await this.chain.contract(id);
    let cluster = this.#clusters.get(value.cluster);
    if (!cluster) {
      cluster = Cluster.open(this.chain, value.cluster);
      this.#clusters.set(value.cluster, cluster);
      cluster.catch(() => this.#clusters.delete(value.cluster));
    }
    return Contract.at(this.chain, id, file, { cluster: await cluster });
  }

  async deploy({ file, constructor, args, cluster, account, progress }: Parameters<ContractsApi["deploy"]>[0]) {
    const { id } = await deploy(this.chain, file, {
      account,
      constructorName: constructor,
      args,
      cluster,
      onProgress: (step) => progress(stepText(step)),
    });
    return { id };
  }

  async query(
    id: Hex,
    file: ContractFile,
    message: string,
    args: unknown[],
    options: { account: Account | null; receipt: boolean },
  ) {
    const contract = await this.#at(id, file);
    const answer = await contract.query(message, args, {
      account: options.account ?? undefined,
      receipt: options.receipt,
    });
    return {
      value: answer.value,
      worker: answer.worker,
      block: answer.block.number,
      gas: answer.gasConsumed ?? null,
      receiptFile: options.receipt ? () => contract.receiptFile(answer) : null,
    };
  }

  async call(
    id: Hex,
    file: ContractFile,
    message: string,
    args: unknown[],
    options: { account: Account; progress: (text: string) => void },
  ) {
    const contract = await this.#at(id, file);
    const done = await contract.call(message, args, {
      account: options.account,
      onProgress: (step) => options.progress(stepText(step)),
    });
    return { value: done.value, block: done.block.number, number: BigInt(done.number), gas: done.gasConsumed ?? null };
  }

  async logs(id: Hex, file: ContractFile, account: Account, lines: number): Promise<LogLine[]> {
    const contract = await this.#at(id, file);
    const { records } = await contract.logs(account, { from: -lines, count: lines });
    return records.map(logLine);
  }
}

const LEVELS = ["", "error", "warn", "info", "debug", "trace"];

function logLine(entry: LogRecord): LogLine {
  const block = entry.blockNumber;
  switch (entry.type) {
    case "Log":
      return {
        block,
        level: LEVELS[entry.level] ?? "",
        text: entry.execMode === "transaction" ? entry.message : `${entry.message} (${entry.execMode})`,
      };
    case "Event":
      return { block, level: "event", text: entry.payload };
    case "MessageOutput":
      return { block, level: "result", text: `for ${entry.origin}` };
  }
}

/** Where a command or a deployment is, in words. */
function stepText(progress: SdkProgress): string {
  switch (progress.step) {
    case "seal":
      return "Sealing";
    case "upload":
      return "Uploading the program";
    case "wait for code":
      return "Waiting until the workers have the program";
    case "try":
      return "Trying it without effect first";
    case "instantiate":
      return "Making the contract";
    case "wait for outcome":
      return "Waiting until the workers have run it";
    case "wait for keys":
      return "Waiting for the contract’s key";
    case "submit":
      return { signing: "Signing", sent: "Sent, waiting for a block", inBlock: "In a block", final: "Final" }[
        progress.status
      ];
  }
}
