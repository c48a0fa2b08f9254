//! A worker's shell: carries out effects in order, keeps disk and sealed secrets over restarts.

use crate::{
    chain::{CLUSTER, GENESIS, ScriptedChain},
    executor::TinyExecutor,
};
use contract_state::{Position, StateDb, StoreIdentity};
use executor_api::{Change, StateUnavailable, StateView};
use primitives::*;
use rand_core::{CryptoRng, RngCore, impls};
use secrets::{StateKey, client::WorkerAddress, command::CommandRoute};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use wire::{
    command::{CommandPayload, InkCommand},
    domain::code_hash,
    mailbox::MailboxOperation,
    message::SignedMessage,
    query::{QueryRequest, QueryTarget},
};
use worker_core::{
    ClusterStore, Core, Departed, Effect, HandoverRefusal, Head, Identity, Input, KeptSecrets, Notice, RecordChunk, Records,
    Refusal, ServingState, Settings,
    Sharing, StopReason, StoreError, running::{HostFacts, Offers},
};

/// One processor, so that whoever has it would hold up all others.
pub const SHARING: Sharing = Sharing {
    processors: 1,
    flow_present_max: 8,
    present_max: 12,
    wait_max: std::time::Duration::from_secs(120),
};
pub const DISK_KEY: [u8; 32] = [3; 32];
pub const STALE_MS: u64 = 30_000;
pub const CODE: &[u8] = b"\0asm code";
pub const CONTRACT: ContractId = ContractId([0xc0; 32]);
pub const ALICE: AccountId = AccountId([0xa1; 32]);

/// Reproducible, and for tests alone.
pub struct TestRng(pub u64);

impl RngCore for TestRng {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        impls::fill_bytes_via_next(self, out);
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for TestRng {}

/// The host's clock; it stands at 0 until a test moves it.
#[derive(Clone, Default)]
pub struct Host {
    pub now_ms: Arc<AtomicU64>,
}

impl HostFacts for Host {
    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(4);
    }

    fn untrusted_now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }
}

type Commit = (Position, Vec<Change>);

/// A disk that remembers each commit, so that an older or another one can be put in its place.
pub struct Disk {
    db: StateDb,
    /// Where the file lies, if it is one.
    _folder: Option<tempfile::TempDir>,
    commits: Mutex<Vec<Commit>>,
    pub clears: Mutex<u32>,
    /// Which seed's it says to be, and to become after so many questions. What is in it stays as it is:
    /// how a store is encrypted anew is tested where stores are.
    pub keyed: Mutex<(u32, Option<(u32, u8)>)>,
}

impl Disk {
    pub fn new() -> Arc<Self> {
        let identity = StoreIdentity {
            genesis: GENESIS,
            cluster: CLUSTER,
        };
        let db = StateDb::in_memory(&StateKey::from_bytes(&DISK_KEY), &identity).unwrap();
        Self::with(db, None)
    }

    /// A disk with a file on it.
    pub fn of(db: StateDb, folder: tempfile::TempDir) -> Arc<Self> {
        Self::with(db, Some(folder))
    }

    fn with(db: StateDb, folder: Option<tempfile::TempDir>) -> Arc<Self> {
        Arc::new(Self {
            db,
            _folder: folder,
            commits: Mutex::default(),
            clears: Mutex::default(),
            keyed: Mutex::default(),
        })
    }

    /// A disk after the first `count` commits of this one, each passed through `change`.
    pub fn older(&self, count: usize, mut change: impl FnMut(&mut Commit)) -> Arc<Self> {
        let older = Self::new();
        for mut commit in self.commits.lock().unwrap().iter().take(count).cloned() {
            change(&mut commit);
            older.db.commit(&commit.0, &commit.1).unwrap();
            older.commits.lock().unwrap().push(commit);
        }
        older.keyed.lock().unwrap().0 = self.keyed.lock().unwrap().0;
        older
    }

    pub fn commit_count(&self) -> usize {
        self.commits.lock().unwrap().len()
    }
}

