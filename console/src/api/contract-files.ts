// Metadata of contracts that this browser has seen. The chain keeps code, not metadata; without it there are
// no forms. It holds no secret, and its code is left out: what is stored is small.

import { ContractFile } from "@phat/client";
import type { Hex } from "./model";

const PREFIX = "phat.contract.";
/** Longest `.contract` file that is read, bytes. */
export const CONTRACT_BYTES_MAX = 16 * 1024 * 1024;

function withoutCode(json: string): string {
  const whole = JSON.parse(json) as { source?: Record<string, unknown> };
  if (whole.source) delete whole.source.wasm;
  return JSON.stringify(whole);
}

export function rememberFile(network: Hex, contract: Hex, json: string): void {
  try {
    localStorage.setItem(`${PREFIX}${network}.${contract}`, withoutCode(json));
  } catch {
    // Full or forbidden: the file is asked for again next time.
  }
}

export function rememberedFile(network: Hex, contract: Hex): ContractFile | null {
  const json = localStorage.getItem(`${PREFIX}${network}.${contract}`);
  if (json === null) return null;
  try {
    return ContractFile.parse(json);
  } catch {
    localStorage.removeItem(`${PREFIX}${network}.${contract}`);
    return null;
  }
}

export async function readContractFile(file: File): Promise<{ json: string; file: ContractFile }> {
  if (file.size > CONTRACT_BYTES_MAX) throw new Error("the file is larger than a contract can be (16 MiB)");
  const json = await file.text();
  return { json, file: ContractFile.parse(json) };
}
