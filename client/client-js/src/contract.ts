/** A contract on chain: asking it, commanding it, deploying it. */

import type { Account } from "./account.js";
import { formatAddress, parseAddress } from "./address.js";
import type { Chain } from "./chain.js";
import { Cluster } from "./cluster.js";
import { sealCommand } from "./command.js";
import { ContractFile, type Message } from "./contract-file.js";
import { contractId } from "./domain.js";
import {
  ContractFailed,
  ContractFileError,
  ContractRefused,
  NoneAnswered,
  NotFound,
  PhatError,
  QueryRefused,
  TimedOut,
  WorkerError,
} from "./errors.js";
import { facts, type At, type BlockRef } from "./facts.js";
import { normalHex, type Hex } from "./hex.js";
import { UnusableKey } from "./hpke.js";
import { keys } from "./keys.js";
import { secureRandom } from "./random.js";
import { makeReceiptFile } from "./receipt.js";
import type { Replicas } from "./replicas.js";
import { callRequest, instantiateRequest, outcomeRequest, type RequestOptions } from "./request.js";
import { pause, type Waiting } from "./timing.js";
import { mailboxNumbers, transactions, type Included, type SubmitStatus, type Transaction } from "./transaction.js";
import { COMMAND_BYTES_MAX, type CommandOutcome, type Receipt } from "./wire.js";
import { readOutcome, type Asked } from "./worker.js";

/** How long the outcome of a command is waited for, and how long one worker has for it. */
const OUTCOME_PATIENCE_MS = 90_000;
const WORKER_PATIENCE_MS = 5_000;
/** Pause between two questions for it. */
const POLL_MS = 50;
/** Longest message of a command, bytes. */
const MESSAGE_BYTES_MAX = COMMAND_BYTES_MAX - 128;

/** How to ask. */
export interface QueryOptions extends RequestOptions, Waiting {
  /** The account that asks; without it nobody in particular does. */
  account?: Account;
  /** Asks so many workers the same, and compares: the majority's answer is taken. */
  replicas?: number;
}

/** What a contract answered. */
export interface Answer<T = unknown> {
  value: T;
  /** Who answered. */
  worker: Hex;
  /** The final block whose state was read. */
  block: BlockRef;
  /** Root of the cluster's state there. */
  stateRoot: Hex;
  gasConsumed: bigint;
  /** Gas that a command must offer for the same. */
  gasRequired: bigint;
  /** Storage deposit it would charge (positive) or give back (negative). */
  storageDeposit: bigint;
  /** The worker's signed word, if asked for; {@link Contract.receiptFile} makes a file of it. */
  receipt?: Receipt;
  /** All workers' answers, if several were asked. */
  replicas?: Replicas;
  /** Question and answer as they were sealed. */
  asked: Asked;
}

/** What a command may take. */
export interface CallOptions extends Waiting {
  /** Who sends it. */
  account: Account;
  /** Value to transfer to the contract, from the sender's balance in the cluster. */
  transfer?: bigint;
  /** Most gas; by default the most that there is. */
  gasLimit?: bigint;
  /** Most deposit for storage; by default what the balance allows. */
  storageDepositLimit?: bigint;
  onProgress?: (progress: Progress) => void;
}

/** How far a command or a deployment is. */
export type Progress =
  | { step: "upload" | "wait for code" | "try" | "instantiate" | "wait for outcome" | "wait for keys" | "seal" }
  | { step: "submit"; status: SubmitStatus };

/** A command that was run. */
export interface Done<T = unknown> {
  value: T;
  /** Its number in the cluster's mailbox. */
  number: bigint;
  /** The block that took it in. */
  block: BlockRef;
  gasConsumed: bigint;
  outcome: CommandOutcome;
}

/** What {@link Contract.logs} asks. */
export interface LogQuestion {
  /** Number of the first record; negative counts from the end. By default -`count`. */
  from?: number;
  /** At most 1000; by default 100. */
  count?: number;
  /** Only of this block. */
  block?: number;
}

/** Something that a contract wrote. */
export type LogRecord = { sequence: number; blockNumber: number; contract: Hex } & (
  | { type: "Log"; entry: Hex; execMode: "query" | "estimating" | "transaction"; timestamp: number; level: number; message: string }
  | { type: "Event"; topics: Hex[]; payload: Hex }
  | { type: "MessageOutput"; origin: Hex; nonce: Hex; output: Hex }
);

/** A contract on chain, with its metadata. */
export class Contract {
  constructor(
    readonly chain: Chain,
    readonly cluster: Cluster,
    readonly id: Hex,
    readonly file: ContractFile,
  ) {}

