// Numbers, times and keys as people read them.

import type { Hex } from "../api/model";

/** An amount in the smallest unit as whole tokens, without zeros at the end, at most `places` decimals. */
export function amount(value: bigint, decimals: number, places = 4): string {
  const unit = 10n ** BigInt(decimals);
  const negative = value < 0n;
  const absolute = negative ? -value : value;
  const whole = group((absolute / unit).toString());
  const part = (absolute % unit).toString().padStart(decimals, "0").slice(0, places).replace(/0+$/, "");
  const small = absolute > 0n && absolute < unit && part === "";
  const text = small ? `<0.${"0".repeat(places - 1)}1` : part ? `${whole}.${part}` : whole;
  return negative ? `−${text}` : text;
}

function group(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, "\u00a0");
}

export function count(value: number | bigint): string {
  return group(Math.trunc(Number(value)).toString());
}

/** A number with what is counted: `1 worker`, `2 workers`. */
export function counted(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? "" : "s"}`;
}

/** An amount as people type it, such as `12` or `0.5`; or why it is none. */
export function parseAmount(text: string, decimals: number): bigint | { wrong: string } {
  const trimmed = text.replace(/\s/g, "");
  if (trimmed === "") return { wrong: "Type an amount." };
  const match = /^(\d+)(?:\.(\d+))?$/.exec(trimmed);
  if (!match) return { wrong: "Write the amount like 12 or 0.5." };
  const part = match[2] ?? "";
  if (part.length > decimals) return { wrong: `At most ${decimals} decimal places.` };
  const value = BigInt(match[1]! + part.padEnd(decimals, "0"));
  return value < 2n ** 128n ? value : { wrong: "That is more than there can be." };
}

export function decimal(value: number, places = 2): string {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 1000 ? 0 : places;
  const [whole, part] = value.toFixed(digits).split(".");
  return part === undefined ? group(whole!) : `${group(whole!)}.${part}`;
}

export function percent(part: number, places = 1): string {
  return `${(part * 100).toFixed(places).replace(/\.0+$/, "")} %`;
}

/** A hash or key with its middle left out. */
export function short(key: string, ends = 6): string {
  const start = key.startsWith("0x") ? ends + 2 : ends;
  return key.length <= start + ends + 1 ? key : `${key.slice(0, start)}…${key.slice(-ends)}`;
}

/** A cluster's id: they count from 1, so zeros in front say nothing. */
export function clusterName(id: Hex): string {
  const digits = id.slice(2).replace(/^0+/, "");
  return digits.length <= 8 ? `Cluster ${Number.parseInt(digits || "0", 16)}` : `Cluster ${short(id)}`;
}

const UNITS: [number, string][] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1_000, "second"],
];

/** A span of time in its largest unit: `3 hours`. */
export function span(ms: number): string {
  const absolute = Math.abs(ms);
  for (const [size, name] of UNITS) {
    if (absolute >= size) {
      const number = Math.round(absolute / size);
      return `${number} ${name}${number === 1 ? "" : "s"}`;
    }
  }
  return `${Math.round(absolute)} ms`;
}

export function ago(ms: number, now = Date.now()): string {
  return now - ms < 1_500 ? "just now" : `${span(now - ms)} ago`;
}

export function clock(ms: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(ms);
}

const regions = new Intl.DisplayNames(["en"], { type: "region", fallback: "code" });

export function country(code: string): string {
  try {
    return regions.of(code) ?? code;
  } catch {
    // Two letters that are no region code.
    return code;
  }
}
