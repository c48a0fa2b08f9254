//! What goes wrong, when and for how long: all from one seed, before anything starts.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use serde::Serialize;
use std::time::Duration;

/// Time before the first fault, so that there is something to lose.
const QUIET_FIRST: Duration = Duration::from_secs(10);
/// Time from one fault's start to the next one's.
const GAP_SECONDS: (u64, u64) = (6, 18);
/// How long a fault lasts.
const LASTS_SECONDS: (u64, u64) = (5, 30);
/// Faults that are there at once, at most.
const AT_ONCE_MAX: usize = 3;

/// What a machine is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A chain node, which is a validator.
    Node,
    /// A gatekeeper.
    Gatekeeper,
    /// A worker of the cluster of that number, from 0 on.
    Worker(usize),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The process ends at once, and is started again.
    Kill,
    /// The process stands still, and goes on.
    Pause,
    /// The machine's cable is pulled.
    Cut,
    /// This machine and some others cannot reach the rest, nor clients them.
    Partition,
    /// A part of all packets is lost.
    Lossy,
    /// Packets are late, or the line is narrow.
    Slow,
    /// Not a byte more can be written.
    FullDisk,
    /// The clock goes wrong by so many seconds, and right again.
    Clock(i64),
    /// The machine is copied; at the end it starts again from the copy, as if nothing since had been.
    OldCopy,
}

impl Fault {
    /// The name without its number.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Cut => "cut",
            Self::Partition => "partition",
            Self::Lossy => "lossy",
            Self::Slow => "slow",
            Self::FullDisk => "full-disk",
            Self::Clock(_) => "clock",
            Self::OldCopy => "old-copy",
        }
    }

    fn befalls(self, role: Role) -> bool {
        match self {
            // A gatekeeper from before a dealing has no share any more, and three of five must have theirs.
            Self::OldCopy => role != Role::Gatekeeper,
            Self::FullDisk | Self::Clock(_) => {
                matches!(role, Role::Worker(_)) || (self == Self::FullDisk && role == Role::Node)
            }
            _ => true,
        }
    }
}

/// All kinds. How far clocks jump: within what a query may be old, and backwards by a day.
const KINDS: [Fault; 10] = [
    Fault::Kill,
    Fault::Pause,
    Fault::Cut,
    Fault::Partition,
    Fault::Lossy,
    Fault::Slow,
    Fault::FullDisk,
    Fault::Clock(40),
    Fault::Clock(-86_400),
    Fault::OldCopy,
];

/// A fault that will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// When it begins, from the start of the load.
    pub at: Duration,
    /// How long it is there.
    pub lasts: Duration,
    /// What.
    pub fault: Fault,
    /// Which machines, by their places.
    pub machines: Vec<usize>,
}

impl Planned {
    fn end(&self) -> Duration {
        self.at + self.lasts
    }
}

/// Draws faults for machines of these roles, over so long a time.
pub struct Draw {
    random: ChaCha20Rng,
    roles: Vec<Role>,
}

