//! Trust that is announced, and what takes it away.

use super::*;
use crate::notice::PENDING_MAX;
use polkadot_sdk::frame_support::traits::Hooks;

/// Notice of the networks in these tests, blocks.
const NOTICE: u32 = 10;

fn run_with_notice(test: impl FnOnce()) {
    let genesis = GenesisConfig::<Test> { notice_blocks: NOTICE, ..development_genesis() };
    run_with(genesis, test);
}

/// Starts block `number`.
fn start(number: u64) {
    System::set_block_number(number);
    Registry::on_initialize(number);
}

#[test]
fn a_build_counts_only_after_its_notice_whoever_asks() {
    run_with_notice(|| {
        let other = MockTd::of_build([9; 48]);
        assert_ok!(Registry::allow_measurement(root(), other.measurement()));
        let change = TrustChange::AllowMeasurement(other.measurement());
        System::assert_last_event(
            Event::TrustChangeAnnounced { change: change.clone(), from: 11 }.into(),
        );
        // Said twice, it does not count from later on.
        start(5);
        assert_ok!(Registry::allow_measurement(root(), other.measurement()));
        assert_eq!(PendingTrust::<Test>::get().into_inner(), [(11, change)]);
        start(10);
        let waits = registration(9, NOW_MS);
        assert_noop!(
            Registry::register_worker_v2(signed(1), waits.clone(), evidence(&other, &waits)),
            Error::<Test>::EvidenceMeasurementNotAllowed
        );
        start(11);
        assert!(PendingTrust::<Test>::get().is_empty());
        System::assert_last_event(
            Event::MeasurementAllowed { measurement: other.measurement() }.into(),
        );
        assert_ok!(Registry::register_worker_v2(signed(1), waits.clone(), evidence(&other, &waits)));
    });
}

#[test]
fn what_is_announced_can_be_taken_back_and_never_counts() {
    run_with_notice(|| {
        let other = MockTd::of_build([9; 48]).measurement();
        assert_ok!(Registry::allow_measurement(root(), other));
        assert_ok!(Registry::disallow_measurement(root(), other));
        assert_ok!(Registry::set_tier_max(root(), 5));
        let tier = TrustChange::TierMax(5);
        assert_noop!(Registry::withdraw_trust_change(signed(1), tier.clone()), BadOrigin);
        assert_ok!(Registry::withdraw_trust_change(root(), tier.clone()));
        System::assert_last_event(Event::TrustChangeWithdrawn { change: tier.clone() }.into());
        assert_noop!(
            Registry::withdraw_trust_change(root(), tier),
            Error::<Test>::TrustChangeNotFound
        );
        start(50);
        assert!(!AllowedMeasurements::<Test>::contains_key(other));
        assert_eq!(TierMax::<Test>::get(), 3);
    });
}

#[test]
fn what_shuts_out_counts_at_once() {
    run_with_notice(|| {
        let roots = AcceptedRoots::<Test>::get();
        assert_ok!(Registry::set_tier_max(root(), 2));
        assert_ok!(Registry::set_accepted_roots(root(), vec![AcceptedRoot::Intel]));
        assert_ok!(Registry::set_registration_lifetime(root(), 60_000));
        assert_ok!(Registry::disallow_measurement(root(), build().measurement()));
        assert_eq!(TierMax::<Test>::get(), 2);
        assert_eq!(AcceptedRoots::<Test>::get().into_inner(), [AcceptedRoot::Intel]);
        assert_eq!(RegistrationLifetimeMs::<Test>::get(), 60_000);
        assert_eq!(AllowedMeasurements::<Test>::count(), 0);
        // The way back takes the notice.
        assert_ok!(Registry::set_tier_max(root(), 3));
        assert_ok!(Registry::set_accepted_roots(root(), roots.to_vec()));
        assert_ok!(Registry::set_registration_lifetime(root(), 120_000));
        assert_ok!(Registry::allow_measurement(root(), build().measurement()));
        assert_eq!(TierMax::<Test>::get(), 2);
        assert_eq!(AcceptedRoots::<Test>::get().len(), 1);
        assert_eq!(RegistrationLifetimeMs::<Test>::get(), 60_000);
        assert_eq!(PendingTrust::<Test>::get().len(), 4);
        start(11);
        assert_eq!(TierMax::<Test>::get(), 3);
        assert_eq!(AcceptedRoots::<Test>::get(), roots);
        assert_eq!(RegistrationLifetimeMs::<Test>::get(), 120_000);
        assert!(AllowedMeasurements::<Test>::contains_key(build().measurement()));
    });
}

#[test]
fn only_so_many_changes_wait() {
    run_with_notice(|| {
        for seed in 0..PENDING_MAX as u8 {
            assert_ok!(Registry::allow_measurement(root(), Measurement([100 + seed; 32])));
        }
        assert_noop!(
            Registry::allow_measurement(root(), Measurement([99; 32])),
            Error::<Test>::TooManyPendingChanges
        );
        start(11);
        assert!(PendingTrust::<Test>::get().is_empty());
        assert_eq!(AllowedMeasurements::<Test>::count(), PENDING_MAX + 1);
    });
}

#[test]
fn a_banned_worker_has_no_registration_and_gets_none() {
    run_with_notice(|| {
        register(8);
        assert!(Registry::is_active(&worker(8)));
        assert_noop!(Registry::ban_worker(signed(1), key(8)), BadOrigin);
        assert_noop!(Registry::ban_worker(root(), key(7)), Error::<Test>::WorkerNotFound);
        assert_ok!(Registry::ban_worker(root(), key(8)));
        System::assert_last_event(Event::WorkerBanned { pubkey: key(8) }.into());
        assert!(!Registry::is_active(&worker(8)));
        assert_noop!(bring(registration(8, NOW_MS + 1), &build()), Error::<Test>::WorkerBanned);
        assert_noop!(Registry::ban_worker(root(), key(8)), Error::<Test>::WorkerBanned);
        assert_noop!(Registry::unban_worker(signed(1), key(8)), BadOrigin);
        assert_ok!(Registry::unban_worker(root(), key(8)));
        assert!(!Registry::is_active(&worker(8)));
        assert_ok!(bring(registration(8, NOW_MS + 1), &build()));
        assert!(Registry::is_active(&worker(8)));
        assert_noop!(Registry::unban_worker(root(), key(8)), Error::<Test>::WorkerNotBanned);
    });
}

#[test]
fn a_public_network_cannot_begin_without_notice() {
    let hasty = GenesisConfig::<Test> { notice_blocks: 0, ..GenesisConfig::default() };
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run_with(hasty, || ())));
    let text = *refused.unwrap_err().downcast_ref::<&str>().unwrap();
    assert!(text.contains("set noticeBlocks"), "{text}");
}