struct DiskRecords(contract_state::Snapshot);

impl Records for DiskRecords {
    fn chunk(
        &self,
        after: Option<&[u8; 32]>,
        bytes_max: usize,
    ) -> Result<RecordChunk, StateUnavailable> {
        let chunk = self.0.records(after, bytes_max)?;
        Ok((chunk.records, chunk.is_last))
    }

    fn prove_open(&self, key: &[u8]) -> Result<Vec<Vec<u8>>, StateUnavailable> {
        self.0.prove(&[key.to_vec()])
    }
}

impl ClusterStore for Disk {
    fn head(&self) -> Head {
        let head = self.db.head();
        Head {
            next_number: head.next_number,
            state_root: head.state_root,
            block_number: head.block_number,
            block_hash: head.block_hash,
        }
    }

    fn snapshot(&self) -> Arc<dyn StateView> {
        Arc::new(self.db.snapshot())
    }

    fn records(&self) -> Arc<dyn Records> {
        Arc::new(DiskRecords(self.db.snapshot()))
    }

    fn commit(
        &self,
        next_number: u64,
        block_number: BlockNumber,
        block_hash: BlockHash,
        changes: &[Change],
    ) -> Result<StateRoot, StoreError> {
        let position = Position {
            next_number,
            block_number,
            block_hash,
            block_timestamp_ms: 0,
        };
        self.commits
            .lock()
            .unwrap()
            .push((position, changes.to_vec()));
        self.db
            .commit(&position, changes)
            .map_err(|error| StoreError(error.to_string()))
    }

    fn root_at(&self, next_number: u64) -> Option<StateRoot> {
        self.db.root_at(next_number).ok().flatten()
    }

    fn keyed_by(&self) -> u32 {
        let mut keyed = self.keyed.lock().unwrap();
        match keyed.1 {
            Some((rotation, 0)) => *keyed = (rotation, None),
            Some((rotation, left)) => keyed.1 = Some((rotation, left - 1)),
            None => {}
        }
        keyed.0
    }

    fn rekey(&self, rotation: u32, _: &StateKey) -> Result<(), StoreError> {
        let mut keyed = self.keyed.lock().unwrap();
        if keyed.1.is_none_or(|(known, _)| known != rotation) {
            keyed.1 = Some((rotation, 3));
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        *self.clears.lock().unwrap() += 1;
        self.commits.lock().unwrap().clear();
        self.db
            .clear()
            .map_err(|error| StoreError(error.to_string()))
    }
}

/// What a worker did, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Did {
    Register,
    Submit(SignedMessage),
    Report,
    Keep,
    OpenStore,
    Say(Notice),
    Stop(StopReason),
}

pub struct Node {
    pub core: Core,
    pub host: Host,
    pub sealed: Vec<u8>,
    pub disk: Arc<Disk>,
    pub did: Vec<Did>,
    pub entries_max: u64,
    pub rng: TestRng,
    /// Whether the process died before carrying out a submission.
    pub mute: bool,
    /// After how many points, of which there is one before and one after each keeping and each
    /// submission, the process dies and another begins.
    pub crash_after: Option<u32>,
    /// What a machine that is not honest sends in place of its messages.
    pub tamper: Option<Tamper>,
    /// The state that it asked for last.
    pub wanted: Option<Effect>,
    /// How often its store was removed.
    pub forgotten: u32,
    /// What its quotes say that it is, where it knows.
    pub build: Option<Measurement>,
    /// The tombstone on its disk.
    pub tombstone: Option<Vec<u8>>,
    /// What it is once its keys were handed over.
    pub departed: Option<Departed>,
    /// Why requests for its keys were refused.
    pub refusals: Vec<HandoverRefusal>,
}

pub type Tamper = Box<dyn FnMut(&Identity, SignedMessage) -> SignedMessage>;

/// The account that operates all workers.
pub fn operator() -> secrets::Sr25519Secret {
    secrets::Sr25519Secret::from_seed(&[0x0b; 32])
}

