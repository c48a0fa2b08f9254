//! A chain of plain maps that judges messages as the pallets do.

use attestation::{AcceptedRoot, RootKind, TeeKind};
use crate::ceremony::Gatekeepers;
use chain_facts::{
    AgreedCheckpoint, Benchmark, BenchmarkRules, BoundSession, Checkpoint, Instance, MiningView,
    PendingChallenge, Suspension, WorkerInfo,
    view::{ClusterView, ENTRIES_MAX, FinalizedView, Peer, PolicyView, Watch},
};
use primitives::*;
use std::collections::{BTreeMap, BTreeSet};
use wire::{
    mailbox::{MailboxEntry, MailboxOperation},
    message::{MessagePayload, MessageSender, SignedMessage, signed_bytes},
    registration::{WorkerEndpointPayload, WorkerRegistration},
};

pub const GENESIS: GenesisHash = GenesisHash([0x47; 32]);
pub const START_MS: u64 = 1_700_000_000_000;
/// How long a registration holds: 90 blocks of one second.
pub const REGISTRATION_MS: u64 = 90_000;
pub const BUILD: Measurement = Measurement([0xb1; 32]);
pub const CLUSTER: ClusterId = ClusterId([0xc1; 32]);

#[derive(Default)]
pub struct Cluster {
    pub public_key: Option<[u8; 32]>,
    pub workers: Vec<WorkerId>,
    pub checkpoints: BTreeMap<WorkerId, Checkpoint>,
    /// Who reported what, after how many entries.
    pub reports: BTreeMap<(u64, StateRoot), BTreeSet<WorkerId>>,
    pub agreed: Option<AgreedCheckpoint>,
    pub suspensions: BTreeMap<WorkerId, Suspension>,
    pub inbox: Vec<MailboxEntry>,
    pub first: u64,
    /// Whether the owner wants no client of the original network.
    pub edge_closed: bool,
    pub codes: BTreeMap<CodeHash, Vec<u8>>,
    pub keys: BTreeMap<ContractId, ([u8; 32], HpkePublicKey)>,
    /// Which of its seeds is in use, and which has made each contract's keys.
    pub in_force: u32,
    pub key_rotations: BTreeMap<ContractId, u32>,
    pub next_key: Option<(u32, [u8; 32])>,
    /// When the keys before go.
    pub retires_at: Option<BlockNumber>,
    /// Who has no vote until it reports an agreed root.
    pub joining: BTreeSet<WorkerId>,
}

/// Blocks in which an answer is on time.
pub const HEARTBEAT_WINDOW: u32 = 5;

/// Who mines.
#[derive(Default)]
pub struct Mining {
    pub rules: BenchmarkRules,
    pub sessions: BTreeMap<WorkerId, BoundSession>,
    pub benchmarks: BTreeMap<WorkerId, Benchmark>,
    /// Answers that were taken: whose, how many iterations, whether with a cluster.
    pub answers: Vec<(WorkerId, u64, bool)>,
}

#[derive(Default)]
pub struct ScriptedChain {
    /// Nobody mines where there is none.
    pub mining: Option<Mining>,
    pub number: BlockNumber,
    pub hashes: BTreeMap<BlockNumber, BlockHash>,
    pub workers: BTreeMap<WorkerId, WorkerInfo>,
    pub allowed: BTreeSet<Measurement>,
    /// Roots of evidence that the chain accepts.
    pub roots: Vec<AcceptedRoot>,
    /// What quotes of workers say that are of another build than [`BUILD`].
    pub builds: BTreeMap<WorkerId, Measurement>,
    pub sequences: BTreeMap<WorkerId, u64>,
    pub gatekeepers: Vec<WorkerId>,
    /// The network's key in shares.
    pub keys: Gatekeepers,
    pub endpoints: BTreeMap<WorkerId, Vec<String>>,
    pub instances: BTreeMap<WorkerId, Instance>,
    /// How often workers agreed.
    pub agreements: u32,
    pub clusters: BTreeMap<ClusterId, Cluster>,
    pub pool: Vec<SignedMessage>,
    /// Workers whose messages and registrations are lost on the way.
    pub silenced: BTreeSet<WorkerId>,
    /// Whether the chain has forgotten the hashes of past blocks.
    pub unknown_hashes: bool,
    /// Contracts whose keys the chain does not take: the cluster is full.
    pub refused_keys: BTreeSet<ContractId>,
    /// Roots of the logs of receipts, and how many receipts they have.
    pub logs: BTreeMap<WorkerId, Vec<([u8; 32], u32)>>,
    /// Messages that entered a block, and whether they were carried out.
    pub log: Vec<(BlockNumber, SignedMessage, bool)>,
}

