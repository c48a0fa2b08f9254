//! Processors and contracts on a virtual clock.

use primitives::ContractId;
use scheduler::policy::{Bounds, Policy, Standing, Ticket};

/// A step of the clock, nanoseconds.
pub const STEP_NS: u64 = 5_000;
/// Processor time between two checkpoints of a contract, as in the engine.
pub const CHECKPOINT_NS: u64 = 3_000_000;
pub const MILLISECOND_NS: u64 = 1_000_000;

/// What a contract's clients do.
#[derive(Clone, Copy)]
pub enum Load {
    /// So many queries are there at all times.
    Backlog(usize),
    /// One query each so many nanoseconds, whether or not the last is answered.
    Every(u64),
}

pub struct Contract {
    pub weight: u32,
    /// Processor time of each query, nanoseconds.
    pub work_ns: u64,
    pub load: Load,
    /// When its clients come, nanoseconds.
    pub from_ns: u64,
    pub used_ns: u64,
    /// From arrival to answer, of each query, nanoseconds.
    pub latencies_ns: Vec<u64>,
    present: usize,
}

impl Contract {
    pub fn new(weight: u32, work_ns: u64, load: Load) -> Self {
        let latencies_ns = Vec::new();
        Self { weight, work_ns, load, from_ns: 0, used_ns: 0, latencies_ns, present: 0 }
    }

    pub fn p99_ns(&self) -> u64 {
        let mut sorted = self.latencies_ns.clone();
        sorted.sort_unstable();
        sorted[sorted.len() * 99 / 100]
    }
}

struct Query {
    ticket: Ticket,
    contract: usize,
    arrived_ns: u64,
    left_ns: u64,
    uncharged_ns: u64,
}

pub struct Simulation {
    pub contracts: Vec<Contract>,
    policy: Policy,
    processors: usize,
    queries: Vec<Query>,
    now_ns: u64,
}

pub fn id(contract: usize) -> ContractId {
    ContractId([contract as u8 + 1; 32])
}

impl Simulation {
    pub fn new(processors: usize, contracts: Vec<Contract>) -> Self {
        let bounds = Bounds { processors, flow_present_max: 128, present_max: 2048 };
        let (queries, now_ns) = (Vec::new(), 0);
        Self { contracts, policy: Policy::new(bounds), processors, queries, now_ns }
    }

    fn arrive(&mut self) {
        for (index, contract) in self.contracts.iter_mut().enumerate() {
            let count = match contract.load {
                _ if self.now_ns < contract.from_ns => 0,
                Load::Backlog(count) => count - contract.present,
                Load::Every(period_ns) => usize::from(self.now_ns % period_ns < STEP_NS),
            };
            for _ in 0..count {
                let ticket = self.policy.enter(&id(index), contract.weight).unwrap();
                contract.present += 1;
                self.queries.push(Query {
                    ticket,
                    contract: index,
                    arrived_ns: self.now_ns,
                    left_ns: contract.work_ns,
                    uncharged_ns: 0,
                });
            }
        }
    }

    /// One step: who runs gets processor time, evenly where more run than there are processors.
    fn step(&mut self) {
        self.arrive();
        let runs = |policy: &Policy, query: &Query| {
            policy.standing(query.ticket) == Standing::Running
        };
        let running = self.queries.iter().filter(|query| runs(&self.policy, query)).count();
        assert!(running <= 2 * self.processors && running == self.policy.running());
        assert!(running >= self.processors.min(self.queries.len()), "a processor stands idle");
        let share_ns = STEP_NS * self.processors as u64 / running.max(self.processors) as u64;
        self.now_ns += STEP_NS;
        let (policy, contracts, now_ns) = (&mut self.policy, &mut self.contracts, self.now_ns);
        let ran: Vec<Ticket> = self
            .queries
            .iter()
            .filter(|query| runs(policy, query))
            .map(|query| query.ticket)
            .collect();
        self.queries.retain_mut(|query| {
            if !ran.contains(&query.ticket) {
                return true;
            }
            let contract = &mut contracts[query.contract];
            let used_ns = share_ns.min(query.left_ns);
            contract.used_ns += used_ns;
            query.left_ns -= used_ns;
            query.uncharged_ns += used_ns;
            if query.left_ns == 0 {
                policy.leave(query.ticket, query.uncharged_ns);
                contract.latencies_ns.push(now_ns - query.arrived_ns);
                contract.present -= 1;
                return false;
            }
            if query.uncharged_ns >= CHECKPOINT_NS {
                policy.checkpoint(query.ticket, std::mem::take(&mut query.uncharged_ns));
            }
            true
        });
    }

    pub fn run(&mut self, milliseconds: u64) -> &mut Self {
        for _ in 0..milliseconds * MILLISECOND_NS / STEP_NS {
            self.step();
        }
        self
    }

    /// Forgets what was counted so far.
    pub fn count_anew(&mut self) {
        for contract in &mut self.contracts {
            contract.used_ns = 0;
            contract.latencies_ns.clear();
        }
    }

    /// Each contract's part of the processor time used, in 1/10 000.
    pub fn shares(&self) -> Vec<u64> {
        let total: u64 = self.contracts.iter().map(|contract| contract.used_ns).sum();
        self.contracts.iter().map(|contract| contract.used_ns * 10_000 / total.max(1)).collect()
    }
}
