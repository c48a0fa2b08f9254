//! A cluster's contracts on this worker: the mailbox run in order, the store held against the chain.

use crate::{
    audit,
    cache::MemoryCache,
    cluster_keys::ClusterKeys,
    entries::{self, CodeMissing, Prepared},
    identity::Identity,
    kept::KeptSecrets,
    logs::{self, Logs},
    outbox::Outbox,
    store::{ClusterStore, StoreError},
};
use chain_facts::{
    Checkpoint,
    view::{ClusterView, FinalizedView},
};
use codec::{Decode, Encode};
use contract_abi::{event::PinkEvent, extension::WorkerQuote};
use executor_api::{
    Capabilities, Change, Context, ContractCache, Executor, HttpClient, Mode, Operation, Outcome,
    ScriptEngine, StateUnavailable, StateView,
};
use primitives::{AccountId, BlockNumber, ClusterId, CodeHash, ContractId, GenesisHash, StateRoot};
use secrets::ContractUserRoot;
use std::{collections::BTreeMap, sync::Arc};
use wire::{
    audit::Verdict,
    domain::system_contract_id,
    mailbox::{MailboxEntry, MailboxOperation},
    message::{CHECKPOINT_BLOCKS, MessagePayload, contract_keys_signed_bytes},
    query::CommandOutcome,
};

/// Outcomes that the state keeps: those of the last so many mailbox entries.
pub const OUTCOMES_KEPT: u64 = 4096;
/// Longest return value or reason that an outcome keeps, bytes.
const OUTCOME_BYTES_MAX: usize = 16 * 1024;
/// Contracts whose keys are looked up with one view.
const WATCHED_CONTRACTS_MAX: usize = 128;
/// Blocks that each worker waits, with contracts' keys, for those before it in the cluster's list.
const PATIENCE: BlockNumber = 4;
/// Blocks before a contract's keys are said again.
const SPOKEN_AGAIN_AFTER: BlockNumber = 16;
/// How often a process says a contract's keys, at most.
const TRIES_MAX: u8 = 8;

/// Where a mailbox entry's outcome lies in the cluster's state. The engine's keys never begin with
/// this byte.
pub fn outcome_key(number: u64) -> Vec<u8> {
    [&[0xff][..], b"outcome/", &number.to_be_bytes()].concat()
}

/// What the chain says of a store that was found on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreJudgement {
    /// It lies on the chain: go on from it.
    GoOn,
    /// The light client has not yet reached the block that the store acted on last. Nothing is
    /// served until it has.
    ChainIsBehind {
        /// The store's block.
        store_block: BlockNumber,
    },
    /// The chain's block of that number is another one: this is another chain, or a fork.
    AnotherChain {
        /// The number.
        at_block: BlockNumber,
    },
    /// The state differs from what this worker itself reported to the chain.
    AnotherState {
        /// After so many entries.
        at_number: u64,
    },
    /// The state differs from what the cluster's workers agree on.
    Disagrees {
        /// After so many entries.
        at_number: u64,
    },
    /// The store is older than the worker's own report, and what it misses is no longer on chain.
    Lost {
        /// The first entry it misses.
        needs_number: u64,
    },
}

/// The worker's last report, unless the chain found it to be wrong.
fn own_word(cluster: &ClusterView) -> Option<&Checkpoint> {
    cluster.checkpoint.as_ref().filter(|_| cluster.suspension.is_none())
}

/// Holds a store's head against a proven view of the chain.
pub fn judge_store(
    store: &dyn ClusterStore,
    view: &FinalizedView,
    cluster: &ClusterView,
) -> StoreJudgement {
    let head = store.head();
    if view.number < head.block_number {
        return StoreJudgement::ChainIsBehind {
            store_block: head.block_number,
        };
    }
    // Block 0 stands for a store that has acted on nothing. A block older than the chain remembers
    // cannot be compared; the checkpoint below still is. No block's state has the block's own hash.
    let hash = if view.number == head.block_number {
        Some(view.hash)
    } else {
        view.checked_hash
    };
    let differs = head.block_number > 0 && hash.is_some_and(|hash| hash != head.block_hash);
    // A mailbox only grows: one that ends before the store does is not the one that it ran.
    if differs || head.next_number > cluster.inbox_next {
        return StoreJudgement::AnotherChain {
            at_block: head.block_number,
        };
    }
    if head.next_number < cluster.inbox_first {
        return StoreJudgement::Lost {
            needs_number: head.next_number,
        };
    }
    if let Some(agreed) = &cluster.agreed
        && store
            .root_at(agreed.next_number)
            .is_some_and(|root| root != agreed.state_root)
    {
        return StoreJudgement::Disagrees {
            at_number: agreed.next_number,
        };
    }
    match own_word(cluster) {
        Some(Checkpoint {
            next_number,
            state_root,
            ..
        }) if store
            .root_at(*next_number)
            .is_some_and(|root| root != *state_root) =>
        {
            StoreJudgement::AnotherState {
                at_number: *next_number,
            }
        }
        _ => StoreJudgement::GoOn,
    }
}