impl Draw {
    /// From a seed.
    pub fn new(seed: u64, roles: Vec<Role>) -> Self {
        Self {
            random: ChaCha20Rng::seed_from_u64(seed),
            roles,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        // The bias of a remainder is far below what a plan could show.
        (self.random.next_u64() % bound.max(1) as u64) as usize
    }

    fn seconds(&mut self, (least, most): (u64, u64)) -> Duration {
        let spread = ((most - least) * 1000) as usize;
        Duration::from_millis(least * 1000 + self.below(spread) as u64)
    }

    /// The plan. Every kind comes before any comes a second time; all end before `whole` is over.
    pub fn plan(mut self, whole: Duration, without: &[&str]) -> Vec<Planned> {
        let kinds: Vec<Fault> = KINDS
            .into_iter()
            .filter(|kind| !without.contains(&kind.name()))
            .collect();
        let mut plan: Vec<Planned> = Vec::new();
        let mut bag = Vec::new();
        let mut at = QUIET_FIRST;
        loop {
            if bag.is_empty() {
                bag.clone_from(&kinds);
            }
            let lasts = self.seconds(LASTS_SECONDS);
            if at + lasts > whole || kinds.is_empty() {
                return plan;
            }
            let there: Vec<&Planned> = plan.iter().filter(|other| other.end() > at).collect();
            if there.len() < AT_ONCE_MAX {
                let taken: Vec<usize> = there
                    .iter()
                    .flat_map(|other| other.machines.clone())
                    .collect();
                let choice = self.below(bag.len());
                let fault = bag[choice];
                let machines = self.machines(fault, &taken);
                if !machines.is_empty() {
                    bag.swap_remove(choice);
                    plan.push(Planned {
                        at,
                        lasts,
                        fault,
                        machines,
                    });
                }
            }
            at += self.seconds(GAP_SECONDS);
        }
    }

    /// Whom it befalls, of those that are `taken` by no other fault: first whether a node, a gatekeeper or a
    /// worker, so that the few are not spared; then which.
    fn machines(&mut self, fault: Fault, taken: &[usize]) -> Vec<usize> {
        let free: Vec<usize> = (0..self.roles.len())
            .filter(|place| !taken.contains(place) && fault.befalls(self.roles[*place]))
            .collect();
        let sort = |role: Role| match role {
            Role::Node => 0,
            Role::Gatekeeper => 1,
            Role::Worker(_) => 2,
        };
        let mut sorts: Vec<usize> = free.iter().map(|place| sort(self.roles[*place])).collect();
        sorts.dedup();
        if sorts.is_empty() {
            return Vec::new();
        }
        let mut chosen = Vec::new();
        // A partition has one machine of each sort on its small side.
        let wanted = match fault {
            Fault::Partition => sorts,
            _ => vec![sorts[self.below(sorts.len())]],
        };
        for wanted in wanted {
            let of_sort: Vec<usize> = free
                .iter()
                .copied()
                .filter(|place| sort(self.roles[*place]) == wanted)
                .collect();
            chosen.push(of_sort[self.below(of_sort.len())]);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn roles() -> Vec<Role> {
        let mut roles = vec![Role::Node; 4];
        roles.extend([Role::Gatekeeper; 5]);
        roles.extend([Role::Worker(0), Role::Worker(0), Role::Worker(0)]);
        roles.extend([Role::Worker(1), Role::Worker(1), Role::Worker(1)]);
        roles
    }

    #[test]
    fn a_seed_gives_one_plan() {
        let plan = |seed| Draw::new(seed, roles()).plan(Duration::from_secs(600), &[]);
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
    }

    #[test]
    fn faults_are_of_all_kinds_and_no_machine_has_two_at_once() {
        for seed in 0..200 {
            let whole = Duration::from_secs(600);
            let plan = Draw::new(seed, roles()).plan(whole, &[]);
            let kinds: HashSet<&str> = plan.iter().map(|planned| planned.fault.name()).collect();
            assert_eq!(kinds.len(), 9, "{plan:?}");
            for (place, one) in plan.iter().enumerate() {
                assert!(one.end() <= whole && one.at >= QUIET_FIRST);
                assert!(
                    one.machines
                        .iter()
                        .all(|machine| one.fault.befalls(roles()[*machine]))
                );
                let both = plan[..place].iter().filter(|other| other.end() > one.at);
                let both: Vec<&Planned> = both.collect();
                assert!(both.len() < AT_ONCE_MAX);
                for other in both {
                    assert!(
                        !other
                            .machines
                            .iter()
                            .any(|machine| one.machines.contains(machine))
                    );
                }
            }
        }
    }

    #[test]
    fn what_a_machine_cannot_do_is_left_out() {
        let plan = Draw::new(1, roles()).plan(Duration::from_secs(600), &["clock"]);
        assert!(!plan.is_empty());
        assert!(plan.iter().all(|planned| planned.fault.name() != "clock"));
    }
}
