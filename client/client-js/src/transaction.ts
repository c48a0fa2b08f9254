/** Transactions: what clients ask of the chain, and how one is followed into a block. */

import type { PolkadotClient } from "polkadot-api";
import { decAnyMetadata, unifyMetadata } from "@polkadot-api/substrate-bindings";
import type { Account } from "./account.js";
import { formatAddress } from "./address.js";
import { PhatError, SigningRefused, TransactionRefused, printable, textOf } from "./errors.js";
import { normalHex, toHex, type Hex } from "./hex.js";
import { CommandPayload } from "./wire.js";

/** A call of a pallet; `args` by the names in the chain's metadata, as polkadot-api takes them. */
export interface Transaction {
  readonly pallet: string;
  readonly call: string;
  readonly args: Record<string, unknown>;
}

/** Something that a transaction caused. */
export interface ChainEvent {
  pallet: string;
  name: string;
  /** As polkadot-api decodes it. */
  value: unknown;
}

/** A transaction that a block has. */
export interface Included {
  /** The block. Not final unless it was waited for. */
  block: { number: number; hash: Hex };
  transaction: Hex;
  events: ChainEvent[];
}

/** How far a transaction is. */
export type SubmitStatus = "signing" | "sent" | "inBlock" | "final";

/** How to submit. */
export interface SubmitOptions {
  /** How far to wait: until a block has it (the default), or until that is final. */
  until?: "block" | "final";
  onStatus?: (status: SubmitStatus) => void;
  signal?: AbortSignal;
}

/** What {@link transactions.instantiate} takes. */
export interface InstantiateArgs {
  codeHash: Hex;
  /** Constructor's selector and arguments; public on chain. */
  input: Uint8Array;
  salt: Uint8Array;
  cluster: Hex;
  /** Value for the contract, from the deployer's balance in the cluster. */
  transfer?: bigint;
  /** Most gas; 0, the default, is the cluster's maximum. */
  gasLimit?: bigint;
  storageDepositLimit?: bigint;
}

function contracts(call: string, args: Record<string, unknown>): Transaction {
  return { pallet: "PhalaPhatContracts", call, args };
}

/** The transactions of this package. */
export const transactions = {
  /** Any call, by its names in the chain's metadata. */
  call: (pallet: string, call: string, args: Record<string, unknown> = {}): Transaction => ({ pallet, call, args }),

  /** Several, all or none. */
  batch: (calls: Transaction[]): Transaction => ({
    pallet: "Utility",
    call: "batch_all",
    args: { calls: calls.map(({ pallet, call, args }) => ({ type: pallet, value: { type: call, value: args } })) },
  }),

  /** Uploads contract code to a cluster. */
  uploadCode: (cluster: Hex, code: Uint8Array): Transaction =>
    contracts("cluster_upload_resource", {
      cluster_id: normalHex(cluster, 32),
      resource_type: { type: "InkCode", value: undefined },
      resource_data: code,
    }),

  /** Instantiates a contract. */
  instantiate: (args: InstantiateArgs): Transaction =>
    contracts("instantiate_contract", {
      code_index: { type: "WasmCode", value: normalHex(args.codeHash, 32) },
      data: args.input,
      salt: args.salt,
      cluster_id: normalHex(args.cluster, 32),
      transfer: args.transfer ?? 0n,
      gas_limit: args.gasLimit ?? 0n,
      storage_deposit_limit: args.storageDepositLimit,
      deposit: 0n,
    }),

  /** Sends a command, sealed or not, to a contract. */
  command: (contract: Hex, payload: CommandPayload): Transaction =>
    contracts("push_contract_message", {
      contract_id: normalHex(contract, 32),
      payload: CommandPayload.enc(payload),
      deposit: 0n,
    }),

  /** Moves PHA into a cluster, to an account there. */
  transferToCluster: (amount: bigint, cluster: Hex, to: Hex): Transaction =>
    contracts("transfer_to_cluster", {
      amount,
      cluster_id: normalHex(cluster, 32),
      dest_account: formatAddress(to),
    }),

  /** Sets what the sender has staked to a contract, in all; 0 takes it back. */
  adjustStake: (contract: Hex, amount: bigint): Transaction => ({
    pallet: "PhalaPhatTokenomic",
    call: "adjust_stake",
    args: { contract: normalHex(contract, 32), amount },
  }),

  /** Moves PHA between accounts of the chain. */
  transfer: (to: Hex, amount: bigint): Transaction => ({
    pallet: "Balances",
    call: "transfer_keep_alive",
    args: { dest: { type: "Id", value: formatAddress(to) }, value: amount },
  }),
};

/** The mailbox numbers that a transaction's entries got, in order. */
export function mailboxNumbers(included: Included): { cluster: Hex; number: bigint }[] {
  return included.events
    .filter((event) => event.pallet === "PhalaMq" && event.name === "EntryPushed")
    .map((event) => event.value as { cluster: unknown; number: unknown })
    .map(({ cluster, number }) => ({ cluster: hexOf(cluster), number: BigInt(number as bigint) }));
}

function hexOf(value: unknown): Hex {
  return value instanceof Uint8Array ? toHex(value) : normalHex(String(value));
}

/** A call ready to be signed; `unknown` calls and arguments of other types are refused here. */
function build(client: PolkadotClient, transaction: Transaction) {
  const { pallet, call, args } = transaction;
  // The names come from the chain's metadata at run time, so nothing is known of them here.
  const api = client.getUnsafeApi() as unknown as {
    tx: Record<string, Record<string, (args: unknown) => ReturnType<typeof describeTransaction>>>;
  };
  return api.tx[pallet]![call]!(args);
}

