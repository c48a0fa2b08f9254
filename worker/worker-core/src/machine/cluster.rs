//! What the worker does for its cluster: its seed, its store, its mailbox, its reports, and its answers.

use super::{ClusterState, Core, Effect, RESYNCS_MAX};
use crate::{
    audit::AuditKeys,
    cluster_keys::{ClusterKeys, SeedMissing},
    joining::Joining,
    notice::{Notice, StopReason},
    query::Published,
    running::{
        ClusterCapabilities, Reportable, RunError, Running, StoreJudgement, judge_store,
    },
    seed,
    store::ClusterStore,
};
use chain_facts::view::{ClusterView, FinalizedView};
use primitives::{BlockNumber, ClusterId};
use secrets::ClusterSeed;
use std::sync::Arc;
use wire::message::MessagePayload;

/// What becomes of a store that was found on disk.
enum Judged {
    GoOn,
    Wait,
    /// The cluster's state is taken over in its place; why.
    TakeOver(String),
}

/// Why the cluster's state is better taken over from another worker than made here, if it is.
fn worth_taking_over(
    store: &dyn ClusterStore,
    cluster: &ClusterView,
    snapshot_above: u64,
) -> Option<String> {
    let agreed = cluster.agreed.as_ref().filter(|_| !cluster.peers.is_empty())?;
    let behind = agreed.next_number.saturating_sub(store.head().next_number);
    (behind > snapshot_above).then(|| format!("its own is {behind} entries behind"))
}

impl Core {
    pub(super) fn follow_cluster(
        &mut self,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        if self.follow_seed(view, cluster, effects) {
            self.queries.withdraw();
            return;
        }
        match std::mem::replace(&mut self.cluster, ClusterState::None) {
            ClusterState::Running(running) if running.id == cluster.id => {
                self.run(running, view, cluster, effects);
            }
            ClusterState::AwaitingStore(id) if id == cluster.id => {
                self.cluster = ClusterState::AwaitingStore(id);
            }
            ClusterState::Joining(joining) if joining.id == cluster.id => {
                self.join(joining, view, cluster, effects);
            }
            _ => self.find_seed(cluster, effects),
        }
    }

    /// Looks after the cluster's seed; whether the chain has another key than it makes.
    fn follow_seed(
        &mut self,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let done = self.seed.follow(
            (view.number, cluster),
            &self.identity,
            &mut self.kept,
            &mut self.outbox,
        );
        if done.keep {
            effects.push(Effect::Keep(self.kept.to_bytes()));
        }
        for evidence in done.reports {
            effects.push(Effect::Report(Box::new(evidence)));
        }
        for notice in done.notices {
            self.say(notice, effects);
        }
        done.disputed
    }

    fn find_seed(&mut self, cluster: &ClusterView, effects: &mut Vec<Effect>) {
        self.queries.withdraw();
        if seed::good(&self.kept, cluster).is_none() {
            self.say(Notice::AwaitingSeed(cluster.id), effects);
            self.cluster = ClusterState::AwaitingSeed;
            return;
        }
        self.open_store(cluster.id, effects);
    }

    /// With all seeds that there are: the store may be encrypted by a later one than an old block says.
    fn open_store(&mut self, cluster: ClusterId, effects: &mut Vec<Effect>) {
        let keys = self.kept.state_keys(&cluster, u32::MAX);
        effects.push(Effect::OpenStore { cluster, keys });
        self.cluster = ClusterState::AwaitingStore(cluster);
    }

    pub(super) fn on_store(
        &mut self,
        cluster: ClusterId,
        store: Arc<dyn ClusterStore>,
        effects: &mut Vec<Effect>,
    ) {
        match std::mem::replace(&mut self.cluster, ClusterState::None) {
            ClusterState::AwaitingStore(id) if id == cluster => {
                self.start_running(id, store, effects);
            }
            ClusterState::Joining(joining) if joining.id == cluster && joining.is_fetching() => {
                self.start_running(joining.id, store, effects);
            }
            other => self.cluster = other,
        }
    }

