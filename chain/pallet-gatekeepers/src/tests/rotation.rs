//! Clusters' keys are rotated: who begins it, when the new ones come, and when the old ones go.

use crate::{mock::*, rotation::*, *};
use pallet_worker_registry::{SeedStore, SeedsInUse};
use polkadot_sdk::{frame_support::storage::with_storage_layer, sp_runtime::DispatchResult};
use primitives::{ClusterId, HpkePublicKey};
use threshold_keys::KeyRotation;
use wire::message::MessagePayload;

const MEMBERS: [u8; 2] = [20, 21];

fn with_members(test: impl FnOnce(&mut Net)) {
    run(|net| {
        net.launch(&[1, 2, 3, 4, 5]);
        InCluster::set(MEMBERS.map(|seed| (CLUSTER, worker(seed))).to_vec());
        for seed in MEMBERS {
            WorkerKeys::mutate(|keys| keys.insert(worker(seed), HpkePublicKey([seed; 32])));
        }
        test(net);
        Gatekeepers::do_try_state().unwrap();
    });
}

fn say_of_seed(seed: u8, payload: MessagePayload) -> DispatchResult {
    Gatekeepers::check_message(&worker(seed), &payload)?;
    with_storage_layer(|| Gatekeepers::handle_message(&worker(seed), &payload))
}

fn received(seed: u8, rotation: u32) -> DispatchResult {
    say_of_seed(seed, MessagePayload::SeedReceived { cluster: CLUSTER, rotation })
}

fn lost(seed: u8, rotation: u32) -> DispatchResult {
    say_of_seed(seed, MessagePayload::SeedLost { cluster: CLUSTER, rotation })
}

fn rotate(window: Option<u32>) -> DispatchResult {
    with_storage_layer(|| Gatekeepers::rotate(&CLUSTER, window))
}

fn tell_key(rotation: u32) {
    NextKeys::mutate(|keys| keys.push((CLUSTER, rotation)));
}

fn in_use() -> (u32, u32) {
    let SeedsInUse { in_force, newest } = Gatekeepers::seeds_in_use(&CLUSTER);
    (in_force, newest)
}

#[test]
fn keys_come_when_all_members_have_them_and_those_before_go_after_the_window() {
    with_members(|net| {
        rotate(Some(10)).unwrap();
        assert_eq!(in_use(), (0, 1));
        assert_eq!(rotate(None), refused(Error::RotationPending));
        net.blocks(4);
        received(20, 1).unwrap();
        assert_eq!(received(21, 0), refused(Error::OtherRotation));
        tell_key(1);
        net.blocks(4);
        assert_eq!((in_use(), Pushed::get()), ((0, 1), vec![]), "one has not confirmed");
        received(21, 1).unwrap();
        net.blocks(1);
        assert_eq!((in_use(), Pushed::get()), ((1, 1), vec![(CLUSTER, Some(1))]));
        assert!(NextKeys::get().is_empty(), "the registry uses the key from this block on");
        assert_eq!(Rotating::<Test>::get().to_vec(), [CLUSTER]);
        net.blocks(9);
        assert_eq!(Pushed::get().len(), 1);
        net.blocks(1);
        assert_eq!(Pushed::get(), [(CLUSTER, Some(1)), (CLUSTER, None)]);
        assert!(Rotating::<Test>::get().is_empty());
        assert_eq!(ClusterRotation::<Test>::get(CLUSTER).retires_at, None);
    });
}

#[test]
fn who_does_not_confirm_is_waited_for_for_so_long_and_who_is_inactive_not_at_all() {
    with_members(|net| {
        rotate(Some(8)).unwrap();
        tell_key(1);
        received(20, 1).unwrap();
        net.blocks(ROTATION_PATIENCE_BLOCKS - 1);
        assert_eq!(in_use(), (0, 1));
        net.blocks(2);
        assert_eq!(in_use(), (1, 1));
        net.blocks(10);
        rotate(Some(8)).unwrap();
        tell_key(2);
        received(20, 2).unwrap();
        Inactive::set(vec![worker(21)]);
        net.blocks(1);
        assert_eq!(in_use(), (2, 2));
    });
}

#[test]
fn without_a_public_key_or_anybody_that_has_the_seed_nothing_comes() {
    with_members(|net| {
        rotate(None).unwrap();
        tell_key(1);
        net.blocks(ROTATION_PATIENCE_BLOCKS + 8);
        assert_eq!(in_use(), (0, 1), "nobody has it");
        NextKeys::set(vec![]);
        received(20, 1).unwrap();
        received(21, 1).unwrap();
        net.blocks(8);
        assert_eq!(in_use(), (0, 1), "its key is disputed, or was not told");
        tell_key(1);
        MailboxFull::set(true);
        net.blocks(2);
        assert_eq!((in_use(), NextKeys::get().len()), ((0, 1), 1), "there is no room to tell it");
        MailboxFull::set(false);
        net.blocks(1);
        assert_eq!(in_use(), (1, 1));
    });
}

