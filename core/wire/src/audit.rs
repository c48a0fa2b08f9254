//! One contract's part of a cluster's state, and what an auditor who has its key checks it by.
//!
//! Every mailbox entry that concerns a contract makes a [`HistoryItem`]: which entry, whether it ran, and
//! a keyed hash of everything the contract holds after it. Items are chained by [`next_history`]; the
//! chain's end is hidden in a [`commitment`], which lies in the cluster's state where a proof shows it
//! and nothing else ([`contract_root_key`]). So one proof under one agreed root stands for all of a
//! contract's history. `docs/protocol/replay.md` draws it.

use crate::domain::{CONTRACT_COMMITMENT, CONTRACT_HISTORY, blake2_256, tagged_hash};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use primitives::{ContractId, StateRoot};

/// Keys of a cluster's state that begin with this byte are *open*: they lie in a subtree of their own,
/// so that a proof of one shows hashes of open values alone, and of all the rest one hash.
pub const OPEN_PREFIX: u8 = 0xfe;
/// Steps of a contract's history that the state keeps; older ones are under the chain's hash alone.
pub const STEPS_KEPT: u64 = 4096;
/// Longest proof of a contract's root, bytes: the nodes on one path.
pub const ROOT_PROOF_BYTES_MAX: u32 = 64 * 1024;

/// What a mailbox entry came to, as far as it concerns a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Verdict {
    /// It ran: it returned, reverted or failed by its own doing.
    Ran,
    /// Somebody's balance inside the cluster was too low, so nothing of it was kept.
    NotPaid,
    /// The command cannot be opened or read, with the right keys.
    Unreadable,
}

/// What one mailbox entry meant for a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HistoryItem {
    /// The entry's number.
    pub number: u64,
    /// What it came to.
    pub verdict: Verdict,
    /// Keyed hash of all that the contract holds after it.
    pub contents: [u8; 32],
}

/// An item, and the history's hash after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HistoryStep {
    /// The item.
    pub item: HistoryItem,
    /// The hash after it.
    pub history: [u8; 32],
}

/// The newest steps of a contract's history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct HistoryPage {
    /// How many items there were before the first step here.
    pub first: u64,
    /// In order, without a gap.
    pub steps: Vec<HistoryStep>,
}

impl HistoryPage {
    /// Whether each step follows from the one before it.
    pub fn is_chained(&self) -> bool {
        self.steps.iter().zip(self.steps.iter().skip(1)).all(|(before, after)| {
            after.item.number > before.item.number
                && after.history == next_history(&before.history, &after.item)
        })
    }
}

/// The history's hash after one more item; before the first it is zero.
pub fn next_history(before: &[u8; 32], item: &HistoryItem) -> [u8; 32] {
    tagged_hash(CONTRACT_HISTORY, &[before, &item.encode()])
}

/// What stands in the state for a contract's history. Without `secret` it says nothing.
pub fn commitment(secret: &[u8; 32], items: u64, history: &[u8; 32]) -> [u8; 32] {
    tagged_hash(CONTRACT_COMMITMENT, &[secret, &items.to_le_bytes(), history])
}

/// Where a contract's [`commitment`] lies in the cluster's state.
pub fn contract_root_key(contract: &ContractId) -> Vec<u8> {
    let mut key = Vec::from([OPEN_PREFIX]);
    key.extend_from_slice(contract.as_bytes());
    key
}

/// What stands for a key in the trie of a cluster's state: 0 for an open key and 1 for any other, then
/// the key's Blake2b-256.
pub fn trie_key(key: &[u8]) -> [u8; 33] {
    let mut hashed = [1; 33];
    if key.first() == Some(&OPEN_PREFIX) {
        hashed[0] = 0;
    }
    hashed[1..].copy_from_slice(&blake2_256(key));
    hashed
}

/// A proof of a contract's commitment under a root that the cluster's workers agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ContractRootProof {
    /// After how many mailbox entries.
    pub next_number: u64,
    /// The cluster's root there.
    pub state_root: StateRoot,
    /// Trie nodes that lead to [`contract_root_key`].
    pub nodes: Vec<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: u64) -> HistoryItem {
        HistoryItem { number, verdict: Verdict::Ran, contents: [7; 32] }
    }

    #[test]
    fn a_history_depends_on_every_part_of_every_item_and_on_their_order() {
        let two = |first: &HistoryItem, second: &HistoryItem| {
            next_history(&next_history(&[0; 32], first), second)
        };
        let (a, b) = (item(1), item(2));
        let right = two(&a, &b);
        assert_ne!(right, two(&b, &a));
        assert_ne!(right, two(&a, &item(3)));
        assert_ne!(right, two(&a, &HistoryItem { verdict: Verdict::NotPaid, ..b }));
        assert_ne!(right, two(&a, &HistoryItem { contents: [8; 32], ..b }));
        assert_ne!(commitment(&[1; 32], 2, &right), commitment(&[2; 32], 2, &right));
        assert_ne!(commitment(&[1; 32], 2, &right), commitment(&[1; 32], 3, &right));
    }

    #[test]
    fn a_page_whose_steps_do_not_follow_is_seen() {
        let mut page = HistoryPage::default();
        let mut history = [0; 32];
        for number in [3, 5, 9] {
            history = next_history(&history, &item(number));
            page.steps.push(HistoryStep { item: item(number), history });
        }
        assert!(page.is_chained());
        page.steps.remove(1);
        assert!(!page.is_chained());
    }

    #[test]
    fn open_keys_and_others_part_at_the_first_byte() {
        assert_eq!(trie_key(&contract_root_key(&ContractId([3; 32])))[0], 0);
        assert_eq!(trie_key(b"s")[0], 1);
        assert_eq!(trie_key(b"")[0], 1);
        assert_eq!(trie_key(b"s")[1..], blake2_256(b"s"));
    }
}
