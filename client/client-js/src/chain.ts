/** The chain, through a node that is not trusted. */

import { createClient, type PolkadotClient } from "polkadot-api";
import { getWsProvider } from "polkadot-api/ws";
import type { Account } from "./account.js";
import { formatAddress } from "./address.js";
import { blake2b256 } from "./domain.js";
import { AnotherNetwork, ChainUnreachable, NodeError, NotFound, ProofInvalid, TimedOut, Unsupported, textOf } from "./errors.js";
import {
  decodeFact,
  facts,
  readFact,
  standingOf,
  workerRecord,
  type At,
  type BlockRef,
  type ClusterRecord,
  type ContractRecord,
  type Member,
  type Membership,
  type WorkerRecord,
} from "./facts.js";
import { concat, equalBytes, fromHex, normalHex, toHex, type Hex } from "./hex.js";
import { clusterIdOf, keys } from "./keys.js";
import { ProvenState, proveFinal, type FinalBlock, type Start } from "./proof.js";
import { compact, type Codec } from "./scale.js";
import { within, type Waiting } from "./timing.js";
import { estimateFee, follow, type Included, type SubmitOptions, type SubmitStatus, type Transaction } from "./transaction.js";

export type { BlockRef } from "./facts.js";

/** How long a node may take to answer at all, milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Between two tries to reach a node, milliseconds. */
const RETRY_MS = 300;
/** How long it may take for one answer. */
const NODE_TIMEOUT_MS = 30_000;
/** How long a transaction may take into a block. */
const INCLUSION_TIMEOUT_MS = 120_000;
/** How often a list is read anew because it changed while it was read. */
const LIST_TRIES = 4;
/** Most parts of a history that are asked for; a node's part has up to 8 MiB. */
const PARTS_MAX = 1000;
/** Keys asked for at once, and most in all. */
const PAGE = 512;
const KEYS_MAX = 200_000;
/** Keys proven at once: of a few hundred kilobytes of trie nodes. */
const PROVEN_AT_ONCE = 512;

/** How to connect. */
export interface ConnectOptions extends Waiting {
  /** Connect to this network alone. Without it, what is proven belongs to whatever network the node is on. */
  genesis?: Hex;
  timeoutMs?: number;
}

/** What a chain calls itself; by the node's word. */
export interface ChainProperties {
  name: string;
  ss58Format: number;
  tokenSymbol: string;
  tokenDecimals: number;
}

/** A connection to a node. */
export class Chain {
  /** What all proofs begin with. */
  private beginning: Promise<Start> | undefined;
  /** A final block from which the next proof may start, so that it need not go back to genesis. */
  private known: { hash: Hex; start: Start & { tag: "Known" } } | undefined;
  /** A proof that is being made, for all who want one now. */
  private proving: Promise<FinalBlock> | undefined;

  private constructor(
    /** polkadot-api's client, for all that is not here. */
    readonly client: PolkadotClient,
    /** Where the node is. */
    readonly url: string,
    /** Which network this is: the hash of its first block. */
    readonly genesis: Hex,
  ) {}

  /**
   * Connects; with several URLs, to the first that answers, and to the next when a connection breaks.
   *
   * @throws ChainUnreachable, AnotherNetwork
   */
  static async connect(url: string | string[], options: ConnectOptions = {}): Promise<Chain> {
    const urls = [url].flat();
    const name = urls.join(", ");
    for (const one of urls) {
      if (!/^wss?:\/\/./.test(one)) throw new ChainUnreachable(one, "a node's address starts with ws:// or wss://");
    }
    let trouble = "";
    const socket = await webSocket();
    const timeoutMs = options.timeoutMs ?? CONNECT_TIMEOUT_MS;
    const late = () => new ChainUnreachable(name, `no answer within ${timeoutMs / 1000} s${trouble}; is it running?`);
    // polkadot-api's client throws from a timer of its own when it is destroyed while it connects, which ends a
    // process: so it is made only once a node has said that it is of the right network.
    const over = new AbortController();
    const asked = genesisOf(socket, urls, (event) => (trouble = `: ${socketTrouble(event)}`), over.signal);
    let genesis: Hex;
    try {
      genesis = normalHex(await within(asked, timeoutMs, late, options.signal), 32);
    } finally {
      over.abort();
    }
    const expected = options.genesis && normalHex(options.genesis, 32);
    if (expected !== undefined && expected !== genesis) throw new AnotherNetwork(expected, genesis);
    return new Chain(createClient(getWsProvider(urls, { websocketClass: socket })), name, genesis);
  }

