/** Files that Rust's tests and these read. */

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { blake2b256 } from "../src/domain.js";
import { fromHex } from "../src/hex.js";
import type { Random } from "../src/random.js";

/** The workspace. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../../..");

/** A file of `name HEX` lines. */
export function hexFixture(name: string): Record<string, Uint8Array> {
  const text = readFileSync(join(ROOT, "core/secrets/tests/fixtures", name), "utf8");
  return Object.fromEntries(
    text
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string])
      .map(([part, hex]) => [part, fromHex(hex)]),
  );
}

/** A file of `client/fixtures`. */
export function jsonFixture<T>(name: string): T {
  return JSON.parse(readFileSync(join(ROOT, "client/fixtures", name), "utf8")) as T;
}

/** Writes one anew, where that was asked for. */
export function updateFixture(name: string, value: () => unknown): void {
  if (process.env["UPDATE_FIXTURES"] === undefined) return;
  writeFileSync(join(ROOT, "client/fixtures", name), `${JSON.stringify(value(), null, 2)}\n`);
}

/** Rust's generator of the tests, `Seeded`: Blake2 of a counter. */
export function seeded(seed: number): Random {
  let counter = BigInt(seed);
  return (length) => {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      counter += 1n;
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, counter, true);
      out.set(blake2b256(bytes).subarray(0, Math.min(32, length - at)), at);
    }
    return out;
  };
}

/** `[byte; 32]` in hex. */
export const of32 = (byte: number): `0x${string}` => `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;
