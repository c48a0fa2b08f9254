//! What the call and the traits do.

use crate::*;
use codec::{Decode, Encode};
use pallet_worker_registry::WorkerDirectory;
use polkadot_sdk::{
    frame_support::{
        BoundedVec, ensure,
        pallet_prelude::{
            DispatchResultWithPostInfo, InvalidTransaction, TransactionValidity,
            TransactionValidityError, ValidTransaction,
        },
        storage::with_storage_layer,
        traits::UnixTime,
    },
    frame_system,
    sp_core::{Get, sr25519},
    sp_io,
    sp_runtime::{DispatchError, SaturatedConversion, TryRuntimeError},
};
use primitives::bounds::{MAILBOX_ENTRIES_MAX, WORKER_MESSAGE_BYTES_MAX};
use primitives::{BlockNumber, ClusterId, WorkerId};
use wire::mailbox::{MailboxEntry, MailboxOperation};
use wire::message::{MessageSender, SignedMessage, signed_bytes};

/// Above transactions without tip: what workers say keeps the network going, and is bounded.
const MESSAGE_PRIORITY: u64 = 1 << 32;
/// Blocks for which the pool keeps a message.
const MESSAGE_LONGEVITY_BLOCKS: u64 = 64;
/// Part of a pool tag that no other pallet uses.
const TAG: &str = "PhalaMqOffchainMessages";

fn worker_of(sender: &MessageSender) -> &WorkerId {
    let MessageSender::Worker(worker) = sender;
    worker
}

impl<T: Config> Pallet<T> {
    /// How many messages the sender has in the current block.
    fn sent_in_this_block(sender: &MessageSender) -> u32 {
        let (block, sent) = SentInBlock::<T>::get(sender);
        if block == frame_system::Pallet::<T>::block_number() {
            sent
        } else {
            0
        }
    }

    /// Length, sender, signature and content; the same for pool and block.
    fn check_message(message: &SignedMessage) -> Result<(), TransactionValidityError> {
        if message.encoded_size() > WORKER_MESSAGE_BYTES_MAX as usize {
            return Err(InvalidTransaction::Custom(INVALID_TOO_LONG).into());
        }
        let worker = worker_of(&message.sender);
        if !T::Workers::is_active(worker) {
            return Err(InvalidTransaction::Custom(INVALID_SENDER).into());
        }
        let signed = signed_bytes(
            &T::Workers::genesis_hash(),
            &message.sender,
            message.sequence,
            &message.payload,
        );
        let key = sr25519::Public::from_raw(worker.0);
        if !sp_io::crypto::sr25519_verify(&message.signature.into(), &signed, &key) {
            return Err(InvalidTransaction::BadProof.into());
        }
        // After the signature: what a worker has not said is not worth reading for.
        T::Handler::check(worker, &message.payload)
            .map_err(|_| InvalidTransaction::Custom(INVALID_CONTENT).into())
    }

    /// What the pool asks: a run of messages may wait there, each after the one before it.
    pub(crate) fn validate_message(message: &SignedMessage) -> TransactionValidity {
        let (sender, sequence) = (message.sender, message.sequence);
        let expected = OffchainIngress::<T>::get(sender);
        if sequence < expected {
            return InvalidTransaction::Stale.into();
        }
        if sequence - expected > SEQUENCE_AHEAD_MAX {
            return InvalidTransaction::Future.into();
        }
        Self::check_message(message)?;
        let builder = ValidTransaction::with_tag_prefix(TAG)
            .priority(MESSAGE_PRIORITY)
            .longevity(MESSAGE_LONGEVITY_BLOCKS)
            .propagate(true)
            .and_provides((sender, sequence));
        if sequence > expected {
            builder.and_requires((sender, sequence - 1)).build()
        } else {
            builder.build()
        }
    }

    /// What a block asks: exactly the next message, and not too many of one sender.
    pub(crate) fn admit_message(message: &SignedMessage) -> Result<(), TransactionValidityError> {
        let expected = OffchainIngress::<T>::get(message.sender);
        match message.sequence.cmp(&expected) {
            core::cmp::Ordering::Less => return Err(InvalidTransaction::Stale.into()),
            core::cmp::Ordering::Greater => return Err(InvalidTransaction::Future.into()),
            core::cmp::Ordering::Equal => {}
        }
        if Self::sent_in_this_block(&message.sender) >= MESSAGES_PER_BLOCK_MAX {
            return Err(InvalidTransaction::ExhaustsResources.into());
        }
        Self::check_message(message)
    }

    pub(crate) fn do_sync_offchain_message(message: SignedMessage) -> DispatchResultWithPostInfo {
        let SignedMessage {
            sender,
            sequence,
            payload,
            ..
        } = message;
        // Asserted again where it is used: only `admit_message` leads here, but for root's tools.
        ensure!(
            sequence == OffchainIngress::<T>::get(sender),
            Error::<T>::BadSequence
        );
        let sent = Self::sent_in_this_block(&sender);
        ensure!(sent < MESSAGES_PER_BLOCK_MAX, Error::<T>::TooManyMessages);
        let next = sequence.checked_add(1).ok_or(Error::<T>::BadSequence)?;
        OffchainIngress::<T>::insert(sender, next);
        SentInBlock::<T>::insert(
            sender,
            (frame_system::Pallet::<T>::block_number(), sent + 1),
        );
        let handled = with_storage_layer(|| T::Handler::handle(worker_of(&sender), &payload));
        if let Err(error) = handled {
            Self::deposit_event(Event::MessageFailed {
                sender,
                sequence,
                error,
            });
        }
        Ok(Some(weights::message_of::<T>(&payload)).into())
    }

