//! What a worker tells its operator, and why it ends.

use crate::handover::HandoverRefusal;
use primitives::{AccountId, BlockNumber, ClusterId, Measurement, StateRoot, WorkerId};

/// What the operator should know. None of it is confidential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    /// Asking the chain to take the worker.
    #[error("registering as worker {0}")]
    Registering(WorkerId),
    /// The chain has the worker.
    #[error("registered until {expires_at_ms} (milliseconds since 1970), tier {tier}")]
    Registered {
        /// When it lapses.
        expires_at_ms: u64,
        /// Tier.
        tier: u8,
    },
    /// The chain no longer allows this build.
    #[error("the chain does not allow this worker's build: it serves nothing until it is replaced")]
    BuildNotAllowed,
    /// Assigned to a cluster, no seed yet.
    #[error("assigned to cluster {0}; waiting for enough gatekeepers to give their shares of its seed")]
    AwaitingSeed(ClusterId),
    /// Caught up and serving.
    #[error("serving cluster {cluster}: {entries} mailbox entries run, state root {root}")]
    Serving {
        /// Which cluster.
        cluster: ClusterId,
        /// Entries run so far.
        entries: u64,
        /// Root after them.
        root: primitives::StateRoot,
    },
    /// The light client is behind the store.
    #[error(
        "the store has seen block {store_block}, the light client only block {chain_block}: waiting"
    )]
    ChainIsBehind {
        /// The store's.
        store_block: BlockNumber,
        /// The chain's.
        chain_block: BlockNumber,
    },
    /// The disk disagrees with the chain and is rebuilt from the mailbox.
    #[error("the state on disk is refused ({0}): it is rebuilt from the mailbox")]
    StoreRefused(String),
    /// The state is taken over from another worker.
    #[error(
        "taking the state after {next_number} mailbox entries over from another worker of cluster {cluster}: {why}"
    )]
    Joining {
        /// Which cluster.
        cluster: ClusterId,
        /// The state that the cluster agreed on.
        next_number: u64,
        /// Why it is not run here.
        why: String,
    },
    /// No worker handed the state over.
    #[error("no worker handed the cluster's state over: {0}; it is tried again")]
    SnapshotFailed(String),
    /// There is nobody to take the state over from.
    #[error(
        "the cluster's state has to be taken over from another worker, and none can be asked: waiting"
    )]
    NoPeer,
    /// The state differs from the cluster's.
    #[error(
        "after {next_number} mailbox entries this worker's state differs from what the cluster agreed on: it serves nothing and takes the cluster's state over"
    )]
    Diverged {
        /// After so many entries.
        next_number: u64,
    },
    /// The chain has taken the worker out of service.
    #[error(
        "the chain has suspended this worker: after {next_number} mailbox entries it reported {reported}, the cluster {agreed}; it serves nothing until its reports agree again"
    )]
    Suspended {
        /// After so many entries.
        next_number: u64,
        /// What it reported.
        reported: StateRoot,
        /// What the cluster agreed on.
        agreed: StateRoot,
    },
    /// The chain has taken the worker out of its cluster.
    #[error("no longer of cluster {0}: its seed and its state are wiped here")]
    LeftCluster(ClusterId),
    /// The chain has the registration of another build.
    #[error("the chain has another build of this worker: waiting until it has judged this one")]
    AwaitingJudgement,
    /// A request for the keys came to nothing.
    #[error("a process that wants this worker's keys is refused: {0}")]
    HandoverRefused(HandoverRefusal),
    /// The worker ends here.
    #[error("this worker's keys are handed over to a process of build {0}: it stops for good")]
    HandedOver(Measurement),
    /// The chain has not heard of this process.
    #[error("waiting until a final block knows of this process: nothing is served before")]
    AwaitingInstance,
    /// An earlier version has left a master secret on the disk.
    #[error(
        "a master secret of an earlier version was on the disk: gatekeepers hold shares now, it was removed"
    )]
    MasterSecretDropped,
    /// The gatekeeper has its share of the network's key.
    #[error(
        "gatekeeper: holds a share of the network's key, epoch {epoch}: {threshold} of {holders} are needed"
    )]
    HoldsShare {
        /// Counts how often the key was dealt.
        epoch: u32,
        /// How many shares it takes.
        threshold: u8,
        /// How many there are.
        holders: u8,
    },
    /// One share is enough.
    #[error(
        "INSECURE: this one machine holds the whole key of the network. Whoever opens it reads everything; if it is lost, so is everything. For development only"
    )]
    LoneGatekeeper,
    /// The chain counts on a share that is not there.
    #[error(
        "gatekeeper: the chain counts on this worker's share of epoch {epoch}, which is not on its disk: it was away when the share was dealt, or the disk is an older one. It gets another when the key is dealt next"
    )]
    ShareMissing {
        /// Counts how often the key was dealt.
        epoch: u32,
    },
    /// A dealer gave this worker a wrong share.
    #[error("gatekeeper: {0} dealt a wrong share; the chain is shown the proof")]
    WrongDealing(WorkerId),
    /// A share of the seed is wrong, and its maker signed it.
    #[error("gatekeeper {0} sent a wrong share of the cluster's seed: it is reported with the proof")]
    WrongSeedShare(WorkerId),
    /// A share of the seed cannot be used, and nobody else can see it.
    #[error(
        "gatekeeper {0} sent a share of the cluster's seed that does not open: it cannot be proven; tell its operator"
    )]
    UnusableSeedShare(WorkerId),
    /// The chain has another key for the cluster than the gatekeepers' shares make.
    #[error(
        "the chain has another key for cluster {0} than its seed makes, so another worker of the cluster lied: this worker serves nothing; tell the cluster's owner"
    )]
    ClusterKeyDisputed(ClusterId),
    /// The chain has it that this worker has the seed, and it has not.
    #[error(
        "the chain has it that this worker has the seed of cluster {0}, but its disk has not, so older secrets were put in place: it asks for the seed again"
    )]
    SeedLost(ClusterId),
    /// The cluster's keys are other ones now.
    #[error("cluster {cluster} uses seed {rotation} from mailbox entry {number} on")]
    KeysRotated {
        /// Which cluster.
        cluster: ClusterId,
        /// Which seed.
        rotation: u32,
        /// From which entry on.
        number: u64,
    },
    /// The mailbox goes on with a seed that is not there yet.
    #[error("mailbox entry {number} needs seed {rotation} of the cluster, which gatekeepers have not given yet: waiting")]
    AwaitingRotation {
        /// Which seed.
        rotation: u32,
        /// The entry.
        number: u64,
    },
    /// Nothing here is encrypted with keys of earlier seeds any more.
    #[error("the state is encrypted with the key of seed {0}; the seeds before it are wiped here")]
    OldSeedsWiped(u32),
    /// The state could not be encrypted anew.
    #[error("the state cannot be encrypted by the cluster's new seed: {0}; it is tried again")]
    RekeyFailed(String),
    /// The vote was given up.
    #[error("nobody hands the state over that the cluster agreed on: this worker gives its vote up, so that the others agree on what they have")]
    StateLost,
    /// The worker computes for a pool.
    #[error("mining: it computes for session {0}")]
    Mining(AccountId),
    /// A challenge was answered.
    #[error("mining: the challenge of block {block} is answered")]
    Heartbeat {
        /// The block of the challenge.
        block: BlockNumber,
    },
    /// A challenge is answered, too late.
    #[error(
        "mining: the challenge of block {block} is answered after its deadline, block {deadline}: the worker earned nothing and lost value since then"
    )]
    LateHeartbeat {
        /// The block of the challenge.
        block: BlockNumber,
        /// The last block in which the answer was on time.
        deadline: BlockNumber,
    },
    /// The machine could not be measured: others had its processors. Said once until it was.
    #[error("this machine is too busy to be measured: its processors have no time to spare; it is tried again until they have")]
    TooBusy,
    /// The machine was measured.
    #[error("benchmark: {iterations} iterations in {took_ms} ms, a score of {score}")]
    Measured {
        /// What was computed.
        iterations: u64,
        /// In what time of the chain, milliseconds.
        took_ms: u64,
        /// Iterations in six seconds.
        score: u64,
    },
    /// The gatekeeper's chain is too old to hand out keys by.
    #[error("gatekeeper: the last final block is too old to hand out keys by")]
    GatekeeperStale,
}

