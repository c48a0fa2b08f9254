//! The mailbox: messages between the chain and its workers, both ways, numbered without a gap.
//! Runtime name `PhalaMq`.
//!
//! # From workers to the chain
//!
//! A worker signs a message with its identity key and counts its messages from 0. Anybody submits it
//! as a bare, fee-less extrinsic ([`Pallet::sync_offchain_message`]). The chain takes exactly the
//! next number of each sender, from active workers only, at most [`MESSAGES_PER_BLOCK_MAX`] of each
//! in a block. A handler may refuse a message before it enters a block ([`MessageHandler::check`]); the
//! sender then says something else under the same number. A message whose handler fails later still
//! counts: the failure is an event, and the sender goes on.
//!
//! The extrinsic is bare (format 4) and judged by `ValidateUnsigned`, not by the newer `authorize`
//! attribute: that needs general extrinsics (format 5), which the old clients that this chain
//! serves cannot decode in a block.
//!
//! # From the chain to workers
//!
//! Pallets push operations for a cluster; they are stored with block number and time under the next
//! number of the cluster. Workers read them with storage proofs, in order. Each push prunes entries below
//! the number that the cluster's workers agree on, once they are older than a retention; a worker
//! that needs one of them takes a snapshot from a peer and holds it against the agreed root. Entries above
//! that number are never pruned: where nothing is agreed on, a full mailbox refuses.
//!
//! # Threats
//!
//! - Replay on another network or of an old message: the signature is bound to the genesis and the
//!   sequence; the sequence of a sender outlives its registration.
//! - Flooding: only active workers' signatures enter the pool, in a window of
//!   [`SEQUENCE_AHEAD_MAX`], and each takes a bounded part of a block.
//! - A handler that fails: it is rolled back alone.
//!
//! # Limits
//!
//! A message is at most `WORKER_MESSAGE_BYTES_MAX` bytes; a cluster keeps at most
//! `MAILBOX_ENTRIES_MAX` entries of at most [`ENTRY_BYTES_MAX`] bytes.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

mod impls;
pub mod runtime_api;
mod traits;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use traits::{ClusterProgress, Mailbox, MessageHandler};

use primitives::bounds::{COMMAND_BYTES_MAX, INSTANTIATE_BYTES_MAX, SALT_BYTES_MAX};

/// Most messages of one sender in one block.
pub const MESSAGES_PER_BLOCK_MAX: u32 = 32;
/// How far a message's number may be ahead of the chain's for the pool to keep it.
pub const SEQUENCE_AHEAD_MAX: u64 = 128;
/// Longest entry of an inbox, bytes of its SCALE encoding: the longest payload with its frame.
pub const ENTRY_BYTES_MAX: u32 = INSTANTIATE_BYTES_MAX + SALT_BYTES_MAX + 256;
/// Most entries that one push prunes.
pub const PRUNED_PER_PUSH_MAX: u32 = 32;

/// Code of an invalid transaction: the message is longer than the chain takes.
pub const INVALID_TOO_LONG: u8 = 1;
/// Code of an invalid transaction: the sender is not an active worker.
pub const INVALID_SENDER: u8 = 2;
/// Code of an invalid transaction: the handler would refuse the message.
pub const INVALID_CONTENT: u8 = 3;

const _: () = assert!(COMMAND_BYTES_MAX + 256 <= ENTRY_BYTES_MAX);
const _: () = assert!(MESSAGES_PER_BLOCK_MAX as u64 <= SEQUENCE_AHEAD_MAX);

