// Referenda, votes and what they would change: plain data, and what follows from it. Curves and stages are those of
// `client/client/src/governance.rs`; what each lever means is in `docs/governance.md`. The chain decides; this is for showing.

import type { Hex } from "./model";

/** Parts in a billion: the unit of curves. */
export const BILLION = 1_000_000_000;

/** What a referendum takes to pass, falling in a line over its decision; parts in a billion. */
export interface Curve {
  from: number;
  to: number;
}

/** A track; periods in blocks. */
export interface Track {
  id: number;
  name: string;
  decisionDeposit: bigint;
  prepare: number;
  decision: number;
  confirm: number;
  notice: number;
  approval: Curve;
  support: Curve;
}

/** Ayes and nays are weighted by conviction; support is PHA that says aye or abstains. */
export interface Tally {
  ayes: bigint;
  nays: bigint;
  support: bigint;
}

export type Ending = "approved" | "rejected" | "cancelled" | "timed out" | "killed";

export type Stage =
  | { kind: "awaitsDeposit" }
  | { kind: "preparing" }
  | { kind: "queued" }
  | { kind: "deciding"; since: number; passesAt: number | null }
  | { kind: "ended"; how: Ending; block: number };

/** A call as the chain's metadata decodes it. */
export interface Call {
  pallet: string;
  call: string;
  arguments: Record<string, unknown>;
}

export interface Proposal {
  /** Blake2b-256 of the call: what is really voted on. */
  hash: Hex;
  /** Null where the chain has only its hash, or the bytes are no call of this runtime. */
  call: Call | null;
}

/** What the chain keeps of a referendum while it goes on. */
export interface Ongoing {
  track: number;
  speaker: string;
  proposer: string;
  submitted: number;
  /** Since when it is, or was, decided. */
  decidedSince: number | null;
  enactment: { after: number } | { at: number };
  tally: Tally;
  proposal: Proposal;
}

export interface Referendum {
  index: number;
  stage: Stage;
  /** Of one that has ended: as it was just before, if the node still has that block. */
  ongoing: Ongoing | null;
}

/** A change of what is trusted that does not count yet. */
export interface PendingTrust {
  countsFrom: number;
  text: string;
}

export interface Governance {
  block: number;
  /** Between two blocks; null where the chain does not say. */
  blockMs: number | null;
  tracks: Track[];
  /** The newest first. */
  referenda: Referendum[];
  /** All PHA that support is a part of. */
  issuance: bigint;
  /** Blocks from submission until one that nobody has decided lapses. */
  undecidedMax: number;
  submissionDeposit: bigint;
  pendingTrust: PendingTrust[];
  trustNotice: number;
}

export interface ReferendumVote {
  account: string;
  aye: bigint;
  nay: bigint;
  abstain: bigint;
  /** Null for a vote that is split. */
  conviction: number | null;
  /** Weight that others have delegated to this account. */
  delegated: bigint;
}

export interface ReferendumDetail {
  view: Governance;
  referendum: Referendum;
  votes: ReferendumVote[];
  /** What its call would change is now, by `Pallet.Item`. */
  facts: Facts;
  /** What the treasury has. */
  treasury: bigint;
}

export interface TallySample {
  block: number;
  timeMs: number;
  tally: Tally;
  since: number | null;
}

/** What an account votes on one track. */
export interface TrackVotes {
  track: number;
  votes: { referendum: number; vote: ReferendumVote }[];
  delegating: { to: string; balance: bigint; conviction: number } | null;
  /** Kept from votes and delegations that are over, until a block. */
  prior: { until: number; amount: bigint } | null;
  /** What votes on this track keep in all. */
  locked: bigint;
}

export interface Spend {
  index: number;
  amount: bigint;
  beneficiary: string;
  validFrom: number;
  expireAt: number;
  status: "pending" | "attempted" | "failed";
}

export interface Bounty {
  index: number;
  value: bigint;
  state: string;
  description: string;
}

export interface Tip {
  id: Hex;
  who: string;
  reason: string;
  tips: number;
  closes: number | null;
}

