//! What a worker mines: its session, score, and income, as owner and delegator see it alike.

use crate::{Chain, ChainError, Proven, chain::worker_record};
use chain_facts::{
    Benchmark, BenchmarkRules, PendingChallenge, PoolSession, SessionInfo, SessionState,
    WorkerInfo, keys,
};
use codec::Decode;
use economics::{
    Confidence, Fixed, Parameters, Permill, RewardIndex, Schedule, effective_re, rig_cost,
};
use primitives::{AccountId, Balance, BlockNumber, ClusterId, UnixMillis, WorkerId};

/// The pallet of sessions.
const COMPUTATION: &str = "PhalaComputation";
/// Hours of a day.
const HOURS: u32 = 24;

/// What holds for all workers that mine, now.
#[derive(Clone, Copy, Debug)]
pub struct MiningRules {
    /// Parameters of the formulas.
    pub parameters: Parameters,
    /// What all networks together may spend.
    pub schedule: Schedule,
    /// This network's part of it.
    pub network_share: Permill,
    /// Which benchmarks count.
    pub benchmark: BenchmarkRules,
    /// How long a stake cools down, seconds.
    pub cool_down_seconds: u64,
    /// Whether nobody is challenged.
    pub paused: bool,
}

/// What may be staked for a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StakeBounds {
    /// At least.
    pub least: Balance,
    /// At most; less than `least` where a machine is too fast for the network.
    pub most: Balance,
}

impl MiningRules {
    /// What may be staked for a worker with this score and evidence.
    pub fn stake_bounds(&self, score: u32, confidence_level: u8) -> StakeBounds {
        let parameters = &self.parameters;
        let root = Fixed::from_int(score.into()).sqrt();
        let re = effective_re(parameters.re, confidence(confidence_level));
        let most = parameters
            .v_max
            .checked_div(re)
            .unwrap_or(Fixed::ZERO)
            .saturating_sub(rig_cost(parameters, score));
        StakeBounds {
            // The chain compares unrounded numbers: one unit more is enough in any case.
            least: parameters.k.saturating_mul(root).to_balance().saturating_add(1),
            most: most.to_balance(),
        }
    }

    /// Blocks of a day.
    pub fn blocks_per_day(&self) -> u32 {
        self.parameters.blocks_per_hour.saturating_mul(HOURS)
    }

    /// What the network divides in the day after `block`, PHA.
    pub fn budget_per_day(&self, block: BlockNumber) -> Balance {
        let budget = self.schedule.between(block, block.saturating_add(self.blocks_per_day()));
        self.network_share.of(budget.to_balance())
    }
}

/// Level of evidence, as the formulas know it.
fn confidence(level: u8) -> Confidence {
    match level {
        4 => Confidence::Four,
        5 => Confidence::Five,
        3 => Confidence::Three,
        2 => Confidence::Two,
        _ => Confidence::One,
    }
}

/// What a worker earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Income {
    /// For its pool, a day, as things stand.
    pub per_day: Balance,
    /// To the treasury, a day.
    pub treasury_per_day: Balance,
    /// What all workers together are paid, a day.
    pub budget_per_day: Balance,
    /// Its share of what all workers have.
    pub share: Fixed,
    /// The shares of all.
    pub total_share: Fixed,
    /// Earned since it was last paid; lost if it goes off line or stops first.
    pub unpaid: Balance,
}

/// All that the chain says of a worker's mining, of one block and proven.
#[derive(Clone, Debug)]
pub struct WorkerMining {
    /// Its registration, if there is one.
    pub info: Option<WorkerInfo>,
    /// Where it says it can be reached.
    pub endpoints: Vec<String>,
    /// Whether the chain still allows its build.
    pub build_allowed: bool,
    /// The cluster that it serves.
    pub cluster: Option<ClusterId>,
    /// Its benchmark.
    pub benchmark: Option<Benchmark>,
    /// The pool that it belongs to.
    pub pool: Option<u64>,
    /// The session that it computes for, or was taken from while its stake cools down.
    pub session: Option<AccountId>,
    /// Whether it is bound to that session.
    pub bound: bool,
    /// The session.
    pub state: Option<SessionInfo>,
    /// The session, as its pool knows it.
    pub pool_session: Option<PoolSession>,
    /// A challenge that it has not answered.
    pub challenge: Option<PendingChallenge>,
    /// What could not be paid.
    pub owed: Balance,
    /// Slashes that wait.
    pub slashes: u32,
    /// The network's index.
    pub index: Option<RewardIndex>,
    /// The block that says all this.
    pub block: BlockNumber,
    /// Its time.
    pub at_ms: UnixMillis,
}

