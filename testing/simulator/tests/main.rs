//! A fixed set of seeds, and proof that the checkers see what is wrong.

use simulator::{Options, Report, Sabotage, run};

/// Seeds that are run each time.
const SEEDS: u64 = 20;
/// Seeds among which a deliberate bug must be found.
const SABOTAGED_SEEDS: u64 = 6;

fn must_hold(options: &Options) -> Report {
    run(options).unwrap_or_else(|failure| panic!("{failure}\n{}", failure.log.join("\n")))
}

#[test]
fn a_fixed_set_of_seeds_holds_and_does_what_it_should() {
    let reports: Vec<Report> = (0..SEEDS).map(|seed| must_hold(&Options::of(seed))).collect();
    // A simulation in which nothing happens would hold as well.
    for kind in [
        "answer", "command", "commit", "death", "joining", "snapshot taken", "chunk altered", "lost",
        "doubled", "older disk", "stop", "suspended", "diverged", "stale", "refused",
        "keys rotated", "old seeds wiped", "seed lost",
    ] {
        let count: u64 =
            reports.iter().filter_map(|report| report.counts.get(kind)).copied().sum();
        assert!(count > 0, "nothing of the kind: {kind}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let digest = |seed| must_hold(&Options { rounds: 120, ..Options::of(seed) }).digest;
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}

/// The checker of this name must find the deliberate bug.
fn is_found(sabotage: Sabotage, checker: &str) {
    let mut found: Vec<String> = Vec::new();
    for seed in 0..SABOTAGED_SEEDS {
        let options = Options { sabotage: Some(sabotage), rounds: 150, ..Options::of(seed) };
        if let Err(failure) = run(&options) {
            if failure.what.starts_with(checker) {
                return;
            }
            found.push(failure.what);
        }
    }
    panic!("{sabotage:?} is not found by `{checker}`: {found:#?}");
}

#[test]
fn a_disk_that_forgets_is_found() {
    is_found(Sabotage::DiskForgets, "one state");
}

#[test]
fn an_unchecked_snapshot_is_found() {
    is_found(Sabotage::UncheckedSnapshot, "one state");
}

#[test]
fn a_suspended_worker_that_serves_is_found() {
    is_found(Sabotage::SuspensionHidden, "entitled");
}

#[test]
fn a_command_that_runs_twice_is_found() {
    is_found(Sabotage::EntryRepeated, "one state");
}

#[test]
fn a_seed_for_a_stranger_is_found() {
    is_found(Sabotage::StrangerWaits, "entitled");
}

#[test]
fn two_processes_that_speak_for_one_worker_are_found() {
    is_found(Sabotage::SameInstance, "no forgotten state");
}

#[test]
fn an_answer_from_an_old_block_is_found() {
    is_found(Sabotage::ClockStands, "fresh");
}
