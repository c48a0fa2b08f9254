// From what polkadot-api decodes by the chain's metadata to plain values. The chain's types are not known
// when this page is built, so each value is checked where it is used: a type that changed is an error
// with its name, not an `undefined` somewhere on a page.

import type { Hex } from "./model";

export type Decoded = Record<string, unknown>;

export class UnknownShape extends Error {
  constructor(what: string, value: unknown) {
    super(
      `the network's ${what} has a form that this console does not know (${typeof value}); is the console older than the network?`,
    );
  }
}

export function record(value: unknown, what: string): Decoded {
  if (typeof value === "object" && value !== null) return value as Decoded;
  throw new UnknownShape(what, value);
}

export function hex(value: unknown, what: string): Hex {
  if (typeof value === "string" && value.startsWith("0x")) return value as Hex;
  if (value instanceof Uint8Array)
    return `0x${Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  throw new UnknownShape(what, value);
}

export function text(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  throw new UnknownShape(what, value);
}

export function big(value: unknown, what: string): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  throw new UnknownShape(what, value);
}

export function number(value: unknown, what: string): number {
  const result = typeof value === "bigint" ? Number(value) : value;
  if (typeof result === "number" && Number.isFinite(result)) return result;
  throw new UnknownShape(what, value);
}

export function flag(value: unknown, what: string): boolean {
  if (typeof value === "boolean") return value;
  throw new UnknownShape(what, value);
}

export function list(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new UnknownShape(what, value);
}

export function optional<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === undefined || value === null ? null : read(value);
}

/** An enum's variant and what it carries. */
export function variant(value: unknown, what: string): { type: string; value: unknown } {
  const { type, value: inner } = record(value, what);
  if (typeof type === "string") return { type, value: inner };
  throw new UnknownShape(what, value);
}

/** A number with 64 binary places (`economics::Fixed`). Loses what a plot does not show. */
export function fixed(value: unknown, what: string): number {
  return Number(big(value, what)) / 2 ** 64;
}
