//! Runs every check on its seeds and on all inputs that once failed, without a fuzzer.

use std::fs;
use std::path::{Path, PathBuf};

fn inputs(folder: &str, check: &str) -> Vec<PathBuf> {
    let root = Path::new("../../fuzz");
    let Ok(entries) = fs::read_dir(root.join(folder).join(check)) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn replay(check: &str) {
    let seeds = inputs("seeds", check);
    assert!(!seeds.is_empty(), "the target {check} has no seeds");
    for path in seeds.into_iter().chain(inputs("regressions", check)) {
        // Shown when it fails.
        println!("{}", path.display());
        fuzz_checks::run(check, &fs::read(path).unwrap());
    }
}

/// One test for each check, and a check that none is forgotten.
macro_rules! replay {
    ($($check:ident),*) => {
        $(
            #[test]
            fn $check() {
                replay(stringify!($check));
            }
        )*

        #[test]
        fn every_check_is_replayed() {
            let names: Vec<&str> = fuzz_checks::CHECKS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($check)),*]);
        }
    };
}

replay!(
    wire,
    abi,
    attestation,
    chain_proof,
    addresses,
    queries,
    commands,
    compatible,
    code,
    differential,
    host_calls
);