  /** Ends the connection. */
  close(): void {
    this.client.destroy();
  }

  /** What the chain calls itself, by the node's word. */
  async properties(waiting: Waiting = {}): Promise<ChainProperties> {
    const late = () => new NodeError("it does not answer in time");
    const { name, properties } = await within(this.client.getChainSpecData(), NODE_TIMEOUT_MS, late, waiting.signal);
    const said = (properties ?? {}) as Partial<Omit<ChainProperties, "name">>;
    return {
      name,
      ss58Format: said.ss58Format ?? 42,
      tokenSymbol: said.tokenSymbol ?? "PHA",
      tokenDecimals: said.tokenDecimals ?? 12,
    };
  }

  /** Calls a method of the node; its word. */
  async request<T>(method: string, params: unknown[], waiting: Waiting = {}): Promise<T> {
    const late = () => new NodeError(`it does not answer ${method} within ${NODE_TIMEOUT_MS / 1000} s`);
    try {
      return await within(this.client._request<T>(method, params), NODE_TIMEOUT_MS, late, waiting.signal);
    } catch (error) {
      if (error instanceof Error && error.name !== "RpcError") throw error;
      throw new NodeError(`${method}: ${textOf(error)}`, { cause: error });
    }
  }

  private async requestBytes(method: string, params: unknown[], waiting: Waiting): Promise<Uint8Array> {
    return fromHex(await this.request<Hex>(method, params, waiting));
  }

  // What is proven.

  /** Reads `wanted` at a recent final block, proven from genesis. */
  async prove(wanted: Uint8Array[], waiting: Waiting = {}): Promise<ProvenState> {
    const block = await this.finalBlock(waiting);
    return ProvenState.prove(block, await this.readProof(wanted, block.hash, waiting), wanted);
  }

  /** The newest final block, proven. */
  async finalBlock(waiting: Waiting = {}): Promise<FinalBlock> {
    this.proving ??= this.proveFinalBlock().finally(() => (this.proving = undefined));
    const late = () => new NodeError(`it does not prove its final blocks within ${2 * NODE_TIMEOUT_MS / 1000} s`);
    return within(this.proving, 2 * NODE_TIMEOUT_MS, late, waiting.signal);
  }

  private async proveFinalBlock(): Promise<FinalBlock> {
    const { known } = this;
    if (known) {
      try {
        return this.remember(known.start, await this.proveFrom(known.start, known.hash));
      } catch (error) {
        // The node may be another one now, or the block the same as before and the last of its set.
        if (!(error instanceof ProofInvalid || error instanceof NodeError)) throw error;
        this.known = undefined;
      }
    }
    this.beginning ??= this.begin();
    this.beginning.catch(() => (this.beginning = undefined));
    const start = await this.beginning;
    return this.remember(start, await this.proveFrom(start, this.genesis));
  }

  /** What a proof from genesis begins with. @internal */
  async begin(): Promise<Start> {
    const header = await this.header(this.genesis);
    const authorities = await this.readProof([keys.grandpaAuthorities()], this.genesis);
    return { tag: "Genesis", value: { hash: this.genesis, header, authorities } };
  }

  private async proveFrom(start: Start, hash: Hex): Promise<FinalBlock> {
    const parts: Uint8Array[] = [];
    let from = hash;
    while (parts.length < PARTS_MAX) {
      parts.push(await this.requestBytes("phat_warpProof", [from], {}));
      const block = await proveFinal(start, parts);
      if (block.finished) return block;
      // A long history comes in parts. Each takes it on, or it is no proof.
      if (block.hash === from) break;
      from = block.hash;
    }
    throw new NodeError("the proof of its final blocks does not come to an end");
  }

