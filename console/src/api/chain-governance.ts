// Reads of the stock pallets of governance, all at one block. They stand as polkadot-sdk has them; whom each
// lever listens to is in `chain/runtime/src/configs/governance.rs`.

import { AccountId, Blake2256 } from "@polkadot-api/substrate-bindings";
import type { ChainState } from "./chain-state";
import { big, flag, hex, list, number, optional, record, text, variant, UnknownShape } from "./decode";
import {
  CONVICTION_NAMES,
  factName,
  readVoteByte,
  readsOf,
  trustInWords,
  type Bounty,
  type Call,
  type Curve,
  type Ending,
  type Facts,
  type Governance,
  type Ongoing,
  type Proposal,
  type Referendum,
  type ReferendumDetail,
  type ReferendumVote,
  type Spend,
  type Stage,
  type Tally,
  type Tip,
  type Track,
  type TrackVotes,
  type Treasury,
  type Writing,
} from "./governance";

/** Referenda that are listed: the newest. */
const LISTED_MAX = 100;
/** Those that have ended, of which the time before is looked at. */
const PAST_MAX = 20;
/** Votes that are shown. */
export const VOTES_SHOWN = 100;

/** What only a connection can do. */
export interface Reading {
  state: ChainState;
  block: number;
  /** A call from its bytes; null where they are none of this runtime. */
  decodeCall: (bytes: Uint8Array) => Promise<Call | null>;
  /** The state at a block before; null where the node has dropped it. */
  stateAt: (block: number) => Promise<ChainState | null>;
  write: Writing;
}

/** A name of letters, padded with zeros, in whatever form it is decoded. */
function name(value: unknown): string {
  const letters =
    typeof value === "string" && value.startsWith("0x")
      ? String.fromCharCode(...(value.slice(2).match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)))
      : Array.isArray(value)
        ? String.fromCharCode(...value.map((letter) => number(letter, "track")))
        : text(value, "track");
  return letters.replace(/\0+$/, "");
}

function curve(value: unknown): Curve {
  const { type, value: line } = variant(value, "curve");
  if (type !== "LinearDecreasing") throw new UnknownShape("curve", value);
  const fields = record(line, "curve");
  return { from: number(fields.ceil, "curve"), to: number(fields.floor, "curve") };
}

export function readTrack(entry: unknown): Track {
  const [id, details] = Array.isArray(entry) ? entry : [record(entry, "track").id, record(entry, "track").info];
  const info = record(details, "track");
  return {
    id: number(id, "track"),
    name: name(info.name),
    decisionDeposit: big(info.decision_deposit, "deposit"),
    prepare: number(info.prepare_period, "period"),
    decision: number(info.decision_period, "period"),
    confirm: number(info.confirm_period, "period"),
    notice: number(info.min_enactment_period, "period"),
    approval: curve(info.min_approval),
    support: curve(info.min_support),
  };
}

function tally(value: unknown): Tally {
  const { ayes, nays, support } = record(value, "tally");
  return { ayes: big(ayes, "tally"), nays: big(nays, "tally"), support: big(support, "tally") };
}

const ENDINGS: Record<string, Ending> = {
  Approved: "approved",
  Rejected: "rejected",
  Cancelled: "cancelled",
  TimedOut: "timed out",
  Killed: "killed",
};

function stageOf(status: Record<string, unknown>): Stage {
  if (status.deciding !== undefined) {
    const { since, confirming } = record(status.deciding, "decision");
    return {
      kind: "deciding",
      since: number(since, "block"),
      passesAt: optional(confirming, (block) => number(block, "block")),
    };
  }
  if (status.decision_deposit === undefined) return { kind: "awaitsDeposit" };
  return { kind: flag(status.in_queue, "queue") ? "queued" : "preparing" };
}

