//! What the pallet stores.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use economics::{Fault, Permill};
use polkadot_sdk::{
    frame_support::{BoundedVec, traits::Get},
    sp_runtime::AccountId32,
};
use primitives::{Balance, BlockNumber, UnixMillis, WorkerId};
use scale_info::TypeInfo;

/// Number of a pending slash.
pub type SlashId = u32;

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct SessionInfo {
    /// What it does.
    pub state: SessionState,
    /// What it has earned for its pool, paid or still owed.
    pub earned: Balance,
    /// What it had lost of its stake when it was restarted; settled when it stops.
    pub lost: Balance,
    /// Whether its worker's counter is known since the session started.
    pub counting: bool,
}

impl SessionInfo {
    /// As it is bound.
    pub const READY: Self = Self {
        state: SessionState::Ready,
        earned: 0,
        lost: 0,
        counting: false,
    };

    /// Whether it computes, on line or not.
    pub const fn is_computing(&self) -> bool {
        matches!(self.state, SessionState::Computing(_))
    }

    /// What it has at stake.
    pub const fn stake(&self) -> Balance {
        match &self.state {
            SessionState::Ready => 0,
            SessionState::Computing(session) => session.stake(),
            SessionState::CoolingDown(rest) => rest.stake,
        }
    }
}

/// What a session does.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub enum SessionState {
    /// Nothing, without stake.
    Ready,
    /// Computes, on line or not.
    Computing(economics::Session),
    /// Has stopped; its stake stays for a while.
    CoolingDown(CoolDown),
}

/// A stake that cools down.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct CoolDown {
    /// Since when, milliseconds since 1970.
    pub since_ms: UnixMillis,
    /// The worker that computed for it.
    pub worker: WorkerId,
    /// The stake.
    pub stake: Balance,
    /// What is lost of it, at most all.
    pub slashed: Balance,
}

/// A challenge that a session has not answered.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct PendingChallenge {
    /// The block that made it.
    pub block: BlockNumber,
    /// What the answer must repeat.
    pub nonce: [u8; 32],
    /// The last block in which the answer is on time.
    pub deadline: BlockNumber,
    /// The chain's time when it was made: that of the block before.
    pub made_at_ms: UnixMillis,
}

/// The sessions that one block has challenged.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, MaxEncodedLen)]
#[scale_info(skip_type_params(Most))]
pub struct ChallengedSessions<Most: Get<u32>> {
    /// The block.
    pub block: BlockNumber,
    /// The last block in which their answers are on time.
    pub deadline: BlockNumber,
    /// Who they are.
    pub sessions: BoundedVec<AccountId32, Most>,
}

/// Entries `first..next` of a map that is a queue.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Queue {
    /// The oldest entry.
    pub first: u32,
    /// The number of the next one.
    pub next: u32,
}

impl Queue {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.first == self.next
    }

    /// How many there are, removed ones included.
    pub const fn len(&self) -> u32 {
        self.next.wrapping_sub(self.first)
    }

    /// Takes a number for a new entry.
    pub(crate) fn push(&mut self) -> u32 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        number
    }

    /// Gives the oldest entry up.
    pub(crate) fn pop(&mut self) {
        self.first = self.first.wrapping_add(1);
    }
}

/// The result of a worker's benchmark.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Benchmark {
    /// Iterations in 6 s.
    pub score: u32,
    /// When it ended, milliseconds since 1970.
    pub measured_at_ms: UnixMillis,
    /// What was computed.
    pub iterations: u64,
}

/// Which benchmarks count.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct BenchmarkPolicy {
    /// How old one may be when a session is bound or started, milliseconds.
    pub age_ms_max: u64,
    /// How long one takes at least, milliseconds.
    pub duration_ms_min: u64,
    /// The largest score; more counts as this.
    pub score_max: u32,
}

impl BenchmarkPolicy {
    /// Whether it lies inside its bounds.
    pub const fn is_valid(&self) -> bool {
        self.score_max > 0
            && self.score_max <= economics::bounds::SCORE_MAX
            && self.duration_ms_min > 0
    }
}

impl Default for BenchmarkPolicy {
    /// Two days, ten seconds, and the published cap.
    fn default() -> Self {
        Self {
            age_ms_max: 2 * 24 * 60 * 60 * 1000,
            duration_ms_min: 10 * 1000,
            score_max: 6000,
        }
    }
}

/// What becomes of proven faults.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct SlashPolicy {
    /// Whether they cost anything.
    pub enabled: bool,
    /// Blocks between a report and the slash, in which it may be cancelled.
    pub appeal_blocks: BlockNumber,
    /// Part of a slash that goes to who proved the fault.
    pub reporter_part: Permill,
}

/// A slash that may still be cancelled.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct PendingSlash {
    /// Whose stake it takes.
    pub session: AccountId32,
    /// Whose fault it is.
    pub worker: WorkerId,
    /// How bad it is.
    pub fault: Fault,
    /// Who proved it, if anybody is to be rewarded.
    pub reporter: Option<AccountId32>,
    /// The most that it takes: by the stake when it was reported.
    pub amount: Balance,
    /// The block of the report.
    pub reported_at: BlockNumber,
    /// The block that executes it.
    pub due: BlockNumber,
}