fn core_of(sealed: &[u8], host: &Host, build: Option<Measurement>, succeeds: bool) -> Core {
    let settings = Settings {
        version: 1,
        measurement: build,
        succeeds,
        operator: Some(AccountId(operator().public())),
        endpoints: vec!["https://worker.example".to_owned()],
        snapshot_above: 2000,
        sharing: SHARING,
    };
    let kept = KeptSecrets::from_bytes(sealed).unwrap();
    Core::new(
        GENESIS,
        settings,
        kept,
        Arc::new(TinyExecutor),
        Arc::new(host.clone()),
        Offers::default(),
        STALE_MS,
    )
}

impl Node {
    pub fn new(seed: u64) -> Self {
        let mut rng = TestRng(seed);
        let sealed = KeptSecrets::generate(&mut rng).to_bytes().to_vec();
        Self::on(sealed, None, false, rng)
    }

    /// A process of a build, with secrets on its disk that it was handed or not.
    pub fn on(sealed: Vec<u8>, build: Option<Measurement>, succeeds: bool, rng: TestRng) -> Self {
        let host = Host::default();
        Self {
            core: core_of(&sealed, &host, build, succeeds),
            build,
            tombstone: None,
            departed: None,
            refusals: Vec::new(),
            host,
            sealed,
            disk: Disk::new(),
            did: Vec::new(),
            entries_max: u64::MAX,
            rng,
            mute: false,
            wanted: None,
            forgotten: 0,
            crash_after: None,
            tamper: None,
        }
    }

