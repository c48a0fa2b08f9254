//! Reports, agreement, and who differs.

use super::*;
use pallet_mailbox::ClusterProgress;

fn fill_mailbox(number: u8, entries: u64) {
    let id = ClusterId(cluster(number).0);
    (0..entries).for_each(|_| {
        let account = AccountId([1; 32]);
        Mq::push(&id, MailboxOperation::Deposit { account, amount: 1 }).unwrap();
    });
}

/// A cluster of these workers whose mailbox has entries below 1000.
fn cluster_of(workers: &[u8]) {
    assert_ok!(add_cluster(workers));
    fill_mailbox(1, 999);
}

/// Reports of several workers at a number.
fn report(next_number: u64, reports: &[(u8, u8)]) {
    for (worker, root) in reports {
        assert_ok!(checkpoint(*worker, 1, next_number, *root));
        PhatContracts::do_try_state().unwrap();
    }
}

fn agreed() -> Option<(u64, u8)> {
    let agreed = AgreedCheckpoints::<Test>::get(cluster(1))?;
    let below = PhatContracts::prunable_below(&ClusterId(cluster(1).0));
    assert_eq!(below, agreed.next_number);
    Some((agreed.next_number, agreed.state_root.0[0]))
}

fn suspended() -> Vec<u8> {
    SuspendedWorkers::<Test>::get(cluster(1))
        .iter()
        .map(|worker| worker.0[0])
        .collect()
}

fn diverged(seed: u8, next_number: u64, reported: u8, agreed: u8) -> RuntimeEvent {
    Event::WorkerDiverged {
        cluster: cluster(1),
        worker: worker(seed),
        next_number,
        reported: StateRoot([reported; 32]),
        agreed: StateRoot([agreed; 32]),
    }
    .into()
}

fn conforms(seed: u8, next_number: u64) -> RuntimeEvent {
    Event::WorkerConforms {
        cluster: cluster(1),
        worker: worker(seed),
        next_number,
    }
    .into()
}

#[test]
fn reports_are_of_members_about_entries_that_there_are() {
    run(|| {
        cluster_of(&[1, 2]);
        assert_noop!(checkpoint(9, 1, 0, 0), Error::<Test>::InvalidSender);
        assert_noop!(checkpoint(1, 2, 0, 0), Error::<Test>::InvalidSender);
        assert_noop!(checkpoint(1, 1, 1001, 0), Error::<Test>::CheckpointAhead);
        report(4, &[(1, 0xaa), (1, 0xaa)]);
        assert_noop!(checkpoint(1, 1, 3, 0xaa), Error::<Test>::CheckpointBehind);
        assert_eq!(PhatContracts::least_next_number(cluster(1)), 0);
        report(3, &[(2, 0xcc)]);
        assert_eq!(PhatContracts::least_next_number(cluster(1)), 3);
        assert_eq!((agreed(), suspended()), (None, vec![]));
    });
}

#[test]
fn more_than_half_agree() {
    run(|| {
        cluster_of(&[1, 2, 3, 4]);
        report(10, &[(1, 7), (2, 7)]);
        assert_eq!(agreed(), None);
        System::set_block_number(5);
        report(10, &[(3, 7)]);
        System::assert_last_event(
            Event::CheckpointAgreed {
                cluster: cluster(1),
                next_number: 10,
                state_root: StateRoot([7; 32]),
            }
            .into(),
        );
        assert_eq!(
            AgreedCheckpoints::<Test>::get(cluster(1))
                .unwrap()
                .agreed_at,
            5
        );
        // A late report that fits changes nothing; numbers in between are never agreed afterwards.
        report(9, &[(4, 1)]);
        report(10, &[(4, 7)]);
        report(12, &[(1, 8)]);
        report(11, &[(2, 9), (3, 9), (4, 9)]);
        assert_eq!(agreed(), Some((11, 9)));
        report(12, &[(2, 8), (3, 8)]);
        assert_eq!((agreed(), suspended()), (Some((12, 8)), vec![]));
        report(12, &[(4, 8)]);
        assert_eq!(suspended(), [0; 0]);
    });
}