impl Notice {
    /// Whether something is wrong that the operator should look into.
    pub fn is_alarm(&self) -> bool {
        matches!(
            self,
            Self::BuildNotAllowed
                | Self::HandoverRefused(_)
                | Self::StoreRefused(_)
                | Self::Diverged { .. }
                | Self::Suspended { .. }
                | Self::SnapshotFailed(_)
                | Self::NoPeer
                | Self::LoneGatekeeper
                | Self::ShareMissing { .. }
                | Self::WrongDealing(_)
                | Self::WrongSeedShare(_)
                | Self::UnusableSeedShare(_)
                | Self::ClusterKeyDisputed(_)
                | Self::SeedLost(_)
                | Self::StateLost
                | Self::RekeyFailed(_)
                | Self::LateHeartbeat { .. }
                | Self::TooBusy
                | Self::GatekeeperStale
        )
    }
}

/// Why the process must end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// The store belongs to another chain.
    #[error(
        "the state on disk has acted on another block {0} than the chain has: another network, or a fork; use another data directory"
    )]
    AnotherChain(BlockNumber),
    /// The mailbox was pruned below what the worker needs, and no other worker has the state.
    #[error(
        "the state on disk ends at mailbox entry {0}, which the chain no longer keeps, and the cluster has no other worker that could hand its state over: bring back the newest copy of the data directory"
    )]
    MailboxPruned(u64),
    /// Entries need a seed that was replaced and wiped, and no other worker has the state.
    #[error(
        "the state on disk ends at mailbox entry {0}, and what comes after needs a seed of the cluster that was replaced; the cluster has no other worker that could hand its state over: bring back the newest copy of the data directory"
    )]
    SeedReplaced(u64),
    /// Another process speaks for this worker.
    #[error(
        "another process with this worker's keys has started, and the chain listens to that one: two must never run; if none should be there, the data directory was copied"
    )]
    Replaced,
    /// The state came out differently each time.
    #[error(
        "this worker's state differed from the cluster's {0} times, each time after it was taken over: this build or this machine computes wrongly"
    )]
    KeepsDiffering(u8),
    /// Running entries failed.
    #[error("the mailbox could not be run: {0}")]
    Run(String),
}
