//! What the pallet stores.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use economics::Permill;
use polkadot_sdk::{frame_support::BoundedVec, sp_core::ConstU32};
use primitives::{Balance, BlockNumber, WorkerId, bounds::GATEKEEPERS_MAX, units::PHA};
use scale_info::TypeInfo;

/// Number of a slash that waits.
pub type SlashId = u32;

/// Most bonds; what bounds the work of an election.
pub const BONDS_MAX: u32 = 256;
/// Slashes that a block's start looks at.
pub const SLASHES_PER_BLOCK_MAX: u32 = 4;
/// Slashes that may wait for one bond.
pub const SLASHES_PER_BOND_MAX: u32 = 8;
/// Longest term, time of unbonding and time for appeal that can be set, blocks: a year of one-second blocks.
pub const PERIOD_BLOCKS_MAX: BlockNumber = 366 * 24 * 60 * 60;
/// The worst tier that there is.
const TIER_WORST: u8 = 5;

/// Elected gatekeepers.
pub type Seats = BoundedVec<WorkerId, ConstU32<GATEKEEPERS_MAX>>;

/// What stands behind one gatekeeper, or who wants to be one.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct Bond<AccountId> {
    /// Whose money it is, held on that account.
    pub owner: AccountId,
    /// How much.
    pub amount: Balance,
    /// Since when it asks to leave.
    pub leaving_since: Option<BlockNumber>,
    /// Proven faults whose slashes wait: it is not elected meanwhile.
    pub accused: u8,
    /// Times that it stayed away in this term.
    pub absences: u32,
    /// Whether it ever had a seat, and so something to answer for.
    pub has_sat: bool,
}

/// What a vote may set.
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
pub struct BondSettings {
    /// The least bond.
    pub bond_min: Balance,
    /// Most seats that are filled by election.
    pub seats_max: u8,
    /// When fewer than this could be elected, those who sit stay.
    pub seats_min: u8,
    /// The worst tier of evidence that may be elected, 1 best to 5 worst.
    pub tier_max: u8,
    /// Blocks between two elections.
    pub term_blocks: BlockNumber,
    /// Blocks for which a bond answers after it asked to leave.
    pub unbonding_blocks: BlockNumber,
    /// Blocks between a proof and its slash, in which a vote may cancel it.
    pub appeal_blocks: BlockNumber,
    /// What who sat for a term is paid.
    pub reward: Balance,
    /// Absences in a term that cost nothing; with more a gatekeeper is not paid.
    pub absences_free: u32,
    /// Part of the bond that each further absence costs.
    pub absence_part: Permill,
    /// Part of the bond that a proven fault costs.
    pub fault_part: Permill,
    /// Part of that which goes to who proved it.
    pub reporter_part: Permill,
}

impl BondSettings {
    /// Whether they lie inside their bounds.
    pub fn are_valid(&self) -> bool {
        let period = 1..=PERIOD_BLOCKS_MAX;
        self.bond_min > 0
            && u32::from(self.seats_max) <= GATEKEEPERS_MAX
            && self.seats_min <= self.seats_max
            && (1..=TIER_WORST).contains(&self.tier_max)
            && period.contains(&self.term_blocks)
            && period.contains(&self.unbonding_blocks)
            // A slash that waits holds its bond, but a bond must not be gone before one is reported.
            && self.appeal_blocks <= self.unbonding_blocks
            && [self.absence_part, self.fault_part, self.reporter_part]
                .iter()
                .all(|part| *part <= Permill::ONE)
    }
}

impl Default for BondSettings {
    /// For a public network with blocks of a second: 50 000 PHA, up to 20 seats and not below 3, evidence of tier 3 or
    /// better, terms of a week, four weeks to leave, a day for appeal. An absence beyond 100 in a week costs a
    /// ten-thousandth, a proven fault everything. Rewards wait for a vote.
    fn default() -> Self {
        const DAY: BlockNumber = 24 * 60 * 60;
        Self {
            bond_min: 50_000 * PHA,
            seats_max: 20,
            seats_min: 3,
            tier_max: 3,
            term_blocks: 7 * DAY,
            unbonding_blocks: 28 * DAY,
            appeal_blocks: DAY,
            reward: 0,
            absences_free: 100,
            absence_part: Permill::from_parts(100),
            fault_part: Permill::ONE,
            reporter_part: Permill::from_parts(100_000),
        }
    }
}

/// A slash that may still be cancelled.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct PendingSlash<AccountId> {
    /// Whose bond it takes from.
    pub gatekeeper: WorkerId,
    /// Which part of it.
    pub part: Permill,
    /// Who proved the fault, if anybody is to be rewarded.
    pub reporter: Option<AccountId>,
    /// The block that executes it.
    pub due: BlockNumber,
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
pub struct SlashQueue {
    /// The oldest entry.
    pub first: SlashId,
    /// The number of the next one.
    pub next: SlashId,
}