async function proposalOf(reading: Reading, state: ChainState, value: unknown): Promise<Proposal> {
  const { type, value: held } = variant(value, "proposal");
  if (type === "Inline") {
    const bytes = bytesOf(held);
    return { hash: hex(Blake2256(bytes), "hash"), call: await reading.decodeCall(bytes) };
  }
  const fields = record(held, "proposal");
  const hash = hex(fields.hash, "hash");
  if (type !== "Lookup" || !state.has("Preimage", "PreimageFor")) return { hash, call: null };
  const found = await state.value("Preimage", "PreimageFor", [fields.hash, fields.len]);
  const bytes = found === undefined ? null : bytesOf(found);
  // What does not hash to its name is not the proposal.
  const genuine = bytes !== null && hex(Blake2256(bytes), "hash") === hash;
  return { hash, call: genuine ? await reading.decodeCall(bytes) : null };
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const digits = hex(value, "bytes").slice(2).match(/../g) ?? [];
  return Uint8Array.from(digits, (pair) => Number.parseInt(pair, 16));
}

async function ongoingOf(reading: Reading, state: ChainState, status: Record<string, unknown>): Promise<Ongoing> {
  const origin = variant(status.origin, "origin");
  const enactment = variant(status.enactment, "enactment");
  const blocks = number(enactment.value, "enactment");
  const stage = stageOf(status);
  return {
    track: number(status.track, "track"),
    speaker: variant(origin.value, "origin").type,
    proposer: text(record(status.submission_deposit, "deposit").who, "account"),
    submitted: number(status.submitted, "block"),
    decidedSince: stage.kind === "deciding" ? stage.since : null,
    enactment: enactment.type === "At" ? { at: blocks } : { after: blocks },
    tally: tally(status.tally),
    proposal: await proposalOf(reading, state, status.proposal),
  };
}

async function referendumOf(reading: Reading, index: number, info: unknown, looksBack: boolean): Promise<Referendum> {
  const { type, value } = variant(info, "referendum");
  if (type === "Ongoing") {
    const status = record(value, "referendum");
    return { index, stage: stageOf(status), ongoing: await ongoingOf(reading, reading.state, status) };
  }
  const how = ENDINGS[type];
  if (!how) throw new UnknownShape("referendum", info);
  const block = number(Array.isArray(value) ? value[0] : value, "block");
  return {
    index,
    stage: { kind: "ended", how, block },
    ongoing: looksBack ? await before(reading, index, block) : null,
  };
}

/** What a referendum was in the block before its end: the chain itself keeps only how it ended. */
async function before(reading: Reading, index: number, end: number): Promise<Ongoing | null> {
  try {
    const state = await reading.stateAt(end - 1);
    const info = await state?.value("Referenda", "ReferendumInfoFor", index);
    if (!state || info === undefined) return null;
    const { type, value } = variant(info, "referendum");
    return type === "Ongoing" ? await ongoingOf(reading, state, record(value, "referendum")) : null;
  } catch {
    // The node has dropped that block's state.
    return null;
  }
}

async function blockTime(state: ChainState): Promise<number | null> {
  return state.has("Slots", "DurationMs") ? number(await state.value("Slots", "DurationMs"), "slot") : null;
}

export async function readGovernance(reading: Reading): Promise<Governance> {
  const { state, block } = reading;
  const [tracks, entries, total, inactive, undecidedMax, submissionDeposit, pending, notice, blockMs] =
    await Promise.all([
      state.constant("Referenda", "Tracks"),
      state.entries("Referenda", "ReferendumInfoFor"),
      state.value("Balances", "TotalIssuance"),
      state.value("Balances", "InactiveIssuance"),
      state.constant("Referenda", "UndecidingTimeout"),
      state.constant("Referenda", "SubmissionDeposit"),
      state.has("PhalaRegistry", "PendingTrust") ? state.value("PhalaRegistry", "PendingTrust") : [],
      state.has("PhalaRegistry", "NoticeBlocks") ? state.value("PhalaRegistry", "NoticeBlocks") : 0,
      blockTime(state),
    ]);
  const newest = entries
    .map(({ keys, value }) => ({ index: number(keys[0], "referendum"), value }))
    .sort((one, other) => other.index - one.index)
    .slice(0, LISTED_MAX);
  const ended = newest.filter(({ value }) => variant(value, "referendum").type !== "Ongoing").slice(0, PAST_MAX);
  const issuance = big(total, "issuance") - big(inactive, "issuance");
  return {
    block,
    blockMs,
    issuance: issuance > 0n ? issuance : 0n,
    tracks: list(tracks, "tracks").map(readTrack),
    referenda: await Promise.all(newest.map((one) => referendumOf(reading, one.index, one.value, ended.includes(one)))),
    undecidedMax: number(undecidedMax, "period"),
    submissionDeposit: big(submissionDeposit, "deposit"),
    pendingTrust: list(pending, "announced changes").map((entry) => {
      const [from, change] = list(entry, "announced change");
      return { countsFrom: number(from, "block"), text: trustInWords(change, reading.write) };
    }),
    trustNotice: number(notice, "notice"),
  };
}

