// Where workers are, and how spread out: figures from what operators declare.

import type { Place, Worker } from "./model";

export interface Site {
  key: string;
  place: Place;
  workers: Worker[];
}

export interface Spread {
  operators: number;
  countries: number;
  cities: number;
  placed: number;
  all: number;
  /** Parts of all workers; null without workers. */
  largestOperator: { name: string; part: number } | null;
  /** Parts of all workers that have a place. */
  largestCountry: { code: string; part: number } | null;
  /** The fewest operators that run more than half of the workers together. */
  operatorsForHalf: number;
  byOperator: { name: string; workers: number }[];
  byCountry: { code: string; workers: number }[];
  byTier: { tier: number; workers: number }[];
}

function tally<T>(values: T[]): { value: T; number: number }[] {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, number]) => ({ value, number })).sort((one, other) => other.number - one.number);
}

/** Workers of one city, by what their operators declare. */
export function sites(workers: Worker[]): Site[] {
  const found = new Map<string, Site>();
  for (const worker of workers) {
    const { place } = worker;
    if (!place) continue;
    const key = `${place.country}/${place.city}/${place.latitude}/${place.longitude}`;
    const site = found.get(key);
    if (site) site.workers.push(worker);
    else found.set(key, { key, place, workers: [worker] });
  }
  return [...found.values()].sort((one, other) => other.workers.length - one.workers.length);
}

/** A worker without a named operator belongs to who registered it. */
export function operatorOf(worker: Worker): string {
  return worker.operator ?? worker.registrant;
}

export function spread(workers: Worker[]): Spread {
  const operators = tally(workers.map(operatorOf));
  const placed = workers.flatMap((worker) => (worker.place ? [worker.place] : []));
  const countries = tally(placed.map((place) => place.country));
  const cities = new Set(placed.map((place) => `${place.country}/${place.city}`));
  let together = 0;
  let operatorsForHalf = 0;
  for (const { number } of operators) {
    if (together * 2 > workers.length) break;
    together += number;
    operatorsForHalf += 1;
  }
  const [operator, country] = [operators[0], countries[0]];
  return {
    operators: operators.length,
    countries: countries.length,
    cities: cities.size,
    placed: placed.length,
    all: workers.length,
    operatorsForHalf,
    largestOperator: operator ? { name: operator.value, part: operator.number / workers.length } : null,
    largestCountry: country ? { code: country.value, part: country.number / placed.length } : null,
    byOperator: operators.map(({ value, number }) => ({ name: value, workers: number })),
    byCountry: countries.map(({ value, number }) => ({ code: value, workers: number })),
    byTier: tally(workers.map((worker) => worker.tier))
      .map(({ value, number }) => ({ tier: value, workers: number }))
      .sort((one, other) => one.tier - other.tier),
  };
}

/** What a tier means (`core/attestation`: 1 best to 5 worst). */
export const TIER_WORDS: Record<number, string> = {
  1: "up to date",
  2: "software must harden",
  3: "configuration needed",
  4: "configuration needed, with an open advisory",
  5: "out of date",
};