export interface Treasury {
  block: number;
  blockMs: number | null;
  account: string;
  balance: bigint;
  /** The newest first. */
  spends: Spend[];
  bounties: Bounty[];
  tips: Tip[];
}

export function needed(curve: Curve, elapsed: number, period: number): number {
  if (elapsed >= period) return Math.min(curve.from, curve.to);
  const fall = Math.floor((Math.max(0, curve.from - curve.to) * elapsed) / period);
  return curve.from - fall;
}

function parts(part: bigint, whole: bigint): number {
  if (whole === 0n) return 0;
  const scaled = (part * BigInt(BILLION)) / whole;
  return Number(scaled < BigInt(BILLION) ? scaled : BigInt(BILLION));
}

export function approvalOf({ ayes, nays }: Tally): number {
  return parts(ayes, ayes + nays);
}

export function supportOf({ support }: Tally, issuance: bigint): number {
  return parts(support, issuance);
}

/** Blocks into a decision at which a curve has come down to `has`; null where it never does. */
export function fallsTo(curve: Curve, has: number, period: number): number | null {
  if (has >= curve.from) return 0;
  if (has < curve.to) return null;
  let elapsed = Math.ceil(((curve.from - has) * period) / (curve.from - curve.to));
  // Parts are whole numbers, so the line may be there a block early.
  while (elapsed > 0 && needed(curve, elapsed - 1, period) <= has) elapsed -= 1;
  return Math.min(elapsed, period);
}

export interface Measure {
  has: number;
  needs: number;
  atEnd: number;
}

export interface Standing {
  approval: Measure;
  support: Measure;
  passes: boolean;
  /** The block from which on it passes if no vote changes; null where it never does. */
  passesFrom: number | null;
}

/** How a referendum stands at block `now`. Before its decision it is held against what the first block takes. */
export function standing(ongoing: Ongoing, stage: Stage, track: Track, issuance: bigint, now: number): Standing {
  const since = ongoing.decidedSince ?? now;
  const elapsed = Math.max(0, now - since);
  const measure = (curve: Curve, has: number): Measure => ({
    has,
    needs: needed(curve, elapsed, track.decision),
    atEnd: curve.to,
  });
  const approval = measure(track.approval, approvalOf(ongoing.tally));
  const support = measure(track.support, supportOf(ongoing.tally, issuance));
  const falls = [
    fallsTo(track.approval, approval.has, track.decision),
    fallsTo(track.support, support.has, track.decision),
  ];
  return {
    approval,
    support,
    passes: approval.has >= approval.needs && support.has >= support.needs,
    passesFrom:
      stage.kind === "deciding" && falls.every((one) => one !== null) ? since + Math.max(...(falls as number[])) : null,
  };
}

/** What comes next, and at which block; null for one that has ended. */
export function next(referendum: Referendum, track: Track | undefined, view: Governance) {
  const { stage, ongoing } = referendum;
  if (!ongoing) return null;
  switch (stage.kind) {
    case "awaitsDeposit":
    case "queued":
      return { what: "until it lapses undecided", block: ongoing.submitted + view.undecidedMax };
    case "preparing":
      return track ? { what: "until its decision begins", block: ongoing.submitted + track.prepare } : null;
    case "deciding":
      if (stage.passesAt !== null) return { what: "until it has passed, if it holds", block: stage.passesAt };
      return track ? { what: "until it is rejected, if nothing changes", block: stage.since + track.decision } : null;
    case "ended":
      return null;
  }
}

/** The weight of a vote: a tenth without conviction, else that many times what votes. */
export function weightOf(balance: bigint, conviction: number): bigint {
  return conviction === 0 ? balance / 10n : balance * BigInt(conviction);
}

/** What each conviction gives: weight, and for how many periods after its side has won the PHA stays. */
export const CONVICTIONS = [
  "0.1×, free afterwards",
  "1×, kept 1 period",
  "2×, kept 2 periods",
  "3×, kept 4 periods",
  "4×, kept 8 periods",
  "5×, kept 16 periods",
  "6×, kept 32 periods",
];