function accountVote(account: string, value: unknown, delegated: bigint): ReferendumVote {
  const { type, value: inner } = variant(value, "vote");
  const fields = record(inner, "vote");
  const empty = { account, aye: 0n, nay: 0n, abstain: 0n, conviction: null, delegated };
  if (type === "Standard") {
    const { aye, conviction } = readVoteByte(number(fields.vote, "vote"));
    const balance = big(fields.balance, "vote");
    return { ...empty, conviction, aye: aye ? balance : 0n, nay: aye ? 0n : balance };
  }
  return {
    ...empty,
    aye: big(fields.aye, "vote"),
    nay: big(fields.nay, "vote"),
    abstain: optional(fields.abstain, (abstain) => big(abstain, "vote")) ?? 0n,
  };
}

function trackVotes(account: string, track: number, voting: unknown, locked: bigint): TrackVotes {
  const { type, value } = variant(voting, "votes");
  const fields = record(value, "votes");
  const [until, amount] = list(fields.prior, "lock");
  const prior = { until: number(until, "block"), amount: big(amount, "lock") };
  const shared = { track, locked, prior: prior.amount > 0n ? prior : null };
  if (type === "Delegating") {
    const conviction = variant(fields.conviction, "conviction").type as (typeof CONVICTION_NAMES)[number];
    return {
      ...shared,
      votes: [],
      delegating: {
        to: text(fields.target, "account"),
        balance: big(fields.balance, "delegation"),
        conviction: CONVICTION_NAMES.indexOf(conviction),
      },
    };
  }
  const delegated = big(record(fields.delegations, "delegations").votes, "delegations");
  return {
    ...shared,
    delegating: null,
    votes: list(fields.votes, "votes").map((entry) => {
      const [index, vote] = list(entry, "vote");
      return { referendum: number(index, "referendum"), vote: accountVote(account, vote, delegated) };
    }),
  };
}

export async function readVotesOf(state: ChainState, account: string): Promise<TrackVotes[]> {
  const [entries, locks] = await Promise.all([
    state.entries("ConvictionVoting", "VotingFor", account),
    state.value("ConvictionVoting", "ClassLocksFor", account),
  ]);
  const locked = new Map(
    list(locks, "locks").map((entry) => {
      const [track, amount] = list(entry, "lock");
      return [number(track, "track"), big(amount, "lock")];
    }),
  );
  return entries
    .map(({ keys, value }) => {
      const track = number(keys[1], "track");
      return trackVotes(account, track, value, locked.get(track) ?? 0n);
    })
    .sort((one, other) => one.track - other.track);
}

const size = (vote: ReferendumVote) => vote.aye + vote.nay + vote.abstain + vote.delegated;

/** The votes that the chain still has on a referendum, the largest first. Votes that were taken back are gone. */
async function readVotes(state: ChainState, index: number): Promise<ReferendumVote[]> {
  const entries = await state.entries("ConvictionVoting", "VotingFor");
  return entries
    .flatMap(({ keys, value }) => {
      const account = text(keys[0], "account");
      const { votes } = trackVotes(account, number(keys[1], "track"), value, 0n);
      return votes.filter((one) => one.referendum === index).map((one) => one.vote);
    })
    .sort((one, other) => Number(size(other) - size(one)))
    .slice(0, VOTES_SHOWN);
}