// Only its type is used.
declare function describeTransaction(): Awaited<ReturnType<ReturnType<PolkadotClient["getUnsafeApi"]>["txFromCallData"]>>;

/** Signs, submits, and waits until a block has it. */
export function follow(
  client: PolkadotClient,
  account: Account,
  transaction: Transaction,
  nonce: number,
  options: SubmitOptions,
): Promise<Included> {
  const { pallet, call } = transaction;
  options.onStatus?.("signing");
  const signer: Account["signer"] = {
    publicKey: account.signer.publicKey,
    signBytes: account.signer.signBytes,
    signTx: async (...parts) => {
      try {
        return await account.signer.signTx(...parts);
      } catch (error) {
        throw new SigningRefused(`the transaction ${pallet}.${call}`, textOf(error), { cause: error });
      }
    },
  };
  return new Promise((resolve, reject) => {
    let status: SubmitStatus = "signing";
    const report = (next: SubmitStatus) => {
      if (next === status) return;
      status = next;
      options.onStatus?.(next);
    };
    const fail = (error: unknown) => reject(refusal(error));
    try {
      const events = build(client, transaction).signSubmitAndWatch(signer, { nonce });
      const subscription = events.subscribe({
        error: fail,
        next: (event) => {
          if (event.type === "broadcasted") report("sent");
          const inBlock = event.type === "txBestBlocksState" && event.found;
          if (!inBlock && event.type !== "finalized") return;
          report(inBlock ? "inBlock" : "final");
          if (inBlock && options.until === "final") return;
          // Once a block has it there is no more to wait for; who minds forks waits until it is final.
          queueMicrotask(() => subscription.unsubscribe());
          settle(client, event, event.txHash as Hex).then(resolve, reject);
        },
      });
      options.signal?.addEventListener("abort", () => subscription.unsubscribe(), { once: true });
    } catch (error) {
      fail(error);
    }
  });
}

interface Found {
  ok: boolean;
  dispatchError?: unknown;
  events: { type: string; value: { type: string; value: unknown } }[];
  block: { number: number; hash: string };
}

async function settle(client: PolkadotClient, found: Found, transaction: Hex): Promise<Included> {
  const block = { number: found.block.number, hash: found.block.hash as Hex };
  if (!found.ok) throw await dispatchRefusal(client, block.hash, found.dispatchError);
  const events = found.events.map(({ type, value }) => ({ pallet: type, name: value.type, value: value.value }));
  // A superuser's call may fail inside a transaction that succeeds.
  for (const { pallet, name, value } of events) {
    const outcome = (value as { sudo_result?: { success: boolean; value: unknown } } | undefined)?.sudo_result;
    if (pallet === "Sudo" && name === "Sudid" && outcome && !outcome.success) {
      throw await dispatchRefusal(client, block.hash, outcome.value);
    }
  }
  return { block, transaction, events };
}

/** A pallet's error with what its author wrote of it. */
async function dispatchRefusal(client: PolkadotClient, block: Hex, error: unknown): Promise<TransactionRefused> {
  const { type, value } = (error ?? {}) as { type?: string; value?: { type?: string; value?: { type?: string } } };
  if (type !== "Module" || value?.type === undefined || value.value?.type === undefined) {
    return new TransactionRefused(printable(error), error);
  }
  const [pallet, name] = [value.type, value.value.type];
  const docs = await errorDocs(client, block, pallet, name).catch(() => "");
  return new TransactionRefused(docs === "" ? `${pallet}.${name}` : `${docs} (${pallet}.${name})`, error);
}

async function errorDocs(client: PolkadotClient, block: Hex, pallet: string, name: string): Promise<string> {
  const metadata = unifyMetadata(decAnyMetadata(await client.getMetadata(block)));
  const errors = metadata.pallets.find((candidate) => candidate.name === pallet)?.errors;
  const id = typeof errors === "object" && errors !== null ? errors.type : errors;
  const kind = metadata.lookup.find((candidate) => candidate.id === id);
  if (kind?.def.tag !== "variant") return "";
  return kind.def.value.find((variant) => variant.name === name)?.docs.join(" ").trim() ?? "";
}

/** Why a transaction did not get into a block. */
function refusal(error: unknown): PhatError {
  if (error instanceof PhatError) return error;
  const validity = (error as { error?: { type?: string; value?: { type?: string } } }).error;
  if (validity?.value?.type === undefined) return new TransactionRefused(textOf(error), undefined, { cause: error });
  const cures: Record<string, string> = {
    Payment: "the account cannot pay the fee",
    Stale: "another transaction of this account came first; try again",
    Future: "an earlier transaction of this account is missing; try again",
    AncientBirthBlock: "it was signed too long ago; sign again",
    BadProof: "the signature does not hold; is the wallet on this network?",
    ExhaustsResources: "the block is full; try again",
  };
  const kind = validity.value.type;
  return new TransactionRefused(cures[kind] ?? kind, validity, { cause: error });
}

/** What a transaction would cost, by the node's word. */
export function estimateFee(client: PolkadotClient, account: Account, transaction: Transaction): Promise<bigint> {
  return build(client, transaction)
    .getEstimatedFees(account.signer.publicKey)
    .catch((error: unknown) => {
      throw refusal(error);
    });
}