/// Why entries could not be run. The worker stops; nothing is half done.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateUnavailable),
    /// Uploaded code is not on chain under its hash.
    #[error("code {0} was announced in the mailbox, but the chain does not have it")]
    CodeMissing(CodeHash),
    /// The cluster's other workers agree on another state.
    #[error("after {at_number} entries the state is {have}, but the cluster agreed on {agreed}")]
    Disagrees {
        /// After so many entries.
        at_number: u64,
        /// What it is here.
        have: StateRoot,
        /// What it is for more than half of the workers.
        agreed: StateRoot,
    },
    /// The worker's own report says that the state must be another one.
    #[error("after {at_number} entries the state is {have}, but this worker reported {reported}")]
    StateDiffers {
        /// After so many entries.
        at_number: u64,
        /// What it is now.
        have: StateRoot,
        /// What was reported.
        reported: StateRoot,
    },
}

/// What contracts may ask of this worker.
pub(crate) struct ClusterCapabilities {
    pub(crate) user_root: Arc<ContractUserRoot>,
    pub(crate) worker: primitives::WorkerId,
    pub(crate) host: Arc<dyn HostFacts>,
    pub(crate) offers: Offers,
    pub(crate) cache: Arc<MemoryCache>,
}

/// What this machine offers to contracts besides entropy and a clock. What is `None` is not offered.
#[derive(Clone, Default)]
pub struct Offers {
    /// HTTP.
    pub http: Option<Arc<dyn HttpClient>>,
    /// JavaScript.
    pub scripts: Option<Arc<dyn ScriptEngine>>,
    /// The quote of the last registration.
    pub quote: Option<Arc<dyn Fn() -> Option<WorkerQuote> + Send + Sync>>,
}

/// What only the host or the machine can give: entropy and its clock.
pub trait HostFacts: Send + Sync {
    /// Fills with random bytes from the platform.
    fn fill_random(&self, buffer: &mut [u8]);
    /// Milliseconds since 1970, by the host's clock.
    fn untrusted_now_ms(&self) -> u64;
    /// Milliseconds since any point, by a clock that is not set; by the same one where there is no other.
    fn monotonic_ms(&self) -> u64 {
        self.untrusted_now_ms()
    }
}

impl Capabilities for ClusterCapabilities {
    fn derive_sr25519_key(&self, contract: &ContractId, salt: &[u8]) -> [u8; 64] {
        *self.user_root.contract_user_key(contract, salt)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.host.fill_random(buffer);
    }

    fn worker(&self) -> primitives::WorkerId {
        self.worker
    }

    fn untrusted_now_ms(&self) -> u64 {
        self.host.untrusted_now_ms()
    }

    fn http(&self) -> Option<&dyn HttpClient> {
        self.offers.http.as_deref()
    }

    fn cache(&self) -> Option<&dyn ContractCache> {
        Some(&*self.cache)
    }

    fn scripts(&self) -> Option<&dyn ScriptEngine> {
        self.offers.scripts.as_deref()
    }

    fn quote(&self) -> Option<WorkerQuote> {
        self.offers.quote.as_ref().and_then(|quote| quote())
    }
}

/// Committed state with changes on top of it.
struct Overlay<'a> {
    below: &'a dyn StateView,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Overlay<'_> {
    fn apply(&mut self, changes: Vec<Change>) {
        self.changes.extend(changes);
    }
}

impl StateView for Overlay<'_> {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        match self.changes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.below.read(key),
        }
    }
}

