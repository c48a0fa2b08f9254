//! Some seeds in every run of the tests; `cargo xtask fuzz-money` runs more.

#[test]
fn money_moves_and_is_never_made_or_lost() {
    for seed in 1..=2 {
        let report = money_fuzz::run(seed, 3_000).unwrap();
        // A driver that is always refused would find nothing.
        for kind in money_fuzz::KINDS {
            assert!(report.done(*kind) > 0, "seed {seed}: {kind:?} never succeeded; {report}");
        }
    }
}