/// The pallet.
#[allow(
    deprecated,
    reason = "old clients cannot decode general extrinsics in a block"
)]
#[allow(
    clippy::expect_used,
    clippy::large_enum_variant,
    clippy::let_unit_value,
    reason = "FRAME's macros expand to it"
)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::*;
    use pallet_worker_registry::WorkerDirectory;
    use polkadot_sdk::{
        frame_support::{pallet_prelude::*, traits::UnixTime},
        frame_system::pallet_prelude::*,
    };
    use primitives::{BlockNumber, ClusterId};
    use wire::message::{MessageSender, SignedMessage};

    /// The version of the storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet's handle.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {
        /// Who may send.
        type Workers: WorkerDirectory;
        /// Who handles messages.
        type Handler: MessageHandler;
        /// What the workers of each cluster agree on.
        type Progress: ClusterProgress;
        /// For how many blocks an entry is kept though its cluster agrees on the state after it: so long
        /// a worker that was away catches up by itself, and an auditor finds what to run again. A wish: a
        /// full mailbox does not wait for it.
        #[pallet::constant]
        type Retention: Get<BlockNumber>;
        /// The chain's clock.
        type UnixTime: UnixTime;
    }

    /// The next number of each sender. Stays after a worker has gone, so that nothing of it can be
    /// brought again.
    #[pallet::storage]
    pub type OffchainIngress<T: Config> =
        StorageMap<_, Twox64Concat, MessageSender, u64, ValueQuery>;

    /// The block of each sender's last message, and how many it had in that block.
    #[pallet::storage]
    pub type SentInBlock<T: Config> =
        StorageMap<_, Twox64Concat, MessageSender, (BlockNumberFor<T>, u32), ValueQuery>;

    /// Entries of each cluster by number: SCALE of `wire::mailbox::MailboxEntry`.
    #[pallet::storage]
    pub type Inbox<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        ClusterId,
        Twox64Concat,
        u64,
        BoundedVec<u8, ConstU32<ENTRY_BYTES_MAX>>,
    >;

    /// The number that each cluster's next entry will have.
    #[pallet::storage]
    pub type InboxNext<T: Config> = StorageMap<_, Twox64Concat, ClusterId, u64, ValueQuery>;

    /// The lowest number that each cluster still keeps.
    #[pallet::storage]
    pub type InboxFirst<T: Config> = StorageMap<_, Twox64Concat, ClusterId, u64, ValueQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A message was taken in, but its handler refused it. The sender's sequence went on.
        MessageFailed {
            /// Who sent it.
            sender: MessageSender,
            /// Its number.
            sequence: u64,
            /// Why.
            error: DispatchError,
        },
        /// A cluster's workers have a new entry to run.
        EntryPushed {
            /// The cluster.
            cluster: ClusterId,
            /// The entry's number.
            number: u64,
        },
    }

    /// Why a call is refused.
    #[pallet::error]
    pub enum Error<T> {
        /// The message does not have the sender's next number.
        BadSequence,
        /// The sender has sent as many messages as fit into one block.
        TooManyMessages,
        /// The mailbox is full of entries that the cluster's workers do not agree on yet.
        MailboxFull,
        /// The entry is longer than a mailbox takes.
        EntryTooLong,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(
            _: BlockNumberFor<T>,
        ) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Takes in the next message of a worker. Bare extrinsic without fee; sequence, sender and
        /// signature are judged before it enters a block.
        #[pallet::call_index(0)]
        #[pallet::weight((weights::sync_offchain_message::<T>(&message.payload), DispatchClass::Normal, Pays::No))]
        pub fn sync_offchain_message(
            origin: OriginFor<T>,
            message: SignedMessage,
        ) -> DispatchResultWithPostInfo {
            ensure_none(origin)?;
            Self::do_sync_offchain_message(message)
        }
    }

    #[pallet::validate_unsigned]
    impl<T: Config> ValidateUnsigned for Pallet<T> {
        type Call = Call<T>;

        fn validate_unsigned(_: TransactionSource, call: &Self::Call) -> TransactionValidity {
            match call {
                Call::sync_offchain_message { message } => Self::validate_message(message),
                _ => InvalidTransaction::Call.into(),
            }
        }

        fn pre_dispatch(call: &Self::Call) -> Result<(), TransactionValidityError> {
            match call {
                Call::sync_offchain_message { message } => Self::admit_message(message),
                _ => Err(InvalidTransaction::Call.into()),
            }
        }
    }
}
