// Curves, stages and effects of referenda, held against what `client/client/src/governance.rs` says.

import { describe, expect, it } from "vitest";
import { facts, governance, TRACKS } from "../mock-api/governance";
import { id, UNIT } from "../mock-api/network";
import { amount, count, short, span } from "../ui/format";
import { readTrack } from "./chain-governance";
import {
  approvalOf,
  asCall,
  effectOf,
  factName,
  fallsTo,
  needed,
  next,
  readsOf,
  readVoteByte,
  standing,
  supportOf,
  trustInWords,
  voteByte,
  weightOf,
  type Call,
} from "./governance";

const write = { span, count, short, money: (value: bigint) => `${amount(value, 12)} PHA` };
const call = (pallet: string, name: string, args: Record<string, unknown>): Call => ({
  pallet,
  call: name,
  arguments: args,
});

describe("curves", () => {
  const line = { from: 500_000_000, to: 100_000_000 };
  it.each([
    [0, 100, 500_000_000],
    [50, 100, 300_000_000],
    [100, 100, 100_000_000],
    [1_000, 100, 100_000_000],
    [5, 0, 100_000_000],
  ])("after %i of %i blocks it takes %i", (elapsed, period, parts) =>
    expect(needed(line, elapsed, period)).toBe(parts),
  );
  it("says when the line has come down", () => {
    expect(fallsTo(line, 600_000_000, 100)).toBe(0);
    expect(fallsTo(line, 300_000_000, 100)).toBe(50);
    expect(fallsTo(line, 100_000_000, 100)).toBe(100);
    expect(fallsTo(line, 99_999_999, 100)).toBeNull();
    for (const has of [123_456_789, 333_333_333, 499_999_999]) {
      const at = fallsTo(line, has, 1_234)!;
      expect(needed(line, at, 1_234)).toBeLessThanOrEqual(has);
      expect(needed(line, at - 1, 1_234)).toBeGreaterThan(has);
    }
  });
});

describe("tallies", () => {
  it("are read in parts of a billion", () => {
    const tally = { ayes: 3n, nays: 1n, support: 25n };
    expect([approvalOf(tally), supportOf(tally, 100n)]).toEqual([750_000_000, 250_000_000]);
    expect([approvalOf({ ayes: 0n, nays: 0n, support: 0n }), supportOf(tally, 0n)]).toEqual([0, 0]);
  });
  it("say whether a referendum passes, and from when on", () => {
    const view = governance(1_512);
    const { stage, ongoing } = view.referenda[1]!;
    const economy = TRACKS[2]!;
    const now = standing(ongoing!, stage, economy, view.issuance, 1_512);
    expect(now.approval.has).toBe(933_333_333);
    expect(now.support).toEqual({ has: 31_000_000, needs: 248_766_667, atEnd: 10_000_000 });
    expect(now.passes).toBe(false);
    const then = standing(ongoing!, stage, economy, view.issuance, now.passesFrom!);
    expect(then.passes).toBe(true);
    expect(standing(ongoing!, stage, economy, view.issuance, now.passesFrom! - 1).passes).toBe(false);
  });
});

it("one that has ended is held against what it took at its end", () => {
  const view = governance(1_512);
  const { ongoing } = view.referenda[1]!;
  const ended = standing(ongoing!, { kind: "ended", how: "rejected", block: 2_500 }, TRACKS[2]!, view.issuance, 2_500);
  expect([ended.support.needs, ended.passes, ended.passesFrom]).toEqual([10_000_000, true, null]);
});

describe("votes", () => {
  it("have the bytes that the pallet reads", () => {
    expect([voteByte(true, 3), voteByte(false, 1)]).toEqual([0x83, 0x01]);
    expect(readVoteByte(0x86)).toEqual({ aye: true, conviction: 6 });
  });
  it("weigh by conviction", () => expect([weightOf(100n, 0), weightOf(100n, 6)]).toEqual([10n, 600n]));
});

it("each stage has what comes next", () => {
  const view = governance(1_512);
  const [waits, decided, passes, ended] = view.referenda;
  expect(next(waits!, TRACKS[1], view)?.block).toBe(1_300 + 4_000);
  expect(next(decided!, TRACKS[2], view)?.block).toBe(2_500);
  expect(next(passes!, TRACKS[4], view)?.block).toBe(1_560);
  expect(next(ended!, TRACKS[3], view)).toBeNull();
});

