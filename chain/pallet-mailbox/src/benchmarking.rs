//! What pushing, clearing and messages cost, measured.

use crate::*;
use alloc::vec;
use codec::Encode;
use pallet_worker_registry::WorkerDirectory;
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::BoundedVec,
    frame_system::{Pallet as System, RawOrigin},
    sp_core::{Get, crypto::KeyTypeId, sr25519},
    sp_io::crypto::{sr25519_generate, sr25519_sign},
    sp_runtime::{SaturatedConversion, traits::ValidateUnsigned, transaction_validity::TransactionSource},
};
use primitives::{AccountId, ClusterId, ContractId, WorkerId, bounds::COMMAND_BYTES_MAX};
use wire::mailbox::{MailboxEntry, MailboxOperation};
use wire::message::{MessagePayload, MessageSender, SignedMessage, signed_bytes};

/// The key that signs messages.
const KEY: KeyTypeId = KeyTypeId(*b"phat");

/// What a runtime must do to be measured.
pub trait BenchmarkSetup: Config {
    /// Registers a worker that is active.
    fn register(worker: &WorkerId);
    /// Makes a cluster agree on everything below a number.
    fn agree(cluster: &ClusterId, next_number: u64);
}

/// The longest command.
fn command() -> MailboxOperation {
    MailboxOperation::Command {
        contract: ContractId([1; 32]),
        sender: AccountId([2; 32]),
        payload: vec![3; COMMAND_BYTES_MAX as usize],
    }
}

/// Fills a mailbox with entries that are old enough to be pruned, were they agreed on.
fn fill<T: Config>(cluster: &ClusterId, entries: u64) -> Result<(), BenchmarkError> {
    System::<T>::set_block_number(1u32.into());
    for number in 0..entries {
        let entry = MailboxEntry {
            block_number: 1,
            timestamp_ms: 1,
            operation: command(),
        };
        let bytes = BoundedVec::try_from(entry.encode())
            .map_err(|_| BenchmarkError::Stop("an entry is too long"))?;
        Inbox::<T>::insert(cluster, number, bytes);
    }
    InboxNext::<T>::insert(cluster, entries);
    let past = T::Retention::get().saturated_into::<u32>().saturating_add(10);
    System::<T>::set_block_number(past.into());
    Ok(())
}

#[benchmarks(where T: BenchmarkSetup)]
mod measured {
    use super::*;

    /// The longest command, with so many entries pruned for it.
    #[benchmark]
    fn push(p: Linear<0, PRUNED_PER_PUSH_MAX>) -> Result<(), BenchmarkError> {
        let cluster = ClusterId([9; 32]);
        fill::<T>(&cluster, u64::from(PRUNED_PER_PUSH_MAX) + 1)?;
        T::agree(&cluster, p.into());
        let operation = command();

        #[block]
        {
            <Pallet<T> as Mailbox>::push(&cluster, operation)?;
        }

        assert_eq!(InboxFirst::<T>::get(cluster), u64::from(p));
        Ok(())
    }

    #[benchmark]
    fn clear(n: Linear<0, 128>) -> Result<(), BenchmarkError> {
        let cluster = ClusterId([9; 32]);
        fill::<T>(&cluster, u64::from(n) + 1)?;

        #[block]
        {
            <Pallet<T> as Mailbox>::clear(&cluster, n);
        }

        Ok(())
    }

    /// From the signature to the sequence, with the cheapest handling that there is.
    #[benchmark]
    fn sync_offchain_message() -> Result<(), BenchmarkError> {
        let key: sr25519::Public = sr25519_generate(KEY, None);
        let worker = WorkerId(key.0);
        T::register(&worker);
        let sender = MessageSender::Worker(worker);
        let payload = MessagePayload::Instance { nonce: [7; 32] };
        let bytes = signed_bytes(&T::Workers::genesis_hash(), &sender, 0, &payload);
        let signature = sr25519_sign(KEY, &key, &bytes)
            .ok_or(BenchmarkError::Stop("nobody signs"))?;
        let message = SignedMessage {
            sender,
            sequence: 0,
            payload,
            signature: signature.0,
        };
        let call = Call::sync_offchain_message {
            message: message.clone(),
        };

        #[block]
        {
            #[expect(deprecated, reason = "messages are bare extrinsics")]
            <Pallet<T> as ValidateUnsigned>::validate_unsigned(TransactionSource::External, &call)
                .map_err(|_| BenchmarkError::Stop("a message is refused"))?;
            Pallet::<T>::sync_offchain_message(RawOrigin::None.into(), message)
                .map_err(|error| error.error)?;
        }

        assert_eq!(OffchainIngress::<T>::get(sender), 1);
        Ok(())
    }
}