    /// Whether the process dies here.
    fn dies(&mut self) -> bool {
        match &mut self.crash_after {
            Some(0) => {
                self.crash_after = None;
                self.restart();
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    pub fn id(&self) -> WorkerId {
        self.core.identity().worker()
    }

    /// A new process on the same disk.
    pub fn restart(&mut self) {
        if let Some(tombstone) = &self.tombstone {
            // It is looked for before anything else.
            self.departed = Departed::from_tombstone(tombstone)
                .map(|departed| departed.with_records(Some(self.disk.records())));
            return;
        }
        self.core = core_of(&self.sealed, &self.host, self.build, false);
        self.mute = false;
        self.wanted = None;
    }

    /// Takes in the chain's newest block as the real shell does.
    pub fn follow(&mut self, chain: &mut ScriptedChain) {
        for _ in 0..10_000 {
            let watch = self.core.watch();
            let view = chain.view(&watch, self.entries_max);
            let inbox_next = view
                .cluster
                .as_ref()
                .map_or(0, |cluster| cluster.inbox_next);
            self.step(Input::Finalized(view), chain);
            let opened =
                self.core.watch().from_number != watch.from_number && watch.from_number.is_none();
            if self.stopped().is_some() || (!opened && !self.core.is_behind(inbox_next)) {
                return;
            }
        }
        panic!("a worker does not come to rest");
    }

    /// Takes in one view of the newest block and no more.
    pub fn follow_once(&mut self, chain: &mut ScriptedChain) {
        let view = chain.view(&self.core.watch(), self.entries_max);
        self.step(Input::Finalized(view), chain);
    }

    pub fn step(&mut self, input: Input, chain: &mut ScriptedChain) {
        for effect in self.core.step(input, &mut self.rng) {
            match effect {
                Effect::Register(registration) => {
                    self.did.push(Did::Register);
                    chain.register(&registration);
                }
                Effect::Announce(payload, signature) => chain.announce(&payload, &signature),
                Effect::Submit(message) => {
                    if self.dies() {
                        return;
                    }
                    let message = match &mut self.tamper {
                        Some(tamper) => tamper(self.core.identity(), message),
                        None => message,
                    };
                    self.did.push(Did::Submit(message.clone()));
                    if !self.mute {
                        chain.submit(message);
                    }
                    if self.dies() {
                        return;
                    }
                }
                Effect::Report(evidence) => {
                    self.did.push(Did::Report);
                    chain.report(*evidence);
                }
                Effect::Keep(bytes) => {
                    if self.dies() {
                        return;
                    }
                    self.did.push(Did::Keep);
                    self.sealed = bytes.to_vec();
                    if self.dies() {
                        return;
                    }
                }
                Effect::OpenStore { cluster, keys } => {
                    self.did.push(Did::OpenStore);
                    // One that opens with none of the keys makes place for an empty one.
                    let keyed = self.disk.keyed.lock().unwrap().0;
                    if !keys.iter().any(|(rotation, _)| *rotation == keyed) {
                        self.disk = Disk::new();
                        self.disk.keyed.lock().unwrap().0 = keys[0].0;
                    }
                    self.step(
                        Input::StoreOpened {
                            cluster,
                            store: self.disk.clone(),
                        },
                        chain,
                    );
                }
                Effect::ForgetStore { .. } => {
                    self.forgotten += 1;
                    self.disk = Disk::new();
                }
                Effect::Leave { tombstone, records } => {
                    if self.dies() {
                        return;
                    }
                    self.tombstone = Some(tombstone.to_vec());
                    self.sealed.clear();
                    if self.dies() {
                        return;
                    }
                    let departed = Departed::from_tombstone(&tombstone).unwrap();
                    self.departed = Some(departed.with_records(records));
                }
                Effect::RefuseHandover(refusal) => self.refusals.push(refusal),
                fetch @ Effect::FetchSnapshot { .. } => self.wanted = Some(fetch),
                Effect::Say(notice) => self.did.push(Did::Say(notice)),
                Effect::Stop(reason) => self.did.push(Did::Stop(reason)),
            }
        }
    }

    pub fn stopped(&self) -> Option<StopReason> {
        self.did.iter().find_map(|did| match did {
            Did::Stop(reason) => Some(reason.clone()),
            _ => None,
        })
    }

    pub fn submitted(&self) -> Vec<SignedMessage> {
        let message = |did: &Did| match did {
            Did::Submit(message) => Some(message.clone()),
            _ => None,
        };
        self.did.iter().filter_map(message).collect()
    }

    pub fn said(&self, wanted: impl Fn(&Notice) -> bool) -> usize {
        self.did
            .iter()
            .filter(|did| matches!(did, Did::Say(notice) if wanted(notice)))
            .count()
    }

    /// (block, root, entries run) that it serves.
    pub fn serving(&self) -> Option<(BlockNumber, StateRoot, u64)> {
        match self.core.serving() {
            ServingState::NotServing => None,
            ServingState::Serving {
                block_number,
                state_root,
                next_number,
                ..
            } => Some((block_number, state_root, next_number)),
        }
    }

    pub fn address(&self) -> WorkerAddress {
        let identity = self.core.identity();
        WorkerAddress {
            genesis: GENESIS,
            worker: identity.worker(),
            hpke_public_key: identity.hpke_public_key(),
        }
    }

    /// Posts an envelope: the sealed answer, or why there is none.
    pub fn post(&self, envelope: &[u8], now_ms: u64) -> Result<Vec<u8>, Refusal> {
        let answer = self.core.queries().answer(envelope, now_ms)?;
        answer.seal.seal(answer.reply, None)
    }
}

/// Blocks until a cluster is served that was there from the start.
pub const SERVED_AFTER: u32 = 20;

/// A chain and its workers; the first are gatekeepers and serve no cluster.
pub struct World {
    pub chain: ScriptedChain,
    pub nodes: Vec<Node>,
}

impl World {
    /// A gatekeeper and `count` workers, nothing done yet.
    pub fn new(count: usize) -> Self {
        Self::of(1, count)
    }

    /// Gatekeepers and workers, nothing done yet.
    pub fn of(gatekeepers: usize, workers: usize) -> Self {
        let nodes: Vec<Node> = (0..(gatekeepers + workers) as u64).map(Node::new).collect();
        let mut chain = ScriptedChain::new();
        chain.gatekeepers = nodes[..gatekeepers].iter().map(Node::id).collect();
        let workers = nodes[gatekeepers..].iter().map(Node::id).collect();
        chain.cluster().workers = workers;
        Self { chain, nodes }
    }

    /// As [`World::new`], run until every worker serves a cluster with one contract.
    pub fn serving(count: usize) -> Self {
        let mut world = Self::new(count);
        world.set_up_cluster();
        world.blocks(SERVED_AFTER);
        for node in &world.nodes[1..] {
            assert!(node.serving().is_some(), "{:?}", node.did);
        }
        world
    }

    pub fn set_up_cluster(&mut self) {
        self.chain.push(MailboxOperation::SetUpCluster {
            owner: ALICE,
            gas_price: 1,
            deposit_per_item: 1,
            deposit_per_byte: 1,
            treasury: ALICE,
        });
        let code_hash = code_hash(CODE);
        self.chain.cluster().codes.insert(code_hash, CODE.to_vec());
        self.chain.push(MailboxOperation::UploadCode { code_hash });
        self.instantiate(CONTRACT);
    }

    pub fn instantiate(&mut self, contract: ContractId) -> u64 {
        self.instantiate_by(ALICE, contract)
    }

    pub fn instantiate_by(&mut self, deployer: AccountId, contract: ContractId) -> u64 {
        self.chain.push(MailboxOperation::Instantiate {
            contract,
            deployer,
            code_hash: code_hash(CODE),
            input: Vec::new(),
            salt: Vec::new(),
            transfer: 0,
            gas_limit: 0,
            storage_deposit_limit: None,
        })
    }

    pub fn command(&mut self, sender: AccountId, payload: Vec<u8>) -> u64 {
        self.chain.push(MailboxOperation::Command {
            contract: CONTRACT,
            sender,
            payload,
        })
    }

    pub fn plain(&mut self, message: &[u8]) -> u64 {
        self.command(
            ALICE,
            codec::Encode::encode(&CommandPayload::Plain(ink(message))),
        )
    }

    /// A command sealed to the contract's key on chain.
    pub fn sealed(&mut self, sealed_for: AccountId, message: &[u8]) -> Vec<u8> {
        let key = self.chain.cluster().keys[&CONTRACT].1;
        let route = CommandRoute {
            genesis: GENESIS,
            contract: CONTRACT,
            sender: sealed_for,
        };
        let rng = &mut self.nodes[0].rng;
        let payload = secrets::command::seal_command(&key, &route, &ink(message), rng).unwrap();
        codec::Encode::encode(&payload)
    }

    /// One block, taken in by all.
    pub fn block(&mut self) {
        self.chain.block();
        for node in &mut self.nodes {
            node.follow(&mut self.chain);
        }
    }

    pub fn blocks(&mut self, count: u32) {
        (0..count).for_each(|_| self.block());
    }
}

pub fn ink(message: &[u8]) -> InkCommand {
    InkCommand::InkMessage {
        nonce: vec![1],
        message: message.to_vec(),
        transfer: 0,
        gas_limit: 0,
        storage_deposit_limit: None,
    }
}

/// A call of the contract, valid for a minute.
pub fn request(input: &[u8], now_ms: u64, nonce: u8) -> QueryRequest {
    QueryRequest {
        target: QueryTarget::Call { contract: CONTRACT },
        input: input.to_vec(),
        value: 0,
        gas_limit: 0,
        estimate: false,
        minimum_block: 0,
        expires_at_ms: now_ms + 60_000,
        nonce: [nonce; 16],
        receipt: false,
    }
}

/// The keys of the outcomes that a disk holds, for looking at them.
pub fn outcomes(disk: &Disk, upto: u64) -> BTreeMap<u64, wire::query::CommandOutcome> {
    let snapshot = disk.snapshot();
    (0..upto)
        .filter_map(|number| {
            let bytes = snapshot
                .read(&worker_core::running::outcome_key(number))
                .unwrap()?;
            Some((number, codec::Decode::decode(&mut &bytes[..]).unwrap()))
        })
        .collect()
}