#[test]
fn a_cluster_of_one_agrees_with_itself() {
    run(|| {
        cluster_of(&[1]);
        report(10, &[(1, 7)]);
        assert_eq!(agreed(), Some((10, 7)));
        report(10, &[(1, 7)]);
        report(20, &[(1, 8)]);
        assert_eq!((agreed(), suspended()), (Some((20, 8)), vec![]));
    });
}

#[test]
fn who_differs_is_named_and_suspended_before_and_after() {
    run(|| {
        cluster_of(&[1, 2, 3, 4]);
        report(10, &[(1, 0xbb), (2, 7), (3, 7)]);
        assert_eq!((agreed(), suspended()), (None, vec![]));
        report(10, &[(4, 7)]);
        System::assert_has_event(diverged(1, 10, 0xbb, 7));
        assert_eq!((agreed(), suspended()), (Some((10, 7)), vec![1]));
        let suspension = Suspensions::<Test>::get(cluster(1), worker(1)).unwrap();
        let expected = Suspension {
            next_number: 10,
            reported: StateRoot([0xbb; 32]),
            agreed: StateRoot([7; 32]),
            since: 1,
        };
        assert_eq!(suspension, expected);
        // Of the other three, two are a majority. The third is late, and wrong.
        report(20, &[(2, 8), (3, 8)]);
        assert_eq!(agreed(), Some((20, 8)));
        report(20, &[(4, 0xcc)]);
        System::assert_last_event(diverged(4, 20, 0xcc, 8));
        assert_eq!(suspended(), [1, 4]);
        assert_eq!(
            Diverged::get(),
            [(WorkerId([1; 32]), 10), (WorkerId([4; 32]), 20)]
        );
    });
}

#[test]
fn a_suspended_worker_has_no_vote_and_conforms_at_a_later_number() {
    run(|| {
        cluster_of(&[1, 2, 3]);
        report(10, &[(1, 0xbb), (2, 7), (3, 7)]);
        assert_eq!(suspended(), [1]);
        // Its old number is not enough, nor is going on as before; going on moves what it must pass.
        report(10, &[(1, 7)]);
        report(20, &[(1, 0xbc), (2, 8)]);
        assert_eq!((agreed(), suspended()), (Some((10, 7)), vec![1]));
        report(20, &[(3, 8)]);
        assert_eq!((agreed(), suspended()), (Some((20, 8)), vec![1]));
        let number = || {
            Suspensions::<Test>::get(cluster(1), worker(1))
                .unwrap()
                .next_number
        };
        assert_eq!(number(), 20);
        // Resynchronised, it may report numbers again that it reported wrongly.
        report(20, &[(1, 8)]);
        assert_eq!((number(), suspended()), (20, vec![1]));
        // Before the others, then with them.
        report(30, &[(1, 9), (2, 9)]);
        assert_eq!(suspended(), [1]);
        report(30, &[(3, 9)]);
        System::assert_last_event(conforms(1, 30));
        assert_eq!(suspended(), [0; 0]);
        assert_eq!(Suspensions::<Test>::iter().count(), 0);
        // It votes again, and after the others it conforms as well.
        report(40, &[(1, 6), (2, 6)]);
        assert_eq!(agreed(), Some((40, 6)));
        report(40, &[(3, 0xdd)]);
        assert_eq!(suspended(), [3]);
        report(50, &[(1, 5), (2, 5), (3, 5)]);
        System::assert_last_event(conforms(3, 50));
        assert_eq!(Diverged::get().len(), 2);
    });
}

#[test]
fn who_contradicts_himself_is_suspended_alone() {
    run(|| {
        cluster_of(&[1, 2, 3]);
        // His last word, then an earlier one that is not agreed on, then one that is.
        report(10, &[(1, 7), (1, 8)]);
        System::assert_last_event(diverged(1, 10, 8, 7));
        assert_eq!((agreed(), suspended()), (None, vec![1]));
        // What others may have seen stays.
        let last = Checkpoints::<Test>::get(cluster(1), worker(1)).unwrap();
        assert_eq!(last.state_root, StateRoot([7; 32]));
        report(10, &[(2, 7)]);
        report(20, &[(2, 9)]);
        report(10, &[(2, 6)]);
        System::assert_last_event(diverged(2, 10, 6, 7));
        // The only one left agrees with itself; the others conform when they report the same.
        report(30, &[(3, 4)]);
        assert_eq!(agreed(), Some((30, 4)));
        report(30, &[(1, 4), (2, 4)]);
        assert_eq!(suspended(), [0; 0]);
        report(40, &[(1, 5), (2, 5)]);
        report(30, &[(1, 1)]);
        System::assert_last_event(diverged(1, 30, 1, 4));
    });
}

