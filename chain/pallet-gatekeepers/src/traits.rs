//! What others may ask of the pallet, and hear from it.

use crate::{BEACON_VALUES_MAX, OffenceKind};
use threshold_keys::HolderKey;

/// Who hears of misbehaviour, such as who holds a collateral.
pub trait OnMisbehaviour {
    /// A holder did wrong. `evidence` names it; nothing comes twice for one thing, but an absence
    /// comes for each time.
    fn on_misbehaviour(holder: &HolderKey, kind: OffenceKind, evidence: [u8; 32]);
}

/// Nobody does.
impl OnMisbehaviour for () {
    fn on_misbehaviour(_: &HolderKey, _: OffenceKind, _: [u8; 32]) {}
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
