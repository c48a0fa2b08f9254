// Contracts: what pages ask of them. Sealing, sessions and decoding are the SDK's.

import type { Account, ContractFile } from "@phat/client";
import type { Hex } from "./model";

export interface Answered {
  value: unknown;
  worker: Hex;
  block: number;
  gas: bigint | null;
  /** Makes a receipt file of the answer; null where none was asked for. */
  receiptFile: (() => Promise<Uint8Array>) | null;
}

export interface Commanded {
  value: unknown;
  block: number;
  /** Number in the cluster's mailbox. */
  number: bigint;
  gas: bigint | null;
}

export interface LogLine {
  block: number | null;
  level: string;
  text: string;
}

export interface DeployRequest {
  file: ContractFile;
  constructor: string;
  args: unknown[];
  cluster: Hex;
  account: Account;
  progress: (text: string) => void;
}

export interface ContractsApi {
  deploy(request: DeployRequest): Promise<{ id: Hex }>;
  query(
    contract: Hex,
    file: ContractFile,
    message: string,
    args: unknown[],
    options: { account: Account | null; receipt: boolean },
  ): Promise<Answered>;
  call(
    contract: Hex,
    file: ContractFile,
    message: string,
    args: unknown[],
    options: { account: Account; progress: (text: string) => void },
  ): Promise<Commanded>;
  logs(contract: Hex, file: ContractFile, account: Account, lines: number): Promise<LogLine[]>;
}