impl ScriptedChain {
    pub fn new() -> Self {
        let mut chain = Self {
            allowed: [BUILD].into(),
            ..Self::default()
        };
        chain.hashes.insert(0, BlockHash(GENESIS.0));
        chain.block();
        chain
    }

    pub fn now_ms(&self) -> u64 {
        START_MS + u64::from(self.number) * 1000
    }

    pub fn hash(&self) -> BlockHash {
        self.hashes[&self.number]
    }

    /// Makes a block of what is in the pool.
    pub fn block(&mut self) {
        self.number += 1;
        let mut hash = [0x11; 32];
        hash[..4].copy_from_slice(&self.number.to_le_bytes());
        self.hashes.insert(self.number, BlockHash(hash));
        let active = self.active_gatekeepers();
        self.keys.advance(self.number, active);
        let mut pool = std::mem::take(&mut self.pool);
        pool.sort_by_key(|message| message.sequence);
        for message in pool {
            self.take(message);
        }
        self.advance_rotation();
    }

    /// Asks for other keys of the cluster.
    pub fn rotate(&mut self) {
        *self.keys.rotations.entry(CLUSTER).or_default() += 1;
    }

    /// As the pallet, with a window of 20 blocks.
    fn advance_rotation(&mut self) {
        let newest = self.keys.rotations.get(&CLUSTER).copied().unwrap_or_default();
        let number = self.number;
        let Some(cluster) = self.clusters.get(&CLUSTER) else { return };
        match cluster.retires_at {
            Some(at) if number >= at => {
                self.cluster().retires_at = None;
                self.push(MailboxOperation::RetireKeys);
            }
            Some(_) => {}
            None if newest != cluster.in_force => {
                let key = cluster.next_key.filter(|(rotation, _)| *rotation == newest);
                let has_it = |worker: &WorkerId| {
                    let confirmed = self.keys.confirmed.get(&(CLUSTER, *worker));
                    confirmed.is_some_and(|confirmed| confirmed.rotation == newest)
                };
                let mut active = cluster.workers.iter().filter(|worker| self.is_active(worker));
                if let Some((_, key)) = key
                    && active.all(has_it)
                {
                    let cluster = self.cluster();
                    cluster.public_key = Some(key);
                    cluster.in_force = newest;
                    cluster.retires_at = Some(number + 20);
                    self.push(MailboxOperation::RotateKeys { rotation: newest });
                }
            }
            None => {}
        }
    }

    /// The same chain from here on, but for one block's hash.
    pub fn fork_at(&mut self, number: BlockNumber) {
        self.hashes.insert(number, BlockHash([0xee; 32]));
    }

    pub fn cluster(&mut self) -> &mut Cluster {
        self.clusters.entry(CLUSTER).or_default()
    }

    /// Takes a worker out of its cluster, with what the chain kept for it there.
    pub fn release(&mut self, worker: &WorkerId) {
        let cluster = self.cluster();
        cluster.workers.retain(|member| member != worker);
        cluster.checkpoints.remove(worker);
        cluster.suspensions.remove(worker);
        self.keys.confirmed.remove(&(CLUSTER, *worker));
    }