  /**
   * A contract by its id: finds its cluster, with a proof.
   *
   * @throws NotFound
   */
  static async at(chain: Chain, id: Hex, file: ContractFile, options: Waiting & { cluster?: Cluster } = {}): Promise<Contract> {
    const contract = normalHex(id, 32);
    return new Contract(chain, options.cluster ?? (await Cluster.ofContract(chain, contract, options)), contract, file);
  }

  /**
   * Asks. The question and the answer are sealed between this program and the attested worker.
   *
   * @throws ContractRefused where the contract answers with an error
   */
  async query<T = unknown>(message: string, args: readonly unknown[] = [], options: QueryOptions = {}): Promise<Answer<T>> {
    const of = this.file.message(message);
    return this.queryInput(of, this.file.encode(of, args), options);
  }

  /** As {@link query}, with selector and arguments that are encoded already. */
  async queryInput<T = unknown>(message: Message, input: Uint8Array, options: QueryOptions = {}): Promise<Answer<T>> {
    const request = callRequest(this.id, input, options);
    const asking = {
      ...(options.account && { account: options.account }),
      ...(options.signal && { signal: options.signal }),
    };
    if (options.replicas === undefined) {
      return answerOf(this.file, message, await this.cluster.ask(request, asking));
    }
    const replicas = await this.cluster.askReplicas(request, options.replicas, asking);
    const asked = replicas.majority;
    if (!asked) {
      const stands = replicas.replicas.map(({ worker }) => worker).join(", ");
      throw new NoMajority(replicas, `no answer has a majority among ${stands}`);
    }
    return { ...answerOf<T>(this.file, message, asked), replicas };
  }

  /**
   * Sends a command: sealed to the contract, signed by the account, on chain; waits until it has been run.
   *
   * @throws ContractRefused where the contract answers with an error: then nothing changed. ContractFailed
   */
  async call<T = unknown>(message: string, args: readonly unknown[], options: CallOptions): Promise<Done<T>> {
    const of = this.file.message(message);
    return this.callInput(of, this.file.encode(of, args), options);
  }

  /** As {@link call}, with selector and arguments that are encoded already. */
  async callInput<T = unknown>(message: Message, input: Uint8Array, options: CallOptions): Promise<Done<T>> {
    const { account, onProgress } = options;
    if (input.length > MESSAGE_BYTES_MAX) {
      throw new PhatError("argument", `the command has ${input.length} bytes, at most ${MESSAGE_BYTES_MAX} are sent`);
    }
    const { value: record } = await this.chain.contract(this.id, options);
    if (record.hpkeKey === undefined) throw noKeys(this.id);
    onProgress?.({ step: "seal" });
    const payload = await this.seal(record.hpkeKey, input, options);
    const included = await submit(this.chain, account, transactions.command(this.id, payload), options);
    const number = ownNumber(included, record.cluster);
    onProgress?.({ step: "wait for outcome" });
    const outcome = await awaitOutcome(this.cluster, account, number, options);
    await this.cluster.hasSeen(outcome.blockNumber);
    const value = returned(this.file, message, outcome) as T;
    return { value, number, block: included.block, gasConsumed: outcome.gasConsumed, outcome };
  }

  private async seal(key: Hex, input: Uint8Array, options: CallOptions) {
    const route = { genesis: this.chain.genesis, contract: this.id, sender: options.account.id };
    try {
      return await sealCommand(key, route, {
        tag: "InkMessage",
        value: {
          nonce: secureRandom(16),
          message: input,
          transfer: options.transfer ?? 0n,
          gasLimit: options.gasLimit ?? 0n,
          storageDepositLimit: options.storageDepositLimit,
        },
      });
    } catch (error) {
      if (!(error instanceof UnusableKey)) throw error;
      throw new PhatError("format", `the key of contract ${this.id} on chain is not usable`, { cause: error });
    }
  }

  /** What a call would cost, and answer; nothing changes. */
  estimate<T = unknown>(message: string, args: readonly unknown[], options: QueryOptions & { account: Account }): Promise<Answer<T>> {
    return this.query(message, args, { ...options, estimate: true });
  }

  /** What the contract wrote; its owner alone sees it. Kept in one worker's memory. */
  async logs(account: Account, question: LogQuestion = {}, waiting: Waiting = {}): Promise<{ records: LogRecord[]; next: number }> {
    const count = question.count ?? 100;
    const answer = (await this.cluster.logger(
      {
        action: "GetLog",
        contract: this.id,
        from: question.from ?? -count,
        count,
        ...(question.block !== undefined && { blockNumber: question.block }),
      },
      { account, ...waiting },
    )) as { records?: LogRecord[]; next?: number };
    return { records: answer.records ?? [], next: answer.next ?? 0 };
  }