export const CONVICTION_NAMES = [
  "None",
  "Locked1x",
  "Locked2x",
  "Locked3x",
  "Locked4x",
  "Locked5x",
  "Locked6x",
] as const;

/** A standard vote as `pallet-conviction-voting` writes it: the highest bit says aye, the rest is the conviction. */
export function voteByte(aye: boolean, conviction: number): number {
  return (aye ? 0x80 : 0) | conviction;
}

export function readVoteByte(byte: number): { aye: boolean; conviction: number } {
  return { aye: (byte & 0x80) !== 0, conviction: byte & 0x7f };
}

/** `small_spender` as people read it. */
export function trackTitle(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// What a call would do, in words and figures.

/** Values of the chain by `Pallet.Item`, as they are now. */
export type Facts = Record<string, unknown>;

/** A storage item whose value shows what a call changes. */
export interface FactRead {
  pallet: string;
  item: string;
  keys: unknown[];
}

export interface EffectRow {
  what: string;
  now: string;
  then: string;
}

export interface Effect {
  /** One sentence. */
  text: string;
  rows: EffectRow[];
  /** For a call of calls. */
  parts: Effect[];
  /** Nothing is known of this call but its name and arguments. */
  unknown: boolean;
}

export interface Writing {
  money: (amount: bigint) => string;
  span: (ms: number) => string;
  count: (number: number | bigint) => string;
  short: (key: string) => string;
}

type Unit = "pha" | "phaFixed" | "fixed" | "partFixed" | "permill" | "blocks" | "ms" | "seconds" | "count" | "flag";

interface Parameter {
  item: string;
  argument: string;
  text: string;
  /** A single figure, or the fields of a struct. */
  figures: [name: string, unit: Unit] | Record<string, [name: string, unit: Unit]>;
}

/** Calls that set a parameter of the chain: where it is, and what its figures are called. */
const PARAMETERS: Record<string, Parameter> = {
  "PhalaRegistry.set_tier_max": {
    item: "TierMax",
    argument: "tier_max",
    text: "Sets the worst tier of hardware that may join; a worse one than now counts after the registry’s notice",
    figures: ["Worst tier", "count"],
  },
  "PhalaRegistry.set_registration_lifetime": {
    item: "RegistrationLifetimeMs",
    argument: "lifetime_ms",
    text: "Sets how long a registration holds; longer than now counts after the registry’s notice",
    figures: ["A registration holds", "ms"],
  },
  "PhalaComputation.update_tokenomic": {
    item: "TokenomicParameters",
    argument: "parameters",
    text: "Sets the parameters of mining",
    figures: {
      rho: ["Growth of a value in a block on line", "fixed"],
      v_max: ["Largest value", "phaFixed"],
      cost_k: ["Running cost a block, for a point of score", "phaFixed"],
      cost_b: ["Running cost a block, for every worker", "phaFixed"],
      slash_rate: ["Part of its value lost in a block off line", "fixed"],
      treasury_ratio: ["Part of payments for the treasury", "partFixed"],
      blocks_per_hour: ["Blocks in an hour", "count"],
      challenges: ["Challenges in a block", "count"],
      heartbeat_window: ["Time to answer a challenge", "blocks"],
      rig_k: ["Cost of a machine, for a point of score", "phaFixed"],
      rig_b: ["Cost of any machine", "phaFixed"],
      re: ["Factor of the initial value (Re)", "fixed"],
      k: ["Least stake of a worker with score 1", "phaFixed"],
      kappa: ["Part of a stake that is returned", "partFixed"],
      score_min: ["Least score", "count"],
    },
  },
  "PhalaComputation.set_schedule": {
    item: "BudgetSchedule",
    argument: "schedule",
    text: "Sets what mining may pay out",
    figures: {
      start: ["From block", "count"],
      per_block: ["In a block, at first", "phaFixed"],
      period: ["It falls every", "blocks"],
      decay: ["To this part", "partFixed"],
    },
  },
  "PhalaComputation.set_network_share": {
    item: "NetworkShare",
    argument: "share",
    text: "Sets this network’s share of the budget",
    figures: ["Share of the budget", "permill"],
  },
  "PhalaComputation.set_cool_down_expiration": {
    item: "CoolDownPeriod",
    argument: "period",
    text: "Sets how long a stake cools down after its worker was stopped",
    figures: ["Cooling down", "seconds"],
  },
  "PhalaComputation.set_heartbeat_paused": {
    item: "HeartbeatPaused",
    argument: "paused",
    text: "Pauses challenges of workers, or has them go on",
    figures: ["Challenges paused", "flag"],
  },
  "PhalaComputation.set_slash_rules": {
    item: "SlashRules",
    argument: "rules",
    text: "Sets how faults are punished",
    figures: {
      enabled: ["Faults are punished", "flag"],
      appeal_blocks: ["Time to appeal", "blocks"],
      reporter_part: ["Part for who proved it", "permill"],
    },
  },
  "PhalaComputation.set_benchmark_rules": {
    item: "BenchmarkRules",
    argument: "rules",
    text: "Sets how machines are measured",
    figures: {
      age_ms_max: ["A score holds", "ms"],
      duration_ms_min: ["Shortest measurement", "ms"],
      score_max: ["Largest score", "count"],
    },
  },
  "PhalaGatekeeperBonds.set_settings": {
    item: "Settings",
    argument: "settings",
    text: "Sets the rules of gatekeepers’ bonds and elections",
    figures: {
      bond_min: ["Least bond", "pha"],
      seats_max: ["Seats, at most", "count"],
      seats_min: ["Seats, at least", "count"],
      tier_max: ["Worst tier of a gatekeeper", "count"],
      term_blocks: ["A term", "blocks"],
      unbonding_blocks: ["To get a bond back", "blocks"],
      appeal_blocks: ["Time to appeal", "blocks"],
      reward: ["Pay for a term", "pha"],
      absences_free: ["Absences without loss", "count"],
      absence_part: ["Part lost for an absence", "permill"],
      fault_part: ["Part lost for a fault", "permill"],
      reporter_part: ["Part for who proved it", "permill"],
    },
  },
  "PhalaStakePoolv2.set_waiting_periods": {
    item: "WaitingPeriods",
    argument: "periods",
    text: "Sets how long people wait in pools",
    figures: {
      grace: ["A request may wait", "seconds"],
      vault_queue: ["A request to a vault may wait", "seconds"],
      commission_notice: ["Notice of a higher commission", "seconds"],
    },
  },
};

const BATCHES = new Set(["Utility.batch", "Utility.batch_all", "Utility.force_batch"]);

/** Calls inside of a call. */
function inner({ pallet, call, arguments: args }: Call): Call[] {
  if (BATCHES.has(`${pallet}.${call}`)) return Array.isArray(args.calls) ? args.calls.flatMap(asCall) : [];
  if (pallet === "Whitelist" && call === "dispatch_whitelisted_call_with_preimage") return asCall(args.call);
  if (pallet === "Utility" && (call === "dispatch_as" || call === "with_weight")) return asCall(args.call);
  return [];
}

/** A decoded call, `{ type: pallet, value: { type: call, value: arguments } }`, as ours; nothing where it is none. */
export function asCall(decoded: unknown): Call[] {
  const outer = decoded as { type?: unknown; value?: { type?: unknown; value?: unknown } } | null | undefined;
  if (typeof outer?.type !== "string" || typeof outer.value?.type !== "string") return [];
  const args = outer.value.value;
  return [
    {
      pallet: outer.type,
      call: outer.value.type,
      arguments: typeof args === "object" && args !== null ? (args as Record<string, unknown>) : {},
    },
  ];
}

/** What has to be read to show the effect of a call. */
export function readsOf(call: Call): FactRead[] {
  const name = `${call.pallet}.${call.call}`;
  const parameter = PARAMETERS[name];
  const read = (pallet: string, item: string, ...keys: unknown[]): FactRead => ({ pallet, item, keys });
  const own = parameter ? [read(call.pallet, parameter.item)] : [];
  if (name === "PhalaRegistry.allow_measurement" || name === "PhalaRegistry.disallow_measurement")
    own.push(read("PhalaRegistry", "AllowedMeasurements", call.arguments.measurement));
  if (name === "PhalaRegistry.set_accepted_roots") own.push(read("PhalaRegistry", "AcceptedRoots"));
  if (name === "PhalaRegistry.register_gatekeeper" || name === "PhalaRegistry.unregister_gatekeeper")
    own.push(read("PhalaRegistry", "Gatekeeper"));
  return [...own, ...inner(call).flatMap(readsOf)];
}

/** The name of a fact: with its keys, where it has some. */
export function factName({ pallet, item, keys }: FactRead): string {
  return [`${pallet}.${item}`, ...keys.map(String)].join(" ");
}

const FIXED_ONE = 2 ** 64;

function figure(value: unknown, unit: Unit, write: Writing): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number" && typeof value !== "bigint") return value === undefined ? "not set" : String(value);
  const number = Number(value);
  const digits = (real: number) => String(Number(real.toPrecision(9)));
  switch (unit) {
    case "pha":
      return write.money(BigInt(value));
    case "phaFixed":
      return `${digits(number / FIXED_ONE)} PHA`;
    case "fixed":
      return digits(number / FIXED_ONE);
    case "partFixed":
      return `${digits((number / FIXED_ONE) * 100)} %`;
    case "permill":
      return `${digits(number / 10_000)} %`;
    case "blocks":
      return `${write.count(value)} blocks`;
    case "ms":
      return write.span(number);
    case "seconds":
      return write.span(number * 1000);
    case "count":
    case "flag":
      return write.count(value);
  }
}