    fn start_running(
        &mut self,
        id: ClusterId,
        store: Arc<dyn ClusterStore>,
        effects: &mut Vec<Effect>,
    ) {
        let keys = match ClusterKeys::read(&*store.snapshot(), &self.kept, &id) {
            Ok(Ok(keys)) => keys,
            Ok(Err(SeedMissing(rotation))) => {
                let why = format!("its own needs seed {rotation}, which is not here any more");
                let joining = Joining::instead_of(id, &store, why);
                self.cluster = ClusterState::Joining(Box::new(joining));
                return;
            }
            Err(error) => {
                effects.push(Effect::Stop(StopReason::Run(error.to_string())));
                return;
            }
        };
        let mut running = Running {
            id,
            store,
            capabilities: Arc::new(ClusterCapabilities {
                user_root: keys.user_root().clone(),
                worker: self.identity.worker(),
                host: self.host.clone(),
                offers: self.offers.clone(),
                cache: self.cache.clone(),
            }),
            keys,
            looked_at_keys_of: 0,
            waits_for: None,
            logs: self.queries.logs().clone(),
            judged: false,
            unpublished: Default::default(),
            reportable: None,
            last_entry_block: None,
            read_from: 0,
        };
        match running.recall_unpublished() {
            Ok(()) => self.cluster = ClusterState::Running(Box::new(running)),
            Err(error) => effects.push(Effect::Stop(StopReason::Run(error.to_string()))),
        }
    }

    fn run(
        &mut self,
        mut running: Box<Running>,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        if !running.judged {
            match self.judge(&running, view, cluster, effects) {
                Judged::GoOn => running.judged = true,
                Judged::Wait => {
                    self.cluster = ClusterState::Running(running);
                    return;
                }
                Judged::TakeOver(why) => {
                    self.take_over(running, why, view, cluster, effects);
                    return;
                }
            }
        }
        if let Some(suspension) = &cluster.suspension {
            self.queries.withdraw();
            self.say(
                Notice::Suspended {
                    next_number: suspension.next_number,
                    reported: suspension.reported,
                    agreed: suspension.agreed,
                },
                effects,
            );
        }
        if let Some(agreed) = &cluster.agreed
            && running
                .store
                .root_at(agreed.next_number)
                .is_some_and(|root| root != agreed.state_root)
        {
            self.on_divergence(running, agreed.next_number, view, cluster, effects);
            return;
        }
        let needs_number = running.store.head().next_number;
        if needs_number < cluster.inbox_first {
            // It was not of the cluster for a while, and the chain did not wait for it.
            let why = format!("the chain no longer keeps entry {needs_number}");
            self.take_over(running, why, view, cluster, effects);
            return;
        }
        running.settle_contract_keys(view, cluster);
        running.look_at_all_keys(cluster);
        let used = running.keys.rotation();
        let secrets = (&*self.identity, &self.kept);
        let ran = match running.run_entries(secrets, &*self.executor, view, cluster) {
            Ok(ran) => ran,
            Err(RunError::Disagrees { at_number, .. }) => {
                self.on_divergence(running, at_number, view, cluster, effects);
                return;
            }
            Err(error @ RunError::CodeMissing(_)) if cluster.workers.len() > 1 => {
                // It was removed when all had run its upload: the others have it in their states.
                self.queries.withdraw();
                self.snapshots.withdraw();
                let mut joining =
                    Joining::instead_of(running.id, &running.store, error.to_string());
                joining.lacks_code = true;
                drop(running);
                self.join(Box::new(joining), view, cluster, effects);
                return;
            }
            Err(error) => {
                effects.push(Effect::Stop(StopReason::Run(error.to_string())));
                self.queries.withdraw();
                return;
            }
        };
        if let Some(rotation) = running.waits_for {
            let number = running.store.head().next_number;
            if rotation < cluster.rotation {
                // Gatekeepers give the newest alone.
                let why = format!("entry {number} needs seed {rotation}, which nobody gives any more");
                self.take_over(running, why, view, cluster, effects);
                return;
            }
            self.say(Notice::AwaitingRotation { rotation, number }, effects);
        }
        if running.keys.rotation() != used {
            let (cluster, rotation) = (running.id, running.keys.rotation());
            let number = running.store.head().next_number;
            self.say(Notice::KeysRotated { cluster, rotation, number }, effects);
        }
        self.read_again = ran > 0 || running.has_unseen_contracts();
        let genesis = self.identity.genesis();
        running.speak_contract_keys(
            genesis,
            self.identity.worker(),
            view,
            cluster,
            &mut self.outbox,
        );
        if let Err(error) = running.anchor(view) {
            effects.push(Effect::Stop(StopReason::Run(error.to_string())));
            self.queries.withdraw();
            return;
        }
        self.follow_rotation(&running, cluster, effects);
        let keyed_by = running.store.keyed_by();
        if running.note_reportable(view, cluster)
            && let Some(reportable) = running.reportable
            && !self.snapshots.holds(reportable.next_number, keyed_by)
        {
            let records = running.store.records();
            let Reportable { next_number, state_root, .. } = reportable;
            self.snapshots.pin(next_number, state_root, keyed_by, records);
        }
        self.report(&running, cluster);
        if self.speaks {
            let log = self.queries.receipt_log();
            log.report(running.id, view.number, view.receipt_log_next, &mut self.outbox);
        }
        let head = running.store.head();
        let may_serve = self.speaks && cluster.suspension.is_none();
        if head.next_number >= cluster.inbox_next && may_serve {
            self.publish(&running, view, head, cluster.compatible_edge);
            let was_said = self
                .said
                .iter()
                .any(|said| matches!(said, Notice::Serving { .. }));
            if !was_said {
                self.say(
                    Notice::Serving {
                        cluster: running.id,
                        entries: head.next_number,
                        root: head.state_root,
                    },
                    effects,
                );
            }
        }
        self.cluster = ClusterState::Running(running);
    }

