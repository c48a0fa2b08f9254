/**
 * The Rust verifier of proofs and receipts, as WebAssembly: `client/receipt-verifier`.
 *
 * The module is inside this package, packed, and is unpacked once, when it is first needed. It imports nothing: no
 * clock, no randomness, no network. Each call has an instance of its own, so that nothing that one hostile input
 * leaves behind meets the next.
 */

import { PhatError, Unsupported } from "./errors.js";
import { fromHex, type Hex } from "./hex.js";

interface Exports {
  memory: WebAssembly.Memory;
  phat_alloc(length: number): number;
  phat_verify(
    file: number,
    fileLength: number,
    genesis: number,
    trusted: number,
    trustedLength: number,
    logged: number,
    nowMs: number,
  ): number;
  phat_prove(question: number, length: number): number;
  phat_read(question: number, length: number): number;
  phat_portable(question: number, length: number): number;
}

/** Functions of bytes. */
export type Operation = "phat_prove" | "phat_read" | "phat_portable";

let compiled: Promise<WebAssembly.Module> | undefined;

async function unpack(): Promise<WebAssembly.Module> {
  if (typeof WebAssembly === "undefined" || typeof DecompressionStream === "undefined") {
    throw new Unsupported("this browser lacks WebAssembly or DecompressionStream: use one of 2023 or later");
  }
  // By itself, so that bundlers can put it into a file of its own.
  const { WASM_GZIP_BASE64 } = await import("./verifier-wasm.js");
  const packed = Uint8Array.from(atob(WASM_GZIP_BASE64), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  try {
    return await WebAssembly.compile(await new Response(stream).arrayBuffer());
  } catch (cause) {
    throw new Unsupported(
      `the verifier cannot be compiled (${String(cause)}); where the page has a Content-Security-Policy, it must allow 'wasm-unsafe-eval'`,
    );
  }
}

/** A fresh instance, with what puts bytes into it and takes its answer out. */
async function instance() {
  compiled ??= unpack();
  compiled.catch(() => (compiled = undefined));
  const exports = new WebAssembly.Instance(await compiled, {}).exports as unknown as Exports;
  const put = (bytes: Uint8Array): number => {
    if (bytes.length === 0) return 0;
    const pointer = exports.phat_alloc(bytes.length) >>> 0;
    new Uint8Array(exports.memory.buffer, pointer, bytes.length).set(bytes);
    return pointer;
  };
  const take = (answer: number): Uint8Array<ArrayBuffer> => {
    const pointer = answer >>> 0;
    const length = new DataView(exports.memory.buffer).getUint32(pointer, true);
    return new Uint8Array(exports.memory.buffer.slice(pointer + 4, pointer + 4 + length) as ArrayBuffer);
  };
  return { exports, put, take };
}

function trapped(cause: unknown): PhatError {
  return new PhatError("bug", "the verifier crashed; please report what it was given", { cause });
}

/** Calls a function of bytes. */
export async function ask(operation: Operation, question: Uint8Array): Promise<Uint8Array> {
  const { exports, put, take } = await instance();
  try {
    return take(exports[operation](put(question), question.length));
  } catch (cause) {
    throw trapped(cause);
  }
}

/** The verdict on a receipt file, as JSON. */
export async function askVerdict(
  file: Uint8Array,
  genesis: Hex | undefined,
  trusted: Uint8Array,
  logged: boolean,
  nowMs: number,
): Promise<string> {
  const { exports, put, take } = await instance();
  try {
    const network = genesis === undefined ? 0 : put(fromHex(genesis, 32));
    const answer = exports.phat_verify(put(file), file.length, network, put(trusted), trusted.length, logged ? 1 : 0, nowMs);
    return new TextDecoder().decode(take(answer));
  } catch (cause) {
    throw trapped(cause);
  }
}
