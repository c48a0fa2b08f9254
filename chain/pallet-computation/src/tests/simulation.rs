//! Many workers over many blocks. `PHAT_SIMULATION_WORKERS` and `PHAT_SIMULATION_BLOCKS` make it larger;
//! `--nocapture` shows what it measures.

use crate::mock::*;
use crate::*;
use economics::{Parameters, Schedule};
use polkadot_sdk::*;
use primitives::units::PHA;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Entries and bytes of all storage below a prefix.
fn measured(prefix: &[u8]) -> (usize, usize) {
    let mut sum = (0, 0);
    let mut key = prefix.to_vec();
    while let Some(next) = sp_io::storage::next_key(&key).filter(|next| next.starts_with(prefix)) {
        let value = sp_io::storage::get(&next).map_or(0, |value| value.len());
        sum = (sum.0 + 1, sum.1 + next.len() + value);
        key = next;
    }
    sum
}

fn storage_report() -> usize {
    let pallet = sp_io::hashing::twox_128(b"Computation");
    for item in [
        "Sessions",
        "SessionBindings",
        "WorkerBindings",
        "OnlineSessions",
        "OnlinePlaces",
        "Benchmarks",
        "PendingChallenges",
        "Challenged",
    ] {
        let prefix = [pallet, sp_io::hashing::twox_128(item.as_bytes())].concat();
        let (entries, bytes) = measured(&prefix);
        println!("  {item:18} {entries:8} entries {bytes:10} bytes");
    }
    measured(&pallet).1
}

#[test]
fn many_workers_are_paid_no_more_than_the_budget() {
    let workers = setting("PHAT_SIMULATION_WORKERS", 2_000);
    let length = setting("PHAT_SIMULATION_BLOCKS", 400);
    externalities(7).execute_with(|| {
        // As the network would be: blocks of a second.
        BlockMillis::set(1_000);
        TestParameters::set(Parameters::MAIN.at_block_time(1_000));
        TestSchedule::set(Schedule::MAIN.at_block_time(1_000));
        System::set_block_number(100);
        Timestamp::set_timestamp(START_MS + 100_000);
        let by_session: BTreeMap<_, _> = (0..workers).map(|seed| (session(seed), seed)).collect();
        let begun = Instant::now();
        (0..workers).for_each(|seed| begin(seed, 3_000 * PHA));
        let starting = begun.elapsed();
        let first = System::block_number() as u32;
        unpause();
        let mut starts = Duration::ZERO;
        let mut beats = Duration::ZERO;
        let (mut weight, mut weight_max, mut answers, mut silent) = (0u64, 0u64, 0u64, 0u64);
        let message = wire::message::MessagePayload::Heartbeat {
            session: primitives::AccountId([0; 32]),
            challenge_block: 0,
            nonce: [0; 32],
            iterations: 0,
            contract_running: false,
        };
        let message_weight =
            pallet_mailbox::weights::sync_offchain_message::<Test>(&message).ref_time();
        for _ in 0..length {
            let block = System::block_number() as u32 + 1;
            let (start, took) = next_block_timed();
            starts += took;
            let challenged: Vec<_> =
                Challenged::<Test>::get(ChallengeQueue::<Test>::get().next.wrapping_sub(1))
                    .filter(|challenged| challenged.block == block)
                    .map(|challenged| challenged.sessions.into_inner())
                    .unwrap_or_default();
            let mut used = start.ref_time();
            for session in challenged {
                let seed = by_session[&session];
                // One in fifty is switched off.
                if seed % 50 == 3 {
                    silent += 1;
                    continue;
                }
                let begun = Instant::now();
                answer(seed, u64::from(block) * 17).unwrap();
                beats += begun.elapsed();
                answers += 1;
                used += message_weight;
            }
            weight += used;
            weight_max = weight_max.max(used);
        }
        let last = System::block_number() as u32;
        let budget = TestSchedule::get().between(first, last).to_balance();
        assert!(spent() <= budget, "{} of {budget}", spent());
        assert!(answers > 0 && spent() > 0);
        let gone = workers - OnlineWorkers::<Test>::get();
        assert!(u64::from(gone) <= silent);
        let checked = Instant::now();
        Computation::do_try_state().unwrap();
        println!(
            "{workers} workers, {length} blocks of a second, try_state {:?}",
            checked.elapsed()
        );
        let bytes = storage_report();
        println!(
            "  all of the pallet  {bytes} bytes, {} a worker",
            bytes / workers as usize
        );
        println!("  {answers} answers, {silent} silent, {gone} off line");
        println!("  paid {} of {} PHA", spent() / PHA, budget / PHA);
        println!(
            "  weight of a block: mean {:.3} ms, largest {:.3} ms",
            weight as f64 / f64::from(length) / 1e9,
            weight_max as f64 / 1e9
        );
        println!(
            "  natively: {:?} to bind and start one, {:?} for a block's start, {:?} for an answer",
            starting / workers,
            starts / length,
            beats / answers as u32
        );
    });
}
