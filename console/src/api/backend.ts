// The border between pages and where data comes from. `chain-backend.ts` reads a real network,
// `mock-api` has one made up, for work on pages and for their tests.

import type { Account } from "./accounts";
import type { ContractsApi } from "./contracts";
import type { Governance, ReferendumDetail, TallySample, TrackVotes, Treasury } from "./governance";
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

/** A call of the chain, by the names that its metadata has. */
export interface ChainCall {
  pallet: string;
  call: string;
  arguments: Record<string, unknown>;
}

export type Progress = "signing" | "sent" | "included" | "final";

export interface Unsubscribe {
  (): void;
}

export type LinkState = "connecting" | "connected" | "lost";

export interface Backend {
  readonly identity: NetworkIdentity;
  readonly contracts: ContractsApi;

  /** Hears of each new block and of each block that becomes final. */
  watchBlocks(listener: (block: SeenBlock) => void): Unsubscribe;
  watchHappenings(listener: (happenings: Happening[]) => void): Unsubscribe;
  watchLink(listener: (state: LinkState) => void): Unsubscribe;

  /** Everything that lists show, at the newest final block. */
  snapshot(): Promise<Snapshot>;
  workerSays(url: string): Promise<WorkerSays>;

  pools(): Promise<Pool[]>;
  pool(id: number): Promise<PoolDetail | null>;
  poolHistory(id: number): Promise<PoolSample[]>;
  sessionHistory(session: string): Promise<SessionSample[]>;
  delegations(account: string): Promise<Delegation[]>;
  money(account: string): Promise<AccountMoney>;
  contractStake(account: string, contract: Hex): Promise<bigint>;

  governance(): Promise<Governance>;
  referendum(index: number): Promise<ReferendumDetail | null>;
  /** How its votes stood from one block to another, as far as the node keeps that. */
  referendumHistory(index: number, from: number, to: number): Promise<TallySample[]>;
  votesOf(account: string): Promise<TrackVotes[]>;
  treasury(): Promise<Treasury>;

  /** What a call would cost its sender in fees. */
  fee(call: ChainCall, account: Account): Promise<bigint>;
  /** Signs and sends; resolves when the call is final and has succeeded. */
  submit(call: ChainCall, account: Account, progress: (step: Progress) => void): Promise<{ block: number }>;

  close(): void;
}

/** A failure that says what to do next. */
export class ConsoleError extends Error {
  constructor(
    message: string,
    readonly cure: string | null = null,
  ) {
    super(message);
    this.name = "ConsoleError";
  }
}
