/** One label for each thing that is hashed, signed or derived: `core/wire` `domain`. */

import { blake2b } from "@noble/hashes/blake2.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, fromHex, toHex, utf8, type Hex } from "./hex.js";
import { compact } from "./scale.js";

/** The labels that clients use. */
export const LABELS = {
  registration: "phat/v1/registration",
  requestCommitment: "phat/v1/request-commitment",
  answerCommitment: "phat/v1/answer-commitment",
  receiptLeaf: "phat/v1/receipt-leaf",
  receiptNode: "phat/v1/receipt-node",
  receiptBatch: "phat/v1/receipt-batch",
  sessionOpen: "phat/v1/session-open",
  sessionKeys: "phat/v1/session-keys",
  sessionQuery: "phat/v1/session-query",
  sessionReply: "phat/v1/session-reply",
  oneShotQuery: "phat/v1/one-shot-query",
  oneShotReply: "phat/v1/one-shot-reply",
  sealedCommand: "phat/v1/sealed-command",
  systemContract: "phat/v1/system-contract",
} as const;

/** One of {@link LABELS}. */
export type Label = (typeof LABELS)[keyof typeof LABELS];

function withLengths(parts: Uint8Array[]): Uint8Array {
  return concat(...parts.flatMap((part) => [compact.enc(part.length), part]));
}

/** Blake2b-256. */
export function blake2b256(bytes: Uint8Array): Uint8Array {
  return blake2b(bytes, { dkLen: 32 });
}

/** Blake2b-256 of the label and the parts, each with its length before it. */
export function taggedHash(label: Label, parts: Uint8Array[]): Uint8Array {
  return blake2b256(withLengths([utf8(label), ...parts]));
}

/** HKDF-SHA256: salt = label, info = the parts, each with its length before it; 32 bytes. */
export function derive(label: Label, key: Uint8Array, parts: Uint8Array[] = []): Uint8Array {
  return hkdf(sha256, key, utf8(label), withLengths(parts), 32);
}

/** The hash that names contract code. */
export function codeHash(wasm: Uint8Array): Hex {
  return toHex(blake2b256(wasm));
}

/** The id of a contract: Blake2b-256 of deployer ‖ code hash ‖ cluster ‖ salt. */
export function contractId(deployer: Hex, code: Hex, cluster: Hex, salt: Uint8Array): Hex {
  return toHex(blake2b256(concat(fromHex(deployer, 32), fromHex(code, 32), fromHex(cluster, 32), salt)));
}

/** The id of a cluster's system contract. */
export function systemContractId(cluster: Hex): Hex {
  return toHex(taggedHash(LABELS.systemContract, [fromHex(cluster, 32)]));
}
