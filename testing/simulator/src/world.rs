//! Everything together: rounds, the wire between machines and chain, and what becomes of effects.

use crate::{
    Broken, Options, Report, Sabotage,
    chain::{Caller, START_MS, SLOT_MS, SimChain, Transaction, build, name_of},
    checks::{Checks, hold, is_entitled},
    disk::{Disk, Tap},
    events::Events,
    faults::Weather,
    machine::{Machine, Process, STALE_MS, operator},
    model::Model,
    random::Chance,
    snapshots::Fetch,
};
use chain_facts::{
    WorkerInfo, keys,
    view::{FinalizedView, SeedNeed},
};
use codec::Decode as _;
use contract_state::{ImportTarget, StoreIdentity};
use mock_attestation::DevelopmentPki;
use polkadot_sdk::sp_core::{H256, sr25519};
use primitives::{AccountId, BlockNumber, ClusterId, ContractId, WorkerId, units::PHA};
use runtime::RuntimeCall;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
};
use threshold_keys::{GatekeeperMessage, SealedSeedShare};
use wire::{
    domain::{code_hash, contract_id},
    mailbox::MailboxEntry,
    message::{MessagePayload, MessageSender, SignedMessage},
};
use worker_core::{ClusterStore as _, Effect, Input, KeptSecrets, Notice, ServingState};

/// Machines besides the gatekeepers.
const WORKERS: usize = 6;
/// Workers that the cluster begins with; the others come and go.
const MEMBERS: usize = 5;
/// Rounds in which everything must be ready.
const READY_WITHIN: u64 = 120;
/// Calm rounds after which all must serve the same.
const CALM_ROUNDS: u64 = 200;
/// The last of them, in which no command is sent.
const SILENT_ROUNDS: u64 = 50;
/// Blocks in which an entry is reported and agreed on.
const AGREED_WITHIN: BlockNumber = 24;
/// Reads of one block, as the worker's shell does.
const READS_MAX: usize = 4096;
/// Exchanges with a peer in a round, of who fetches a state.
const EXCHANGES: usize = 4;
/// Code that the small engine takes.
const CODE: &[u8] = b"\0asm code";
/// Contracts.
const CONTRACTS: u8 = 2;

/// Something between a machine and the chain.
struct InFlight {
    due: u64,
    transaction: Transaction,
}

/// Everything.
pub struct World {
    pub(crate) options: Options,
    pub(crate) round: u64,
    pub(crate) now_ms: u64,
    pub(crate) chance: Chance,
    pub(crate) weather: Weather,
    pub(crate) chain: SimChain,
    pub(crate) machines: Vec<Machine>,
    pub(crate) gatekeepers: usize,
    pub(crate) model: Model,
    pub(crate) checks: Checks,
    pub(crate) events: Events,
    pub(crate) tap: Tap,
    pub(crate) cluster: ClusterId,
    pub(crate) contracts: Vec<ContractId>,
    pub(crate) is_calm: bool,
    /// Whether clients send no commands.
    pub(crate) is_silent: bool,
    pub(crate) stalled_until: u64,
    pub(crate) steps: u64,
    /// The round of the beacon's newest value when the faults ended.
    pub(crate) calm_beacon: Option<u64>,
    /// The time of the last block.
    block_ms: u64,
    processes: u64,
    wire: Vec<InFlight>,
    /// Messages in final blocks, by sender and number.
    sealed_seen: BTreeSet<Vec<u8>>,
    model_at: BlockNumber,
    sequences: BTreeMap<WorkerId, u64>,
}

/// An account of the chain's development preset.
pub fn account(keyring: polkadot_sdk::sp_keyring::Sr25519Keyring) -> runtime::AccountId {
    keyring.to_account_id()
}

fn owner() -> runtime::AccountId {
    account(polkadot_sdk::sp_keyring::Sr25519Keyring::Alice)
}