function parameterRows(parameter: Parameter, now: unknown, then: unknown, write: Writing): EffectRow[] {
  const { figures } = parameter;
  if (Array.isArray(figures)) {
    const [what, unit] = figures;
    return [{ what, now: figure(now, unit, write), then: figure(then, unit, write) }];
  }
  const before = (typeof now === "object" && now !== null ? now : {}) as Record<string, unknown>;
  const after = (typeof then === "object" && then !== null ? then : {}) as Record<string, unknown>;
  return Object.entries(after)
    .filter(([field, value]) => before[field] !== value)
    .map(([field, value]) => {
      const [what, unit] = figures[field] ?? [field, "count"];
      return { what, now: figure(before[field], unit, write), then: figure(value, unit, write) };
    });
}

export function bytesHex(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array)
    return `0x${Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  return String(value);
}

export function rootsInWords(roots: unknown): string {
  if (!Array.isArray(roots)) return "unknown";
  const names = roots.map((root) => (root as { type?: string }).type ?? "unknown");
  return names.length === 0 ? "none" : names.join(", ");
}

/** What a call would do. `treasury` is what the treasury has. */
export function effectOf(call: Call, facts: Facts, write: Writing, treasury: bigint | null = null): Effect {
  const name = `${call.pallet}.${call.call}`;
  const args = call.arguments;
  const say = (text: string, rows: EffectRow[] = []): Effect => ({ text, rows, parts: [], unknown: false });
  const key = (value: unknown) => write.short(bytesHex(value));
  const parameter = PARAMETERS[name];
  if (parameter) {
    const now = facts[`${call.pallet}.${parameter.item}`];
    const rows = parameterRows(parameter, now, args[parameter.argument], write);
    return say(rows.length === 0 ? `${parameter.text}. All stay as they are` : parameter.text, rows);
  }
  const parts = inner(call).map((one) => effectOf(one, facts, write, treasury));
  if (parts.length > 0)
    return {
      text: parts.length === 1 ? "Makes this call" : "Makes these calls, in order",
      rows: [],
      parts,
      unknown: false,
    };
  switch (name) {
    case "PhalaRegistry.allow_measurement":
    case "PhalaRegistry.disallow_measurement": {
      const allows = call.call === "allow_measurement";
      const read = factName({ pallet: "PhalaRegistry", item: "AllowedMeasurements", keys: [args.measurement] });
      const now = facts[read] === undefined ? "not allowed" : "allowed";
      return say(
        allows
          ? "Lets machines with this worker build join. It counts after the registry’s notice"
          : "Shuts machines with this worker build out, at once",
        [{ what: `Build ${key(args.measurement)}`, now, then: allows ? "allowed" : "not allowed" }],
      );
    }
    case "PhalaRegistry.set_accepted_roots":
      return say("Sets whose evidence of hardware is accepted; more than now counts after the registry’s notice", [
        {
          what: "Accepted roots",
          now: rootsInWords(facts["PhalaRegistry.AcceptedRoots"]),
          then: rootsInWords(args.roots),
        },
      ]);
    case "PhalaRegistry.withdraw_trust_change":
      return say(`Takes back what is announced: ${trustInWords(args.change, write)}`);
    case "PhalaRegistry.ban_worker":
      return say(`Shuts worker ${key(args.worker ?? args.pubkey)} out, at once`);
    case "PhalaRegistry.unban_worker":
      return say(`Lets worker ${key(args.worker ?? args.pubkey)} register again`);
    case "PhalaRegistry.register_gatekeeper":
    case "PhalaRegistry.unregister_gatekeeper": {
      const now = facts["PhalaRegistry.Gatekeeper"];
      const has = Array.isArray(now) ? now.length : 0;
      const joins = call.call === "register_gatekeeper";
      const who = key(args.gatekeeper ?? args.worker);
      return say(joins ? `Makes worker ${who} a gatekeeper` : `Ends worker ${who}’s part as a gatekeeper`, [
        { what: "Gatekeepers", now: write.count(has), then: write.count(Math.max(0, joins ? has + 1 : has - 1)) },
      ]);
    }
    case "Treasury.spend":
    case "Treasury.spend_local": {
      const amount = typeof args.amount === "bigint" ? args.amount : 0n;
      const rows =
        treasury === null
          ? []
          : [
              {
                what: "Treasury",
                now: write.money(treasury),
                then: treasury < amount ? "too little for it" : write.money(treasury - amount),
              },
            ];
      const to = args.beneficiary as { value?: unknown } | string | undefined;
      const who = typeof to === "object" ? bytesHex(to.value) : bytesHex(to);
      return say(`Pays ${write.money(amount)} from the treasury to ${write.short(who)}, on demand`, rows);
    }
    case "Referenda.cancel":
      return say(`Ends referendum ${String(args.index)} and gives its deposits back`);
    case "Referenda.kill":
      return say(`Ends referendum ${String(args.index)}; its deposits go to the treasury`);
    case "System.authorize_upgrade":
    case "System.authorize_upgrade_without_checks":
      return say(`Lets anybody put the runtime with the hash ${key(args.code_hash)} in place: the rules of the chain`);
    case "System.set_code":
    case "System.set_code_without_checks":
      return say("Puts another runtime in place: the rules of the chain");
    case "System.remark":
    case "System.remark_with_event":
      return say("Writes a note on the chain, and changes nothing");
    default:
      return { text: `Makes the call ${name}`, rows: [], parts: [], unknown: true };
  }
}

/** A change that waits (`TrustChange` in `chain/pallet-worker-registry/src/notice.rs`). */
export function trustInWords(change: unknown, write: Writing): string {
  const { type, value } = (change ?? {}) as { type?: string; value?: unknown };
  switch (type) {
    case "AllowMeasurement":
      return `machines with the worker build ${write.short(bytesHex(value))} may join`;
    case "AcceptRoots":
      return `evidence of hardware is accepted from: ${rootsInWords(value)}`;
    case "TierMax":
      return `hardware down to tier ${String(value)} may join`;
    case "RegistrationLifetimeMs":
      return `registrations hold for ${write.span(Number(value))}`;
    default:
      return `a change of a kind that this console does not know (${type ?? "?"})`;
  }
}