async function readFacts(state: ChainState, call: Call | null): Promise<Facts> {
  if (!call) return {};
  const reads = readsOf(call).filter(({ pallet, item }) => state.has(pallet, item));
  const values = await Promise.all(reads.map(({ pallet, item, keys }) => state.value(pallet, item, ...keys)));
  return Object.fromEntries(reads.map((read, place) => [factName(read), values[place]]));
}

export async function readReferendum(reading: Reading, index: number): Promise<ReferendumDetail | null> {
  const { state } = reading;
  const [view, treasury, info, votes] = await Promise.all([
    readGovernance(reading),
    treasuryBalance(state),
    state.value("Referenda", "ReferendumInfoFor", index),
    readVotes(state, index),
  ]);
  if (info === undefined) return null;
  const referendum = await referendumOf(reading, index, info, true);
  const facts = await readFacts(state, referendum.ongoing?.proposal.call ?? null);
  return { view, referendum, votes, facts, treasury };
}

/** A referendum's votes in a past block; null where it did not go on. */
export async function readTally(
  state: ChainState,
  index: number,
): Promise<{ tally: Tally; since: number | null } | null> {
  const info = await state.value("Referenda", "ReferendumInfoFor", index);
  if (info === undefined) return null;
  const { type, value } = variant(info, "referendum");
  if (type !== "Ongoing") return null;
  const status = record(value, "referendum");
  const stage = stageOf(status);
  return { tally: tally(status.tally), since: stage.kind === "deciding" ? stage.since : null };
}

/** The account of `PalletId(*b"py/trsry")`: `modl`, the id, zeros. */
function treasuryAccount(): string {
  const bytes = new Uint8Array(32);
  bytes.set(new TextEncoder().encode("modlpy/trsry"));
  return AccountId().dec(bytes);
}

export async function readTreasury(reading: Reading): Promise<Treasury> {
  const { state, block } = reading;
  const account = treasuryAccount();
  const [balance, spends, bounties, descriptions, tips, reasons, blockMs] = await Promise.all([
    treasuryBalance(state),
    state.entries("Treasury", "Spends"),
    state.entries("Bounties", "Bounties"),
    state.entries("Bounties", "BountyDescriptions"),
    state.entries("Tips", "Tips"),
    state.entries("Tips", "Reasons"),
    blockTime(state),
  ]);
  const described = new Map(descriptions.map(({ keys, value }) => [number(keys[0], "bounty"), utf8(value)]));
  const reasonOf = new Map(reasons.map(({ keys, value }) => [hex(keys[0], "reason"), utf8(value)]));
  return {
    block,
    blockMs,
    account,
    balance,
    spends: spends
      .map(({ keys, value }): Spend => {
        const spend = record(value, "spend");
        return {
          index: number(keys[0], "spend"),
          amount: big(spend.amount, "amount"),
          beneficiary: text(spend.beneficiary, "account"),
          validFrom: number(spend.valid_from, "block"),
          expireAt: number(spend.expire_at, "block"),
          status: variant(spend.status, "payment").type.toLowerCase() as Spend["status"],
        };
      })
      .sort((one, other) => other.index - one.index),
    bounties: bounties
      .map(({ keys, value }): Bounty => {
        const bounty = record(value, "bounty");
        const index = number(keys[0], "bounty");
        return {
          index,
          value: big(bounty.value, "amount"),
          state: variant(bounty.status, "bounty").type,
          description: described.get(index) ?? "",
        };
      })
      .sort((one, other) => other.index - one.index),
    tips: tips.map(({ keys, value }): Tip => {
      const tip = record(value, "tip");
      return {
        id: hex(keys[0], "tip"),
        who: text(tip.who, "account"),
        reason: reasonOf.get(hex(tip.reason, "reason")) ?? "",
        tips: list(tip.tips, "tips").length,
        closes: optional(tip.closes, (at) => number(at, "block")),
      };
    }),
  };
}

function utf8(value: unknown): string {
  return new TextDecoder().decode(bytesOf(value));
}

async function treasuryBalance(state: ChainState): Promise<bigint> {
  const money = await state.value("System", "Account", treasuryAccount());
  return big(record(record(money, "account").data, "account").free, "money");
}