impl WorkerMining {
    /// Whether its session computes and is on line.
    pub fn is_online(&self) -> bool {
        matches!(
            self.state.as_ref().map(|info| &info.state),
            Some(SessionState::Computing(session)) if session.is_online()
        )
    }

    /// What it earns; none while it earns nothing.
    pub fn income(&self, rules: &MiningRules) -> Option<Income> {
        let SessionState::Computing(session) = &self.state.as_ref()?.state else { return None };
        let index = self.index.as_ref()?;
        let entry = session.entry()?;
        let share = entry.share_at(index.block()).unwrap_or_else(|| entry.share());
        let total_share = index.total_share();
        let budget_per_day = rules.budget_per_day(index.block());
        let part = share.checked_div(total_share)?;
        let of_day = Fixed::from_balance(budget_per_day).ok()?.saturating_mul(part);
        let treasury = of_day.saturating_mul(rules.parameters.treasury_ratio);
        let unpaid = session.unpaid(index, &rules.parameters).ok()?;
        Some(Income {
            per_day: of_day.saturating_sub(treasury).to_balance(),
            treasury_per_day: treasury.to_balance(),
            budget_per_day,
            share,
            total_share,
            unpaid: unpaid.worker,
        })
    }
}

/// A value of something that may not be there.
fn read_at<T: Decode>(
    proven: &Proven,
    what: &'static str,
    key: Option<Vec<u8>>,
) -> Result<Option<T>, ChainError> {
    key.map_or(Ok(None), |key| proven.read(what, &key))
}

impl Chain {
    /// What holds for all workers that mine, by the node's word.
    ///
    /// # Errors
    /// When the node fails, or the chain has no mining.
    pub async fn mining_rules(&self) -> Result<MiningRules, ChainError> {
        let item = |item: &'static str| (COMPUTATION, item);
        Ok(MiningRules {
            parameters: self
                .or_default(
                    "parameters of mining",
                    item("TokenomicParameters"),
                    keys::mining_parameters(),
                )
                .await?,
            schedule: self
                .or_default("budget", item("BudgetSchedule"), keys::budget_schedule())
                .await?,
            network_share: self
                .or_default("part of the budget", item("NetworkShare"), keys::network_share())
                .await?,
            benchmark: self
                .or_default(
                    "rules of benchmarks",
                    item("BenchmarkRules"),
                    keys::benchmark_rules(),
                )
                .await?,
            cool_down_seconds: self
                .or_default("time of cooling down", item("CoolDownPeriod"), keys::cool_down_seconds())
                .await?,
            paused: self
                .or_default("pause of challenges", item("HeartbeatPaused"), keys::heartbeat_paused())
                .await?,
        })
    }

    /// The session of a worker, by the node's word, and whether it is bound to it.
    async fn session_of(&self, worker: &WorkerId) -> Result<Option<(AccountId, bool)>, ChainError> {
        let bound = self.unproven("session of a worker", keys::worker_session(worker)).await?;
        if let Some(session) = bound {
            return Ok(Some((session, true)));
        }
        let former = self.unproven("session of a worker", keys::former_session(worker)).await?;
        Ok(former.map(|session| (session, false)))
    }