/// A cluster that this worker holds the seed and the store of.
pub(crate) struct Running {
    pub(crate) id: ClusterId,
    pub(crate) store: Arc<dyn ClusterStore>,
    pub(crate) capabilities: Arc<ClusterCapabilities>,
    /// The keys in use after the entries that were run.
    pub(crate) keys: ClusterKeys,
    /// Of which seed's keys all contracts were looked at, whether the chain has them.
    pub(crate) looked_at_keys_of: u32,
    /// The seed without which the next entry cannot be run.
    pub(crate) waits_for: Option<u32>,
    pub(crate) logs: Arc<Logs>,
    /// Whether the store was held against the chain since it was opened.
    pub(crate) judged: bool,
    /// Contracts made whose keys are not yet seen on chain.
    pub(crate) unpublished: BTreeMap<ContractId, Unpublished>,
    /// What to report to the chain next.
    pub(crate) reportable: Option<Reportable>,
    /// Block of the last entry run by this process.
    pub(crate) last_entry_block: Option<BlockNumber>,
    /// The number of the first entry in the last view.
    pub(crate) read_from: u64,
}

/// A state that other workers report as well: that after all entries of the blocks up to one whose
/// number is a multiple of [`CHECKPOINT_BLOCKS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reportable {
    pub(crate) next_number: u64,
    pub(crate) state_root: StateRoot,
    /// The block up to which it goes.
    pub(crate) boundary: BlockNumber,
}

/// A contract whose keys the chain may lack.
pub(crate) struct Unpublished {
    deployer: AccountId,
    /// The first block that was seen to lack them; `None` until one was looked at.
    missing_since: Option<BlockNumber>,
    spoken_at: Option<BlockNumber>,
    tries: u8,
}

impl Unpublished {
    fn by(deployer: AccountId) -> Self {
        Self {
            deployer,
            missing_since: None,
            spoken_at: None,
            tries: 0,
        }
    }
}

impl Running {
    /// Runs entries of a view and commits them as one: all of them, or up to the first place at which
    /// the state is compared with a report, the cluster's or this worker's own.
    ///
    /// Returns how many were run. The caller has judged the store.
    pub(crate) fn run_entries(
        &mut self,
        (identity, kept): (&Identity, &KeptSecrets),
        executor: &dyn Executor,
        view: &FinalizedView,
        cluster: &ClusterView,
    ) -> Result<u64, RunError> {
        let start = self.store.head().next_number;
        self.read_from = start;
        if cluster.entries.is_empty() {
            return Ok(0);
        }
        // What is sealed to keys that this worker does not have yet waits for them.
        let lacks = |entry: &MailboxEntry| match entry.operation {
            MailboxOperation::RotateKeys { rotation } => {
                kept.seed(&self.id, rotation).is_none().then_some(rotation)
            }
            _ => None,
        };
        self.waits_for = cluster.entries.first().and_then(&lacks);
        if self.waits_for.is_some() {
            return Ok(0);
        }
        let rotates = cluster.entries.iter().position(|entry| lacks(entry).is_some());
        let boundary = view.number - view.number % CHECKPOINT_BLOCKS;
        let length = cluster.entries.len() as u64;
        // How many entries to run for each place at which the state has to be looked at.
        let to = |next_number: u64| {
            next_number.checked_sub(start).filter(|count| (1..=length).contains(count))
        };
        let checkpoint = own_word(cluster).map(|known| (known.next_number, known.state_root));
        let agreed = cluster.agreed.as_ref().map(|known| (known.next_number, known.state_root));
        let within = cluster
            .entries
            .iter()
            .take_while(|entry| entry.block_number <= boundary)
            .count() as u64;
        let stops = [
            checkpoint.and_then(|(number, _)| to(number)),
            agreed.and_then(|(number, _)| to(number)),
            (within > 0).then_some(within),
            rotates.map(|place| place as u64),
        ];
        let count = stops.into_iter().flatten().min().unwrap_or(length);
        let snapshot = self.store.snapshot();
        let mut overlay = Overlay {
            below: &*snapshot,
            changes: BTreeMap::new(),
        };
        let entries = cluster.entries.iter().take(count as usize);
        for (number, entry) in (start..).zip(entries) {
            if !self.change_keys(kept, &mut overlay, entry) {
                self.run_entry(identity, executor, cluster, &mut overlay, number, entry)?;
            }
            forget_old_outcome(&mut overlay, number);
            self.last_entry_block = Some(entry.block_number);
        }
        let next = start + count;
        let changes: Vec<Change> = overlay.changes.into_iter().collect();
        let have = self.commit(view, next, &changes)?;
        if let Some((_, root)) = agreed.filter(|(number, root)| *number == next && *root != have) {
            return Err(RunError::Disagrees { at_number: next, have, agreed: root });
        }
        if let Some((_, reported)) =
            checkpoint.filter(|(number, root)| *number == next && *root != have)
        {
            // What the others agree on counts more than this worker's own word.
            if !agreed.is_some_and(|known| known == (next, have)) {
                return Err(RunError::StateDiffers { at_number: next, have, reported });
            }
        }
        Ok(count)
    }