#[test]
fn one_against_one_agrees_on_nothing_until_one_goes() {
    run(|| {
        cluster_of(&[1, 2]);
        report(10, &[(1, 0xaa)]);
        let events = System::event_count();
        report(10, &[(2, 0xbb)]);
        assert_eq!(System::event_count(), events + 1);
        System::assert_last_event(
            Event::CheckpointDiffers {
                cluster: cluster(1),
                next_number: 10,
                worker: worker(2),
                state_root: StateRoot([0xbb; 32]),
                other: worker(1),
                other_state_root: StateRoot([0xaa; 32]),
            }
            .into(),
        );
        assert_eq!((agreed(), suspended()), (None, vec![]));
        let remove = PhatContracts::remove_worker_from_cluster(signed(1), worker(2), cluster(1));
        assert_ok!(remove);
        // With the next report, be it the same.
        assert_eq!(agreed(), None);
        report(10, &[(1, 0xaa)]);
        assert_eq!(agreed(), Some((10, 0xaa)));
    });
}

#[test]
fn who_is_inactive_has_no_vote_and_is_not_waited_for() {
    run(|| {
        cluster_of(&[1, 2, 3, 4, 5]);
        report(10, &[(4, 9), (5, 9), (1, 7), (2, 7)]);
        assert_eq!(agreed(), None);
        Inactive::set(vec![WorkerId([4; 32]), WorkerId([5; 32])]);
        report(10, &[(1, 7)]);
        assert_eq!((agreed(), suspended()), (Some((10, 7)), vec![4, 5]));
    });
}

#[test]
fn what_a_worker_said_leaves_with_it() {
    run(|| {
        cluster_of(&[1, 2, 3, 4]);
        report(10, &[(1, 0xbb), (2, 7), (3, 7), (4, 7)]);
        report(20, &[(1, 0xbb)]);
        report(25, &[(1, 0xbb), (2, 8), (3, 8)]);
        assert_eq!(suspended(), [1]);
        let remove = |seed| {
            assert_ok!(PhatContracts::remove_worker_from_cluster(
                signed(1),
                worker(seed),
                cluster(1)
            ));
            PhatContracts::do_try_state().unwrap();
        };
        remove(1);
        assert_eq!(suspended(), [0; 0]);
        remove(2);
        let reports = |number| Reports::<Test>::get(cluster(1), number).len();
        assert_eq!((reports(20), reports(25)), (0, 1));
        assert!(!Checkpoints::<Test>::contains_key(cluster(1), worker(1)));
        // It comes back as if it had never been there.
        let add =
            PhatContracts::add_worker_to_cluster(RuntimeOrigin::root(), worker(1), cluster(1));
        assert_ok!(add);
        report(25, &[(1, 8), (4, 8)]);
        assert_eq!((agreed(), suspended()), (Some((25, 8)), vec![]));
    });
}