    /// All that the chain says of a worker's mining, proven.
    ///
    /// # Errors
    /// When the node fails or its proof does not hold.
    pub async fn worker_mining(&self, worker: &WorkerId) -> Result<WorkerMining, ChainError> {
        let session = self.session_of(worker).await?;
        let info: Option<WorkerInfo> =
            self.unproven("worker registration", keys::worker(worker)).await?;
        let build = info.map(|info| keys::allowed_measurement(&info.measurement));
        let [bound, former] = [keys::worker_session(worker), keys::former_session(worker)];
        let mut wanted = vec![
            keys::worker(worker),
            keys::endpoints(worker),
            keys::cluster_of_worker(worker),
            keys::benchmark(worker),
            keys::pool_of_worker(worker),
            bound.clone(),
            former.clone(),
            keys::reward_index(),
            keys::timestamp_now(),
        ];
        wanted.extend(build.clone());
        if let Some((session, _)) = &session {
            wanted.extend([
                keys::session(session),
                keys::pool_session(session),
                keys::pending_challenge(session),
                keys::owed_to_session(session),
                keys::slashes_of_session(session),
            ]);
        }
        let proven = self.proven(&wanted).await?;
        let record = worker_record(&proven, worker)?;
        // Which session it is, the proof says; the node only said what to ask for.
        let now_bound: Option<AccountId> = proven.read("session of a worker", &bound)?;
        let now_former: Option<AccountId> = proven.read("session of a worker", &former)?;
        let session = session
            .map(|(session, _)| session)
            .filter(|session| [now_bound, now_former].contains(&Some(*session)));
        let of_session = |key: fn(&AccountId) -> Vec<u8>| session.as_ref().map(key);
        let build_allowed = match &build {
            Some(key) => proven.read::<u32>("allow-list", key)?.is_some(),
            None => false,
        };
        Ok(WorkerMining {
            build_allowed,
            cluster: proven.read("cluster of a worker", &keys::cluster_of_worker(worker))?,
            benchmark: proven.read("benchmark", &keys::benchmark(worker))?,
            pool: proven.read("pool of a worker", &keys::pool_of_worker(worker))?,
            bound: session.is_some() && now_bound == session,
            state: read_at(&proven, "session", of_session(keys::session))?,
            pool_session: read_at(&proven, "session of a pool", of_session(keys::pool_session))?,
            challenge: read_at(&proven, "challenge", of_session(keys::pending_challenge))?,
            owed: read_at(&proven, "debt", of_session(keys::owed_to_session))?.unwrap_or_default(),
            slashes: read_at(&proven, "slashes", of_session(keys::slashes_of_session))?.unwrap_or_default(),
            session,
            index: proven.read("reward index", &keys::reward_index())?,
            block: proven.state.number(),
            at_ms: proven.read("timestamp", &keys::timestamp_now())?.unwrap_or_default(),
            endpoints: record.as_ref().map(|record| record.endpoints.clone()).unwrap_or_default(),
            info: record.map(|record| record.info),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> MiningRules {
        MiningRules {
            parameters: Parameters::MAIN,
            schedule: Schedule::MAIN,
            network_share: Permill::ONE,
            benchmark: BenchmarkRules::default(),
            cool_down_seconds: 604_800,
            paused: false,
        }
    }

    #[test]
    fn bounds_of_a_stake_are_the_published_ones() {
        let pha = primitives::units::PHA;
        let bounds = rules().stake_bounds(100, 1);
        // k · √P = 50 · 10, and v_max / 1.5 less 0.4497… · 100.
        assert_eq!(bounds.least, 500 * pha + 1);
        assert!(bounds.most > 19_955 * pha && bounds.most < 19_956 * pha, "{}", bounds.most);
        let weak = rules().stake_bounds(100, 5);
        assert!(weak.most > bounds.most, "less is multiplied, so more may be staked");
    }

    #[test]
    fn a_day_divides_what_the_budget_says() {
        let pha = primitives::units::PHA;
        let day = rules().budget_per_day(1);
        assert!(day.abs_diff(720_000 * pha) < pha, "{day}");
        let half = MiningRules { network_share: Permill::from_parts(500_000), ..rules() };
        assert!(half.budget_per_day(1).abs_diff(360_000 * pha) < pha);
    }
}