    /// Has the store encrypted by the seed in use; once it is, those before are wiped: commands to their
    /// keys that still open do so by what lies in the state.
    fn follow_rotation(
        &mut self,
        running: &Running,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        let rotation = running.keys.rotation();
        if running.store.keyed_by() < rotation {
            let key = running.keys.seed().state_key();
            if let Err(error) = running.store.rekey(rotation, &key) {
                self.say(Notice::RekeyFailed(error.to_string()), effects);
            }
            return;
        }
        if rotation == cluster.rotation_in_force
            && self.kept.forget_seeds_before(&running.id, rotation)
        {
            self.snapshots.forget_seeds_before(rotation);
            effects.push(Effect::Keep(self.kept.to_bytes()));
            self.say(Notice::OldSeedsWiped(rotation), effects);
        }
    }

    /// Holds the store against the chain.
    fn judge(
        &mut self,
        running: &Running,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) -> Judged {
        match judge_store(&*running.store, view, cluster) {
            // A view read for an unjudged store carries entries from its head on, so it is run now.
            StoreJudgement::GoOn => match worth_taking_over(
                &*running.store,
                cluster,
                self.settings.snapshot_above,
            ) {
                Some(why) => Judged::TakeOver(why),
                None => Judged::GoOn,
            },
            StoreJudgement::ChainIsBehind { store_block } => {
                self.say(
                    Notice::ChainIsBehind {
                        store_block,
                        chain_block: view.number,
                    },
                    effects,
                );
                Judged::Wait
            }
            StoreJudgement::AnotherChain { at_block } => {
                effects.push(Effect::Stop(StopReason::AnotherChain(at_block)));
                Judged::Wait
            }
            StoreJudgement::AnotherState { at_number } => {
                let why = format!("it differs from this worker's report after entry {at_number}");
                self.say(Notice::StoreRefused(why.clone()), effects);
                Judged::TakeOver(why)
            }
            StoreJudgement::Disagrees { at_number } => {
                self.say(Notice::Diverged { next_number: at_number }, effects);
                Judged::TakeOver(format!("its own differs after entry {at_number}"))
            }
            StoreJudgement::Lost { needs_number } => Judged::TakeOver(format!(
                "its own ends at entry {needs_number}, which the chain no longer keeps"
            )),
        }
    }

    /// The state came out differently from what the cluster agreed on.
    fn on_divergence(
        &mut self,
        running: Box<Running>,
        next_number: u64,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        self.queries.withdraw();
        self.say(Notice::Diverged { next_number }, effects);
        if self.resyncs == RESYNCS_MAX {
            effects.push(Effect::Stop(StopReason::KeepsDiffering(RESYNCS_MAX)));
            return;
        }
        self.resyncs += 1;
        let why = format!("its own differs after entry {next_number}");
        self.take_over(running, why, view, cluster, effects);
    }

    /// Gives the store up for the cluster's state, from another worker or from the mailbox.
    fn take_over(
        &mut self,
        running: Box<Running>,
        why: String,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        self.queries.withdraw();
        self.snapshots.withdraw();
        let joining = Joining::instead_of(running.id, &running.store, why);
        // Lets go of the file, unless it is needed again.
        drop(running);
        self.join(Box::new(joining), view, cluster, effects);
    }