#[test]
fn who_joins_is_not_waited_for_and_votes_when_it_has_caught_up() {
    run(|| {
        let add = |seed| {
            let root = RuntimeOrigin::root();
            assert_ok!(PhatContracts::add_worker_to_cluster(
                root,
                worker(seed),
                cluster(1)
            ));
        };
        let joining = || -> Vec<u8> {
            JoiningWorkers::<Test>::get(cluster(1))
                .iter()
                .map(|worker| worker.0[0])
                .collect()
        };
        cluster_of(&[1]);
        report(10, &[(1, 7)]);
        (2..=4).for_each(add);
        // Three that join do not outvote the one that is there, and wrong they are suspended.
        report(20, &[(2, 0xbb), (3, 0xbb)]);
        assert_eq!(agreed(), Some((10, 7)));
        report(20, &[(1, 8)]);
        assert_eq!((agreed(), suspended()), (Some((20, 8)), vec![2, 3]));
        assert_eq!(joining(), [2, 3, 4]);
        // By a report before the agreement, or after.
        report(30, &[(2, 9), (1, 9), (3, 9)]);
        assert_eq!(
            (agreed(), suspended(), joining()),
            (Some((30, 9)), vec![], vec![4])
        );
        // From now on one of three is not enough.
        report(40, &[(1, 5)]);
        assert_eq!(agreed(), Some((30, 9)));
        report(40, &[(2, 5)]);
        assert_eq!(agreed(), Some((40, 5)));
        // Where all others have gone, who is joining goes on alone.
        for seed in 1..=3 {
            let root = RuntimeOrigin::root();
            let gone = PhatContracts::remove_worker_from_cluster(root, worker(seed), cluster(1));
            assert_ok!(gone);
        }
        report(50, &[(4, 6)]);
        assert_eq!((agreed(), joining()), (Some((50, 6)), vec![]));
    });
}

#[test]
fn who_comes_back_from_below_the_mailbox_is_not_waited_for_until_it_has_caught_up() {
    run(|| {
        cluster_of(&[1, 2, 3]);
        report(10, &[(1, 7), (2, 7), (3, 7)]);
        // Two lapse; the third goes on, and the mailbox forgets what it has agreed on.
        Inactive::set(vec![WorkerId([2; 32]), WorkerId([3; 32])]);
        report(500, &[(1, 8)]);
        System::set_block_number(System::block_number() + 1000);
        fill_mailbox(1, 40);
        let first = pallet_mailbox::InboxFirst::<Test>::get(ClusterId(cluster(1).0));
        assert_eq!((agreed(), first), (Some((500, 8)), 500));
        // Back again, they can take the state after 500 entries from nobody who has gone on; only a new
        // agreement helps them, and it must not wait for them.
        Inactive::set(vec![]);
        report(600, &[(1, 9)]);
        assert_eq!(agreed(), Some((600, 9)));
        // Who has caught up votes again.
        report(600, &[(2, 9)]);
        report(700, &[(1, 5)]);
        assert_eq!(agreed(), Some((600, 9)));
        report(700, &[(2, 5)]);
        assert_eq!((agreed(), suspended()), (Some((700, 5)), vec![]));
    });
}

#[test]
fn where_all_are_suspended_a_new_worker_brings_them_back() {
    run(|| {
        cluster_of(&[1]);
        report(10, &[(1, 7), (1, 8)]);
        report(20, &[(1, 9)]);
        assert_eq!((agreed(), suspended()), (Some((10, 7)), vec![1]));
        let root = RuntimeOrigin::root();
        assert_ok!(PhatContracts::add_worker_to_cluster(
            root,
            worker(2),
            cluster(1)
        ));
        report(20, &[(2, 9)]);
        assert_eq!((agreed(), suspended()), (Some((20, 9)), vec![]));
    });
}

#[test]
fn outstanding_numbers_are_bounded_and_nobody_pushes_out_what_others_said() {
    run(|| {
        let most = u64::from(OUTSTANDING_MAX);
        cluster_of(&[1, 2, 3, 4]);
        report(10, &[(2, 7)]);
        report(11, &[(3, 7)]);
        // One that reports at every number loses its own oldest, whatever it says.
        for number in 20..20 + 2 * most {
            report(number, &[(1, 0xbb)]);
        }
        assert_eq!(
            Reports::<Test>::iter_key_prefix(cluster(1)).count() as u64,
            most
        );
        report(11, &[(2, 7)]);
        report(12, &[(2, 7)]);
        report(12, &[(3, 7), (4, 7)]);
        assert_eq!(agreed(), Some((12, 7)));
        // The number that one worker alone had said has made place, not the one of two.
        assert_eq!(Reports::<Test>::get(cluster(1), 10).len(), 0);
        assert_eq!(Reports::<Test>::get(cluster(1), 11).len(), 2);
        // What is below the agreed number goes with the next reports.
        report(13, &[(2, 7)]);
        assert_eq!(Reports::<Test>::get(cluster(1), 11).len(), 0);
        assert_eq!(Reports::<Test>::get(cluster(1), 12).len(), 0);
    });
}

