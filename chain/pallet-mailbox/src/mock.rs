//! A runtime of the mailbox alone, with workers, handler and progress that a test says.

use crate as pallet_mailbox;
use crate::{ClusterProgress, MessageHandler};
use frame_support::{derive_impl, parameter_types, weights::Weight};
use pallet_worker_registry::WorkerDirectory;
use polkadot_sdk::*;
use primitives::{ClusterId, GenesisHash, HpkePublicKey, WorkerId};
use sp_core::{Pair, sr25519};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};
use wire::message::{MessagePayload, MessageSender, SignedMessage, signed_bytes};

/// Chain time, milliseconds.
pub const NOW_MS: u64 = 1_800_000_000_000;
/// The network.
pub const GENESIS: GenesisHash = GenesisHash([69; 32]);
/// Blocks for which entries are kept.
pub const RETENTION: u32 = 10;
/// A message with this key fails.
pub const FAILING_KEY: [u8; 32] = [13; 32];
/// A message with this key does not enter a block.
pub const REFUSED_KEY: [u8; 32] = [14; 32];

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Timestamp: pallet_timestamp,
        Mq: pallet_mailbox,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

parameter_types! {
    pub static Active: Vec<WorkerId> = Vec::new();
    pub static Handled: Vec<MessagePayload> = Vec::new();
    pub static Agreed: u64 = 0;
    pub const Retention: u32 = RETENTION;
}

/// Workers as [`Active`] says.
pub struct TestWorkers;

impl WorkerDirectory for TestWorkers {
    fn genesis_hash() -> GenesisHash {
        GENESIS
    }

    fn is_active(worker: &WorkerId) -> bool {
        Active::get().contains(worker)
    }

    fn hpke_public_key(_: &WorkerId) -> Option<HpkePublicKey> {
        None
    }

    fn is_gatekeeper(_: &WorkerId) -> bool {
        false
    }
}

/// Remembers messages; writes, then fails on [`FAILING_KEY`].
pub struct TestHandler;

/// Storage that the failing handler writes.
pub const HANDLER_KEY: &[u8] = b"written by the handler";

impl MessageHandler for TestHandler {
    fn check(_: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        let refused = MessagePayload::ClusterKey {
            cluster: Default::default(),
            public_key: REFUSED_KEY,
        };
        if *payload == refused {
            return Err(DispatchError::CannotLookup);
        }
        Ok(())
    }

    fn handle(_: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        frame_support::storage::unhashed::put(HANDLER_KEY, &1u8);
        if *payload
            == (MessagePayload::ClusterKey {
                cluster: Default::default(),
                public_key: FAILING_KEY,
            })
        {
            return Err(DispatchError::CannotLookup);
        }
        Handled::mutate(|handled| handled.push(payload.clone()));
        Ok(())
    }

    fn weight_of(_: &MessagePayload) -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn used_weight_of(payload: &MessagePayload) -> Weight {
        match payload {
            MessagePayload::Instance { .. } => Weight::from_parts(400, 0),
            _ => Self::weight_of(payload),
        }
    }
}

/// Progress as [`Agreed`] says.
pub struct TestProgress;

impl ClusterProgress for TestProgress {
    fn prunable_below(_: &ClusterId) -> u64 {
        Agreed::get()
    }
}

impl pallet_mailbox::Config for Test {
    type Workers = TestWorkers;
    type Handler = TestHandler;
    type Progress = TestProgress;
    type Retention = Retention;
    type UnixTime = Timestamp;
}

pub fn pair(seed: u8) -> sr25519::Pair {
    sr25519::Pair::from_seed(&[seed; 32])
}

pub fn sender(seed: u8) -> MessageSender {
    MessageSender::Worker(WorkerId(pair(seed).public().0))
}

pub fn message_on(
    genesis: GenesisHash,
    seed: u8,
    sequence: u64,
    payload: MessagePayload,
) -> SignedMessage {
    let bytes = signed_bytes(&genesis, &sender(seed), sequence, &payload);
    let signature = pair(seed).sign(&bytes).0;
    SignedMessage {
        sender: sender(seed),
        sequence,
        payload,
        signature,
    }
}

pub fn message(seed: u8, sequence: u64) -> SignedMessage {
    message_on(
        GENESIS,
        seed,
        sequence,
        MessagePayload::ClusterKey {
            cluster: Default::default(),
            public_key: [seed; 32],
        },
    )
}

/// Runs a test at block 1 with workers 1 and 2 active, then checks the state.
pub fn run(test: impl FnOnce()) {
    let storage = RuntimeGenesisConfig::default().build_storage().unwrap();
    sp_io::TestExternalities::new(storage).execute_with(|| {
        Active::set([1, 2].map(|seed| WorkerId(pair(seed).public().0)).to_vec());
        Handled::set(Vec::new());
        Agreed::set(0);
        System::set_block_number(1);
        Timestamp::set_timestamp(NOW_MS);
        test();
        Mq::do_try_state().unwrap();
    });
}