  /**
   * Keeps where the next proof may start. A set decides on all blocks after the one that brought it in; where the
   * set has not changed since the start, on the last block as well.
   */
  private remember(start: Start, block: FinalBlock): FinalBlock {
    const startSet = start.tag === "Known" ? start.value.set.id : 0n;
    const after = block.set.id === startSet && block.number > 0 ? block.number - 1 : block.number;
    this.known = { hash: block.hash, start: { tag: "Known", value: { after, set: block.set } } };
    return block;
  }

  /** Trie nodes that prove `wanted` under a block; the node's word until they are checked. */
  async readProof(wanted: Uint8Array[], at: Hex, waiting: Waiting = {}): Promise<Uint8Array[]> {
    const { proof } = await this.request<{ proof: Hex[] }>("state_getReadProof", [wanted.map(toHex), at], waiting);
    return proof.map((node) => fromHex(node));
  }

  /**
   * A block's header, SCALE.
   *
   * @throws ProofInvalid where the node gives another's
   */
  async header(hash: Hex, waiting: Waiting = {}): Promise<Uint8Array> {
    interface JsonHeader {
      parentHash: Hex;
      number: Hex;
      stateRoot: Hex;
      extrinsicsRoot: Hex;
      digest: { logs: Hex[] };
    }
    const header = await this.request<JsonHeader | null>("chain_getHeader", [hash], waiting);
    if (header === null) throw new NotFound(`block ${hash}`);
    const bytes = concat(
      fromHex(header.parentHash, 32),
      compact.enc(Number.parseInt(header.number, 16)),
      fromHex(header.stateRoot, 32),
      fromHex(header.extrinsicsRoot, 32),
      compact.enc(header.digest.logs.length),
      ...header.digest.logs.map((item) => fromHex(item)),
    );
    if (!equalBytes(blake2b256(bytes), fromHex(hash, 32))) throw new ProofInvalid("a header is another block's");
    return bytes;
  }

  /** The workers of a cluster, all from one proven read. */
  membership(cluster: Hex, waiting: Waiting = {}): Promise<Membership> {
    return this.membershipWith(normalHex(cluster, 32), undefined, waiting);
  }

  /** The workers of the cluster where a contract lives, all from one proven read. */
  async membershipOfContract(contract: Hex, waiting: Waiting = {}): Promise<Membership> {
    const id = normalHex(contract, 32);
    const said = await this.unproven("contract", facts.contract, keys.contract(id), waiting);
    if (!said) throw new NotFound(`contract ${id}`);
    return this.membershipWith(said.cluster, id, waiting);
  }

  private async membershipWith(cluster: Hex, contract: Hex | undefined, waiting: Waiting): Promise<Membership> {
    // Only what one knows the name of can be asked for: the node's word gives the names, the proof shows whether
    // they were right.
    let list = await this.unproven("workers of a cluster", facts.workerIds, keys.clusterWorkers(cluster), waiting);
    for (let tries = 0; list && tries < LIST_TRIES; tries++) {
      const asked = list;
      const state = await this.prove(
        [
          keys.clusterWorkers(cluster),
          keys.timestamp(),
          keys.suspendedWorkers(cluster),
          ...(contract === undefined ? [] : [keys.contract(contract)]),
          ...asked.flatMap((worker) => [keys.worker(worker), keys.endpoints(worker)]),
        ],
        waiting,
      );
      const proven = readFact(state, "workers of a cluster", facts.workerIds, keys.clusterWorkers(cluster));
      if (!proven) break;
      if (!proven.every((worker) => asked.includes(worker))) {
        list = proven;
        continue;
      }
      if (contract !== undefined) {
        const record = readFact(state, "contract", facts.contract, keys.contract(contract));
        if (record?.cluster !== cluster) throw new NotFound(`contract ${contract}`);
      }
      return { cluster, block: state.block, members: membersOf(state, cluster, proven) };
    }
    if (!list) throw new NotFound(`cluster ${cluster}`);
    throw new NodeError(`the list of workers of cluster ${cluster} keeps changing`);
  }

  /** A worker, proven. */
  async worker(worker: Hex, waiting: Waiting = {}): Promise<At<WorkerRecord>> {
    const id = normalHex(worker, 32);
    const state = await this.prove([keys.worker(id), keys.endpoints(id)], waiting);
    const value = readWorker(state, id);
    if (!value) throw new NotFound(`worker ${id}`);
    return { value, block: state.block };
  }