#[test]
fn agreed_roots_are_remembered_for_a_while() {
    run(|| {
        let most = u64::from(AGREED_ROOTS_MAX);
        cluster_of(&[1, 2, 3]);
        for number in 1..=most + 2 {
            report(number, &[(1, 7), (2, 7)]);
        }
        let roots = AgreedRoots::<Test>::get(cluster(1));
        assert_eq!((roots.len() as u64, roots[0].next_number), (most, 3));
        // Below them a late report is the worker's last word, and no more.
        report(2, &[(3, 0xbb)]);
        assert_eq!(suspended(), [0; 0]);
        assert_eq!(Reports::<Test>::get(cluster(1), 2).len(), 0);
        let last = Checkpoints::<Test>::get(cluster(1), worker(3)).unwrap();
        assert_eq!(last.next_number, 2);
        report(3, &[(3, 0xbb)]);
        assert_eq!(suspended(), [3]);
    });
}

#[test]
fn a_full_cluster_that_disagrees_is_handled_whole() {
    run(|| {
        let workers: Vec<u8> = (1..=64).collect();
        cluster_of(&workers);
        let reports: Vec<(u8, u8)> = workers
            .iter()
            .map(|seed| (*seed, if *seed <= 31 { 0xbb } else { 7 }))
            .collect();
        report(10, &reports);
        assert_eq!(agreed(), Some((10, 7)));
        assert_eq!(suspended(), (1..=31).collect::<Vec<u8>>());
        let id = ClusterId(cluster(1).0);
        let (one, all) = (
            weights::checkpoint::<Test>(1),
            weights::handle_message::<Test>(),
        );
        assert_eq!(PhatContracts::checkpoint_weight(&id), all);
        assert!(one.ref_time() < all.ref_time(), "{one:?} of {all:?}");
    });
}

#[test]
fn who_lost_its_state_has_no_vote_and_what_the_others_have_said_is_enough() {
    run(|| {
        cluster_of(&[1, 2]);
        report(10, &[(1, 7), (2, 7)]);
        report(20, &[(1, 8)]);
        report(30, &[(1, 9)]);
        assert_eq!(agreed(), Some((10, 7)));
        let lost = |seed, number| {
            let cluster = ClusterId(cluster(number).0);
            let payload = MessagePayload::StateLost { cluster };
            PhatContracts::handle_message(&WorkerId(worker(seed).0), &payload)
        };
        assert_noop!(lost(9, 1), Error::<Test>::InvalidSender);
        assert_ok!(lost(2, 1));
        PhatContracts::do_try_state().unwrap();
        assert_eq!(agreed(), Some((30, 9)), "the newest that the other has reported");
        System::assert_has_event(
            Event::WorkerStateLost { worker: worker(2), cluster: cluster(1) }.into(),
        );
        // Saying it twice changes nothing.
        assert_ok!(lost(2, 1));
        // It is waited for again once a report of it fits.
        report(40, &[(1, 3)]);
        assert_eq!(agreed(), Some((40, 3)));
        report(40, &[(2, 3)]);
        report(50, &[(1, 4)]);
        assert_eq!(agreed(), Some((40, 3)));
        report(50, &[(2, 4)]);
        assert_eq!((agreed(), suspended()), (Some((50, 4)), vec![]));
    });
}

#[test]
fn where_all_lost_their_state_those_that_make_it_anew_agree() {
    run(|| {
        cluster_of(&[1, 2]);
        report(10, &[(1, 7), (2, 7)]);
        for seed in [1, 2] {
            let payload = MessagePayload::StateLost { cluster: ClusterId(cluster(1).0) };
            assert_ok!(PhatContracts::handle_message(&WorkerId(worker(seed).0), &payload));
        }
        report(20, &[(1, 8)]);
        assert_eq!(agreed(), Some((10, 7)));
        report(20, &[(2, 8)]);
        assert_eq!(agreed(), Some((20, 8)));
    });
}
