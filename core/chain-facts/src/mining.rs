//! Values of mining, with the layout that the pallet of sessions stores.

use codec::{Decode, Encode};
use primitives::{AccountId, Balance, BlockNumber, UnixMillis, WorkerId};

/// A session: one worker's work for one pool.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SessionInfo {
    /// What it does.
    pub state: SessionState,
    /// What it has earned for its pool, paid or still owed.
    pub earned: Balance,
    /// What it had lost of its stake when it was restarted.
    pub lost: Balance,
    /// Whether its worker's counter is known since the session started.
    pub counting: bool,
}

/// What a session does.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[allow(
    clippy::large_enum_variant,
    reason = "the layout is the chain's, and most sessions compute"
)]
pub enum SessionState {
    /// Nothing, without stake.
    Ready,
    /// Computes, on line or not.
    Computing(economics::Session),
    /// Has stopped; its stake stays for a while.
    CoolingDown(CoolDown),
}

/// A stake that cools down.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
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

/// The result of a worker's benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Benchmark {
    /// Iterations in 6 s.
    pub score: u32,
    /// When it ended, milliseconds since 1970.
    pub measured_at_ms: UnixMillis,
    /// What was computed.
    pub iterations: u64,
}

/// Which benchmarks count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BenchmarkRules {
    /// How old one may be when a session is bound or started, milliseconds.
    pub age_ms_max: u64,
    /// How long one takes at least, milliseconds.
    pub duration_ms_min: u64,
    /// The largest score; more counts as this.
    pub score_max: u32,
}

impl Default for BenchmarkRules {
    /// What holds until a vote sets something else.
    fn default() -> Self {
        Self {
            age_ms_max: 2 * 24 * 60 * 60 * 1000,
            duration_ms_min: 10 * 1000,
            score_max: 6_000,
        }
    }
}

/// What a worker that may mine needs to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MiningView {
    /// The session that it is bound to.
    pub session: Option<BoundSession>,
    /// Its last benchmark that the chain has taken.
    pub benchmark: Option<Benchmark>,
    /// Which benchmarks count.
    pub rules: BenchmarkRules,
}

/// The session that a worker is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundSession {
    /// Which.
    pub session: AccountId,
    /// Whether it computes, on line or not.
    pub computes: bool,
    /// The challenge that it has not answered.
    pub challenge: Option<PendingChallenge>,
}

impl SessionInfo {
    /// Whether it computes, on line or not.
    pub const fn is_computing(&self) -> bool {
        matches!(self.state, SessionState::Computing(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_chains_layout() {
        let challenge = PendingChallenge {
            block: 1,
            nonce: [2; 32],
            deadline: 3,
            made_at_ms: 4,
        };
        let expected = [
            &1u32.to_le_bytes()[..],
            &[2; 32],
            &3u32.to_le_bytes(),
            &4u64.to_le_bytes(),
        ];
        assert_eq!(challenge.encode(), expected.concat());
        let ready = SessionInfo {
            state: SessionState::Ready,
            earned: 5,
            lost: 6,
            counting: true,
        };
        let expected = [&[0][..], &5u128.to_le_bytes(), &6u128.to_le_bytes(), &[1]];
        assert_eq!(ready.encode(), expected.concat());
    }
}