    /// Takes note of the state if it stands where the cluster's workers compare theirs.
    pub(crate) fn note_reportable(&mut self, view: &FinalizedView, cluster: &ClusterView) -> bool {
        let boundary = view.number - view.number % CHECKPOINT_BLOCKS;
        let head = self.store.head();
        // Whether any entry that was run is above the boundary, and all up to it were.
        let is_within = self.last_entry_block.is_none_or(|block| block <= boundary);
        let is_whole = head.next_number >= cluster.inbox_next
            || cluster
                .entries
                .get(head.next_number.saturating_sub(self.read_from) as usize)
                .is_some_and(|next| next.block_number > boundary);
        if !is_within || !is_whole {
            return false;
        }
        self.reportable = Some(Reportable {
            next_number: head.next_number,
            state_root: head.state_root,
            boundary,
        });
        true
    }

    /// Writes down the newest final block now and then, also when the mailbox is silent, so that a
    /// restarted worker knows how far the chain was.
    pub(crate) fn anchor(&self, view: &FinalizedView) -> Result<(), StoreError> {
        /// Blocks between two anchors of an idle cluster.
        const ANCHOR_INTERVAL: BlockNumber = 16;
        let head = self.store.head();
        if view.number.saturating_sub(head.block_number) >= ANCHOR_INTERVAL {
            self.commit(view, head.next_number, &[])?;
        }
        Ok(())
    }

    fn commit(
        &self,
        view: &FinalizedView,
        next_number: u64,
        changes: &[Change],
    ) -> Result<StateRoot, StoreError> {
        self.store
            .commit(next_number, view.number, view.hash, changes)
    }

    fn run_entry(
        &mut self,
        identity: &Identity,
        executor: &dyn Executor,
        cluster: &ClusterView,
        overlay: &mut Overlay<'_>,
        number: u64,
        entry: &MailboxEntry,
    ) -> Result<(), RunError> {
        let prepared = prepare(identity, &self.keys, cluster, entry)?;
        let outcome = match prepared {
            Prepared::Run {
                origin,
                contract,
                operation,
                gas_limit,
                storage_deposit_limit,
                nonce,
            } => {
                let context = Context {
                    mode: Mode::Transaction,
                    cluster: self.id,
                    origin,
                    block_number: entry.block_number,
                    now_ms: entry.timestamp_ms,
                    gas_limit,
                    storage_deposit_limit,
                    nonce,
                };
                let mut outcome =
                    executor.execute(overlay, &*self.capabilities, &context, &operation)?;
                for (made, deployer) in &outcome.instantiated {
                    self.unpublished.insert(*made, Unpublished::by(*deployer));
                }
                let changes = std::mem::take(&mut outcome.changes);
                let verdict = entries::verdict(&outcome);
                let ran = audit::Ran { number, addressed: contract, verdict };
                self.keep(executor, overlay, changes, &ran)?;
                self.record(executor, overlay, &context, &operation, &outcome);
                for effect in &outcome.effects {
                    if let PinkEvent::CacheOp(change) = &effect.event {
                        self.capabilities.cache.apply(&effect.contract, change);
                    }
                }
                contract.map(|contract| kept_outcome(entry, origin, contract, outcome))
            }
            Prepared::Refused {
                sender,
                contract,
                reason,
            } => {
                let verdict = Verdict::Unreadable;
                let ran = audit::Ran { number, addressed: Some(contract), verdict };
                self.keep(executor, overlay, Vec::new(), &ran)?;
                Some(CommandOutcome {
                    block_number: entry.block_number,
                    sender,
                    contract,
                    result: Err(reason),
                    gas_consumed: 0,
                    made: Vec::new(),
                })
            }
        };
        if let Some(outcome) = outcome {
            overlay
                .changes
                .insert(outcome_key(number), Some(outcome.encode()));
        }
        Ok(())
    }

    /// Applies what an entry changed, and carries the commitments of the contracts on that it concerns.
    fn keep(
        &self,
        executor: &dyn Executor,
        overlay: &mut Overlay<'_>,
        changes: Vec<Change>,
        ran: &audit::Ran,
    ) -> Result<(), StateUnavailable> {
        let secret_of =
            |contract: &ContractId| Some(self.keys.seed().contract_audit_secret(contract));
        let more = audit::carry_on(executor, &*overlay, &changes, ran, &secret_of)?;
        overlay.apply(changes);
        overlay.apply(more);
        Ok(())
    }