    pub fn is_active(&self, worker: &WorkerId) -> bool {
        self.workers.get(worker).is_some_and(|info| {
            info.expires_at_ms > self.now_ms() && self.allowed.contains(&info.measurement)
        })
    }

    pub fn register(&mut self, registration: &WorkerRegistration) {
        assert_eq!(registration.genesis, GENESIS);
        if self.silenced.contains(&registration.worker) {
            return;
        }
        let now = self.now_ms();
        let info = WorkerInfo {
            worker: registration.worker,
            hpke_public_key: registration.hpke_public_key,
            runtime_version: registration.version,
            operator: registration.operator,
            registrant: AccountId([1; 32]),
            measurement: self.builds.get(&registration.worker).copied().unwrap_or(BUILD),
            tee: TeeKind::Sgx,
            root: RootKind::Development,
            confidence_level: 1,
            evidence_hash: [0; 32],
            registration_hash: registration.hash(),
            made_at_ms: registration.made_at_ms,
            last_updated_ms: now,
            expires_at_ms: now + REGISTRATION_MS,
            initial_score: None,
        };
        self.workers.insert(registration.worker, info);
    }

    pub fn announce(&mut self, payload: &WorkerEndpointPayload, signature: &[u8; 64]) {
        let signed = payload.signed_bytes(&GENESIS);
        assert!(secrets::verify_sr25519(
            payload.pubkey.as_bytes(),
            &signed,
            signature
        ));
        let wire::registration::VersionedWorkerEndpoints::V1(urls) =
            payload.versioned_endpoints.clone();
        self.endpoints.insert(payload.pubkey, urls);
    }

    pub fn submit(&mut self, message: SignedMessage) {
        let MessageSender::Worker(worker) = message.sender;
        if !self.silenced.contains(&worker) {
            self.pool.push(message);
        }
    }

    pub fn push(&mut self, operation: MailboxOperation) -> u64 {
        let (block_number, timestamp_ms) = (self.number, self.now_ms());
        let inbox = &mut self.cluster().inbox;
        inbox.push(MailboxEntry {
            block_number,
            timestamp_ms,
            operation,
        });
        inbox.len() as u64 - 1
    }

    fn take(&mut self, message: SignedMessage) {
        let MessageSender::Worker(worker) = message.sender;
        let next = self.sequences.entry(worker).or_default();
        if message.sequence != *next {
            return;
        }
        let signed = signed_bytes(
            &GENESIS,
            &message.sender,
            message.sequence,
            &message.payload,
        );
        assert!(secrets::verify_sr25519(
            worker.as_bytes(),
            &signed,
            &message.signature
        ));
        if !self.is_active(&worker) || !self.lets_in(&worker, &message.payload) {
            return;
        }
        *self.sequences.get_mut(&worker).unwrap() += 1;
        let done = self.carry_out(worker, &message.payload);
        self.log.push((self.number, message, done));
    }

    /// Whether a message may be in a block at all.
    fn lets_in(&self, from: &WorkerId, payload: &MessagePayload) -> bool {
        match payload {
            MessagePayload::Gatekeeper { .. } => self.keys.has_part(&from.0),
            MessagePayload::SeedReceived { cluster, .. }
            | MessagePayload::SeedLost { cluster, .. } => {
                self.clusters[cluster].workers.contains(from)
            }
            MessagePayload::Heartbeat { session, challenge_block, nonce, .. } => {
                let mining = self.mining.as_ref();
                let bound = mining.and_then(|mining| mining.sessions.get(from));
                bound.is_some_and(|bound| {
                    bound.session == *session
                        && bound.challenge.is_some_and(|challenge| {
                            (challenge.block, challenge.nonce) == (*challenge_block, *nonce)
                        })
                })
            }
            MessagePayload::Benchmark { started_at_ms, ended_at_ms, .. } => {
                self.mining.as_ref().is_some_and(|mining| {
                    let last_ms =
                        mining.benchmarks.get(from).map_or(0, |last| last.measured_at_ms);
                    *ended_at_ms <= self.now_ms()
                        && self.now_ms() - ended_at_ms <= mining.rules.age_ms_max
                        && ended_at_ms - started_at_ms >= mining.rules.duration_ms_min
                        && *started_at_ms >= last_ms
                })
            }
            _ => true,
        }
    }

