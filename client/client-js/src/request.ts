/** Questions, before they are sealed. */

import { toHex, utf8, type Hex } from "./hex.js";
import { secureRandom } from "./random.js";
import type { QueryRequest, QueryTarget } from "./wire.js";

/** How long a question may take to arrive, milliseconds. */
export const QUERY_LIFETIME_MS = 60_000;

/** How to ask. */
export interface RequestOptions {
  /** The state must be at least as new as this final block. */
  minimumBlock?: number;
  /** Whether to ask for a receipt. */
  receipt?: boolean;
  /** Whether to run as a transaction would, to learn its cost. */
  estimate?: boolean;
  /** Value to transfer, as if. */
  value?: bigint;
  /** Most gas; by default the worker's maximum. */
  gasLimit?: bigint;
}

function request(target: QueryTarget, input: Uint8Array, options: RequestOptions): QueryRequest {
  return {
    target,
    input,
    value: options.value ?? 0n,
    gasLimit: options.gasLimit ?? 0n,
    estimate: options.estimate ?? false,
    minimumBlock: options.minimumBlock ?? 0,
    expiresAtMs: BigInt(Date.now() + QUERY_LIFETIME_MS),
    nonce: toHex(secureRandom(16)),
    receipt: options.receipt ?? false,
  };
}

/** A question to a contract: selector and arguments. */
export function callRequest(contract: Hex, input: Uint8Array, options: RequestOptions = {}): QueryRequest {
  return request({ tag: "Call", value: { contract } }, input, options);
}

/** A question what a constructor would do. */
export function instantiateRequest(
  codeHash: Hex,
  salt: Uint8Array,
  input: Uint8Array,
  options: RequestOptions = {},
): QueryRequest {
  return request({ tag: "Instantiate", value: { codeHash, salt } }, input, options);
}

/** A question what became of a mailbox entry; it needs the account that sent it. */
export function outcomeRequest(number: bigint, options: RequestOptions = {}): QueryRequest {
  return request({ tag: "Outcome", value: { number } }, new Uint8Array(), options);
}

/** A question about what contracts wrote: JSON, as docs/protocol/query.md says. */
export function loggerRequest(question: object): QueryRequest {
  return request({ tag: "Logger", value: undefined }, utf8(JSON.stringify(question)), {});
}
