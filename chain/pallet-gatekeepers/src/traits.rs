//! What others may ask of the pallet, and hear from it.

use crate::{BEACON_VALUES_MAX, OffenceKind};
use polkadot_sdk::{frame_support::weights::Weight, sp_runtime::AccountId32};
use threshold_keys::HolderKey;

/// What somebody did wrong, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misbehaviour<'a> {
    /// Who did.
    pub holder: &'a HolderKey,
    /// What.
    pub kind: OffenceKind,
    /// Blake2b-256 of the evidence; zeroes for an absence.
    pub evidence: [u8; 32],
    /// Who brought the evidence; nobody where the chain saw it itself.
    pub reporter: Option<&'a AccountId32>,
}

/// Who hears of misbehaviour, such as who holds a collateral.
pub trait OnMisbehaviour {
    /// A holder did wrong. Nothing comes twice for one thing, but an absence comes for each time.
    fn on_misbehaviour(misbehaviour: &Misbehaviour<'_>);

    /// What hearing of one of this kind takes at most.
    fn weight(kind: OffenceKind) -> Weight;
}

/// One after the other.
impl<First: OnMisbehaviour, Second: OnMisbehaviour> OnMisbehaviour for (First, Second) {
    fn on_misbehaviour(misbehaviour: &Misbehaviour<'_>) {
        First::on_misbehaviour(misbehaviour);
        Second::on_misbehaviour(misbehaviour);
    }

    fn weight(kind: OffenceKind) -> Weight {
        First::weight(kind).saturating_add(Second::weight(kind))
    }
}

/// Nobody does.
impl OnMisbehaviour for () {
    fn on_misbehaviour(_: &Misbehaviour<'_>) {}

    fn weight(_: OffenceKind) -> Weight {
        Weight::zero()
    }
}

/// Public randomness: values that nobody chose, and that nobody knows before a threshold of the
/// gatekeepers makes them.
pub trait RandomnessBeacon {
    /// The newest value: round, value, and the block since which everybody knows it.
    fn latest() -> Option<(u64, [u8; 32], u32)>;
    /// The value of a round, while it is among the last [`BEACON_VALUES_MAX`] and came to one.
    fn value(round: u64) -> Option<[u8; 32]>;
}

const _: () = assert!(BEACON_VALUES_MAX > 0);