    fn carry_out(&mut self, from: WorkerId, payload: &MessagePayload) -> bool {
        let number = self.number;
        match payload.clone() {
            MessagePayload::ClusterKey {
                cluster,
                public_key,
            } => {
                let cluster = self.clusters.get_mut(&cluster).unwrap();
                cluster.workers.contains(&from)
                    && *cluster.public_key.get_or_insert(public_key) == public_key
            }
            MessagePayload::SeedReceived { cluster, rotation } => {
                self.seed_received(from, cluster, rotation)
            }
            MessagePayload::SeedLost { cluster, .. } => {
                self.keys.confirmed.remove(&(cluster, from)).is_some()
            }
            MessagePayload::StateLost { cluster } => {
                let cluster = self.clusters.get_mut(&cluster).unwrap();
                cluster.joining.insert(from);
                cluster.reports.values_mut().for_each(|alike| {
                    alike.remove(&from);
                });
                // What the others have said may be enough now.
                let said: Vec<_> = cluster
                    .checkpoints
                    .iter()
                    .map(|(worker, said)| (*worker, said.next_number, said.state_root))
                    .filter(|(worker, ..)| !cluster.joining.contains(worker))
                    .collect();
                for (worker, next_number, state_root) in said {
                    if cluster.agree(worker, next_number, state_root, number) {
                        self.agreements += 1;
                    }
                }
                true
            }
            MessagePayload::NextClusterKey {
                cluster,
                rotation,
                public_key,
            } => {
                let newest = self.keys.rotations.get(&cluster).copied().unwrap_or_default();
                let cluster = self.clusters.get_mut(&cluster).unwrap();
                let fits = rotation == newest && newest != cluster.in_force;
                if fits && cluster.next_key.is_none_or(|(known, _)| known != rotation) {
                    cluster.next_key = Some((rotation, public_key));
                }
                fits && cluster.next_key == Some((rotation, public_key))
            }
            MessagePayload::Gatekeeper { message } => self.gatekeeper_message(from, &message),
            MessagePayload::ContractKeys {
                cluster,
                contract,
                public_key,
                hpke_public_key,
                deployer,
                cluster_signature,
            } => {
                let signed = wire::message::contract_keys_signed_bytes(
                    &GENESIS,
                    &cluster,
                    &contract,
                    &deployer,
                    &public_key,
                    &hpke_public_key,
                );
                let cluster = self.clusters.get_mut(&cluster).unwrap();
                let key = cluster.public_key.unwrap();
                assert!(secrets::verify_sr25519(&key, &signed, &cluster_signature));
                let keys = (public_key, hpke_public_key);
                let in_force = cluster.in_force;
                let of = cluster.key_rotations.entry(contract).or_insert(in_force);
                if *of < in_force {
                    *of = in_force;
                    cluster.keys.insert(contract, keys);
                }
                !self.refused_keys.contains(&contract)
                    && *cluster.keys.entry(contract).or_insert(keys) == keys
            }
            MessagePayload::Checkpoint {
                cluster,
                next_number,
                state_root,
                block_number,
            } => {
                let cluster = self.clusters.get_mut(&cluster).unwrap();
                let last = cluster
                    .checkpoints
                    .get(&from)
                    .map_or(0, |last| last.next_number);
                let fits = cluster.workers.contains(&from) && next_number >= last;
                if fits {
                    let checkpoint = Checkpoint {
                        next_number,
                        state_root,
                        block_number,
                        reported_at: number,
                    };
                    cluster.checkpoints.insert(from, checkpoint);
                    if cluster.agree(from, next_number, state_root, number) {
                        self.agreements += 1;
                    }
                }
                fits
            }
            MessagePayload::ReceiptLog {
                cluster,
                index,
                root,
                receipts,
            } => {
                let log = self.logs.entry(from).or_default();
                let fits = self.clusters[&cluster].workers.contains(&from)
                    && index == log.len() as u64
                    && receipts > 0;
                if fits {
                    log.push((root, receipts));
                }
                fits
            }
            MessagePayload::Benchmark { started_at_ms, ended_at_ms, iterations } => {
                let benchmark = Benchmark {
                    score: (iterations * 6_000 / (ended_at_ms - started_at_ms)) as u32,
                    measured_at_ms: ended_at_ms,
                    iterations,
                };
                self.mining.as_mut().unwrap().benchmarks.insert(from, benchmark);
                true
            }
            MessagePayload::Heartbeat { iterations, contract_running, .. } => {
                let mining = self.mining.as_mut().unwrap();
                mining.sessions.get_mut(&from).unwrap().challenge = None;
                mining.answers.push((from, iterations, contract_running));
                true
            }
            MessagePayload::Instance { nonce } => {
                self.instances.insert(from, Instance { nonce, at: number });
                true
            }
        }
    }