  /** What is staked to the contract in all, and by one account; proven. */
  stakes(account?: Account | Hex, waiting: Waiting = {}): Promise<At<{ total: bigint; own?: bigint }>> {
    return this.chain.stakes(this.id, typeof account === "object" ? account.id : account, waiting);
  }

  /** Sets what the account has staked to the contract, in all; 0 takes everything back at once. */
  setStake(account: Account, amount: bigint, options: Waiting & { onStatus?: (status: SubmitStatus) => void } = {}): Promise<Included> {
    return this.chain.submit(account, transactions.adjustStake(this.id, amount), options);
  }

  /** A file from which anybody can check an answer offline; the answer must have been asked for with a receipt. */
  receiptFile(answer: Answer | Asked, options: Waiting & { logged?: boolean } = {}): Promise<Uint8Array> {
    const asked = "asked" in answer ? answer.asked : answer;
    return makeReceiptFile(this.chain, this.cluster.client(asked.worker), asked, options);
  }
}

/** Several workers answered, and no answer has a majority. */
export class NoMajority extends PhatError {
  constructor(readonly replicas: Replicas, message: string) {
    super("noneAnswered", `${message}; ask again, or see in replicas how each answer stands to the others`);
  }
}

function answerOf<T>(file: ContractFile, message: Message, asked: Asked): Answer<T> {
  const { reply } = asked;
  if (!reply.result.ok) {
    const { error } = reply.result;
    if (error.tag === "Execution") throw new ContractFailed(message.label, error.value);
    throw new QueryRefused(error);
  }
  const output = reply.result.value;
  const decoded = file.decode(message, output.data);
  if (!decoded.ok) throw new ContractRefused(message.label, decoded.error);
  if (output.flags & 1) throw new ContractRefused(message.label, decoded.value);
  return {
    value: decoded.value as T,
    worker: asked.worker,
    block: { number: reply.blockNumber, hash: reply.blockHash },
    stateRoot: reply.stateRoot,
    gasConsumed: output.gasConsumed,
    gasRequired: output.gasRequired,
    storageDeposit: output.storageDeposit,
    ...(reply.receipt && { receipt: reply.receipt }),
    asked,
  };
}

function returned(file: ContractFile, message: Message, outcome: CommandOutcome): unknown {
  if (!outcome.result.ok) throw new ContractFailed(message.label, outcome.result.error);
  const [flags, data] = outcome.result.value;
  const decoded = file.decode(message, data);
  if (!decoded.ok) throw new ContractRefused(message.label, decoded.error);
  if (flags & 1) throw new ContractRefused(message.label, decoded.value);
  return decoded.value;
}

function noKeys(contract: Hex): PhatError {
  return new PhatError(
    "notFound",
    `contract ${contract} has no keys on chain: its constructor failed, or no worker has run it yet`,
  );
}

function submit(
  chain: Chain,
  account: Account,
  transaction: Transaction,
  options: Waiting & { onProgress?: (progress: Progress) => void },
): Promise<Included> {
  return chain.submit(account, transaction, {
    onStatus: (status) => options.onProgress?.({ step: "submit", status }),
    ...(options.signal && { signal: options.signal }),
  });
}

function ownNumber(included: Included, cluster: Hex): bigint {
  const own = mailboxNumbers(included).filter((entry) => entry.cluster === cluster).at(-1);
  if (own) return own.number;
  throw new PhatError(
    "format",
    "the chain took the transaction but reports no mailbox entry; the client is too old or too new for the chain",
  );
}

/** What to do between two looks for a mailbox entry: gives up after a while, and before that looks elsewhere. */
class Patience {
  private readonly started = Date.now();
  private turned = Date.now();

  constructor(
    private readonly cluster: Cluster,
    private readonly what: string,
  ) {}

  async pause(signal?: AbortSignal): Promise<void> {
    const now = Date.now();
    if (now - this.started > OUTCOME_PATIENCE_MS) {
      throw new TimedOut(`${this.what} was not run in time: are the cluster's workers up, and is the chain final?`);
    }
    if (now - this.turned > WORKER_PATIENCE_MS) {
      this.cluster.turnToAnother();
      this.turned = now;
    }
    await pause(POLL_MS, signal);
  }
}

/** Waits until a worker has run mailbox entry `number` of `account`, and gives its outcome. */
export async function awaitOutcome(cluster: Cluster, account: Account, number: bigint, waiting: Waiting = {}): Promise<CommandOutcome> {
  const patience = new Patience(cluster, `mailbox entry ${number}`);
  for (;;) {
    try {
      return readOutcome(await cluster.ask(outcomeRequest(number), { account, ...(waiting.signal && { signal: waiting.signal }) }));
    } catch (error) {
      const isNotYet = error instanceof QueryRefused && error.reason.tag === "OutcomeNotFound";
      // Workers may be restarted while they are waited for.
      if (!isNotYet && !(error instanceof NoneAnswered) && !(error instanceof WorkerError)) throw error;
    }
    await patience.pause(waiting.signal);
  }
}