    fn join(
        &mut self,
        mut joining: Box<Joining>,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        self.queries.withdraw();
        if !joining.is_due(view.number) {
            self.cluster = ClusterState::Joining(joining);
            return;
        }
        // None, where its secrets are older than the seed in use: that is asked for, or comes next.
        let keys = self.kept.state_keys(&joining.id, cluster.rotation_in_force);
        if keys.is_empty() {
            self.say(Notice::AwaitingSeed(joining.id), effects);
            self.cluster = ClusterState::Joining(joining);
            return;
        }
        let is_alone = cluster.workers.len() <= 1;
        if cluster.peers.is_empty() && !is_alone && !joining.has_looked_for_peers() {
            // The view may have been read without them.
            self.read_again = true;
            self.cluster = ClusterState::Joining(joining);
            return;
        }
        // The whole mailbox is there, and what opens it: the state can be made from it.
        let can_be_made = cluster.inbox_first == 0
            && !joining.lacks_code
            && self.kept.seed(&joining.id, 0).is_some();
        if joining.has_failed() && !can_be_made && self.speaks && !cluster.is_joining {
            self.say_state_lost(joining.id, view.number, effects);
        }
        match &cluster.agreed {
            Some(agreed)
                if !cluster.peers.is_empty() && !(can_be_made && joining.has_failed_enough()) =>
            {
                self.say(
                    Notice::Joining {
                        cluster: joining.id,
                        next_number: agreed.next_number,
                        why: joining.why.clone(),
                    },
                    effects,
                );
                joining.fetch(view.number);
                effects.push(Effect::FetchSnapshot {
                    cluster: joining.id,
                    keys,
                    next_number: agreed.next_number,
                    state_root: agreed.state_root,
                    block: (view.number, view.hash),
                    peers: cluster.peers.clone(),
                });
                self.cluster = ClusterState::Joining(joining);
            }
            _ if can_be_made => {
                match joining.store.take() {
                    Some(store) => match store.clear() {
                        Ok(()) => {
                            self.start_running(joining.id, store, effects);
                            self.read_again = true;
                        }
                        Err(error) => {
                            effects.push(Effect::Stop(StopReason::Run(error.to_string())));
                        }
                    },
                    None => self.open_store(joining.id, effects),
                }
            }
            _ if is_alone => {
                let reason = match cluster.inbox_first {
                    0 => StopReason::SeedReplaced(joining.needs_number),
                    _ => StopReason::MailboxPruned(joining.needs_number),
                };
                effects.push(Effect::Stop(reason));
            }
            _ => {
                self.say(Notice::NoPeer, effects);
                self.cluster = ClusterState::Joining(joining);
            }
        }
    }

    /// Nobody has the state that the cluster agreed on; without this worker's vote the others agree on
    /// what they have.
    fn say_state_lost(
        &mut self,
        cluster: ClusterId,
        now: BlockNumber,
        effects: &mut Vec<Effect>,
    ) {
        let said = self.outbox.say(&("state-lost", cluster), now, || {
            Some(MessagePayload::StateLost { cluster })
        });
        if said {
            self.say(Notice::StateLost, effects);
        }
    }

    fn report(&mut self, running: &Running, cluster: &ClusterView) {
        let on_chain = cluster
            .checkpoint
            .as_ref()
            .map_or(0, |checkpoint| checkpoint.next_number);
        let Some(reportable) = running.reportable else {
            return;
        };
        if reportable.next_number > on_chain && !self.outbox.has_checkpoint() {
            self.outbox.push(MessagePayload::Checkpoint {
                cluster: running.id,
                next_number: reportable.next_number,
                state_root: reportable.state_root,
                block_number: reportable.boundary,
            });
        }
    }

    fn publish(
        &self,
        running: &Running,
        view: &FinalizedView,
        head: crate::store::Head,
        compatible_edge: bool,
    ) {
        let state = running.store.snapshot();
        // A state that cannot be read answers no query either; the limits do not matter then.
        let limits = self.executor.limits(&*state).unwrap_or_default();
        self.cache.set_part_bytes_max(limits.cache_bytes);
        self.queries
            .logs()
            .set_ring_bytes_max(limits.log_bytes);
        self.queries.publish(Published {
            cluster: running.id,
            block_number: view.number,
            block_hash: view.hash,
            block_timestamp_ms: view.timestamp_ms,
            state_root: head.state_root,
            next_number: head.next_number,
            state,
            capabilities: running.capabilities.clone(),
            auditing: Some(Arc::new(self.audit_keys(running))),
            compatible_edge,
        });
    }

    /// What auditors' keys are made of: the seed in use. Those before it are given by nobody.
    fn audit_keys(&self, running: &Running) -> AuditKeys {
        AuditKeys {
            genesis: self.identity.genesis(),
            cluster: running.id,
            rotation: running.keys.rotation(),
            seed: ClusterSeed::from_bytes(running.keys.seed().expose()),
        }
    }
}