impl World {
    /// A network before its first block.
    pub fn new(options: Options) -> Result<Self, Broken> {
        let mut chance = Chance::of(options.seed);
        let weather = Weather::of(&mut chance);
        let gatekeepers = weather.gatekeepers;
        let mut chain =
            SimChain::new(weather.lifetime_ms, gatekeepers as u8, weather.epoch_blocks)?;
        let machines: Vec<Machine> = (0..gatekeepers + WORKERS)
            .map(|place| Machine::new(place, &mut chance))
            .collect();
        let cluster = keys::cluster_id(1);
        let account: [u8; 32] = owner().into();
        let contracts: Vec<ContractId> = (0..CONTRACTS)
            .map(|salt| contract_id(&account, &code_hash(CODE), &cluster, &[salt]))
            .collect();
        let tap = Tap::default();
        tap.look_at(&contracts);
        chain.make_block(START_MS + SLOT_MS, 0, &mut chance)?;
        chain.finalize(1);
        Ok(Self {
            options,
            round: 1,
            now_ms: START_MS + SLOT_MS,
            chance,
            weather,
            chain,
            machines,
            gatekeepers,
            model: Model::default(),
            checks: Checks::default(),
            events: Events::keeping(options.log_lines),
            tap,
            cluster,
            contracts,
            is_calm: true,
            is_silent: false,
            stalled_until: 0,
            steps: 0,
            calm_beacon: None,
            block_ms: START_MS + SLOT_MS,
            processes: 0,
            wire: Vec::new(),
            sealed_seen: BTreeSet::new(),
            model_at: 0,
            sequences: BTreeMap::new(),
        })
    }

    /// Sets the network up, lets faults happen, and waits until all is well again.
    pub fn run(&mut self) -> Result<(), Broken> {
        self.set_up()?;
        self.is_calm = false;
        for _ in 0..self.options.rounds {
            self.play_round()?;
        }
        self.calm_down()?;
        for round in 0..CALM_ROUNDS {
            self.is_silent = round > CALM_ROUNDS - SILENT_ROUNDS;
            self.play_round()?;
        }
        self.check_alive()
    }

    /// What the run came to.
    pub fn report(&self) -> Report {
        let mut counts = self.events.counts().clone();
        counts.insert("commands run", self.model.commands);
        Report {
            counts,
            steps: self.steps,
            blocks: self.chain.final_number(),
            digest: self.events.digest(),
        }
    }

    fn set_up(&mut self) -> Result<(), Broken> {
        for place in 0..self.machines.len() {
            self.start(place)?;
        }
        let all: Vec<WorkerId> = self.machines.iter().map(|machine| machine.worker).collect();
        self.wait_for("registrations", |world| {
            let at = world.chain.final_number();
            all.iter().all(|worker| crate::checks::is_active(world.chain.finals(), at, worker))
        })?;
        for worker in &all[..self.gatekeepers] {
            let gatekeeper = public(worker);
            self.call(
                Caller::Root,
                pallet_worker_registry::Call::register_gatekeeper { gatekeeper },
            );
        }
        let members = &all[self.gatekeepers..self.gatekeepers + MEMBERS];
        self.call(
            Caller::Root,
            pallet_phat_contracts::Call::add_cluster {
                owner: owner(),
                permission: pallet_phat_contracts::ClusterPermission::Public,
                deploy_workers: members.iter().map(public).collect(),
                deposit: PHA,
                gas_price: 1,
                deposit_per_item: 1,
                deposit_per_byte: 1,
                treasury_account: owner(),
            },
        );
        let cluster = self.cluster;
        self.wait_for("the cluster", |world| {
            let at = world.chain.final_number();
            world.chain.finals().value(at, &keys::cluster_key(&cluster)).is_some()
        })?;
        let cluster_id = H256(cluster.0);
        self.call(
            Caller::Account(owner()),
            pallet_phat_contracts::Call::cluster_upload_resource {
                cluster_id,
                resource_type: pallet_phat_contracts::ClusterResourceType::InkCode,
                resource_data: CODE.to_vec(),
            },
        );
        let code = code_hash(CODE);
        self.wait_for("the code", |world| {
            let at = world.chain.final_number();
            world.chain.finals().value(at, &keys::code_blob(&code)).is_some()
        })?;
        for salt in 0..CONTRACTS {
            self.call(
                Caller::Account(owner()),
                pallet_phat_contracts::Call::instantiate_contract {
                    code_index: pallet_phat_contracts::CodeIndex::WasmCode(H256(code.0)),
                    data: Vec::new(),
                    salt: vec![salt],
                    cluster_id,
                    transfer: 0,
                    gas_limit: 0,
                    storage_deposit_limit: None,
                    deposit: 0,
                },
            );
        }
        let contracts = self.contracts.clone();
        self.wait_for("the contracts' keys", |world| {
            let at = world.chain.final_number();
            let has = |contract| world.chain.finals().value(at, &keys::contract_hpke_key(contract));
            contracts.iter().all(|contract| has(contract).is_some())
        })
    }