  /** All registered workers: each is proven; which there are is the node's word, which can leave some out. */
  async workers(waiting: Waiting = {}): Promise<At<WorkerRecord[]>> {
    const ids = (await this.keysBelow(keys.workers(), waiting)).map((key) => toHex(key.slice(-32)));
    const value: WorkerRecord[] = [];
    let block: BlockRef = await this.finalBlock(waiting);
    for (let at = 0; at < ids.length; at += PROVEN_AT_ONCE / 2) {
      const some = ids.slice(at, at + PROVEN_AT_ONCE / 2);
      const state = await this.prove(some.flatMap((id) => [keys.worker(id), keys.endpoints(id)]), waiting);
      value.push(...some.flatMap((id) => readWorker(state, id) ?? []));
      block = state.block;
    }
    return { value, block: { number: block.number, hash: block.hash } };
  }

  /** All clusters, proven: they are numbered, so none can be left out. */
  async clusters(waiting: Waiting = {}): Promise<At<ClusterRecord[]>> {
    const counter = keys.clusterCounter();
    let state = await this.prove([counter], waiting);
    const count = Number(readFact(state, "number of clusters", facts.counter, counter) ?? 0n);
    const value: ClusterRecord[] = [];
    for (let at = 0; at < count; at += PROVEN_AT_ONCE / 4) {
      const length = Math.min(PROVEN_AT_ONCE / 4, count - at);
      const some = Array.from({ length }, (_, place) => clusterIdOf(BigInt(at + place + 1)));
      state = await this.prove(some.flatMap(keysOfCluster), waiting);
      value.push(...some.flatMap((id) => readCluster(state, id) ?? []));
    }
    return { value, block: state.block };
  }

  /** The contracts of a cluster, proven, with the keys that commands are sealed to and what is staked to them. */
  async contracts(cluster: Hex, waiting: Waiting = {}): Promise<At<ContractRecord[]>> {
    const list = keys.clusterContracts(normalHex(cluster, 32));
    let state = await this.prove([list], waiting);
    const ids = readFact(state, "contracts of a cluster", facts.contractIds, list) ?? [];
    const value: ContractRecord[] = [];
    for (let at = 0; at < ids.length; at += PROVEN_AT_ONCE / 4) {
      const some = ids.slice(at, at + PROVEN_AT_ONCE / 4);
      state = await this.prove(some.flatMap(keysOfContract), waiting);
      value.push(...some.flatMap((id) => readContract(state, id) ?? []));
    }
    return { value, block: state.block };
  }

  /** A contract, proven. */
  async contract(contract: Hex, waiting: Waiting = {}): Promise<At<ContractRecord>> {
    const id = normalHex(contract, 32);
    const state = await this.prove(keysOfContract(id), waiting);
    const value = readContract(state, id);
    if (!value) throw new NotFound(`contract ${id}`);
    return { value, block: state.block };
  }

  /** What is staked to a contract in all, and by one account; proven. */
  async stakes(contract: Hex, account?: Hex, waiting: Waiting = {}): Promise<At<{ total: bigint; own?: bigint }>> {
    const id = normalHex(contract, 32);
    const total = keys.contractStake(id);
    const own = account === undefined ? undefined : keys.contractStakeOf(normalHex(account, 32), id);
    const state = await this.prove(own ? [total, own] : [total], waiting);
    const staked = (key: Uint8Array) => readFact(state, "stake", facts.balance, key) ?? 0n;
    return { value: { total: staked(total), ...(own && { own: staked(own) }) }, block: state.block };
  }

  // The node's word.

  /** A value at the newest final block, by the node's word: for progress and names, not for trust. */
  async unproven<T>(what: string, codec: Codec<T>, key: Uint8Array, waiting: Waiting = {}): Promise<T | undefined> {
    const at = await this.request<Hex>("chain_getFinalizedHead", [], waiting);
    const bytes = await this.request<Hex | null>("state_getStorage", [toHex(key), at], waiting);
    return bytes === null ? undefined : decodeFact(what, codec, fromHex(bytes));
  }

