// Referenda that look like a real network's, the same at each start.

import { voteByte, readVoteByte } from "../api/governance";
import type {
  Facts,
  Governance,
  Ongoing,
  Referendum,
  ReferendumVote,
  Tally,
  Track,
  TrackVotes,
  Treasury,
} from "../api/governance";
import { ACCOUNTS, id, UNIT } from "./network";

const PERCENT = 10_000_000;

function track(number: number, name: string, deposit: number, approval: number[], support: number[]): Track {
  const curve = ([from, to]: number[]) => ({ from: from! * PERCENT, to: to! * PERCENT });
  return {
    id: number,
    name,
    decisionDeposit: BigInt(deposit) * UNIT,
    prepare: 120,
    decision: 1_200,
    confirm: 60,
    notice: 240,
    approval: curve(approval),
    support: curve(support),
  };
}

export const TRACKS: Track[] = [
  track(0, "root", 100_000, [100, 60], [50, 2]),
  track(10, "attestation", 20_000, [90, 55], [30, 1]),
  track(11, "economy", 20_000, [90, 55], [30, 1]),
  track(13, "clusters", 2_000, [80, 50], [10, 0.2]),
  track(22, "small_spender", 200, [80, 50], [10, 0.1]),
];

const ONE = 2n ** 64n;

function ongoing(number: number, onTrack: number, tally: Tally, call: Ongoing["proposal"]["call"]): Ongoing {
  return {
    track: onTrack,
    speaker: "Economy",
    proposer: ACCOUNTS[number % 3]!,
    submitted: 900 + number * 100,
    decidedSince: { 3: 1_300, 2: 1_200 }[number] ?? null,
    enactment: { after: 0 },
    tally,
    proposal: { hash: id(7, number), call },
  };
}

const tally = (ayes: number, nays: number, support: number): Tally => ({
  ayes: BigInt(ayes) * UNIT,
  nays: BigInt(nays) * UNIT,
  support: BigInt(support) * UNIT,
});

export const BALANCE = 182_400n * UNIT;

export const facts: Facts = {
  "PhalaComputation.TokenomicParameters": { v_max: 30_000n * ONE, challenges: 20, heartbeat_window: 20 },
  "PhalaRegistry.AcceptedRoots": [{ type: "Intel", value: undefined }],
};

const REFERENDA: Referendum[] = [
  {
    index: 4,
    stage: { kind: "awaitsDeposit" },
    ongoing: ongoing(4, 10, tally(0, 0, 0), {
      pallet: "PhalaRegistry",
      call: "allow_measurement",
      arguments: { measurement: id(9, 2) },
    }),
  },
  {
    index: 3,
    stage: { kind: "deciding", since: 1_300, passesAt: null },
    ongoing: ongoing(3, 11, tally(42_000, 3_000, 31_000), {
      pallet: "PhalaComputation",
      call: "update_tokenomic",
      arguments: { parameters: { v_max: 40_000n * ONE, challenges: 24, heartbeat_window: 20 } },
    }),
  },
  {
    index: 2,
    stage: { kind: "deciding", since: 1_200, passesAt: 1_560 },
    ongoing: ongoing(2, 22, tally(180_000, 0, 120_000), {
      pallet: "Treasury",
      call: "spend",
      arguments: { asset_kind: undefined, amount: 4_000n * UNIT, beneficiary: ACCOUNTS[3], valid_from: undefined },
    }),
  },
  { index: 1, stage: { kind: "ended", how: "approved", block: 980 }, ongoing: ongoing(1, 13, tally(90, 1, 90), null) },
  { index: 0, stage: { kind: "ended", how: "timed out", block: 700 }, ongoing: null },
];

export function governance(block: number): Governance {
  return {
    block,
    blockMs: 1_000,
    tracks: TRACKS,
    referenda: REFERENDA,
    issuance: 1_000_000n * UNIT,
    undecidedMax: 4_000,
    submissionDeposit: 100n * UNIT,
    pendingTrust: [{ countsFrom: 2_400, text: "hardware down to tier 4 may join" }],
    trustNotice: 1_200,
  };
}

function vote(account: string, byte: number, pha: number, delegated = 0n): ReferendumVote {
  const { aye, conviction } = readVoteByte(byte);
  const balance = BigInt(pha) * UNIT;
  return { account, conviction, delegated, abstain: 0n, aye: aye ? balance : 0n, nay: aye ? 0n : balance };
}

export function votes(index: number): ReferendumVote[] {
  if (index === 4 || index === 0) return [];
  return [
    vote(ACCOUNTS[0]!, voteByte(true, 2), 20_000, 2_000n * UNIT),
    vote(ACCOUNTS[1]!, voteByte(true, 0), 11_000),
    vote(ACCOUNTS[2]!, voteByte(false, 1), 3_000),
  ];
}

export function tallyAt(place: number): Tally {
  return tally(place * 900, Math.min(3_000, place * 150), place * 700);
}

export const VOTES_OF: TrackVotes[] = [
  {
    track: 11,
    locked: 500n * UNIT,
    delegating: null,
    prior: { until: 1_900, amount: 120n * UNIT },
    votes: [{ referendum: 3, vote: vote(ACCOUNTS[3]!, voteByte(true, 1), 500) }],
  },
  {
    track: 22,
    locked: 300n * UNIT,
    prior: null,
    votes: [],
    delegating: { to: ACCOUNTS[1]!, balance: 300n * UNIT, conviction: 2 },
  },
];

export function treasury(block: number): Treasury {
  const spend = (index: number, pha: number, validFrom: number, expireAt: number, status: "pending" | "attempted") => ({
    index,
    amount: BigInt(pha) * UNIT,
    beneficiary: ACCOUNTS[index % 4]!,
    validFrom,
    expireAt,
    status,
  });
  return {
    block,
    blockMs: 1_000,
    account: ACCOUNTS[3]!,
    balance: BALANCE,
    spends: [
      spend(3, 900, 2_000, 9_000, "pending"),
      spend(2, 1_500, 1_000, 9_000, "pending"),
      spend(1, 250, 100, 900, "pending"),
      spend(0, 4_000, 100, 9_000, "attempted"),
    ],
    bounties: [
      { index: 0, value: 5_000n * UNIT, state: "CuratorProposed", description: "A client for another language" },
    ],
    tips: [{ id: id(6, 1), who: ACCOUNTS[1]!, reason: "Found a mistake in a handbook", tips: 2, closes: null }],
  };
}