    fn wait_for(&mut self, what: &str, is_there: impl Fn(&Self) -> bool) -> Result<(), Broken> {
        for _ in 0..READY_WITHIN {
            if is_there(self) {
                return Ok(());
            }
            self.play_round()?;
        }
        let refused = self.chain.refused.join("; ");
        Err(Broken::new(format!("alive: {what} are not there after {READY_WITHIN} calm rounds: {refused}")))
    }

    /// Brings a call to the pool.
    pub(crate) fn call(&mut self, caller: Caller, call: impl Into<RuntimeCall>) {
        self.chain.submit(Transaction::Call(caller, Box::new(call.into())));
    }

    fn play_round(&mut self) -> Result<(), Broken> {
        self.round += 1;
        self.pass_time(SLOT_MS);
        if !self.is_calm {
            self.fault()?;
        }
        self.deliver();
        if self.is_calm || !self.chance.happens(self.weather.blockless) {
            self.make_block(0)?;
        }
        if self.is_calm || self.round >= self.stalled_until {
            let unfinal = self.chain.unfinal_count();
            let keep = if self.is_calm { 0 } else { self.chance.below(4) as usize };
            self.chain.finalize(unfinal.saturating_sub(keep));
            self.follow_model()?;
        }
        let mut places: Vec<usize> = (0..self.machines.len()).collect();
        self.chance.shuffle(&mut places);
        for place in places {
            if self.machines[place].restart_at.is_some_and(|at| at <= self.round) {
                self.start(place)?;
            }
            self.show(place)?;
            for _ in 0..EXCHANGES {
                self.fetch_on(place)?;
            }
            self.look()?;
        }
        self.client_round()
    }

    /// Time passes, on all clocks.
    pub(crate) fn pass_time(&mut self, ms: u64) {
        self.now_ms += ms;
        for machine in &mut self.machines {
            machine.tick(self.round, self.now_ms);
        }
    }

    /// Makes a best block.
    pub(crate) fn make_block(&mut self, skipped: BlockNumber) -> Result<(), Broken> {
        // One in a slot.
        if std::mem::replace(&mut self.block_ms, self.now_ms) == self.now_ms {
            return Ok(());
        }
        let number = self.chain.make_block(self.now_ms, skipped, &mut self.chance)?;
        let refused = std::mem::take(&mut self.chain.refused);
        for refused in refused {
            self.events.note(self.round, "refused", refused);
        }
        self.events.note(self.round, "block", format!("{number}"));
        self.look()
    }

    /// The checkers look at what was committed since.
    fn look(&mut self) -> Result<(), Broken> {
        self.steps += 1;
        for committed in self.tap.drain() {
            self.checks.on_commit(&committed, &self.model)?;
            let text = format!(
                "{} after {} entries{}",
                self.machines[committed.machine].name,
                committed.next_number,
                if committed.is_tainted { ", wrong" } else { "" }
            );
            self.events.note(self.round, "commit", text);
        }
        Ok(())
    }

    /// The model runs what has become final.
    fn follow_model(&mut self) -> Result<(), Broken> {
        let at = self.chain.final_number();
        if at == self.model_at {
            return Ok(());
        }
        self.model_at = at;
        let finals = self.chain.finals();
        let next: u64 = finals.read(at, &keys::inbox_next(&self.cluster)).unwrap_or_default();
        let known = self.model.next_number(&self.cluster);
        hold!(next >= known, "once: the mailbox has shrunk from {known} to {next} entries");
        for number in known..next {
            let bytes: Vec<u8> = finals
                .read(at, &keys::inbox_entry(&self.cluster, number))
                .ok_or(Broken::new(format!("final entry {number} is not there")))?;
            let entry: MailboxEntry =
                wire::decode_all(&bytes, u32::MAX).map_err(|error| Broken::new(error.to_string()))?;
            self.model.push(self.cluster, &entry.operation);
        }
        for machine in &self.machines {
            let next: u64 =
                finals.read(at, &keys::next_sequence(&machine.worker)).unwrap_or_default();
            let known = self.sequences.insert(machine.worker, next).unwrap_or_default();
            hold!(next >= known, "once: {}'s messages were counted back", machine.name);
        }
        Ok(())
    }