  private async keysBelow(prefix: Uint8Array, waiting: Waiting): Promise<Uint8Array[]> {
    const all: Hex[] = [];
    for (;;) {
      const page = await this.request<Hex[]>("state_getKeysPaged", [toHex(prefix), PAGE, all.at(-1) ?? null], waiting);
      all.push(...page);
      if (page.length < PAGE) return all.map((key) => fromHex(key));
      if (all.length > KEYS_MAX) throw new NodeError(`it has more than ${KEYS_MAX} keys below ${toHex(prefix)}`);
    }
  }

  /** The number of the newest final block, by the node's word. */
  async finalNumber(waiting: Waiting = {}): Promise<number> {
    const late = () => new NodeError("it does not tell its final block in time");
    return (await within(this.client.getFinalizedBlock(), NODE_TIMEOUT_MS, late, waiting.signal)).number;
  }

  /** Calls at each new best and final block, by the node's word; gives what ends that. */
  onBlocks(
    listener: (blocks: { best: BlockRef; final: BlockRef }) => void,
    onError: (error: Error) => void = () => {},
  ): () => void {
    const reference = ({ number, hash }: { number: number; hash: string }) => ({ number, hash: hash as Hex });
    const subscription = this.client.bestBlocks$.subscribe({
      next: (blocks) => {
        const [best, final] = [blocks[0], blocks.at(-1)];
        if (best && final) listener({ best: reference(best), final: reference(final) });
      },
      error: (error: unknown) => onError(new NodeError(textOf(error), { cause: error })),
    });
    return () => subscription.unsubscribe();
  }

  /** What an account has on chain, by the node's word. */
  async balance(account: Hex, waiting: Waiting = {}): Promise<{ free: bigint; reserved: bigint; frozen: bigint }> {
    const late = () => new NodeError("it does not tell the balance in time");
    const api = this.client.getUnsafeApi() as unknown as {
      query: { System: { Account: { getValue(address: string): Promise<{ data: Record<string, bigint> }> } } };
    };
    const read = api.query.System.Account.getValue(formatAddress(account));
    const { data } = await within(read, NODE_TIMEOUT_MS, late, waiting.signal);
    return { free: data["free"] ?? 0n, reserved: data["reserved"] ?? 0n, frozen: data["frozen"] ?? 0n };
  }

  /** The hash of the block of that number, by the node's word. */
  async hashOf(number: number, waiting: Waiting = {}): Promise<Hex> {
    const hash = await this.request<Hex | null>("chain_getBlockHash", [number], waiting);
    if (hash === null) throw new NotFound(`block ${number}`);
    return hash;
  }

  // Transactions.

  /**
   * Signs, submits, and waits until a block has it, or until that is final.
   *
   * @throws TransactionRefused with the pallet's reason, SigningRefused
   */
  async submit(account: Account, transaction: Transaction, options: SubmitOptions = {}): Promise<Included> {
    // The node counts those that wait in its pool: two soon after one another both get in.
    const nonce = await this.request<number>("system_accountNextIndex", [account.address], options);
    const late = () =>
      new TimedOut(`no block took the transaction within ${INCLUSION_TIMEOUT_MS / 1000} s; does the chain make blocks?`);
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let giveUp: (error: Error) => void = () => {};
    const tooLate = new Promise<never>((_, reject) => (giveUp = reject));
    // A person who signs has all the time they want; the chain has not.
    const onStatus = (status: SubmitStatus) => {
      if (status === "sent") timer = setTimeout(() => giveUp(late()), INCLUSION_TIMEOUT_MS);
      options.onStatus?.(status);
    };
    const following = follow(this.client, account, transaction, nonce, { ...options, onStatus, signal: controller.signal });
    return within(Promise.race([following, tooLate]), undefined, late, options.signal).finally(() => {
      clearTimeout(timer);
      controller.abort();
    });
  }

  /** What a transaction would cost, by the node's word. */
  estimateFee(account: Account, transaction: Transaction): Promise<bigint> {
    return estimateFee(this.client, account, transaction);
  }
}

function membersOf(state: ProvenState, cluster: Hex, workers: Hex[]): Member[] {
  const nowMs = Number(readFact(state, "timestamp", facts.milliseconds, keys.timestamp()) ?? 0n);
  const suspended = readFact(state, "suspended workers", facts.workerIds, keys.suspendedWorkers(cluster)) ?? [];
  return workers.flatMap((worker) => {
    // Without a registration there is no key to seal to: then it is no worker to clients.
    const record = readWorker(state, worker);
    return record ? [{ record, standing: standingOf(record, nowMs, suspended) }] : [];
  });
}

