//! Prints what commits and reads cost on this machine: `cargo run --release --example measure`.

#![expect(clippy::print_stdout, reason = "a program for people")]

use contract_state::{Position, StateDb, StateView, StoreIdentity};
use primitives::{ClusterId, GenesisHash};
use secrets::StateKey;
use std::time::Instant;

fn key(number: u64) -> Vec<u8> {
    [b"contract/".as_slice(), &number.to_be_bytes(), &[0; 32]].concat()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("phat-measure-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let identity = StoreIdentity {
        genesis: GenesisHash([0; 32]),
        cluster: ClusterId([0; 32]),
    };
    let path = folder.join("state");
    let db = StateDb::open(&path, &StateKey::from_bytes(&[1; 32]), &identity)?;
    let commit = |changes: &[_]| {
        let next_number = db.head().next_number + 1;
        db.commit(
            &Position {
                next_number,
                ..Position::default()
            },
            changes,
        )
    };
    let fill: Vec<_> = (0..100_000)
        .map(|n| (key(n), Some(vec![n as u8; 100])))
        .collect();
    let start = Instant::now();
    commit(&fill)?;
    println!("commit of 100 000 new keys: {:?}", start.elapsed());
    for size in [1u64, 10, 100, 1000] {
        let rounds = 20;
        let start = Instant::now();
        for round in 0..rounds {
            let changes: Vec<_> = (0..size)
                .map(|n| {
                    (
                        key((n * 7919 + round * 31) % 100_000),
                        Some(vec![round as u8; 100]),
                    )
                })
                .collect();
            commit(&changes)?;
        }
        println!(
            "commit of {size} changes among 100 000: {:?}",
            start.elapsed() / rounds as u32
        );
    }
    drop(db);
    let start = Instant::now();
    let db = StateDb::open(&path, &StateKey::from_bytes(&[1; 32]), &identity)?;
    println!("open: {:?}", start.elapsed());
    let snapshot = db.snapshot();
    for (name, count) in [("cold", 2000u64), ("warm nodes", 2000), ("warm value", 1)] {
        let shift = if name == "warm nodes" { 4000 } else { 0 };
        if shift > 0 {
            (0..8000).try_for_each(|n| snapshot.read(&key(n)).map(drop))?;
        }
        let start = Instant::now();
        let rounds = 2000 / count;
        for _ in 0..rounds {
            for n in 0..count {
                snapshot.read(&key(n + shift))?;
            }
        }
        println!("read, {name}: {:?}", start.elapsed() / 2000);
    }
    let start = Instant::now();
    (0..1000).for_each(|_| drop(db.snapshot()));
    println!("snapshot: {:?}", start.elapsed() / 1000);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