/** Waits until a worker has run all entries up to `number`, by its own word. */
async function awaitNumber(cluster: Cluster, number: bigint, waiting: Waiting): Promise<void> {
  const patience = new Patience(cluster, `mailbox entry ${number}`);
  for (;;) {
    const next = await cluster.nextNumber(waiting);
    if (next !== undefined && next > number) return;
    await patience.pause(waiting.signal);
  }
}

/** How to deploy. */
export interface DeployOptions extends Waiting {
  /** Who deploys and owns it. */
  account: Account;
  /** Which constructor; by default the contract's default one, or `new`. */
  constructorName?: string;
  /** Public on chain. */
  args?: readonly unknown[];
  /** By default the network's only cluster that the account may deploy to. */
  cluster?: Hex | Cluster;
  /** By default random; the contract's id follows from it. */
  salt?: Uint8Array;
  /** Value for the contract, from the deployer's balance in the cluster. */
  transfer?: bigint;
  onProgress?: (progress: Progress) => void;
}

/** A contract that was deployed. */
export interface Deployed {
  contract: Contract;
  id: Hex;
  /** The block that took its instantiation in. */
  block: BlockRef;
  gasConsumed: bigint;
}

/**
 * Uploads code where the cluster lacks it, tries the constructor, instantiates, and waits until the contract is
 * there. A constructor that would fail is found before anything but the code is sent.
 *
 * @throws ContractRefused, ContractFailed, and what the chain and the workers say
 */
export async function deploy(chain: Chain, file: ContractFile, options: DeployOptions): Promise<Deployed> {
  const { account, onProgress } = options;
  const constructor = file.constructorOf(options.constructorName);
  const input = file.encode(constructor, options.args ?? []);
  if (!file.code) throw new ContractFileError("the file holds metadata only, no code; build it with phat build");
  const cluster = await clusterFor(chain, account, options);
  onProgress?.({ step: "upload" });
  const uploaded = await submit(chain, account, transactions.uploadCode(cluster.id, file.code), options);
  const entry = mailboxNumbers(uploaded)[0];
  if (entry) {
    onProgress?.({ step: "wait for code" });
    await awaitNumber(cluster, entry.number, options);
  }
  onProgress?.({ step: "try" });
  const salt = options.salt ?? secureRandom(8);
  const waiting = options.signal && { signal: options.signal };
  const trial = instantiateRequest(file.codeHash, salt, input, { value: options.transfer ?? 0n });
  answerOf(file, constructor, await cluster.ask(trial, { account, ...waiting }));
  onProgress?.({ step: "instantiate" });
  const id = contractId(account.id, file.codeHash, cluster.id, salt);
  const instantiate = transactions.instantiate({
    codeHash: file.codeHash,
    input,
    salt,
    cluster: cluster.id,
    transfer: options.transfer ?? 0n,
  });
  const included = await submit(chain, account, instantiate, options);
  onProgress?.({ step: "wait for outcome" });
  const outcome = await awaitOutcome(cluster, account, ownNumber(included, cluster.id), { ...waiting });
  returned(file, constructor, outcome);
  onProgress?.({ step: "wait for keys" });
  await awaitKeys(chain, id, { ...waiting });
  await cluster.hasSeen(outcome.blockNumber);
  return { contract: new Contract(chain, cluster, id, file), id, block: included.block, gasConsumed: outcome.gasConsumed };
}

async function clusterFor(chain: Chain, account: Account, options: DeployOptions): Promise<Cluster> {
  if (options.cluster instanceof Cluster) return options.cluster;
  if (options.cluster !== undefined) return Cluster.open(chain, options.cluster, options);
  const { value } = await chain.clusters(options);
  const isOpen = ({ permission }: (typeof value)[number]) =>
    permission === "public" || parseAddress(permission.onlyOwner) === account.id;
  const open = value.filter(isOpen);
  const [only] = open;
  if (!only) throw new NotFound(`cluster that ${formatAddress(account.id)} may deploy to`);
  if (open.length > 1) {
    throw new PhatError("argument", `name a cluster; there are: ${open.map((cluster) => cluster.id).join(", ")}`);
  }
  return Cluster.open(chain, only.id, options);
}

async function awaitKeys(chain: Chain, contract: Hex, waiting: Waiting): Promise<void> {
  const started = Date.now();
  while (Date.now() - started < OUTCOME_PATIENCE_MS) {
    if ((await chain.unproven("contract key", facts.key, keys.contractHpkeKey(contract), waiting)) !== undefined) return;
    await pause(POLL_MS, waiting.signal);
  }
  throw noKeys(contract);
}