    /// The number that the sender's next message must have, if it ever sent one.
    pub fn sender_sequence(sender: &MessageSender) -> Option<u64> {
        OffchainIngress::<T>::contains_key(sender).then(|| OffchainIngress::<T>::get(sender))
    }

    /// Removes entries that the cluster agrees on and that are older than the retention, a bounded number
    /// of them. A full mailbox does not wait for the retention.
    fn prune(cluster: &ClusterId) {
        let (first, next) = (InboxFirst::<T>::get(cluster), InboxNext::<T>::get(cluster));
        let prunable = T::Progress::prunable_below(cluster).min(next);
        let most = prunable.min(first.saturating_add(u64::from(PRUNED_PER_PUSH_MAX)));
        let is_full = next.saturating_sub(first) >= u64::from(MAILBOX_ENTRIES_MAX);
        let mut end = first;
        while end < most && (is_full || Self::is_past_retention(cluster, end)) {
            Inbox::<T>::remove(cluster, end);
            end += 1;
        }
        if end > first {
            InboxFirst::<T>::insert(cluster, end);
        }
    }

    fn is_past_retention(cluster: &ClusterId, number: u64) -> bool {
        let now: BlockNumber = frame_system::Pallet::<T>::block_number().saturated_into();
        Inbox::<T>::get(cluster, number)
            // The block number is the first field of an entry.
            .and_then(|bytes| BlockNumber::decode(&mut &bytes[..]).ok())
            .is_none_or(|pushed_at| now.saturating_sub(pushed_at) > T::Retention::get())
    }

    fn kept(cluster: &ClusterId) -> u64 {
        InboxNext::<T>::get(cluster).saturating_sub(InboxFirst::<T>::get(cluster))
    }

    /// Checks every relation between the maps. Walks them all: for tests and upgrades only.
    ///
    /// # Errors
    /// Names the relation that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        for (cluster, next) in InboxNext::<T>::iter() {
            let first = InboxFirst::<T>::get(cluster);
            ensure!(first <= next, "a mailbox starts after its end");
            ensure!(
                next - first <= u64::from(MAILBOX_ENTRIES_MAX),
                "a mailbox is too full"
            );
            for number in first..next {
                ensure!(
                    Inbox::<T>::contains_key(cluster, number),
                    "a mailbox has a gap"
                );
            }
            let kept = Inbox::<T>::iter_key_prefix(cluster).count() as u64;
            ensure!(kept == next - first, "a mailbox keeps what it should not");
        }
        for cluster in InboxFirst::<T>::iter_keys() {
            ensure!(
                InboxNext::<T>::contains_key(cluster),
                "a start of no mailbox is left over"
            );
        }
        for sender in SentInBlock::<T>::iter_keys() {
            ensure!(
                OffchainIngress::<T>::get(sender) > 0,
                "a sender has a rate but no sequence"
            );
        }
        Ok(())
    }
}

impl<T: Config> Mailbox for Pallet<T> {
    fn push(cluster: &ClusterId, operation: MailboxOperation) -> Result<u64, DispatchError> {
        Self::prune(cluster);
        ensure!(
            Self::kept(cluster) < u64::from(MAILBOX_ENTRIES_MAX),
            Error::<T>::MailboxFull
        );
        let entry = MailboxEntry {
            block_number: frame_system::Pallet::<T>::block_number().saturated_into(),
            timestamp_ms: T::UnixTime::now().as_millis().saturated_into(),
            operation,
        };
        let bytes = BoundedVec::try_from(entry.encode()).map_err(|_| Error::<T>::EntryTooLong)?;
        let number = InboxNext::<T>::get(cluster);
        Inbox::<T>::insert(cluster, number, bytes);
        InboxNext::<T>::insert(cluster, number + 1);
        Self::deposit_event(Event::EntryPushed {
            cluster: *cluster,
            number,
        });
        Ok(number)
    }

    fn next_number(cluster: &ClusterId) -> u64 {
        InboxNext::<T>::get(cluster)
    }

    fn first_number(cluster: &ClusterId) -> u64 {
        InboxFirst::<T>::get(cluster)
    }

    fn clear(cluster: &ClusterId, entries_max: u32) -> u32 {
        let (first, next) = (InboxFirst::<T>::get(cluster), InboxNext::<T>::get(cluster));
        let end = next.min(first.saturating_add(u64::from(entries_max)));
        (first..end).for_each(|number| Inbox::<T>::remove(cluster, number));
        if end == next {
            InboxFirst::<T>::remove(cluster);
            InboxNext::<T>::remove(cluster);
        } else {
            InboxFirst::<T>::insert(cluster, end);
        }
        end.saturating_sub(first).saturated_into()
    }
}