    pub(crate) fn start(&mut self, place: usize) -> Result<(), Broken> {
        self.processes += 1;
        let chance = match self.options.sabotage {
            Some(Sabotage::SameInstance) => Chance::of(1000 + self.machines[place].worker.0[0] as u64),
            _ => self.chance.fork(),
        };
        let (id, genesis) = (self.processes, self.chain.genesis());
        let machine = &mut self.machines[place];
        machine.start(id, genesis, chance)?;
        self.events.note(self.round, "start", format!("{} (process {id})", machine.name));
        Ok(())
    }

    /// The process ends; the supervisor starts it again after so many rounds.
    pub(crate) fn kill(&mut self, place: usize, after: Option<u64>) {
        let machine = &mut self.machines[place];
        if machine.process.take().is_some() {
            self.events.note(self.round, "death", machine.name.clone());
        }
        machine.restart_at = after.map(|after| self.round + after);
    }

    /// The final block that a host shows its worker, if it shows one.
    fn shown_by(&mut self, place: usize) -> Option<BlockNumber> {
        let newest = self.chain.final_number();
        let round = self.round;
        let troubles = &mut self.machines[place].troubles;
        if let Some(past) = troubles.past {
            troubles.past = Some((past + 1).min(newest));
            return Some(self.chain.finals().newest(past));
        }
        let is_deaf = troubles.deaf_until > round;
        if is_deaf || (!self.is_calm && self.chance.happens(100)) {
            return None;
        }
        // Not every light client is as far as the fastest.
        let behind = if self.is_calm || !self.chance.happens(200) { 0 } else { self.chance.below(4) as u32 };
        Some(self.chain.finals().newest(newest.saturating_sub(behind)))
    }

    /// Shows a worker a final block, as its shell does.
    fn show(&mut self, place: usize) -> Result<(), Broken> {
        if self.machines[place].process.is_none() {
            return Ok(());
        }
        let Some(at) = self.shown_by(place) else { return Ok(()) };
        for _ in 0..READS_MAX {
            let Some(process) = &mut self.machines[place].process else { return Ok(()) };
            process.shown = process.shown.max(at);
            let watch = process.core.watch();
            let mut view = self.chain.finals().view(at, &watch)?;
            self.spoil(&mut view);
            let inbox_next = view.cluster.as_ref().map_or(0, |cluster| cluster.inbox_next);
            self.step(place, Input::Finalized(view), Some(at))?;
            let Some(process) = &self.machines[place].process else { return Ok(()) };
            let opened =
                watch.from_number.is_none() && process.core.watch().from_number.is_some();
            if !opened && !process.core.is_behind(inbox_next) {
                return Ok(());
            }
        }
        Err(Broken::new(format!("alive: {} does not come to rest", self.machines[place].name)))
    }

    /// Sabotage of what a light client would prove.
    fn spoil(&self, view: &mut FinalizedView) {
        match (self.options.sabotage, &mut view.cluster) {
            (Some(Sabotage::SuspensionHidden), Some(cluster)) => {
                cluster.suspension = None;
                cluster.agreed = None;
            }
            (Some(Sabotage::EntryRepeated), Some(cluster)) if self.round.is_multiple_of(50) => {
                if let [first, second, ..] = &mut cluster.entries[..] {
                    second.clone_from(first);
                }
            }
            (Some(Sabotage::StrangerWaits), _) if !self.is_calm => {
                let stranger = &self.machines[self.machines.len() - 1];
                let info: Option<chain_facts::WorkerInfo> =
                    self.chain.finals().read(view.number, &keys::worker(&stranger.worker));
                if let (Some(gatekeeping), Some(info)) = (&mut view.gatekeeping, info) {
                    gatekeeping.needs.push(SeedNeed {
                        cluster: self.cluster,
                        rotation: 0,
                        worker: stranger.worker,
                        hpke_public_key: info.hpke_public_key,
                        shares_present: Vec::new(),
                    });
                }
            }
            _ => {}
        }
    }