function readWorker(state: ProvenState, worker: Hex): WorkerRecord | undefined {
  const info = readFact(state, "worker registration", facts.worker, keys.worker(worker));
  if (!info) return undefined;
  return workerRecord(info, readFact(state, "endpoints", facts.endpoints, keys.endpoints(worker))?.value ?? []);
}

function keysOfCluster(id: Hex): Uint8Array[] {
  return [keys.cluster(id), keys.clusterWorkers(id), keys.suspendedWorkers(id), keys.clusterContracts(id)];
}

function readCluster(state: ProvenState, id: Hex): ClusterRecord | undefined {
  const info = readFact(state, "cluster", facts.cluster, keys.cluster(id));
  if (!info) return undefined;
  const { permission } = info;
  return {
    id,
    owner: formatAddress(info.owner),
    permission: permission.tag === "Public" ? "public" : { onlyOwner: formatAddress(permission.value) },
    gasPrice: info.gasPrice,
    depositPerItem: info.depositPerItem,
    depositPerByte: info.depositPerByte,
    workers: readFact(state, "workers of a cluster", facts.workerIds, keys.clusterWorkers(id)) ?? [],
    suspended: readFact(state, "suspended workers", facts.workerIds, keys.suspendedWorkers(id)) ?? [],
    contracts: readFact(state, "contracts of a cluster", facts.contractIds, keys.clusterContracts(id)) ?? [],
  };
}

function keysOfContract(id: Hex): Uint8Array[] {
  return [keys.contract(id), keys.contractHpkeKey(id), keys.contractStake(id)];
}

function readContract(state: ProvenState, id: Hex): ContractRecord | undefined {
  const record = readFact(state, "contract", facts.contract, keys.contract(id));
  if (!record) return undefined;
  const hpkeKey = readFact(state, "contract key", facts.key, keys.contractHpkeKey(id));
  return {
    id,
    deployer: formatAddress(record.deployer),
    cluster: record.cluster,
    ...(hpkeKey !== undefined && { hpkeKey }),
    stake: readFact(state, "stake", facts.balance, keys.contractStake(id)) ?? 0n,
  };
}

/** The platform's WebSocket; Node.js before 22 has none, so there the package `ws`. */
async function webSocket(): Promise<typeof WebSocket> {
  if (typeof globalThis.WebSocket === "function") return globalThis.WebSocket;
  try {
    return (await import("ws")).WebSocket;
  } catch {
    throw new Unsupported("there is no WebSocket here: use Node.js 22, or install the package ws");
  }
}

/**
 * Asks the nodes, again and again, for the hash of their first block; the first answer counts. No connection outlives
 * `over`: one to a node that says nothing would keep a process from ending.
 */
async function genesisOf(
  socket: typeof WebSocket,
  urls: string[],
  onTrouble: (event: unknown) => void,
  over: AbortSignal,
): Promise<string> {
  const ask = (url: string) =>
    new Promise<string>((resolve, reject) => {
      const tried = new socket(url);
      const fail = (event: unknown) => {
        onTrouble(event);
        reject(new Error(url));
        tried.close();
      };
      over.addEventListener("abort", () => tried.close(), { once: true });
      tried.onerror = fail;
      tried.onclose = fail;
      tried.onopen = () => {
        tried.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "chainSpec_v1_genesisHash", params: [] }));
      };
      tried.onmessage = ({ data }) => {
        try {
          const { result, error } = JSON.parse(String(data)) as { result?: string; error?: unknown };
          if (typeof result !== "string") return fail(error);
          resolve(result);
          tried.close();
        } catch (error) {
          fail(error);
        }
      };
    });
  while (!over.aborted) {
    try {
      return await Promise.any(urls.map(ask));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  throw new Error("nobody waits any more");
}

function socketTrouble(event: unknown): string {
  const { message, reason } = (event ?? {}) as { message?: string; reason?: string };
  return message || reason || "the connection broke";
}