    /// Lets a worker compute for a session of its own.
    pub fn start_session(&mut self, worker: WorkerId) {
        let bound = BoundSession { session: AccountId(worker.0), computes: true, challenge: None };
        self.mining.get_or_insert_default().sessions.insert(worker, bound);
    }

    /// Challenges a worker's session; gives the challenge.
    pub fn challenge(&mut self, worker: &WorkerId) -> PendingChallenge {
        let (block, made_at_ms) = (self.number, self.now_ms());
        let mut nonce = [0xc4; 32];
        nonce[..4].copy_from_slice(&block.to_le_bytes());
        let deadline = block + HEARTBEAT_WINDOW;
        let challenge = PendingChallenge { block, nonce, deadline, made_at_ms };
        let mining = self.mining.as_mut().unwrap();
        mining.sessions.get_mut(worker).unwrap().challenge = Some(challenge);
        challenge
    }

    fn peers(&self, cluster: &Cluster, watch: &Watch) -> Vec<Peer> {
        let peer = |worker: &WorkerId| {
            let endpoints = self.endpoints.get(worker)?.clone();
            let serves = watch.wants_peers
                && *worker != watch.worker
                && self.is_active(worker)
                && !cluster.suspensions.contains_key(worker);
            serves.then_some(Peer { worker: *worker, endpoints })
        };
        cluster.workers.iter().filter_map(peer).collect()
    }

    /// What the light client reads of the newest block, at most `entries_max` mailbox entries.
    pub fn view(&self, watch: &Watch, entries_max: u64) -> FinalizedView {
        let worker = watch.worker;
        let registration = self.workers.get(&worker).cloned();
        FinalizedView {
            number: self.number,
            hash: self.hash(),
            timestamp_ms: self.now_ms(),
            measurement_allowed: registration
                .as_ref()
                .is_some_and(|info| self.allowed.contains(&info.measurement)),
            registration,
            next_sequence: self.sequences.get(&worker).copied().unwrap_or_default(),
            receipt_log_next: self.logs.get(&worker).map_or(0, |log| log.len() as u64),
            checked_hash: watch
                .check_block
                .filter(|_| !self.unknown_hashes)
                .and_then(|number| self.hashes.get(&number).copied()),
            master_public_key: self.keys.network_key.map(|key| *key.element.as_bytes()),
            own_endpoints: self.endpoints.get(&worker).cloned(),
            instance: self.instances.get(&worker).copied(),
            gatekeepers: self.gatekeepers.clone(),
            cluster: self
                .clusters
                .iter()
                .find(|(_, cluster)| cluster.workers.contains(&worker))
                .map(|(id, cluster)| {
                    let mut view = cluster.view(*id, watch, entries_max.min(ENTRIES_MAX));
                    self.seed_view(&mut view, &worker);
                    view.peers = self.peers(cluster, watch);
                    view
                }),
            gatekeeping: (watch.holds_share || self.gatekeepers.contains(&worker))
                .then(|| self.gatekeeping(&worker)),
            policy: watch.policy_for.map(|measurement| PolicyView {
                measurement,
                allowed: self.allowed.contains(&measurement),
                roots: self.roots.clone(),
                tier_max: 3,
            }),
            mining: self.mining.as_ref().map(|mining| MiningView {
                session: mining.sessions.get(&worker).copied(),
                benchmark: mining.benchmarks.get(&worker).copied(),
                rules: mining.rules,
            }),
        }
    }
}

