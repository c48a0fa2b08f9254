//! What happens when there is no room.

use crate::simulation::id;
use scheduler::{
    Refused,
    policy::{Bounds, COST_QUERIES, Policy, Standing},
};

const BOUNDS: Bounds = Bounds { processors: 1, flow_present_max: 4, present_max: 8 };

#[test]
fn a_flood_is_refused_to_who_floods() {
    let mut policy = Policy::new(BOUNDS);
    for _ in 0..4 {
        policy.enter(&id(0), 1).unwrap();
    }
    let refused = policy.enter(&id(0), 1);
    assert_eq!(refused, Err(Refused::ContractBusy { limit: 4 }));
    assert!(refused.unwrap_err().to_string().contains("4 queries"));
    assert!(policy.enter(&id(1), 1).is_ok());
}

#[test]
fn many_flooding_contracts_make_room_for_one_that_has_few() {
    let mut policy = Policy::new(BOUNDS);
    let first: Vec<_> = (0..4).map(|_| policy.enter(&id(0), 1).unwrap()).collect();
    for _ in 0..4 {
        policy.enter(&id(1), 1).unwrap();
    }
    let newcomer = policy.enter(&id(2), 1).unwrap();
    assert_eq!(policy.standing(newcomer), Standing::Waiting);
    let evicted: Vec<_> = policy.take_changed().collect();
    assert_eq!(evicted.len(), 1);
    assert_eq!(policy.standing(evicted[0]), Standing::Evicted);
    assert_eq!(policy.present(), 8);
    // What runs is not evicted.
    assert_ne!(evicted[0], first[0]);
    policy.leave(evicted[0], 0);
    assert_eq!(policy.present(), 8);
    // One that has as many as the others is refused, and all that are left get their turn.
    for _ in 0..2 {
        let _fits = policy.enter(&id(2), 1);
    }
    assert_eq!(policy.enter(&id(2), 1), Err(Refused::WorkerBusy { limit: 8 }));
}

#[test]
fn weight_counts_for_places_too() {
    let mut policy = Policy::new(BOUNDS);
    for free in 0..8 {
        policy.enter(&id(free), 0).unwrap();
    }
    // Eight contracts without weight hold all places, one each.
    assert_eq!(policy.enter(&id(8), 0), Err(Refused::WorkerBusy { limit: 8 }));
    assert!(policy.enter(&id(9), 1).is_ok());
}

#[test]
fn all_leave_nothing_behind_in_whatever_order() {
    let mut policy = Policy::new(BOUNDS);
    let mut state = 1u64;
    let mut here = Vec::new();
    for _ in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (what, which) = ((state >> 33) % 5, (state >> 40) as usize);
        match what {
            0 | 1 => here.extend(policy.enter(&id(which % 5), (which % 3) as u32)),
            _ if here.is_empty() => {}
            2 => policy.leave(here.swap_remove(which % here.len()), 1_000),
            3 => policy.checkpoint(here[which % here.len()], 3_000_000),
            _ => {
                let ticket = here[which % here.len()];
                policy.pause(ticket, 500);
                policy.resume(ticket);
            }
        }
        let standings: Vec<_> = here.iter().map(|ticket| policy.standing(*ticket)).collect();
        let count = |wanted| standings.iter().filter(|standing| **standing == wanted).count();
        assert_eq!(policy.running(), count(Standing::Running));
        assert_eq!(policy.present(), here.len() - count(Standing::Evicted));
        assert!(count(Standing::Waiting) == 0 || policy.running() >= 1);
        assert_eq!(count(Standing::Paused), 0);
    }
    here.drain(..).for_each(|ticket| policy.leave(ticket, 0));
    assert_eq!((policy.present(), policy.running()), (0, 0));
    assert!(policy.enter(&id(0), 1).is_ok());
}

#[test]
fn who_waits_for_something_else_holds_no_processor_but_a_place() {
    let mut policy = Policy::new(BOUNDS);
    let paused = policy.enter(&id(0), 1).unwrap();
    policy.pause(paused, 1_000);
    let other = policy.enter(&id(1), 1).unwrap();
    assert_eq!(policy.standing(other), Standing::Running);
    assert_eq!((policy.present(), policy.running()), (2, 1));
    policy.pause(paused, 0);
    assert_eq!(policy.standing(paused), Standing::Paused);
    policy.leave(other, 1_000);
    assert_eq!(policy.standing(paused), Standing::Paused);
    policy.resume(paused);
    assert_eq!(policy.standing(paused), Standing::Running);
}

#[test]
fn a_cost_is_a_coarse_mean_of_many_queries() {
    let mut policy = Policy::new(Bounds { processors: 1, flow_present_max: 8, present_max: 8 });
    let ask = |policy: &mut Policy, used_ns: u64| {
        let ticket = policy.enter(&id(0), 3).unwrap();
        policy.leave(ticket, used_ns);
    };
    for query in 0..COST_QUERIES {
        ask(&mut policy, 1_000_000 + query);
        assert_eq!(policy.usage(&id(0)).unwrap().cost_ns, None, "of {query}");
    }
    ask(&mut policy, 9_000_000);
    let usage = policy.usage(&id(0)).unwrap();
    // 1 000 031 and a half, in three significant bits: 2^20 is the next that has no more.
    assert_eq!(usage.cost_ns, Some(1 << 20));
    assert_eq!((usage.weight, usage.queries), (3, COST_QUERIES + 1));
    // A single dear one shows only in the next mean.
    for _ in 0..COST_QUERIES - 1 {
        ask(&mut policy, 1_000_000);
    }
    assert_eq!(policy.usage(&id(0)).unwrap().cost_ns, Some(1 << 20));
    ask(&mut policy, 1_000_000);
    assert_eq!(policy.usage(&id(0)).unwrap().cost_ns, Some(5 << 18));
    let used_ns = 65 * 1_000_000 + (0..COST_QUERIES).sum::<u64>() + 8_000_000 + 64 * 1_000_000;
    assert_eq!(policy.totals().used_ns, used_ns);
    assert_eq!(policy.usage(&id(1)), None);
}

#[test]
fn without_a_weight_half_as_many_may_be_here() {
    let mut policy = Policy::new(Bounds { processors: 1, flow_present_max: 4, present_max: 8 });
    for _ in 0..2 {
        policy.enter(&id(0), 0).unwrap();
    }
    assert_eq!(policy.enter(&id(0), 0), Err(Refused::ContractBusy { limit: 2 }));
    assert!(policy.enter(&id(0), 1).is_ok(), "its stake came in this moment");
    assert_eq!(policy.totals().refused, 1);
}