describe("effects", () => {
  it("shows of a set of parameters those that change", () => {
    const parameters = { v_max: 40_000n * 2n ** 64n, challenges: 24, heartbeat_window: 20 };
    const effect = effectOf(call("PhalaComputation", "update_tokenomic", { parameters }), facts, write);
    expect(effect.rows).toEqual([
      { what: "Largest value", now: "30000 PHA", then: "40000 PHA" },
      { what: "Challenges in a block", now: "20", then: "24" },
    ]);
  });
  it("reads one figure by its unit", () => {
    const lifetime = call("PhalaRegistry", "set_registration_lifetime", { lifetime_ms: 172_800_000n });
    expect(readsOf(lifetime).map(factName)).toEqual(["PhalaRegistry.RegistrationLifetimeMs"]);
    const effect = effectOf(lifetime, { "PhalaRegistry.RegistrationLifetimeMs": 86_400_000n }, write);
    expect(effect.rows).toEqual([{ what: "A registration holds", now: "1 day", then: "2 days" }]);
  });
  it("says what a build is now", () => {
    const allow = call("PhalaRegistry", "allow_measurement", { measurement: id(9, 2) });
    const read = factName(readsOf(allow)[0]!);
    expect(effectOf(allow, {}, write).rows[0]).toMatchObject({ now: "not allowed", then: "allowed" });
    expect(effectOf(allow, { [read]: null }, write).rows[0]).toMatchObject({ now: "allowed" });
  });
  it("says what a spend leaves", () => {
    const spend = call("Treasury", "spend", { amount: 4_000n * UNIT, beneficiary: "45R2pfjQUW2s9PQRHU48HQKLK" });
    const effect = effectOf(spend, {}, write, 5_000n * UNIT);
    expect(effect.text).toContain("45R2pf…8HQKLK");
    expect(effect.rows).toEqual([{ what: "Treasury", now: "5\u00a0000 PHA", then: "1\u00a0000 PHA" }]);
    expect(effectOf(spend, {}, write, 1n).rows[0]?.then).toBe("too little for it");
  });
  it("looks into batches, and says what it does not know", () => {
    const inside = { type: "PhalaRegistry", value: { type: "set_tier_max", value: { tier_max: 3 } } };
    const odd = { type: "Odd", value: { type: "thing", value: {} } };
    const batch = call("Utility", "batch_all", { calls: [inside, odd] });
    expect(readsOf(batch).map(factName)).toEqual(["PhalaRegistry.TierMax"]);
    const effect = effectOf(batch, { "PhalaRegistry.TierMax": 2 }, write);
    expect(effect.parts.map((one) => one.unknown)).toEqual([false, true]);
    expect(effect.parts[0]?.rows).toEqual([{ what: "Worst tier", now: "2", then: "3" }]);
    expect(asCall({ type: "Odd" })).toEqual([]);
  });
  it("has words for all that waits", () => {
    const words = (type: string, value: unknown) => trustInWords({ type, value }, write);
    expect(words("AllowMeasurement", id(9, 2))).toContain("may join");
    expect(words("AcceptRoots", [{ type: "Intel" }])).toContain("Intel");
    expect(words("TierMax", 4)).toContain("tier 4");
    expect(words("RegistrationLifetimeMs", 86_400_000n)).toContain("1 day");
    expect(words("Another", 1)).toContain("does not know");
  });
});

it("a track is read in each form that its name is decoded to", () => {
  const info = (name: unknown) => ({
    name,
    decision_deposit: 5n,
    prepare_period: 1,
    decision_period: 2,
    confirm_period: 3,
    min_enactment_period: 4,
    min_approval: { type: "LinearDecreasing", value: { length: 1, floor: 6, ceil: 7 } },
    min_support: { type: "LinearDecreasing", value: { length: 1, floor: 8, ceil: 9 } },
  });
  const padded = `0x${"726f6f74".padEnd(50, "0")}`;
  for (const track of [[0, info(padded)], { id: 0, info: info("root\0\0") }])
    expect(readTrack(track)).toMatchObject({ id: 0, name: "root", notice: 4, approval: { from: 7, to: 6 } });
});
