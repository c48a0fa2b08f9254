// Figures that pages show, held against what the chain's own code says.

import { describe, expect, it } from "vitest";
import { snapshot, POOLS, UNIT, NOW_MS, EMPTY, ACCOUNTS } from "../mock-api/network";
import { networkFindings, overall, workerFindings, workerState } from "./health";
import { describe as tell } from "./happenings";
import type { NetworkIdentity, Worker } from "./model";
import { sites, spread } from "./places";
import { price, sharesFor, sharesWorth, yearly } from "./pool-math";
import { shareOfProcessor, weightOf } from "./stake-math";

const IDENTITY = { development: false } as NetworkIdentity;
const [gatekeeper, healthy] = snapshot(1_512).workers as [Worker, Worker];

describe("stakes, as the CLI computes them", () => {
  it("gives one weight for a hundredth", () => {
    expect([weightOf(UNIT / 100n - 1n, 12), weightOf(UNIT, 12), weightOf(2n ** 127n, 12)]).toEqual([
      0, 100, 0xffff_ffff,
    ]);
  });
  it.each([
    [[300, 100], 0.75],
    [[100, 300], 0.25],
    [[99, 0, 0], 0.99],
    [[0, 99, 0], 0.005],
    [[0], 1],
    [[0, 0, 0, 0], 0.25],
  ])("shares %j by weight", (weights, share) => {
    const contracts = weights.map((weight, place) => ({ id: String(place), stake: (BigInt(weight) * UNIT) / 100n }));
    expect(shareOfProcessor("0", contracts)).toBeCloseTo(share, 6);
  });
});

describe("pools", () => {
  const pool = { value: 1_100n * UNIT, shares: 1_000n * UNIT };
  it("prices shares and turns money into shares, rounded against who leaves", () => {
    expect(price(pool)).toBeCloseTo(1.1);
    expect(price({ value: 0n, shares: 0n })).toBe(1);
    expect(sharesWorth(pool, 10n * UNIT)).toBe(11n * UNIT);
    expect(sharesFor(pool, 11n * UNIT, 100n * UNIT)).toBe(10n * UNIT);
    expect(sharesFor(pool, 10_000n * UNIT, 100n * UNIT)).toBe(100n * UNIT);
    expect(sharesFor(pool, 1n, 100n * UNIT)).toBe(0n);
  });
  it("tells a year's growth only from an hour on", () => {
    const at = (timeMs: number, value: bigint) => ({ timeMs, value, shares: 1_000n });
    expect(yearly([at(0, 1_000n), at(1_800_000, 1_001n)])).toBeNull();
    expect(yearly([at(0, 1_000n), at(365.25 * 86_400_000, 1_100n)])).toBeCloseTo(0.1);
    expect(yearly([])).toBeNull();
  });
});

describe("spread", () => {
  it("counts operators, countries and who has half", () => {
    const figures = spread(snapshot(1).workers);
    expect(figures).toMatchObject({ operators: 3, countries: 6, cities: 6, placed: 7, all: 8, operatorsForHalf: 2 });
    expect(figures.largestOperator).toEqual({ name: ACCOUNTS[0], part: 0.375 });
  });
  it("has nothing to say of nobody", () => {
    expect(spread([])).toMatchObject({
      operators: 0,
      operatorsForHalf: 0,
      largestOperator: null,
      largestCountry: null,
    });
  });
  it("puts workers of one city together", () => {
    const [first] = sites([healthy, { ...healthy, id: "0x02" }, { ...healthy, place: null }]);
    expect(first?.workers).toHaveLength(2);
  });
});

describe("health", () => {
  it("finds nothing where nothing is", () => {
    expect(workerFindings(healthy, undefined, NOW_MS, 1_512)).toEqual([]);
    expect(overall([]).title).toBe("The network is healthy");
  });
  it.each<[string, Partial<Worker>, string]>([
    ["expiry", { expiresMs: NOW_MS - 1 }, "Expired"],
    ["a build that is allowed no more", { measurementAllowed: false }, "Build not allowed"],
    ["a suspension", { suspension: { nextNumber: 1n, reported: "0x1", agreed: "0x2", since: 1 } }, "Suspended"],
  ])("names %s and the cure", (_, change, state) => {
    const worker = { ...healthy, ...change };
    const [finding] = workerFindings(worker, undefined, NOW_MS, 1_512);
    expect(finding).toMatchObject({ tone: "bad" });
    expect(finding?.cure).toBeTruthy();
    expect(workerState(worker, undefined, NOW_MS).text).toBe(state);
  });
  it("says that a gatekeeper guards keys, and that one alone is too few on a public network", () => {
    expect(workerState(gatekeeper, undefined, NOW_MS).text).toBe("Guarding keys");
    const findings = networkFindings({ ...EMPTY, gatekeepers: [gatekeeper.id] }, new Map(), IDENTITY);
    expect(overall(findings)).toMatchObject({ tone: "warn" });
    expect(overall(networkFindings(EMPTY, new Map(), IDENTITY))).toMatchObject({ tone: "bad" });
  });
  it("sees a cluster that agrees on nothing", () => {
    const [cluster] = snapshot(1).clusters;
    const stuck = { ...EMPTY, block: 2_000, gatekeepers: [gatekeeper.id, healthy.id], clusters: [cluster!] };
    expect(networkFindings(stuck, new Map(), IDENTITY)[0]?.text).toContain("have not agreed");
  });
});

it("events become sentences with links, and machinery is left out", () => {
  const events = [
    { pallet: "System", name: "ExtrinsicSuccess", value: {} },
    { pallet: "PhalaStakePoolv2", name: "Contribution", value: { pid: 4n, amount: 5n * UNIT } },
    { pallet: "PhalaRegistry", name: "WorkerAdded", value: { pubkey: healthy.id } },
  ];
  expect(tell(9, events, "PHA", 12)).toMatchObject([
    { block: 9, text: "5 PHA were delegated to pool 4", link: "#/pools/4" },
    { link: `#/workers/${healthy.id}` },
  ]);
  expect(POOLS).toHaveLength(3);
});
