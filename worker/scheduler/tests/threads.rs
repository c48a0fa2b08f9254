//! Real threads, real processor time. Nothing here depends on how long anything takes.

use crate::simulation::id;
use executor_api::Turn;
use scheduler::{Entered, Hold, Refused, Scheduler, Settings, Stopwatch};
use std::{
    hint::black_box,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

fn scheduler(processors: usize) -> Scheduler {
    let wait_max = Duration::from_secs(120);
    Scheduler::new(Settings { processors, flow_present_max: 8, present_max: 16, wait_max })
}

fn hold(scheduler: &Scheduler, contract: usize, weight: u32) -> Hold {
    match scheduler.enter(&id(contract), weight, Stopwatch::start()).unwrap() {
        Entered::Now(hold) => hold,
        Entered::Later(entry) => entry.wait().unwrap(),
    }
}

/// Computes for about as long as the engine does between two checkpoints.
fn compute() {
    let stopwatch = Stopwatch::start();
    while stopwatch.elapsed_ns() < 300_000 {
        black_box((0..1000u64).fold(0, |sum, number| sum ^ black_box(number)));
    }
}

#[test]
fn three_to_one_of_real_processor_time() {
    const TOTAL_NS: u64 = 600_000_000;
    let scheduler = scheduler(1);
    let used_ns = [AtomicU64::new(0), AtomicU64::new(0)];
    let total = || used_ns.iter().map(|used| used.load(Ordering::Relaxed)).sum::<u64>();
    let entered = Barrier::new(5);
    std::thread::scope(|scope| {
        // Somebody has the processor until all are there.
        let first = hold(&scheduler, 9, 1);
        for thread in 0..4 {
            let (scheduler, used_ns, entered, total) = (&scheduler, &used_ns, &entered, &total);
            scope.spawn(move || {
                let (contract, weight) = [(0, 3), (1, 1)][thread % 2];
                let entry = scheduler.enter(&id(contract), weight, Stopwatch::start()).unwrap();
                entered.wait();
                let hold = match entry {
                    Entered::Now(hold) => hold,
                    Entered::Later(entry) => entry.wait().unwrap(),
                };
                while total() < TOTAL_NS {
                    let stopwatch = Stopwatch::start();
                    compute();
                    used_ns[contract].fetch_add(stopwatch.elapsed_ns(), Ordering::Relaxed);
                    assert!(hold.checkpoint());
                }
            });
        }
        entered.wait();
        drop(first);
    });
    let [three, one] = used_ns.map(AtomicU64::into_inner);
    // A slice or two of each lie between the counts here and there.
    let share = three * 1000 / (three + one);
    assert!((735..=765).contains(&share), "{three} : {one}");
    assert_eq!((scheduler.present(), scheduler.running()), (0, 0));
}

#[test]
fn a_query_that_computes_for_ever_holds_up_nobody() {
    let scheduler = scheduler(1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let endless = hold(&scheduler, 0, 100);
        let (of_another, of_the_same) = (&scheduler, &scheduler);
        let others = [
            scope.spawn(move || drop(hold(of_another, 1, 1))),
            scope.spawn(move || drop(hold(of_the_same, 0, 100))),
        ];
        let done = &done;
        scope.spawn(move || {
            others.into_iter().for_each(|other| other.join().unwrap());
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            compute();
            assert!(endless.checkpoint());
        }
    });
}

#[test]
fn a_wait_for_something_else_leaves_the_processor_to_others() {
    let scheduler = scheduler(1);
    let waiting = hold(&scheduler, 0, 1);
    waiting.pause();
    // On the same thread: this would never end if the processor were still taken.
    let other = hold(&scheduler, 1, 1);
    drop(other);
    assert!(waiting.resume());
    assert_eq!(scheduler.running(), 1);
}

#[test]
fn a_wait_has_an_end_and_says_so() {
    let wait_max = Duration::from_millis(1);
    let settings = Settings { processors: 1, flow_present_max: 8, present_max: 16, wait_max };
    let scheduler = Scheduler::new(settings);
    let _holder = hold(&scheduler, 0, 1);
    let Entered::Later(entry) = scheduler.enter(&id(0), 1, Stopwatch::start()).unwrap() else {
        panic!("one processor, held by another");
    };
    let refused = entry.wait().err().unwrap();
    assert_eq!(refused, Refused::WaitedTooLong { waited_ms: 1 });
    assert_eq!(scheduler.present(), 1);
}

#[test]
fn who_goes_before_the_turn_comes_leaves_no_trace() {
    let scheduler = scheduler(1);
    let holder = hold(&scheduler, 0, 1);
    let entry = scheduler.enter(&id(1), 1, Stopwatch::start()).unwrap();
    assert_eq!(scheduler.present(), 2);
    drop(entry);
    drop(holder);
    assert_eq!((scheduler.present(), scheduler.running()), (0, 0));
}
