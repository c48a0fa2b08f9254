//! The chain: the real runtime, natively, with blocks that are final or not yet.
//!
//! Bare messages go through the runtime's own `Executive`, so that a message enters a block only where the
//! mailbox's rules let it. Calls of accounts are dispatched without signature, nonce and fee, which are
//! stock parts. The last blocks are not final: a reorganisation throws some of them away, and what was in
//! them comes again. Final storage is kept with its history, so that a host can show an old block.

use crate::{Broken, random::Chance};
use chain_facts::{
    keys,
    read::{StorageReader, UnknownFormat, view},
    view::{FinalizedView, Watch},
};
use codec::{Decode, Encode};
use mock_attestation::{DevelopmentPki, MockTd};
use polkadot_sdk::{
    frame_support::{storage::with_storage_layer, traits::UnfilteredDispatchable},
    frame_system, pallet_timestamp,
    sp_core::storage::Storage,
    sp_io::TestExternalities,
    sp_runtime::{
        BuildStorage, Digest, DigestItem, DispatchError,
        traits::Header as _,
        transaction_validity::{InvalidTransaction, TransactionValidityError},
    },
};
use primitives::{BlockHash, BlockNumber, GenesisHash};
use runtime::{Executive, Header, Runtime, RuntimeCall, RuntimeOrigin, UncheckedExtrinsic};
use std::{
    collections::BTreeMap,
    pin::pin,
    sync::OnceLock,
    task::{Context, Poll, Waker},
};
use wire::message::SignedMessage;

/// The time of block 0, milliseconds since 1970.
pub const START_MS: u64 = 1_800_000_000_000;
/// Length of a slot, milliseconds.
pub const SLOT_MS: u64 = 1000;
/// Blocks for which the pool keeps a message whose turn has not come.
const POOLED_FOR: BlockNumber = 64;

/// Something that may enter a block.
#[derive(Clone, Debug)]
pub enum Transaction {
    /// A worker's message.
    Message(Box<SignedMessage>),
    /// A call of an account, or of root.
    Call(Caller, Box<RuntimeCall>),
}

/// Whose call it is.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Root.
    Root,
    /// An account.
    Account(runtime::AccountId),
}

struct Pooled {
    transaction: Transaction,
    since: BlockNumber,
}

type Changes = Vec<(Vec<u8>, Option<Vec<u8>>)>;

struct Block {
    number: BlockNumber,
    hash: BlockHash,
    transactions: Vec<Transaction>,
    changes: Changes,
}

/// Final blocks, and each value of their storage with its history.
#[derive(Default)]
pub struct Finals {
    values: BTreeMap<Vec<u8>, Vec<(BlockNumber, Option<Vec<u8>>)>>,
    hashes: BTreeMap<BlockNumber, BlockHash>,
}

impl Finals {
    /// A value after a final block.
    pub fn value(&self, at: BlockNumber, key: &[u8]) -> Option<&Vec<u8>> {
        let history = self.values.get(key)?;
        let end = history.partition_point(|(number, _)| *number <= at);
        history.get(end.checked_sub(1)?)?.1.as_ref()
    }

    /// A value after a final block, decoded; `None` also where it is of another kind.
    pub fn read<T: Decode>(&self, at: BlockNumber, key: &[u8]) -> Option<T> {
        T::decode(&mut &self.value(at, key)?[..]).ok()
    }

    /// The newest final block that is not above `at`.
    pub fn newest(&self, at: BlockNumber) -> BlockNumber {
        self.hashes.range(..=at).next_back().map_or(0, |(number, _)| *number)
    }

    /// The hash of a final block.
    pub fn hash(&self, number: BlockNumber) -> Option<BlockHash> {
        self.hashes.get(&number).copied()
    }

    fn add(&mut self, block: &Block) {
        self.hashes.insert(block.number, block.hash);
        for (key, value) in &block.changes {
            let history = self.values.entry(key.clone()).or_default();
            if history.last().is_none_or(|(_, last)| last != value) {
                history.push((block.number, value.clone()));
            }
        }
    }

    fn flat(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let last = |(key, history): (&Vec<u8>, &Vec<(BlockNumber, Option<Vec<u8>>)>)| {
            history.last().and_then(|(_, value)| Some((key.clone(), value.clone()?)))
        };
        self.values.iter().filter_map(last).collect()
    }

