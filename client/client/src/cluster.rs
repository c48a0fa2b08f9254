//! A cluster as its clients see it: which workers it has, whom to ask first, how new answers must be.
//!
//! # Order
//!
//! Each client has an order of its own over the workers, drawn at random or from a number it keeps
//! ([`Cluster::set_seed`]), so that clients spread over the workers. It stays with the worker that
//! answered last, so that sessions last and so that it sees its own changes.
//!
//! # Freshness
//!
//! A worker that is cut off from the chain, or was set back to an older disk, must not answer from the
//! past unnoticed. So each question demands a state at least as new as the newest block that this client
//! has proven to be final, less [`SLACK_BLOCKS`], and at least as new as what the client has seen before, as
//! far as that is proven. The demand is taken from memory; the chain is read anew in the background.
//! While the node cannot be reached the demand stays as it is: then it is the workers' own rule
//! alone (they stop answering when their last final block is too old) that keeps answers fresh.

use crate::{Chain, ChainError, Membership, Standing, WorkerClient, WorkerError};
use primitives::{BlockNumber, ClusterId, ContractId, GenesisHash, WorkerId};
use rand_core::{OsRng, RngCore};
use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How many blocks behind what the client knows to be final a worker may answer from.
pub const SLACK_BLOCKS: BlockNumber = 1;
/// Age of what is known of the chain from which on it is read anew, beside the questions.
const REFRESH_AFTER: Duration = Duration::from_secs(3);
/// Age from which on a question waits for that.
const REFRESH_FIRST_AFTER: Duration = Duration::from_secs(30);
/// How long a question waits for that.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a worker that failed is asked after all others.
const AVOIDED_FOR: Duration = Duration::from_secs(10);

/// How long and how often is asked.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For one question in all.
    pub deadline: Duration,
    /// Attempts for one question in all, over all workers.
    pub attempts_max: u32,
    /// How often the workers are gone through.
    pub rounds_max: u32,
    /// How long a worker that is a little behind is waited for.
    pub behind: Duration,
    /// How long a worker may say nothing before it is asked whether it is there at all.
    pub silent: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(40),
            attempts_max: 12,
            rounds_max: 4,
            behind: Duration::from_secs(2),
            silent: Duration::from_secs(3),
        }
    }
}

/// What is known of the chain.
struct View {
    membership: Membership,
    read_at: Instant,
    tried_at: Instant,
}

/// A cluster's workers, each of which can stand in for the others.
pub struct Cluster {
    chain: Option<Chain>,
    genesis: GenesisHash,
    view: Arc<Mutex<View>>,
    seed: u64,
    /// Who answered last.
    preferred: Option<WorkerId>,
    /// Who failed, and when.
    avoided: HashMap<WorkerId, Instant>,
    clients: BTreeMap<WorkerId, WorkerClient>,
    /// The one worker that is asked, where no other may be.
    only: Option<WorkerId>,
    any_block: bool,
    /// Newest final block by the node's word, where that was asked for.
    node_says: BlockNumber,
    /// Newest block that an answer came from.
    seen: BlockNumber,
    pub(crate) patience: Patience,
}

impl Cluster {
    /// A cluster, by one proven read.
    ///
    /// # Errors
    /// When there is no such cluster, or a proof does not hold.
    pub async fn new(chain: &Chain, cluster: &ClusterId) -> Result<Self, ChainError> {
        Ok(Self::of(Some(chain.clone()), chain.genesis(), chain.membership(cluster).await?))
    }

    /// The cluster where a contract lives, by one proven read.
    ///
    /// # Errors
    /// When there is no such contract, or a proof does not hold.
    pub async fn of_contract(chain: &Chain, contract: &ContractId) -> Result<Self, ChainError> {
        let membership = chain.membership_of_contract(contract).await?;
        Ok(Self::of(Some(chain.clone()), chain.genesis(), membership))
    }

    /// A cluster whose workers the caller has proven, and proves anew ([`Cluster::renew`]).
    pub fn from_membership(genesis: GenesisHash, membership: Membership) -> Self {
        Self::of(None, genesis, membership)
    }