impl Cluster {
    /// Takes a report into account; whether more than half of the workers that ever reported now agree.
    fn agree(
        &mut self,
        from: WorkerId,
        next_number: u64,
        state_root: StateRoot,
        agreed_at: BlockNumber,
    ) -> bool {
        let alike = self.reports.entry((next_number, state_root)).or_default();
        alike.insert(from);
        if self.agreed.is_some_and(|agreed| {
            (agreed.next_number, agreed.state_root) == (next_number, state_root)
        }) {
            self.joining.remove(&from);
        }
        if self.joining.contains(&from) {
            alike.remove(&from);
        }
        let voices = self.workers.iter().filter(|worker| {
            self.checkpoints.contains_key(worker)
                && !self.suspensions.contains_key(worker)
                && !self.joining.contains(worker)
        });
        let is_new = self.agreed.is_none_or(|agreed| agreed.next_number < next_number);
        if !is_new || 2 * alike.len() <= voices.count() {
            return false;
        }
        self.agreed = Some(AgreedCheckpoint { next_number, state_root, agreed_at });
        let checkpoints = &self.checkpoints;
        self.joining.retain(|worker| {
            let said = checkpoints.get(worker).map(|said| (said.next_number, said.state_root));
            said != Some((next_number, state_root))
        });
        true
    }

    fn view(&self, id: ClusterId, watch: &Watch, entries_max: u64) -> ClusterView {
        let entries: Vec<MailboxEntry> = match watch.from_number {
            // As the light client: the first entry that is missing ends the list.
            Some(from) if from >= self.first => {
                let from = from as usize;
                self.inbox
                    .iter()
                    .skip(from)
                    .take(entries_max as usize)
                    .cloned()
                    .collect()
            }
            _ => Vec::new(),
        };
        let asked = |contract: &ContractId| Some((*contract, self.keys.get(contract)?.0));
        ClusterView {
            id,
            public_key: self.public_key,
            workers: self.workers.clone(),
            next_public_key: None,
            rotation: 0,
            rotation_in_force: self.in_force,
            seed_shares: Vec::new(),
            sharing: None,
            seed_confirmed: false,
            checkpoint: self.checkpoints.get(&watch.worker).cloned(),
            agreed: self.agreed,
            suspension: self.suspensions.get(&watch.worker).copied(),
            suspended: self
                .workers
                .iter()
                .filter(|worker| self.suspensions.contains_key(worker))
                .copied()
                .collect(),
            is_joining: self.joining.contains(&watch.worker),
            peers: Vec::new(),
            inbox_first: self.first,
            inbox_next: self.inbox.len() as u64,
            compatible_edge: !self.edge_closed,
            entries,
            codes: self.codes.clone(),
            contract_keys: watch.contract_keys.iter().filter_map(asked).collect(),
            contracts: watch.wants_contracts.then(|| self.keys.keys().copied().collect()),
        }
    }
}