    /// What a worker's light client proves of a block.
    ///
    /// # Errors
    /// When the runtime has written what workers cannot read.
    pub fn view(&self, at: BlockNumber, watch: &Watch) -> Result<FinalizedView, Broken> {
        let hash = self.hash(at).ok_or(Broken::new("a block that is not final was shown"))?;
        let reader = At { finals: self, number: at, hash };
        // Nothing here waits.
        match pin!(view(&reader, watch)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(view) => view.map_err(|error| Broken::new(format!("a view: {error:?}"))),
            Poll::Pending => Err(Broken::new("a value in memory is not there at once")),
        }
    }
}

struct At<'a> {
    finals: &'a Finals,
    number: BlockNumber,
    hash: BlockHash,
}

impl StorageReader for At<'_> {
    type Error = UnknownFormat;

    fn number(&self) -> BlockNumber {
        self.number
    }

    fn hash(&self) -> BlockHash {
        self.hash
    }

    async fn value(&self, key: Vec<u8>) -> Result<Option<Vec<u8>>, UnknownFormat> {
        Ok(self.finals.value(self.number, &key).cloned())
    }
}

/// What a call came to.
pub type CallResult = Result<(), DispatchError>;

/// The chain.
pub struct SimChain {
    /// The state after the best block.
    tip: TestExternalities,
    /// Blocks that are not final, oldest first.
    unfinal: Vec<Block>,
    finals: Finals,
    pool: Vec<Pooled>,
    genesis: GenesisHash,
    /// Calls that were refused in final or other blocks, for the log.
    pub refused: Vec<String>,
}

/// The build of all simulated workers.
pub fn build() -> MockTd {
    MockTd::of_build([7; 48])
}

fn genesis_storage() -> Result<&'static Storage, Broken> {
    static STORAGE: OnceLock<Result<Storage, String>> = OnceLock::new();
    let made = STORAGE.get_or_init(|| {
        let mut config = runtime::genesis::preset(runtime::genesis::DEV).ok_or("no preset")?;
        let root = hex::encode(DevelopmentPki::insecure_well_known().root_ca_der());
        let registry = &mut config["phalaRegistry"];
        registry["acceptedRoots"] = serde_json::json!([{ "Development": format!("0x{root}") }]);
        registry["allowedMeasurements"] =
            serde_json::json!([format!("0x{}", hex::encode(build().measurement().0))]);
        let mut whole = serde_json::to_value(runtime::RuntimeGenesisConfig::default())
            .map_err(|error| error.to_string())?;
        merge(&mut whole, config);
        let config: runtime::RuntimeGenesisConfig =
            serde_json::from_value(whole).map_err(|error| error.to_string())?;
        config.build_storage()
    });
    made.as_ref().map_err(|error| Broken::new(error.clone()))
}

fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
    match (into, patch) {
        (serde_json::Value::Object(into), serde_json::Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

impl SimChain {
    /// A development network at block 0, on which registrations hold for `lifetime_ms`, and
    /// `gatekeepers` deal their key anew each `epoch_blocks`.
    ///
    /// # Errors
    /// When the runtime's preset cannot be used.
    pub fn new(lifetime_ms: u64, gatekeepers: u8, epoch_blocks: u32) -> Result<Self, Broken> {
        let mut tip = TestExternalities::new(genesis_storage()?.clone());
        let header = Header::new(
            0,
            Default::default(),
            Default::default(),
            Default::default(),
            Digest::default(),
        );
        let genesis = BlockHash(header.hash().0);
        tip.execute_with(|| {
            frame_system::BlockHash::<Runtime>::insert(0, header.hash());
            pallet_worker_registry::RegistrationLifetimeMs::<Runtime>::put(lifetime_ms);
            pallet_gatekeepers::Settings::<Runtime>::mutate(|settings| {
                settings.holders_min = gatekeepers.min(3);
                settings.epoch_blocks = epoch_blocks;
                settings.receiving_blocks = 12;
                settings.dealing_blocks = 12;
                settings.checking_blocks = 12;
            });
        });
        tip.commit_all().map_err(Broken::new)?;
        let mut block = Block {
            number: 0,
            hash: genesis,
            transactions: Vec::new(),
            changes: all_values(&mut tip),
        };
        block.changes.sort();
        let mut finals = Finals::default();
        finals.add(&block);
        Ok(Self {
            tip,
            unfinal: Vec::new(),
            finals,
            pool: Vec::new(),
            genesis: GenesisHash(genesis.0),
            refused: Vec::new(),
        })
    }

    /// Which network it is.
    pub fn genesis(&self) -> GenesisHash {
        self.genesis
    }

    /// Final blocks.
    pub fn finals(&self) -> &Finals {
        &self.finals
    }

    /// The newest final block.
    pub fn final_number(&self) -> BlockNumber {
        self.finals.newest(BlockNumber::MAX)
    }

    /// The time of a final block, milliseconds since 1970.
    pub fn time_of(&self, number: BlockNumber) -> u64 {
        self.finals.read(number, &keys::timestamp_now()).unwrap_or_default()
    }

    /// What a holder of a share was found guilty of that only a liar does, in the best block.
    pub fn proven_offences(&mut self, worker: &primitives::WorkerId) -> Vec<String> {
        use pallet_gatekeepers::OffenceKind;
        let proven = [
            OffenceKind::WrongDealing,
            OffenceKind::GroundlessComplaint,
            OffenceKind::WrongShare,
            OffenceKind::WrongResponse,
            OffenceKind::Equivocation,
        ];
        self.tip.execute_with(|| {
            let found = |kind: &OffenceKind| {
                pallet_gatekeepers::Offences::<Runtime>::contains_key(worker.0, kind)
            };
            proven.iter().filter(|kind| found(kind)).map(|kind| format!("{kind:?}")).collect()
        })
    }

    /// Members of a cluster whose reports do not count yet, in the best block.
    pub fn joining(&mut self, cluster: &primitives::ClusterId) -> Vec<primitives::WorkerId> {
        let cluster = polkadot_sdk::sp_core::H256(cluster.0);
        let joining = self
            .tip
            .execute_with(|| pallet_phat_contracts::JoiningWorkers::<Runtime>::get(cluster));
        joining.iter().map(|worker| primitives::WorkerId(worker.0)).collect()
    }

    /// How many blocks are not final.
    pub fn unfinal_count(&self) -> usize {
        self.unfinal.len()
    }

    fn best(&self) -> (BlockNumber, BlockHash) {
        match self.unfinal.last() {
            Some(block) => (block.number, block.hash),
            None => {
                let number = self.final_number();
                (number, self.finals.hash(number).unwrap_or_default())
            }
        }
    }

    /// Brings a transaction to the pool.
    pub fn submit(&mut self, transaction: Transaction) {
        let since = self.best().0;
        self.pool.push(Pooled { transaction, since });
    }

    /// Makes a best block at `now_ms`, after `skipped` block numbers that nobody was shown.
    ///
    /// # Errors
    /// When the runtime does not make it, or its pallets' maps contradict one another.
    pub fn make_block(
        &mut self,
        now_ms: u64,
        skipped: BlockNumber,
        chance: &mut Chance,
    ) -> Result<BlockNumber, Broken> {
        let (parent_number, parent) = self.best();
        let number = parent_number + 1 + skipped;
        let slot = DigestItem::PreRuntime(*b"aura", (now_ms / SLOT_MS).encode());
        let header = Header::new(
            number,
            Default::default(),
            Default::default(),
            parent.0.into(),
            Digest { logs: vec![slot] },
        );
        let mut offered = std::mem::take(&mut self.pool);
        chance.shuffle(&mut offered);
        // A sender's messages in their order; which of two with one number comes first is chance.
        offered.sort_by_key(|pooled| match &pooled.transaction {
            Transaction::Message(message) => message.sequence,
            Transaction::Call(..) => 0,
        });
        let leave_out: Vec<bool> = offered.iter().map(|_| chance.happens(50)).collect();
        let refused = &mut self.refused;
        let (transactions, kept) = self.tip.execute_with(|| {
            if skipped > 0 {
                frame_system::Pallet::<Runtime>::set_block_number(number - 1);
            }
            Executive::initialize_block(&header);
            if skipped > 0 {
                frame_system::BlockHash::<Runtime>::insert(parent_number, parent_hash(parent));
            }
            let inherent = UncheckedExtrinsic::new_bare_legacy(
                pallet_timestamp::Call::set { now: now_ms }.into(),
            );
            let stamped = Executive::apply_extrinsic(inherent);
            if !matches!(stamped, Ok(Ok(()))) {
                return Err(Broken::new(format!("the timestamp of block {number}: {stamped:?}")));
            }
            let (mut taken, mut kept) = (Vec::new(), Vec::new());
            for (pooled, left_out) in offered.into_iter().zip(leave_out) {
                if left_out {
                    kept.push(pooled);
                    continue;
                }
                match apply(&pooled.transaction) {
                    Applied::Taken(result) => {
                        if let Err(error) = result {
                            refused.push(format!("{}: {error:?}", name_of(&pooled.transaction)));
                        }
                        taken.push(pooled.transaction);
                    }
                    Applied::TooEarly if number - pooled.since.min(number) < POOLED_FOR => {
                        kept.push(pooled);
                    }
                    Applied::TooEarly => {}
                    Applied::Refused(why) => {
                        refused.push(format!("{}: {why}", name_of(&pooled.transaction)));
                    }
                }
            }
            Executive::finalize_block();
            runtime::PhalaMq::do_try_state()
                .and_then(|()| runtime::PhalaRegistry::do_try_state())
                .and_then(|()| runtime::PhalaPhatContracts::do_try_state())
                .and_then(|()| runtime::PhalaGatekeepers::do_try_state())
                .map_err(|error| Broken::new(format!("the pallets' state: {error:?}")))?;
            Ok((taken, kept))
        })?;
        self.pool = kept;
        let mut changes: Changes = self
            .tip
            .overlayed_changes()
            .changes()
            .map(|(key, entry)| (key.clone(), entry.clone().value().cloned()))
            .collect();
        changes.sort();
        self.tip.commit_all().map_err(Broken::new)?;
        let hash = BlockHash(wire::domain::blake2_256(
            &(parent.0, number, now_ms, chance.below(u64::MAX)).encode(),
        ));
        self.unfinal.push(Block { number, hash, transactions, changes });
        Ok(number)
    }

    /// Makes the oldest `count` blocks final.
    pub fn finalize(&mut self, count: usize) {
        let count = count.min(self.unfinal.len());
        for block in self.unfinal.drain(..count) {
            self.finals.add(&block);
        }
    }

    /// Throws the newest `depth` blocks away, where they are not final. What was in them goes back to the
    /// pool, but for some that nobody remembers.
    pub fn reorganise(&mut self, depth: usize, chance: &mut Chance) {
        let keep = self.unfinal.len().saturating_sub(depth);
        for block in self.unfinal.split_off(keep) {
            for transaction in block.transactions {
                if !chance.happens(100) {
                    self.submit(transaction);
                }
            }
        }
        let mut top = self.finals.flat();
        for block in &self.unfinal {
            for (key, value) in &block.changes {
                match value {
                    Some(value) => top.insert(key.clone(), value.clone()),
                    None => top.remove(key),
                };
            }
        }
        self.tip = TestExternalities::new(Storage { top, children_default: Default::default() });
    }
}

fn parent_hash(parent: BlockHash) -> runtime::Hash {
    parent.0.into()
}

fn all_values(storage: &mut TestExternalities) -> Changes {
    storage.execute_with(|| {
        let (mut values, mut key) = (Vec::new(), Vec::new());
        while let Some(next) = polkadot_sdk::sp_io::storage::next_key(&key) {
            let value = polkadot_sdk::sp_io::storage::get(&next).map(|value| value.to_vec());
            values.push((next.clone(), value));
            key = next;
        }
        values
    })
}

enum Applied {
    Taken(CallResult),
    TooEarly,
    Refused(String),
}

fn apply(transaction: &Transaction) -> Applied {
    match transaction {
        Transaction::Message(message) => {
            let call = pallet_mailbox::Call::sync_offchain_message { message: (**message).clone() };
            match Executive::apply_extrinsic(UncheckedExtrinsic::new_bare_legacy(call.into())) {
                Ok(result) => Applied::Taken(result),
                Err(TransactionValidityError::Invalid(InvalidTransaction::Future)) => Applied::TooEarly,
                Err(TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources)) => {
                    Applied::TooEarly
                }
                Err(error) => Applied::Refused(format!("{error:?}")),
            }
        }
        Transaction::Call(caller, call) => {
            let origin = match caller {
                Caller::Root => RuntimeOrigin::root(),
                Caller::Account(account) => RuntimeOrigin::signed(account.clone()),
            };
            let call = (**call).clone();
            let done = with_storage_layer(|| {
                call.dispatch_bypass_filter(origin).map(|_| ()).map_err(|error| error.error)
            });
            Applied::Taken(done)
        }
    }
}

/// What a transaction is, in a few words.
pub fn name_of(transaction: &Transaction) -> String {
    match transaction {
        Transaction::Message(message) => {
            let what = format!("{:?}", message.payload);
            let kind = what.split([' ', '{']).next().unwrap_or_default().to_owned();
            format!("message {} {kind} of {:?}", message.sequence, short(&message.sender))
        }
        Transaction::Call(_, call) => {
            let what = format!("{call:?}");
            let end = what.char_indices().nth(60).map_or(what.len(), |(at, _)| at);
            what.get(..end).unwrap_or_default().to_owned()
        }
    }
}

fn short(sender: &wire::message::MessageSender) -> String {
    let wire::message::MessageSender::Worker(worker) = sender;
    hex::encode(worker.0.get(..3).unwrap_or_default())
}