    fn of(chain: Option<Chain>, genesis: GenesisHash, membership: Membership) -> Self {
        let now = Instant::now();
        Self {
            chain,
            genesis,
            view: Arc::new(Mutex::new(View { membership, read_at: now, tried_at: now })),
            seed: OsRng.next_u64(),
            preferred: None,
            avoided: HashMap::new(),
            clients: BTreeMap::new(),
            only: None,
            any_block: false,
            node_says: 0,
            seen: 0,
            patience: Patience::default(),
        }
    }

    /// Asks in the order that this number gives: the same in each process that knows it.
    pub fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// Asks this worker and no other; `false` where it is none of the cluster's.
    pub fn only(&mut self, worker: WorkerId) -> bool {
        let known = self.view().membership.members.iter().any(|m| m.record.info.worker == worker);
        if known {
            self.only = Some(worker);
        }
        known
    }

    /// From here on wants all that is final by the node's word, which may be a block or two more than it
    /// proves: so that who changed the state through this node sees the change at whichever worker. A
    /// node that lies can only raise the demand, and so be of no use.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn demand_newest(&mut self) -> Result<(), ChainError> {
        if let Some(chain) = &self.chain {
            self.node_says = self.node_says.max(chain.final_number().await?);
        }
        Ok(())
    }

    /// How long and how often to ask.
    pub fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// Takes answers from any block that the question itself allows, however old.
    pub fn accept_any_block(&mut self) {
        self.any_block = true;
    }

    /// Which cluster.
    pub fn id(&self) -> ClusterId {
        self.view().membership.cluster
    }

    /// Its workers as last proven.
    pub fn membership(&self) -> Membership {
        self.view().membership.clone()
    }

    /// The newest block that is proven to be final.
    pub fn final_number(&self) -> BlockNumber {
        self.view().membership.block_number
    }

    /// The oldest block that answers may come from.
    pub fn floor(&self) -> BlockNumber {
        if self.any_block {
            return 0;
        }
        let known = self.final_number();
        // What was seen is a worker's word; beyond what is proven it would let a lying one set a demand
        // that nobody can meet.
        known.saturating_sub(SLACK_BLOCKS).max(self.seen.min(known)).max(self.node_says)
    }

    /// The client of a worker that was asked, with its session.
    pub fn client(&self, worker: &WorkerId) -> Option<&WorkerClient> {
        self.clients.get(worker)
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A newer proven list of workers.
    pub fn renew(&mut self, membership: Membership) {
        renew(&self.view, membership);
    }

    /// Reads the chain anew, and waits for that.
    ///
    /// # Errors
    /// When the node fails or its proof does not hold: then what was known stays.
    pub async fn refresh(&mut self) -> Result<(), ChainError> {
        let Some(chain) = self.chain.clone() else { return Ok(()) };
        self.view().tried_at = Instant::now();
        let cluster = self.id();
        let read = tokio::time::timeout(REFRESH_TIMEOUT, chain.membership(&cluster)).await;
        let timed_out = |_| ChainError::Node("it does not answer in time".to_owned());
        let membership = read.map_err(timed_out)??;
        renew(&self.view, membership);
        Ok(())
    }

    /// Sees to it that what is known of the chain is not old; waits only where it is very old.
    pub(crate) async fn keep_fresh(&mut self) {
        let Some(chain) = self.chain.clone() else { return };
        let (age, tried) = {
            let view = self.view();
            (view.read_at.elapsed(), view.tried_at.elapsed())
        };
        if age > REFRESH_FIRST_AFTER && tried > REFRESH_FIRST_AFTER {
            // The workers may answer even where this node does not.
            let _unchanged = self.refresh().await;
        } else if tried > REFRESH_AFTER {
            let cluster = self.id();
            let view = self.view.clone();
            self.view().tried_at = Instant::now();
            tokio::spawn(async move {
                if let Ok(membership) = chain.membership(&cluster).await {
                    renew(&view, membership);
                }
            });
        }
    }

    /// This client has seen the state at `block`: it wants no older answers, from no worker.
    pub async fn has_seen(&mut self, block: BlockNumber) {
        self.seen = self.seen.max(block);
        if self.seen > self.final_number() {
            let _unchanged = self.refresh().await;
        }
    }

    pub(crate) fn note_answer(&mut self, worker: WorkerId, block: BlockNumber) {
        self.preferred = Some(worker);
        self.avoided.remove(&worker);
        self.seen = self.seen.max(block);
    }

    pub(crate) fn avoid(&mut self, worker: WorkerId) {
        self.avoided.insert(worker, Instant::now());
        if self.preferred == Some(worker) {
            self.preferred = None;
        }
    }

    /// Asks another worker next.
    pub fn turn_to_another(&mut self) {
        if let Some(first) = self.candidates().first() {
            self.avoid(*first);
        }
    }

    /// Mailbox entries that the worker which is asked next has run, by its own word.
    pub async fn next_number(&mut self) -> Option<u64> {
        let first = *self.candidates().first()?;
        let found = match self.client_of(first) {
            Ok(client) => client.next_number().await,
            Err(_) => None,
        };
        if found.is_none() {
            self.avoid(first);
        }
        found
    }

    /// Workers that may be asked, in this client's order.
    pub fn candidates(&self) -> Vec<WorkerId> {
        let rank = |worker: &WorkerId| {
            let avoided = self.avoided.get(worker).map(Instant::elapsed);
            let avoided = avoided.is_some_and(|since| since < AVOIDED_FOR);
            let mut hasher = DefaultHasher::new();
            (self.seed, worker.0).hash(&mut hasher);
            (avoided, self.preferred != Some(*worker), hasher.finish())
        };
        let view = self.view();
        let members = view.membership.members.iter();
        let mut candidates: Vec<WorkerId> = members
            .filter(|member| member.standing == Standing::Serves)
            .map(|member| member.record.info.worker)
            .filter(|worker| self.only.is_none_or(|only| only == *worker))
            .collect();
        drop(view);
        candidates.sort_by_cached_key(rank);
        candidates
    }

    /// Workers that may not be asked, and why not.
    pub(crate) fn others(&self) -> Vec<(WorkerId, Standing)> {
        let view = self.view();
        let members = view.membership.members.iter();
        members
            .filter(|member| member.standing != Standing::Serves)
            .map(|member| (member.record.info.worker, member.standing))
            .filter(|(worker, _)| self.only.is_none_or(|only| only == *worker))
            .collect()
    }

    /// The client of a worker, made anew where the chain has other facts of it by now.
    pub(crate) fn client_of(&mut self, worker: WorkerId) -> Result<&mut WorkerClient, WorkerError> {
        let made = {
            let view = self.view();
            let mut members = view.membership.members.iter().map(|member| &member.record);
            let record = members.find(|record| record.info.worker == worker);
            let record = record.ok_or(WorkerError::NoEndpoint(worker))?;
            match self.clients.get(&worker) {
                Some(kept) if kept.is_of(record) => None,
                _ => Some(WorkerClient::new(self.genesis, record)?),
            }
        };
        if let Some(made) = made {
            self.clients.insert(worker, made);
        }
        self.clients.get_mut(&worker).ok_or(WorkerError::NoEndpoint(worker))
    }

    /// The client of a worker, taken out; [`Cluster::give_back`] keeps it with its session.
    pub(crate) fn take(&mut self, worker: WorkerId) -> Result<WorkerClient, WorkerError> {
        self.client_of(worker)?;
        self.clients.remove(&worker).ok_or(WorkerError::NoEndpoint(worker))
    }

    pub(crate) fn give_back(&mut self, client: WorkerClient) {
        self.clients.insert(client.worker(), client);
    }
}

fn renew(view: &Mutex<View>, membership: Membership) {
    let mut view = view.lock().unwrap_or_else(PoisonError::into_inner);
    // Reads may overtake one another.
    if membership.block_number >= view.membership.block_number {
        view.membership = membership;
        view.read_at = Instant::now();
    }
}
