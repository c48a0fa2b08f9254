// Receipt files, checked in this page by the WebAssembly build of the verifier. Nothing is sent anywhere.

import { verifyReceipt, type Verdict } from "@phat/client";
import type { Hex } from "./model";

export type { Verdict };

/** Longest file that is read, bytes (`core/receipt` `FILE_BYTES_MAX`). */
export const RECEIPT_BYTES_MAX = 16 * 1024 * 1024;

export function checkReceipt(file: Uint8Array, genesis: Hex | null, logged: boolean): Promise<Verdict> {
  return verifyReceipt(file, { ...(genesis ? { genesis } : {}), nowMs: Date.now(), logged });
}

/** The links of a receipt's chain in plain words, by the names that the verifier gives them
    (`core/receipt/src/check.rs` `LINKS`). */
export const LINKS: Record<string, { title: string; says: string }> = {
  file: {
    title: "The file is whole",
    says: "It can be read, is of a version that this verifier knows, and holds nothing beside what it must.",
  },
  network: {
    title: "It is from this network",
    says: "The proof in it starts from the first block of the network that you look at.",
  },
  question: {
    title: "This question was asked",
    says: "The receipt names the question by its fingerprint, and the question in the file has that fingerprint.",
  },
  answer: {
    title: "This answer was given",
    says: "The receipt names the answer by its fingerprint, and the answer in the file has that fingerprint.",
  },
  signature: {
    title: "The worker signed it",
    says: "The signature can only be made with the key that lives inside the worker's protected hardware.",
  },
  finality: {
    title: "The network stands behind the block",
    says: "More than two thirds of the validators signed a block that will never be undone.",
  },
  block: {
    title: "The answer belongs to that history",
    says: "The block that the worker answered from is part of that final history.",
  },
  registration: {
    title: "The worker is registered",
    says: "That final history has this worker, with this key, as one of the network.",
  },
  build: {
    title: "It runs an allowed program",
    says: "The program that was measured inside the hardware is one that the network allows.",
  },
  hardware: {
    title: "The hardware vouches for it",
    says: "The quote in the file, signed by the hardware's maker, names this program and this key.",
  },
  log: {
    title: "It stands in the worker's public log",
    says: "The receipt is part of a log whose fingerprint the network keeps, so it was not made up later.",
  },
};

/** The order in which links are checked. */
export const LINK_ORDER = Object.keys(LINKS);