#[test]
fn a_worker_that_leaves_with_the_seed_has_the_keys_rotated() {
    with_members(|net| {
        // It was never given the seed: nothing is to be done.
        Gatekeepers::forget_seed(&CLUSTER, &worker(21));
        assert_eq!(in_use(), (0, 0));
        received(20, 0).unwrap();
        received(21, 0).unwrap();
        InCluster::set(vec![(CLUSTER, worker(20))]);
        Gatekeepers::forget_seed(&CLUSTER, &worker(21));
        assert_eq!(in_use(), (0, 1));
        tell_key(1);
        received(20, 1).unwrap();
        net.blocks(1);
        assert_eq!(in_use(), (1, 1));
        let KeyRotation { window_blocks, retires_at, .. } = ClusterRotation::<Test>::get(CLUSTER);
        assert_eq!(window_blocks, ROTATION_WINDOW_BLOCKS_DEFAULT);
        // What is raised in the window ends it early, and comes after it.
        received(20, 1).unwrap();
        InCluster::set(vec![(CLUSTER, worker(20)), (CLUSTER, worker(21))]);
        received(21, 1).unwrap();
        Gatekeepers::forget_seed(&CLUSTER, &worker(21));
        let soon = ClusterRotation::<Test>::get(CLUSTER).retires_at.unwrap();
        assert!(soon < retires_at.unwrap());
        InCluster::set(vec![(CLUSTER, worker(20))]);
        tell_key(2);
        received(20, 2).unwrap();
        net.blocks(ROTATION_WINDOW_BLOCKS_MIN + 2);
        assert_eq!(in_use(), (2, 2));
        assert_eq!(
            Pushed::get(),
            [(CLUSTER, Some(1)), (CLUSTER, None), (CLUSTER, Some(2))]
        );
    });
}

#[test]
fn who_leaves_while_keys_are_pending_takes_those_too_so_others_come_in_their_place() {
    with_members(|net| {
        rotate(Some(9)).unwrap();
        received(21, 1).unwrap();
        InCluster::set(vec![(CLUSTER, worker(20))]);
        Gatekeepers::forget_seed(&CLUSTER, &worker(21));
        assert_eq!(in_use(), (0, 2));
        tell_key(1);
        net.blocks(8);
        assert_eq!(in_use(), (0, 2));
        tell_key(2);
        received(20, 2).unwrap();
        net.blocks(1);
        assert_eq!(in_use(), (2, 2));
        assert_eq!(ClusterRotation::<Test>::get(CLUSTER).window_blocks, 9);
    });
}

#[test]
fn a_build_that_is_allowed_no_more_has_the_keys_rotated_by_themselves() {
    with_members(|net| {
        received(20, 0).unwrap();
        received(21, 0).unwrap();
        net.blocks(EXPOSURE_CHECK_BLOCKS + 1);
        assert_eq!(in_use(), (0, 0));
        Banned::set(vec![worker(21)]);
        Inactive::set(vec![worker(21)]);
        assert!(Gatekeepers::is_seed_exposed(&CLUSTER));
        net.blocks(EXPOSURE_CHECK_BLOCKS);
        assert_eq!(in_use(), (0, 1));
        // Once: it is not given the next one.
        assert!(!Gatekeepers::is_seed_exposed(&CLUSTER));
        net.blocks(2 * EXPOSURE_CHECK_BLOCKS);
        assert_eq!(in_use(), (0, 1));
    });
}

#[test]
fn windows_and_the_number_of_rotations_are_bounded() {
    with_members(|_| {
        for wrong in [0, ROTATION_WINDOW_BLOCKS_MIN - 1, ROTATION_WINDOW_BLOCKS_MAX + 1] {
            assert_eq!(rotate(Some(wrong)), refused(Error::InvalidWindow));
        }
        for number in 0..ROTATING_MAX {
            let mut id = [9; 32];
            id[..4].copy_from_slice(&number.to_le_bytes());
            Gatekeepers::rotate(&ClusterId(id), None).unwrap();
        }
        assert_eq!(rotate(None), refused(Error::TooManyRotations));
        // A worker may leave all the same, and it is said that the keys are not rotated.
        received(20, 0).unwrap();
        Gatekeepers::forget_seed(&CLUSTER, &worker(20));
        assert_eq!(in_use(), (0, 0));
        Gatekeepers::forget_cluster(&ClusterId([9; 32]), &[]);
        let mut id = [9; 32];
        id[..4].copy_from_slice(&[0; 4]);
        Gatekeepers::forget_cluster(&ClusterId(id), &[]);
        rotate(None).unwrap();
    });
}

#[test]
fn a_worker_that_lost_its_seed_is_given_it_again_but_not_all_the_time() {
    with_members(|net| {
        assert_eq!(lost(20, 0), refused(Error::SeedNotConfirmed));
        received(20, 0).unwrap();
        assert_eq!(lost(1, 0), refused(Error::NotInCluster));
        assert_eq!(lost(20, 1), refused(Error::OtherRotation));
        lost(20, 0).unwrap();
        assert!(!SeedsConfirmed::<Test>::contains_key(CLUSTER, worker(20)));
        received(20, 0).unwrap();
        assert_eq!(lost(20, 0), refused(Error::SeedLostTooOften));
        net.blocks(64);
        lost(20, 0).unwrap();
        // That it has lost it is its own word: if it leaves now, the keys are rotated.
        Gatekeepers::forget_seed(&CLUSTER, &worker(20));
        assert_eq!(in_use(), (0, 1));
        assert!(!SeedLostAt::<Test>::contains_key(CLUSTER, worker(20)));
    });
}