    /// Gives a worker an input and carries out what it wants. `block` is what it was shown for it.
    pub(crate) fn step(
        &mut self,
        place: usize,
        input: Input,
        block: Option<BlockNumber>,
    ) -> Result<(), Broken> {
        let Some(process) = &mut self.machines[place].process else { return Ok(()) };
        let effects = process.core.step(input, &mut process.chance);
        for effect in effects {
            match &mut self.machines[place].troubles.dies_after {
                Some(0) => {
                    let after = self.chance.between(1, 12);
                    self.kill(place, Some(after));
                    return Ok(());
                }
                Some(left) => *left -= 1,
                None => {}
            }
            self.carry_out(place, effect, block)?;
            if self.machines[place].process.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        place: usize,
        effect: Effect,
        block: Option<BlockNumber>,
    ) -> Result<(), Broken> {
        let genesis = self.chain.genesis();
        let name = self.machines[place].name.clone();
        match effect {
            Effect::Register(registration) => {
                let quoted = self.machines[place].troubles.unquoted_until <= self.round;
                if block.is_some() && quoted {
                    let evidence = DevelopmentPki::insecure_well_known().tdx_evidence(
                        &build(),
                        &registration.report_data(),
                        self.now_ms / 1000,
                    );
                    let call =
                        pallet_worker_registry::Call::register_worker_v2 { registration, evidence };
                    self.events.note(self.round, "registration", name);
                    self.send_call(place, call);
                }
            }
            Effect::Announce(payload, signature) => {
                if block.is_some() {
                    let call =
                        pallet_worker_registry::Call::update_worker_endpoint { payload, signature };
                    self.send_call(place, call);
                }
            }
            Effect::Submit(message) => {
                if let Some(block) = block {
                    self.on_message(place, &message, block)?;
                    self.send(place, Transaction::Message(Box::new(message)));
                }
            }
            Effect::Keep(bytes) => self.machines[place].sealed.push(bytes.to_vec()),
            Effect::OpenStore { cluster, keys } => {
                let machine = &mut self.machines[place];
                let fits = |disk: &&Arc<Disk>| {
                    keys.iter().any(|(rotation, _)| *rotation == disk.key().0)
                };
                let disk = match machine.disks.get(&cluster).filter(fits) {
                    Some(disk) => disk.clone(),
                    None => {
                        // One that does not open is put aside.
                        let identity = StoreIdentity { genesis, cluster };
                        let newest = keys.into_iter().next();
                        let (rotation, key) =
                            newest.ok_or(Broken::new("a store is opened without a key"))?;
                        let key = (rotation, Arc::new(key));
                        Disk::new(machine.place_of(identity, key, &self.tap))?
                    }
                };
                machine.disks.insert(cluster, disk.clone());
                self.step(place, Input::StoreOpened { cluster, store: disk }, block)?;
            }
            Effect::FetchSnapshot { cluster, keys, next_number, state_root, block, peers } => {
                let store = StoreIdentity { genesis, cluster };
                let target = ImportTarget { next_number, state_root };
                let fetch = Fetch::new(store, keys, target, block, peers)?;
                if let Some(process) = &mut self.machines[place].process {
                    process.fetch = Some(fetch);
                }
                self.events.note(self.round, "joining", format!("{name}: {next_number} entries"));
            }
            Effect::ForgetStore { cluster } => {
                self.machines[place].disks.remove(&cluster);
                self.events.note(self.round, "wiped", name);
            }
            // Nobody asks for a worker's keys here.
            Effect::Leave { .. } | Effect::RefuseHandover(_) => {
                return Err(Broken::new(format!("unasked: {name} hands its keys over")));
            }
            Effect::Say(notice) => {
                let kind = match notice {
                    Notice::Serving { .. } => {
                        self.machines[place].is_damaged = false;
                        "serving"
                    }
                    Notice::Diverged { .. } => "diverged",
                    Notice::Suspended { .. } => "suspended",
                    Notice::KeysRotated { .. } => "keys rotated",
                    Notice::OldSeedsWiped(_) => "old seeds wiped",
                    Notice::SeedLost(_) => "seed lost",
                    Notice::StateLost => "state lost",
                    _ => "said",
                };
                self.events.note(self.round, kind, format!("{name}: {notice}"));
            }
            Effect::Report(evidence) => {
                return Err(Broken::new(format!(
                    "innocent: {name} reports a gatekeeper, and all are honest: {evidence:?}"
                )));
            }
            Effect::Stop(reason) => {
                self.events.note(self.round, "stop", format!("{name}: {reason}"));
                let after = self.chance.between(1, 10);
                // The supervisor starts a clone's original again, and never a clone.
                let again = !self.machines[place].is_clone;
                self.kill(place, again.then_some(after));
            }
        }
        Ok(())
    }

    /// A worker says something.
    fn on_message(
        &mut self,
        place: usize,
        message: &SignedMessage,
        block: BlockNumber,
    ) -> Result<(), Broken> {
        let MessageSender::Worker(sender) = message.sender;
        let machine = &mut self.machines[place];
        hold!(sender == machine.worker, "entitled: {} speaks for another", machine.name);
        match &message.payload {
            MessagePayload::Instance { nonce } => {
                if let Some(process) = &mut machine.process {
                    process.instances.insert(*nonce);
                }
            }
            MessagePayload::Gatekeeper { message } => {
                let message = GatekeeperMessage::decode(&mut &message[..]).map_err(Broken::of)?;
                if let GatekeeperMessage::SeedShare(share) = message
                    && self.sealed_seen.insert(share.ciphertext.to_vec())
                {
                    return self.on_seed_share(place, &share, block);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A gatekeeper gives somebody its share of a cluster's seed.
    fn on_seed_share(
        &self,
        place: usize,
        share: &SealedSeedShare,
        block: BlockNumber,
    ) -> Result<(), Broken> {
        let machine = &self.machines[place];
        let finals = self.chain.finals();
        let SealedSeedShare { cluster, worker, .. } = share;
        hold!(
            is_entitled(finals, block, cluster, worker),
            "entitled: {} gives its share of the seed of {cluster} to {worker}, to whom block {block} does \
             not give it",
            machine.name
        );
        let info: Option<WorkerInfo> = finals.read(block, &keys::worker(worker));
        hold!(
            info.is_some_and(|info| info.hpke_public_key == share.sealed_to),
            "entitled: {} seals its share for {worker} to a key that is not its",
            machine.name
        );
        if machine.troubles.skew_ms == 0 {
            let age_ms = self.now_ms.saturating_sub(self.chain.time_of(block));
            hold!(
                age_ms <= STALE_MS,
                "entitled: {} gives its share by a block that is {age_ms} ms old",
                machine.name
            );
        }
        Ok(())
    }

    fn send_call(&mut self, place: usize, call: impl Into<RuntimeCall>) {
        let operator: runtime::AccountId = operator_account();
        self.send(place, Transaction::Call(Caller::Account(operator), Box::new(call.into())));
    }

    /// Puts something on the wire, where it may be lost, late, or there twice.
    fn send(&mut self, place: usize, transaction: Transaction) {
        let is_mute = self.machines[place].troubles.mute_until > self.round;
        if is_mute || (!self.is_calm && self.chance.happens(self.weather.lost)) {
            self.events.note(self.round, "lost", name_of(&transaction));
            return;
        }
        let delay = |chance: &mut Chance, weather: &Weather| match chance.happens(weather.late) {
            true => chance.between(1, 20),
            false => chance.below(2),
        };
        let is_message = matches!(transaction, Transaction::Message(_));
        if is_message && !self.is_calm && self.chance.happens(self.weather.doubled) {
            let due = self.round + delay(&mut self.chance, &self.weather) + 1;
            self.events.note(self.round, "doubled", name_of(&transaction));
            self.wire.push(InFlight { due, transaction: transaction.clone() });
        }
        let due = match self.is_calm {
            true => self.round,
            false => self.round + delay(&mut self.chance, &self.weather),
        };
        self.wire.push(InFlight { due, transaction });
    }

    fn deliver(&mut self) {
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.wire).into_iter().partition(|item| item.due <= self.round);
        self.wire = later;
        for item in due {
            self.chain.submit(item.transaction);
        }
    }

    /// A contract's key on chain.
    pub(crate) fn members(&self) -> Vec<WorkerId> {
        let at = self.chain.final_number();
        self.chain.finals().read(at, &keys::cluster_workers(&self.cluster)).unwrap_or_default()
    }

    /// Where each member of the cluster stands.
    fn describe(&mut self) {
        let at = self.chain.final_number();
        let joining = self.chain.joining(&self.cluster);
        let members = self.members();
        let finals = self.chain.finals();
        let read = |key: Vec<u8>| finals.read::<u64>(at, &key).unwrap_or_default();
        let agreed: Option<chain_facts::AgreedCheckpoint> =
            finals.read(at, &keys::agreed_checkpoint(&self.cluster));
        let suspended: Vec<WorkerId> =
            finals.read(at, &keys::suspended_workers(&self.cluster)).unwrap_or_default();
        let mut lines = vec![format!(
            "block {at}: mailbox {}..{}, agreed {:?}",
            read(keys::inbox_first(&self.cluster)),
            read(keys::inbox_next(&self.cluster)),
            agreed.map(|agreed| agreed.next_number)
        )];
        for machine in &self.machines {
            let worker = &machine.worker;
            if !members.contains(worker) {
                continue;
            }
            let report: Option<chain_facts::Checkpoint> =
                finals.read(at, &keys::checkpoint(&self.cluster, worker));
            let head = machine.disks.get(&self.cluster).map(|disk| disk.head().next_number);
            let serving = machine.process.as_ref().map(|process| process.core.serving());
            lines.push(format!(
                "{}: active {}, joining {}, suspended {}, reported {:?}, disk {head:?}, tainted from {:?}, {serving:?}",
                machine.name,
                crate::checks::is_active(finals, at, worker),
                joining.contains(worker),
                suspended.contains(worker),
                report.map(|report| report.next_number),
                machine.tainted_from(&self.cluster),
            ));
        }
        for line in lines {
            self.events.note(self.round, "stands", line);
        }
    }

    /// All members serve the newest state.
    fn check_alive(&mut self) -> Result<(), Broken> {
        self.describe();
        let at = self.chain.final_number();
        let members = self.members();
        let mut checked = 0;
        for machine in &self.machines {
            if machine.is_clone || !members.contains(&machine.worker) {
                continue;
            }
            let state = machine.process.as_ref().map(|process| process.core.serving());
            let Some(ServingState::Serving { block_number, state_root, next_number, .. }) = state
            else {
                let head = machine.disks.get(&self.cluster).map(|disk| disk.head());
                return Err(Broken::new(format!(
                    "alive: {} does not serve {CALM_ROUNDS} rounds after all faults ended; its disk: {head:?}",
                    machine.name
                )));
            };
            let next: u64 = self
                .chain
                .finals()
                .read(at, &keys::inbox_next(&self.cluster))
                .unwrap_or_default();
            hold!(
                block_number == at && next_number == next,
                "alive: {} serves block {block_number} and {next_number} entries, the chain has {at} and {next}",
                machine.name
            );
            hold!(
                self.checks.root(&self.cluster, next) == Some(state_root),
                "alive: {} serves another state than others",
                machine.name
            );
            self.check_keys(at, machine)?;
            checked += 1;
        }
        hold!(checked > 0, "alive: the cluster has no worker");
        self.check_gatekeepers(at)?;
        let agreed: Option<chain_facts::AgreedCheckpoint> =
            self.chain.finals().read(at, &keys::agreed_checkpoint(&self.cluster));
        let next: u64 =
            self.chain.finals().read(at, &keys::inbox_next(&self.cluster)).unwrap_or_default();
        // The chain itself makes entries when keys are rotated; they are agreed on with the next reports.
        let is_settled = agreed.is_some_and(|agreed| agreed.next_number == next)
            || at.saturating_sub(self.last_entry_block(at, next)) < AGREED_WITHIN;
        hold!(
            is_settled,
            "alive: the cluster agrees on {agreed:?}, the mailbox ends at {next}"
        );
        Ok(())
    }

    /// The block of the mailbox's last entry.
    fn last_entry_block(&self, at: BlockNumber, next: u64) -> BlockNumber {
        let key = keys::inbox_entry(&self.cluster, next.saturating_sub(1));
        let bytes: Vec<u8> = self.chain.finals().read(at, &key).unwrap_or_default();
        let entry: Option<MailboxEntry> = wire::decode_all(&bytes, u32::MAX).ok();
        entry.map_or(0, |entry| entry.block_number)
    }

    /// What a member has on its disks is encrypted by the seed in use, and seeds before it are gone.
    fn check_keys(&self, at: BlockNumber, machine: &Machine) -> Result<(), Broken> {
        /// Blocks in which a state is encrypted anew.
        const REKEYED_WITHIN: BlockNumber = 40;
        let finals = self.chain.finals();
        let seeds: threshold_keys::KeyRotation =
            finals.read(at, &keys::cluster_rotation(&self.cluster)).unwrap_or_default();
        let since = seeds.retires_at.map(|until| until.saturating_sub(seeds.window_blocks));
        if since.is_some_and(|since| at.saturating_sub(since) < REKEYED_WITHIN) {
            return Ok(());
        }
        let disk = machine.disks.get(&self.cluster).map(|disk| disk.key().0);
        hold!(
            disk == Some(seeds.in_force),
            "keys: the disk of {} is encrypted by seed {disk:?}, in use is {}",
            machine.name,
            seeds.in_force
        );
        let kept = machine.sealed.last().and_then(|sealed| KeptSecrets::from_bytes(sealed));
        let kept: Vec<u32> =
            kept.iter().flat_map(|kept| &kept.seeds).map(|seed| seed.rotation).collect();
        hold!(
            kept.contains(&seeds.in_force) && kept.iter().all(|kept| *kept >= seeds.in_force),
            "keys: {} keeps seeds {kept:?}, in use is {}",
            machine.name,
            seeds.in_force
        );
        Ok(())
    }

    /// The gatekeepers' network goes on, and nobody was found guilty of what only a liar does.
    fn check_gatekeepers(&mut self, at: BlockNumber) -> Result<(), Broken> {
        let finals = self.chain.finals();
        let latest: Option<threshold_keys::BeaconOutput> = finals.read(at, &keys::latest_beacon());
        let round: Option<threshold_keys::BeaconRound> = finals.read(at, &keys::beacon_round());
        let sharing: Option<threshold_keys::Sharing> = finals.read(at, &keys::sharing());
        let summary = format!(
            "{:?}, {} holders, beacon {:?}",
            sharing.as_ref().map(|sharing| sharing.id()),
            sharing.as_ref().map_or(0, |sharing| sharing.holders().len()),
            latest.as_ref().map(|latest| latest.round)
        );
        let calm_at = self.calm_beacon;
        hold!(
            latest.as_ref().map(|latest| latest.round) > calm_at,
            "alive: the beacon has stopped at {calm_at:?}; {summary}; {round:?}"
        );
        self.events.note(self.round, "gatekeepers", summary);
        let names: Vec<_> = self.machines.iter().map(|m| (m.worker, m.name.clone())).collect();
        for (worker, name) in names {
            let guilty = self.chain.proven_offences(&worker);
            hold!(guilty.is_empty(), "innocent: {name} was found guilty of {guilty:?}");
        }
        Ok(())
    }

    /// The round of the beacon's newest value.
    pub(crate) fn beacon_round(&self) -> Option<u64> {
        let at = self.chain.final_number();
        let latest: Option<threshold_keys::BeaconOutput> =
            self.chain.finals().read(at, &keys::latest_beacon());
        latest.map(|latest| latest.round)
    }

    /// The process of a machine.
    pub(crate) fn process(&self, place: usize) -> Option<&Process> {
        self.machines[place].process.as_ref()
    }

    /// Sabotage of a disk, from now on.
    pub(crate) fn let_disk_forget(&mut self, place: usize) {
        self.machines[place].forgets.store(true, Ordering::Relaxed);
    }
}

/// A worker's key as pallets know it.
pub fn public(worker: &WorkerId) -> sr25519::Public {
    sr25519::Public::from_raw(worker.0)
}

fn operator_account() -> runtime::AccountId {
    let AccountId(bytes) = operator();
    bytes.into()
}
