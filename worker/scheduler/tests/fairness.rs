//! Shares, latency beside a flood, and what an idle contract is owed.

use crate::simulation::{Contract, Load, MILLISECOND_NS, Simulation};

/// Asserts that each share is within 2 % of what is expected, both in 1/10 000.
fn check_shares(simulation: &Simulation, expected: &[u64]) {
    let shares = simulation.shares();
    for (share, expected) in shares.iter().zip(expected) {
        assert!(share.abs_diff(*expected) * 50 <= *expected, "{shares:?}, not {expected}");
    }
}

#[test]
fn three_to_one_under_full_load_whatever_the_queries_cost() {
    let costs = [(30_000, 30_000), (30_000, 200 * MILLISECOND_NS), (7 * MILLISECOND_NS, 50_000)];
    for processors in [1, 4] {
        for (first_ns, second_ns) in costs {
            let contracts = vec![
                Contract::new(3, first_ns, Load::Backlog(32)),
                Contract::new(1, second_ns, Load::Backlog(32)),
            ];
            let mut simulation = Simulation::new(processors, contracts);
            // The beginning is counted too: nobody is ahead at first.
            check_shares(simulation.run(1_000), &[7_500, 2_500]);
        }
    }
}

#[test]
fn many_queries_or_long_ones_get_no_more_than_few_or_short_ones() {
    let contracts = vec![
        Contract::new(5, 100_000, Load::Backlog(3)),
        Contract::new(5, 100_000, Load::Backlog(100)),
        Contract::new(5, 900 * MILLISECOND_NS, Load::Backlog(8)),
    ];
    let mut simulation = Simulation::new(1, contracts);
    check_shares(simulation.run(3_000), &[3_333, 3_333, 3_333]);
}

#[test]
fn contracts_without_weight_have_together_what_weight_one_has() {
    let mut contracts = vec![Contract::new(1, 100_000, Load::Backlog(8))];
    contracts.extend((0..10).map(|_| Contract::new(0, 100_000, Load::Backlog(8))));
    let mut simulation = Simulation::new(2, contracts);
    let mut expected = vec![5_000];
    expected.extend([500; 10]);
    check_shares(simulation.run(2_000), &expected);
}

#[test]
fn the_least_weight_gets_its_share_beside_the_greatest() {
    let contracts = vec![
        Contract::new(1_000, 100_000, Load::Backlog(64)),
        Contract::new(10, 100_000, Load::Backlog(64)),
    ];
    let mut simulation = Simulation::new(1, contracts);
    simulation.run(4_000);
    assert!(!simulation.contracts[1].latencies_ns.is_empty());
    check_shares(&simulation, &[9_900, 99]);
}

#[test]
fn a_flood_leaves_a_neighbour_the_latency_of_its_fair_share() {
    // The neighbour needs a quarter of the processor and has a right to half of it. On a processor of
    // half the speed, its own, each query would take twice its work.
    for work_ns in [MILLISECOND_NS, 4 * MILLISECOND_NS] {
        for flood_ns in [30_000, MILLISECOND_NS, 500 * MILLISECOND_NS] {
            let neighbour = Contract::new(7, work_ns, Load::Every(4 * work_ns));
            let flood = Contract::new(7, flood_ns, Load::Backlog(100));
            let mut simulation = Simulation::new(1, vec![neighbour, flood]);
            let p99_ns = simulation.run(4_000).contracts[0].p99_ns();
            let fair_ns = 2 * work_ns;
            assert!(p99_ns * 10 < fair_ns * 11, "{p99_ns} beside {flood_ns}, fair {fair_ns}");
        }
    }
}

#[test]
fn a_contract_that_did_nothing_is_owed_nothing() {
    let contracts = || {
        let early = Contract::new(1, MILLISECOND_NS, Load::Backlog(8));
        let mut late = Contract::new(1, MILLISECOND_NS, Load::Backlog(8));
        late.from_ns = 5_000 * MILLISECOND_NS;
        vec![early, late]
    };
    let mut simulation = Simulation::new(1, contracts());
    simulation.run(5_000).count_anew();
    check_shares(simulation.run(1_000), &[5_000, 5_000]);
    // Nor is one that had the machine for itself behind by what it used.
    assert!(simulation.contracts[0].latencies_ns.len() > 400);
}

#[test]
fn leaving_for_a_moment_pays_no_debt() {
    // Its clients ask one by one, so between two queries it is not there at all.
    let lone = Contract::new(1, 20 * MILLISECOND_NS, Load::Backlog(1));
    let neighbour = Contract::new(1, 20 * MILLISECOND_NS, Load::Backlog(16));
    let mut simulation = Simulation::new(1, vec![lone, neighbour]);
    check_shares(simulation.run(4_000), &[5_000, 5_000]);
}

#[test]
fn a_long_query_of_the_same_contract_lets_short_ones_through() {
    // Two contracts in the simulation's books would be two flows, so one flow is driven by hand.
    use crate::simulation::id;
    use scheduler::policy::{Bounds, Policy, SLICE_NS, Standing};
    let bounds = Bounds { processors: 1, flow_present_max: 8, present_max: 8 };
    let mut policy = Policy::new(bounds);
    let long = policy.enter(&id(0), 1).unwrap();
    let short = policy.enter(&id(0), 1).unwrap();
    policy.checkpoint(long, SLICE_NS / 2);
    assert_eq!(policy.standing(long), Standing::Running);
    policy.checkpoint(long, SLICE_NS / 2);
    assert_eq!(policy.standing(long), Standing::Waiting);
    assert_eq!(policy.standing(short), Standing::Running);
    policy.leave(short, 10_000);
    assert_eq!(policy.standing(long), Standing::Running);
    assert_eq!(policy.take_changed().collect::<Vec<_>>(), [long]);
}
