//! Some seeds in every run of the tests; `cargo xtask fuzz-money` runs more.

use money_fuzz::Kind;

/// Without these nothing else has money to move.
const LIFE: [Kind; 8] = [
    Kind::Benchmark,
    Kind::Create,
    Kind::Assign,
    Kind::Contribute,
    Kind::Start,
    Kind::Answer,
    Kind::Stop,
    Kind::Withdraw,
];

#[test]
fn money_moves_and_is_never_made_or_lost() {
    let reports: Vec<_> = (1..=2).map(|seed| money_fuzz::run(seed, 2_000).unwrap()).collect();
    // A driver that is always refused would find nothing.
    for kind in LIFE {
        let done: u64 = reports.iter().map(|report| report.done(kind)).sum();
        assert!(done > 0, "{kind:?} never succeeded: {}", reports[0]);
    }
}