    /// Whether the entry is about the cluster's keys; if it is, what it says is done.
    fn change_keys(
        &mut self,
        kept: &KeptSecrets,
        overlay: &mut Overlay<'_>,
        entry: &MailboxEntry,
    ) -> bool {
        let change = match entry.operation {
            MailboxOperation::RotateKeys { rotation } => {
                // Entries are run up to one whose seed is not there.
                kept.seed(&self.id, rotation)
                    .map(|(seed, _)| self.keys.rotate(rotation, seed, entry.block_number))
            }
            MailboxOperation::RetireKeys => self.keys.retire(entry.block_number),
            _ => return false,
        };
        overlay.apply(change.into_iter().collect());
        true
    }

    /// Keeps what a transaction wrote, for the contracts' owners.
    fn record(
        &self,
        executor: &dyn Executor,
        state: &dyn StateView,
        context: &Context,
        operation: &Operation,
        outcome: &Outcome,
    ) {
        let (entry, input) = match operation {
            Operation::Call {
                contract, input, ..
            }
            | Operation::Instantiate {
                contract, input, ..
            } => (*contract, &input[..]),
            // What hooks write belongs to the contracts that they run.
            _ => (system_contract_id(&self.id), &[][..]),
        };
        let facts = |contract: &ContractId| executor.contract(state, contract).ok().flatten();
        let at = (context.block_number, context.now_ms);
        let execution = logs::Execution {
            mode: context.mode,
            entry,
            origin: context.origin,
            block_number: context.block_number,
            at_ms: context.now_ms,
            nonce: context.nonce.as_deref().unwrap_or_default(),
            selector: input.get(..4).unwrap_or(input),
            owner_of: &|contract| facts(contract).map(|facts| facts.owner),
        };
        // First, since clients of the original network look at the first record alone.
        if let (Operation::Instantiate { .. }, Err(error)) = (operation, &outcome.result) {
            self.logs.note_not_made(entry, context.origin, at, error.to_string());
        }
        self.logs.record(&execution, outcome);
    }

    /// The contracts whose keys to look up with the next view: first those never looked up.
    pub(crate) fn watched_contracts(&self) -> Vec<ContractId> {
        let by_seen = |seen: bool| {
            self.unpublished
                .iter()
                .filter(move |(_, waiting)| waiting.missing_since.is_some() == seen)
        };
        let contracts = by_seen(false)
            .chain(by_seen(true))
            .map(|(contract, _)| *contract);
        contracts.take(WATCHED_CONTRACTS_MAX).collect()
    }

    /// Whether there are contracts of which it is not known whether the chain has their keys.
    pub(crate) fn has_unseen_contracts(&self) -> bool {
        self.unpublished
            .values()
            .any(|waiting| waiting.missing_since.is_none())
    }

    /// Takes note of what the view says of the contracts that were looked up for it.
    pub(crate) fn settle_contract_keys(&mut self, view: &FinalizedView, cluster: &ClusterView) {
        for contract in self.watched_contracts() {
            // A key by a seed before this one is as none.
            let own = || self.keys.seed().contract_key(&contract).public();
            if cluster.contract_keys.get(&contract).is_some_and(|known| *known == own()) {
                self.unpublished.remove(&contract);
            } else if let Some(waiting) = self.unpublished.get_mut(&contract) {
                waiting.missing_since.get_or_insert(view.number);
            }
        }
    }

    /// Whether all contracts' keys on chain may be those of a seed before.
    pub(crate) fn wants_contracts(&self) -> bool {
        self.judged && self.keys.rotation() > self.looked_at_keys_of
    }

    /// After a rotation the keys of all contracts are looked at, and told where the chain has others.
    pub(crate) fn look_at_all_keys(&mut self, cluster: &ClusterView) {
        let Some(contracts) = cluster.contracts.as_ref().filter(|_| self.wants_contracts()) else {
            return;
        };
        for contract in contracts {
            // The chain knows who deployed it, and asks no more.
            self.unpublished
                .entry(*contract)
                .or_insert_with(|| Unpublished::by(AccountId::default()));
        }
        self.looked_at_keys_of = self.keys.rotation();
    }

