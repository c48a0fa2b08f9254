// What shares are worth: `core/economics/src/pool.rs`. The chain computes what counts; this is for showing.

import type { Pool } from "./model";

type Worth = Pick<Pool, "value" | "shares">;

export function price(pool: Worth): number {
  return pool.shares === 0n ? 1 : Number(pool.value) / Number(pool.shares);
}

export function sharesWorth(pool: Worth, shares: bigint): bigint {
  return pool.shares === 0n ? 0n : (shares * pool.value) / pool.shares;
}

/** The shares that are worth so much now, rounded down; all of `most` where it is worth no more. */
export function sharesFor(pool: Worth, worth: bigint, most: bigint): bigint {
  if (worth >= sharesWorth(pool, most)) return most;
  return pool.value === 0n ? 0n : (worth * pool.shares) / pool.value;
}

export function shareOfFree(pool: Pick<Pool, "value" | "free">): number {
  return pool.value === 0n ? 0 : Number(pool.free) / Number(pool.value);
}

/** What a year at the pace of the price between two samples would bring, as a part; null where it cannot be told. */
export function yearly(samples: (Worth & { timeMs: number })[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.timeMs - first.timeMs < 3_600_000 || first.shares === 0n || last.shares === 0n)
    return null;
  const growth = price(last) / price(first) - 1;
  return (growth * 365.25 * 86_400_000) / (last.timeMs - first.timeMs);
}
