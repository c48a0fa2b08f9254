//! What the mailbox asks of others and offers to them.

use polkadot_sdk::{
    frame_support::weights::Weight,
    sp_runtime::{DispatchError, DispatchResult},
};
use primitives::{ClusterId, WorkerId};
use wire::{mailbox::MailboxOperation, message::MessagePayload};

/// Handles messages of workers.
pub trait MessageHandler {
    /// Whether a message of an active worker may enter a block: what is refused here takes no room and
    /// leaves the sender's sequence where it was. Asked by the pool as well, often and for free, so
    /// it reads little.
    ///
    /// # Errors
    /// When the message would be refused by [`MessageHandler::handle`] in any case.
    fn check(_sender: &WorkerId, _payload: &MessagePayload) -> DispatchResult {
        Ok(())
    }

    /// Handles one message of an active worker, whose signature holds.
    ///
    /// # Errors
    /// Rolled back, and told by an event; the sender's sequence goes on.
    fn handle(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult;

    /// The most that handling such a message takes. Asked before, so it reads nothing but the message.
    fn weight_of(payload: &MessagePayload) -> Weight;

    /// The most that handling this message has taken, asked afterwards; at most
    /// [`MessageHandler::weight_of`]. What it saves is given back to the block.
    fn used_weight_of(payload: &MessagePayload) -> Weight {
        Self::weight_of(payload)
    }
}

/// Says how far a cluster is.
pub trait ClusterProgress {
    /// Entries below this number are needed by nobody who agrees with his cluster: the state after them
    /// is agreed on, and whoever has not run them takes that state from a peer. Never falls. 0 for a
    /// cluster that is unknown or agrees on nothing.
    fn prunable_below(cluster: &ClusterId) -> u64;
}

/// A mailbox for each cluster.
pub trait Mailbox {
    /// Adds an entry; gives its number.
    ///
    /// # Errors
    /// When the entry is too long, or the mailbox is full of entries that the cluster does not agree on.
    fn push(cluster: &ClusterId, operation: MailboxOperation) -> Result<u64, DispatchError>;

    /// The number that the next entry will have.
    fn next_number(cluster: &ClusterId) -> u64;

    /// The lowest number that is still kept: whose state is older needs another worker's.
    fn first_number(cluster: &ClusterId) -> u64;

    /// Removes up to `entries_max` entries of a cluster that is no more; gives how many it removed.
    /// Fewer than asked for means that none is left.
    fn clear(cluster: &ClusterId, entries_max: u32) -> u32;
}