    /// Tells the chain the keys that it lacks. The first worker of the cluster speaks at once, the
    /// others only if it stays silent; each a bounded number of times, for a full cluster refuses.
    pub(crate) fn speak_contract_keys(
        &mut self,
        genesis: GenesisHash,
        me: primitives::WorkerId,
        view: &FinalizedView,
        cluster: &ClusterView,
        outbox: &mut Outbox,
    ) {
        let Some(place) = cluster.workers.iter().position(|worker| *worker == me) else {
            return;
        };
        let patience = PATIENCE.saturating_mul(place as BlockNumber);
        self.unpublished
            .retain(|_, waiting| waiting.tries < TRIES_MAX);
        for (contract, waiting) in &mut self.unpublished {
            let passed = |since: BlockNumber, blocks| view.number.saturating_sub(since) >= blocks;
            let due = waiting
                .missing_since
                .is_some_and(|since| passed(since, patience))
                && waiting
                    .spoken_at
                    .is_none_or(|at| passed(at, SPOKEN_AGAIN_AFTER));
            if !due || outbox.is_full() {
                continue;
            }
            waiting.spoken_at = Some(view.number);
            waiting.tries += 1;
            let seed = self.keys.seed();
            let public_key = seed.contract_key(contract).public();
            let hpke_public_key = seed.contract_hpke_key(contract).public();
            let deployer = waiting.deployer;
            let signed = contract_keys_signed_bytes(
                &genesis,
                &self.id,
                contract,
                &deployer,
                &public_key,
                &hpke_public_key,
            );
            outbox.push(MessagePayload::ContractKeys {
                cluster: self.id,
                contract: *contract,
                deployer,
                public_key,
                hpke_public_key,
                cluster_signature: seed.signing_key().sign(&signed),
            });
        }
    }

    /// Looks through the last outcomes for contracts whose keys may not be on chain yet: what a crash
    /// between committing and speaking left unsaid.
    pub(crate) fn recall_unpublished(&mut self) -> Result<(), StateUnavailable> {
        /// Outcomes looked through.
        const RECALLED: u64 = 256;
        let next = self.store.head().next_number;
        let snapshot = self.store.snapshot();
        for number in next.saturating_sub(RECALLED)..next {
            if let Some(outcome) = read_outcome(&*snapshot, number)? {
                for (contract, deployer) in outcome.made {
                    self.unpublished.insert(contract, Unpublished::by(deployer));
                }
            }
        }
        Ok(())
    }
}

/// Turns a mailbox entry into an operation, with this worker's keys.
fn prepare(
    identity: &Identity,
    keys: &ClusterKeys,
    cluster: &ClusterView,
    entry: &MailboxEntry,
) -> Result<Prepared, RunError> {
    entries::prepare(
        &cluster.id,
        entry,
        &|code_hash| cluster.codes.get(code_hash).cloned(),
        &|contract, sender, payload| {
            keys.open_command(identity.genesis(), contract, sender, payload)
        },
    )
    .map_err(|CodeMissing(code_hash)| RunError::CodeMissing(code_hash))
}

/// Outcomes of long ago go, one with each entry.
fn forget_old_outcome(overlay: &mut Overlay<'_>, number: u64) {
    if let Some(old) = number.checked_sub(OUTCOMES_KEPT) {
        overlay.changes.insert(outcome_key(old), None);
    }
}

fn kept_outcome(
    entry: &MailboxEntry,
    sender: AccountId,
    contract: ContractId,
    outcome: Outcome,
) -> CommandOutcome {
    CommandOutcome {
        block_number: entry.block_number,
        sender,
        contract,
        result: match outcome.result {
            Ok(mut returned) => {
                returned.data.truncate(OUTCOME_BYTES_MAX);
                Ok((returned.flags, returned.data))
            }
            Err(error) => Err(error
                .to_string()
                .chars()
                .take(OUTCOME_BYTES_MAX / 4)
                .collect()),
        },
        gas_consumed: outcome.gas_consumed,
        made: outcome.instantiated,
    }
}

/// Reads the outcome of a mailbox entry.
pub(crate) fn read_outcome(
    state: &dyn StateView,
    number: u64,
) -> Result<Option<CommandOutcome>, StateUnavailable> {
    let Some(bytes) = state.read(&outcome_key(number))? else {
        return Ok(None);
    };
    CommandOutcome::decode(&mut &bytes[..])
        .map(Some)
        .map_err(|_| StateUnavailable("a kept outcome cannot be read".to_owned()))
}
