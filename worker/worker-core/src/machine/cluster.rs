//! What the worker does for its cluster: its seed, its store, its mailbox, its reports, and its answers.

use super::{ClusterState, Core, Effect, RESYNCS_MAX};
use crate::{
    audit::AuditKeys,
    joining::Joining,
    notice::{Notice, StopReason},
    query::Published,
    running::{ClusterCapabilities, RunError, Running, StoreJudgement, judge_store},
    seed,
    store::ClusterStore,
};
use chain_facts::view::{ClusterView, FinalizedView};
use primitives::ClusterId;
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
            ClusterState::AwaitingStore(id, seed) if id == cluster.id => {
                self.cluster = ClusterState::AwaitingStore(id, seed);
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
        let Some(seed) = seed::good(&self.kept, cluster) else {
            self.say(Notice::AwaitingSeed(cluster.id), effects);
            self.cluster = ClusterState::AwaitingSeed;
            return;
        };
        effects.push(Effect::OpenStore {
            cluster: cluster.id,
            key: seed.state_key(),
        });
        self.cluster = ClusterState::AwaitingStore(cluster.id, seed);
    }

    pub(super) fn on_store(
        &mut self,
        cluster: ClusterId,
        store: Arc<dyn ClusterStore>,
        effects: &mut Vec<Effect>,
    ) {
        match std::mem::replace(&mut self.cluster, ClusterState::None) {
            ClusterState::AwaitingStore(id, seed) if id == cluster => {
                self.start_running(id, seed, store, effects);
            }
            ClusterState::Joining(joining) if joining.id == cluster && joining.is_fetching() => {
                self.start_running(joining.id, joining.seed, store, effects);
            }
            other => self.cluster = other,
        }
    }

    fn start_running(
        &mut self,
        id: ClusterId,
        seed: ClusterSeed,
        store: Arc<dyn ClusterStore>,
        effects: &mut Vec<Effect>,
    ) {
        let mut running = Running {
            id,
            store,
            capabilities: Arc::new(ClusterCapabilities {
                seed,
                worker: self.identity.worker(),
                host: self.host.clone(),
                offers: self.offers.clone(),
                cache: self.cache.clone(),
            }),
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
        let ran = match running.run_entries(&self.identity, &*self.executor, view, cluster) {
            Ok(ran) => ran,
            Err(RunError::Disagrees { at_number, .. }) => {
                self.on_divergence(running, at_number, view, cluster, effects);
                return;
            }
            Err(error) => {
                effects.push(Effect::Stop(StopReason::Run(error.to_string())));
                self.queries.withdraw();
                return;
            }
        };
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
        if running.note_reportable(view, cluster)
            && let Some(reportable) = running.reportable
            && !self.snapshots.holds(reportable.next_number)
        {
            let records = running.store.records();
            self.snapshots.pin(reportable.next_number, reportable.state_root, records);
        }
        self.report(&running, cluster);
        if self.speaks {
            let log = self.queries.receipt_log();
            log.report(running.id, view.number, view.receipt_log_next, &mut self.outbox);
        }
        let head = running.store.head();
        let may_serve = self.speaks && cluster.suspension.is_none();
        if head.next_number >= cluster.inbox_next && may_serve {
            self.publish(&running, view, head);
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
        let joining = Joining::instead_of(&running, why);
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
        let is_alone = cluster.workers.len() <= 1;
        if cluster.peers.is_empty() && !is_alone && !joining.has_looked_for_peers() {
            // The view may have been read without them.
            self.read_again = true;
            self.cluster = ClusterState::Joining(joining);
            return;
        }
        // The whole mailbox is there: the state can be made from it.
        let can_be_made = cluster.inbox_first == 0;
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
                    key: joining.seed.state_key(),
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
                            let Joining { id, seed, .. } = *joining;
                            self.start_running(id, seed, store, effects);
                            self.read_again = true;
                        }
                        Err(error) => {
                            effects.push(Effect::Stop(StopReason::Run(error.to_string())));
                        }
                    },
                    None => {
                        let Joining { id, seed, .. } = *joining;
                        effects.push(Effect::OpenStore { cluster: id, key: seed.state_key() });
                        self.cluster = ClusterState::AwaitingStore(id, seed);
                    }
                }
            }
            _ if is_alone => {
                effects.push(Effect::Stop(StopReason::MailboxPruned(joining.needs_number)));
            }
            _ => {
                self.say(Notice::NoPeer, effects);
                self.cluster = ClusterState::Joining(joining);
            }
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

    fn publish(&self, running: &Running, view: &FinalizedView, head: crate::store::Head) {
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
        });
    }

    /// The keys of the cluster's contracts that open commands now, for auditors.
    fn audit_keys(&self, running: &Running) -> AuditKeys {
        let seed = ClusterSeed::from_bytes(running.capabilities.seed.expose());
        AuditKeys {
            genesis: self.identity.genesis(),
            cluster: running.id,
            seeds: vec![(0, seed)],
        }
    }
}
