use crate::{mock::*, *};
use codec::Encode;
use polkadot_sdk::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use threshold_keys::{
    CeremonySource, CeremonyStage, Committee, GatekeeperMessage, PlanDigest, ReceivingSecret,
    SharingId, ThresholdRule, faults,
};
use wire::message::MessagePayload;

const FIVE: [u8; 5] = [1, 2, 3, 4, 5];

fn appoint(seeds: &[u8]) {
    Appointed::set(seeds.iter().map(|seed| worker(*seed)).collect());
}

#[test]
fn five_make_a_key_that_three_of_them_evaluate() {
    run(|net| {
        net.launch(&FIVE);
        let sharing = sharing();
        assert_eq!(sharing.threshold(), 3);
        let key = NetworkKey::<Test>::get().unwrap();
        assert_eq!(sharing.group_key(), key);
        assert_eq!(ToldKeys::get(), [*key.element.as_bytes()]);
        // Any three give the same, which is what the key in shares is for.
        assert_eq!(net.secret(&[1, 2, 3]), net.secret(&[5, 3, 4]));
        assert!(Heard::get().is_empty());
        // Early ends: nobody waited for a deadline.
        assert!(System::block_number() < 8, "{}", System::block_number());
    });
}

#[test]
fn a_ceremony_goes_on_past_a_cheat_an_absent_dealer_and_a_liar() {
    run(|net| {
        net.launch(&FIVE);
        let (secret, key) = (net.secret(&[1, 2, 3]), sharing().group_key());
        assert_eq!(Gatekeepers::start_refresh(RuntimeOrigin::root()), Ok(()));
        for seed in FIVE {
            net.send_receiving_key(seed).unwrap();
        }
        net.until(CeremonyStage::Dealing);
        // 1 cheats 4; 5 does not deal.
        let share = net.machines[&1].share.as_ref().unwrap();
        let mut rng = ChaCha20Rng::from_seed([8; 32]);
        let cheat = faults::reshare_wrongly(share, &plan(), index(4), &mut rng).unwrap();
        net.send_this_dealing(1, cheat).unwrap();
        for seed in [2, 3, 4] {
            net.send_dealing(seed).unwrap();
        }
        net.until(CeremonyStage::Checking);
        assert_eq!(offences(5, OffenceKind::NoDealing), 1);
        assert_eq!(offences(1, OffenceKind::NoDealing), 0);
        // 2 sees nothing wrong, and hands over; 3 lies about 2.
        assert!(net.complaints(2).is_empty());
        net.send_handover(2).unwrap();
        let of_two = Net::verified_dealings()
            .into_iter()
            .find(|dealing| dealing.dealer() == index(2))
            .unwrap();
        let secret_of_three = net.machines[&3].receiving.as_ref().unwrap();
        let lie = faults::groundless_complaint(secret_of_three, &plan(), &of_two).unwrap();
        net.send_complaint(3, lie).unwrap();
        assert_eq!(offences(3, OffenceKind::GroundlessComplaint), 1);
        assert_eq!(offences(2, OffenceKind::WrongDealing), 0);
        // The complaint of 4 holds: the dealing goes, and with it what 2 handed over.
        let complaints = net.complaints(4);
        assert_eq!(complaints.len(), 1);
        net.send_complaint(4, complaints[0]).unwrap();
        assert_eq!(offences(1, OffenceKind::WrongDealing), 1);
        assert!(ceremony().handed_over.is_empty());
        assert_eq!(
            net.send_complaint(4, complaints[0]),
            refused(Error::DealingNotFound)
        );
        assert_eq!(net.send_handover(2), refused(Error::SharingNotReady));
        // Who was struck out does not deal again.
        assert_eq!(net.send_dealing(1), refused(Error::OtherStage));
        net.block();
        for seed in [1, 2, 3, 4] {
            assert!(net.complaints(seed).is_empty());
            net.send_handover(seed).unwrap();
        }
        assert_eq!(net.send_handover(2), refused(Error::AlreadyHandedOver));
        // 5 does not hand over: four of five are enough when the time is over.
        net.blocks(5);
        assert!(!Ceremony::<Test>::exists());
        assert_eq!(offences(5, OffenceKind::NoHandover), 1);
        net.adopt();
        assert_eq!(sharing().id().epoch, 1);
        assert_eq!(sharing().group_key(), key);
        assert_eq!(net.secret(&[1, 3, 4]), secret);
        assert_eq!(ToldKeys::get().len(), 1);
    });
}

#[test]
fn shares_are_dealt_anew_when_the_epoch_ends() {
    run(|net| {
        net.launch(&FIVE);
        let first = sharing().id();
        let secret = net.secret(&[1, 2, 3]);
        let since = SharingSince::<Test>::get();
        while System::block_number() < u64::from(since + settings().epoch_blocks) {
            assert!(!Ceremony::<Test>::exists());
            net.block();
        }
        net.until_begun();
        net.ceremony(&FIVE, &FIVE);
        assert_eq!(sharing().id().epoch, 1);
        assert_eq!(net.secret(&[2, 4, 5]), secret);
        assert_eq!(PastSharingIds::<Test>::get().into_inner(), [first]);
        assert_eq!(PastSharings::<Test>::get(first).unwrap().id(), first);
    });
}

#[test]
fn gatekeepers_join_and_leave() {
    run(|net| {
        net.launch(&FIVE);
        let secret = net.secret(&[1, 2, 3]);
        // 6 and 7 join, 1 leaves: it deals for the last time, and receives nothing.
        appoint(&[2, 3, 4, 5, 6, 7]);
        net.until_begun();
        assert_eq!(net.send_receiving_key(1), refused(Error::NotCandidate));
        net.ceremony(&FIVE, &[2, 3, 4, 5, 6, 7]);
        assert_eq!(sharing().threshold(), 4);
        assert_eq!(net.secret(&[7, 6, 5, 2]), secret);
        assert_eq!(sharing().index_of(&worker(1).0), None);
        // A worker whose registration lapsed counts as gone; 8 is new, but says nothing.
        Inactive::set(vec![worker(2)]);
        appoint(&[2, 3, 4, 5, 6, 7, 8]);
        net.until_begun();
        assert!(!ceremony().candidates.contains(&worker(2).0));
        net.ceremony(&[3, 4, 5, 6], &[3, 4, 5, 6, 7]);
        assert_eq!(offences(8, OffenceKind::NoReceivingKey), 1);
        assert_eq!(sharing().threshold(), 3);
        assert_eq!(net.secret(&[3, 6, 7]), secret);
        // 8 stays away, and is not asked again all the time.
        net.blocks(5 * MEMBERSHIP_CHECK_BLOCKS);
        assert!(!Ceremony::<Test>::exists());
    });
}

#[test]
fn a_ceremony_that_fails_names_who_was_absent_and_another_begins() {
    run(|net| {
        appoint(&FIVE);
        net.block();
        let first = ceremony().target;
        // Nobody speaks.
        net.blocks(settings().receiving_blocks);
        assert_eq!(last_failure(), Some(FailureReason::TooFewRecipients));
        assert_eq!(offences(3, OffenceKind::NoReceivingKey), 1);
        net.blocks(settings().retry_blocks - 1);
        assert!(!Ceremony::<Test>::exists());
        net.block();
        assert_eq!(ceremony().target.epoch, first.epoch + 1);
        // Only two of five deal.
        for seed in FIVE {
            net.send_receiving_key(seed).unwrap();
        }
        net.until(CeremonyStage::Dealing);
        net.send_dealing(1).unwrap();
        net.send_dealing(2).unwrap();
        net.blocks(settings().dealing_blocks);
        assert_eq!(last_failure(), Some(FailureReason::TooFewDealings));
        let absent: Vec<_> = [3, 4, 5].map(|seed| worker(seed).0).into();
        assert!(System::events().iter().any(|record| matches!(
            &record.event,
            RuntimeEvent::PhalaGatekeepers(Event::CeremonyFailed { absent: named, .. })
                if named.as_slice() == absent.as_slice()
        )));
        // Three hand over: the threshold, but not two thirds.
        net.blocks(settings().retry_blocks);
        for seed in FIVE {
            net.send_receiving_key(seed).unwrap();
        }
        net.until(CeremonyStage::Dealing);
        for seed in FIVE {
            net.send_dealing(seed).unwrap();
        }
        net.until(CeremonyStage::Checking);
        for seed in [1, 2, 3] {
            net.send_handover(seed).unwrap();
        }
        net.blocks(settings().checking_blocks);
        assert_eq!(last_failure(), Some(FailureReason::TooFewHandovers));
        assert!(!CurrentSharing::<Test>::exists());
        assert!(ToldKeys::get().is_empty());
        net.blocks(settings().retry_blocks);
        net.ceremony(&FIVE, &FIVE);
        assert!(CurrentSharing::<Test>::exists());
    });
}

#[test]
fn too_many_cheats_end_a_ceremony_and_the_old_sharing_stays() {
    run(|net| {
        net.launch(&FIVE);
        let old = sharing();
        Gatekeepers::start_refresh(RuntimeOrigin::root()).unwrap();
        for seed in FIVE {
            net.send_receiving_key(seed).unwrap();
        }
        net.until(CeremonyStage::Dealing);
        let mut rng = ChaCha20Rng::from_seed([8; 32]);
        for seed in [1, 2, 3] {
            let share = net.machines[&seed].share.as_ref().unwrap();
            let cheat = faults::reshare_wrongly(share, &plan(), index(4), &mut rng).unwrap();
            net.send_this_dealing(seed, cheat).unwrap();
        }
        // Complaints are taken as soon as the dealing is there.
        for complaint in net.complaints(4) {
            net.send_complaint(4, complaint).unwrap();
        }
        for seed in [4, 5] {
            net.send_dealing(seed).unwrap();
        }
        net.block();
        assert_eq!(last_failure(), Some(FailureReason::TooFewDealings));
        assert_eq!(sharing(), old);
        for seed in [1, 2, 3] {
            assert_eq!(offences(seed, OffenceKind::WrongDealing), 1);
        }
    });
}

#[test]
fn one_machine_holds_the_key_on_a_development_network_alone() {
    run(|net| {
        let alone = threshold_keys::GatekeeperSettings {
            holders_min: 1,
            ..settings()
        };
        assert_eq!(
            Gatekeepers::set_settings(RuntimeOrigin::root(), alone),
            refused(Error::InvalidSettings)
        );
        // Not even when the storage said so.
        Settings::<Test>::put(alone);
        appoint(&[1]);
        net.blocks(2);
        assert!(!Ceremony::<Test>::exists());
        assert_eq!(
            Gatekeepers::start_refresh(RuntimeOrigin::root()),
            refused(Error::TooFewGatekeepers)
        );
        // Two begin, and one is left when the time is over.
        appoint(&[1, 2]);
        net.block();
        net.send_receiving_key(1).unwrap();
        net.blocks(settings().receiving_blocks);
        assert_eq!(last_failure(), Some(FailureReason::SingleHolder));
    });
    run(|net| {
        Development::set(true);
        let alone = threshold_keys::GatekeeperSettings {
            holders_min: 1,
            ..settings()
        };
        Gatekeepers::set_settings(RuntimeOrigin::root(), alone).unwrap();
        net.launch(&[1]);
        assert_eq!((sharing().threshold(), sharing().holders().len()), (1, 1));
        let secret = net.secret(&[1]);
        // From one of one to two of three, the same way.
        appoint(&[1, 2, 3]);
        net.until_begun();
        net.ceremony(&[1], &[1, 2, 3]);
        assert_eq!(sharing().threshold(), 2);
        assert_eq!(net.secret(&[2, 3]), secret);
    });
}

#[test]
fn a_fixed_threshold_needs_so_many() {
    run(|net| {
        let fixed = threshold_keys::GatekeeperSettings {
            threshold: ThresholdRule::Fixed(4),
            ..settings()
        };
        Gatekeepers::set_settings(RuntimeOrigin::root(), fixed).unwrap();
        appoint(&[1, 2, 3]);
        net.blocks(2);
        assert!(!Ceremony::<Test>::exists());
        net.launch(&FIVE);
        assert_eq!(sharing().threshold(), 4);
    });
}

#[test]
fn what_does_not_fit_is_refused() {
    run(|net| {
        let target = SharingId {
            generation: 0,
            committee: Committee::Gatekeepers,
            epoch: 0,
        };
        let secret =
            ReceivingSecret::generate(&NETWORK, target, worker(1).0, &mut net.rng).unwrap();
        let key = *secret.public();
        let receiving = |target, key| GatekeeperMessage::ReceivingKey { target, key };
        assert_eq!(say(1, receiving(target, key)), refused(Error::NoCeremony));
        appoint(&FIVE);
        net.block();
        let other = SharingId { epoch: 9, ..target };
        assert_eq!(say(1, receiving(other, key)), refused(Error::OtherCeremony));
        assert_eq!(say(9, receiving(target, key)), refused(Error::NotCandidate));
        // Another's key under one's own name, and a key for another sharing.
        assert_eq!(
            say(2, receiving(target, key)),
            refused(Error::InvalidReceivingKey)
        );
        let for_other =
            ReceivingSecret::generate(&NETWORK, other, worker(2).0, &mut net.rng).unwrap();
        assert_eq!(
            say(2, receiving(target, *for_other.public())),
            refused(Error::InvalidReceivingKey)
        );
        say(1, receiving(target, key)).unwrap();
        net.machine(1).receiving = Some(secret);
        assert_eq!(
            say(1, receiving(target, key)),
            refused(Error::ReceivingKeyExists)
        );
        // 1 and 2 agree on one secret: the generator gives both the same.
        let same = |seed: u8| {
            let mut rng = ChaCha20Rng::from_seed([9; 32]);
            *ReceivingSecret::generate(&NETWORK, target, worker(seed).0, &mut rng)
                .unwrap()
                .public()
        };
        say(2, receiving(target, same(2))).unwrap();
        assert_eq!(
            say(3, receiving(target, same(3))),
            refused(Error::ReceivingKeyTaken)
        );
        for seed in [3, 4, 5] {
            net.send_receiving_key(seed).unwrap();
        }
        net.until(CeremonyStage::Dealing);
        assert_eq!(say(1, receiving(target, key)), refused(Error::OtherStage));

        let digest = plan().digest();
        let dealing = |plan, dealing| GatekeeperMessage::Dealing { plan, dealing };
        let mine = net.dealing(1);
        let elsewhere = other_plan();
        assert_eq!(
            say(1, dealing(elsewhere, mine.clone())),
            refused(Error::OtherCeremony)
        );
        assert_eq!(
            say(2, dealing(digest, mine.clone())),
            refused(Error::NotDealer)
        );
        assert_eq!(
            say(9, dealing(digest, mine.clone())),
            refused(Error::NotDealer)
        );
        let mut damaged = mine.encode();
        let last = damaged.len() - 40;
        damaged[last] ^= 1;
        let damaged = codec::Decode::decode(&mut &damaged[..]).unwrap();
        assert_eq!(
            say(1, dealing(digest, damaged)),
            refused(Error::InvalidDealing)
        );
        assert_eq!(net.send_handover_early(3), refused(Error::OtherStage));
        say(1, dealing(digest, mine.clone())).unwrap();
        assert_eq!(say(1, dealing(digest, mine)), refused(Error::AlreadyDealt));
        for seed in [3, 4, 5] {
            net.send_dealing(seed).unwrap();
        }
        net.until(CeremonyStage::Checking);
        let shown = net.handover_share(3);
        let handover = |plan, share| GatekeeperMessage::Handover { plan, share };
        assert_eq!(
            say(4, handover(digest, shown.clone())),
            refused(Error::NotRecipient)
        );
        assert_eq!(
            say(3, handover(digest, faults::wrong_share(shown.clone()))),
            refused(Error::InvalidHandover)
        );
        assert_eq!(
            say(3, handover(elsewhere, shown.clone())),
            refused(Error::OtherCeremony)
        );
        say(3, handover(digest, shown)).unwrap();
        // A complaint in another's name.
        let of_four = net
            .machines
            .get(&4)
            .and_then(|machine| machine.receiving.as_ref())
            .unwrap();
        let dealing = &Net::verified_dealings()[0];
        let complaint = faults::groundless_complaint(of_four, &plan(), dealing).unwrap();
        assert_eq!(
            net.send_complaint(3, complaint),
            refused(Error::NotRecipient)
        );
    });
}

fn other_plan() -> PlanDigest {
    codec::Decode::decode(&mut &[1u8; 32][..]).unwrap()
}

impl Net {
    fn send_handover_early(&mut self, seed: u8) -> polkadot_sdk::sp_runtime::DispatchResult {
        let plan = plan().digest();
        // Any well-formed share does: the stage is asked first.
        let bytes = [
            &ceremony().target.encode()[..],
            &[3],
            &ceremony_point(),
            &[0; 64],
        ]
        .concat();
        let share = codec::Decode::decode(&mut &bytes[..]).unwrap();
        say(seed, GatekeeperMessage::Handover { plan, share })
    }
}

/// Some point: a receiving key's.
fn ceremony_point() -> [u8; 32] {
    *plan().recipients()[0].key().as_bytes()
}

#[test]
fn hostile_bytes_are_refused_before_and_in_a_block() {
    run(|net| {
        net.launch(&FIVE);
        let payload = |message: Vec<u8>| MessagePayload::Gatekeeper { message };
        // Who has no part does not get into a block, whatever it says.
        assert_eq!(
            Gatekeepers::check_message(&worker(9), &payload(vec![])),
            refused(Error::NoPart)
        );
        assert_eq!(
            Gatekeepers::check_message(&worker(1), &payload(vec![])),
            Ok(())
        );
        let key = MessagePayload::ClusterKey {
            cluster: CLUSTER,
            public_key: [1; 32],
        };
        for result in [
            Gatekeepers::check_message(&worker(1), &key),
            Gatekeepers::handle_message(&worker(1), &key),
        ] {
            assert_eq!(result, refused(Error::UnknownMessage));
        }
        let mut cases: Vec<Vec<u8>> = vec![vec![], vec![255; 40], vec![0; 6_000]];
        cases.extend((0..=9u8).map(|kind| [vec![kind], vec![255; 300]].concat()));
        cases.extend((0..=9u8).map(|kind| [vec![kind], vec![0; 300]].concat()));
        let mut trailing = GatekeeperMessage::BeaconShare {
            round: 0,
            share: net.machines[&1]
                .share
                .as_ref()
                .unwrap()
                .evaluate(&threshold_keys::EvaluationContext::Beacon { round: 0 })
                .unwrap(),
        }
        .encode();
        trailing.push(0);
        cases.push(trailing);
        for case in cases {
            let _weight = Gatekeepers::message_weight(&payload(case.clone()));
            assert_eq!(say_bytes(1, case), refused(Error::MalformedMessage));
        }
        assert!(Heard::get().is_empty());
    });
}

#[test]
fn root_begins_another_ceremony_instead() {
    run(|net| {
        net.launch(&FIVE);
        for call in [
            Gatekeepers::start_refresh(signed(1)),
            Gatekeepers::deal_to_members(signed(1)),
            Gatekeepers::recover_from_members(signed(1)),
            Gatekeepers::set_settings(signed(1), settings()),
            Gatekeepers::set_members(signed(1), vec![], 1),
        ] {
            assert_eq!(call, Err(sp_runtime::DispatchError::BadOrigin));
        }
        Gatekeepers::start_refresh(RuntimeOrigin::root()).unwrap();
        let first = ceremony();
        assert_eq!(
            first.source,
            CeremonySource::Sharing(CurrentSharing::<Test>::get().unwrap().id())
        );
        net.send_receiving_key(1).unwrap();
        Gatekeepers::start_refresh(RuntimeOrigin::root()).unwrap();
        assert_eq!(last_failure(), Some(FailureReason::Abandoned));
        assert_eq!(ceremony().target.epoch, first.target.epoch + 1);
        assert_eq!(ReceivingKeys::<Test>::iter_keys().count(), 0);
        net.ceremony(&FIVE, &FIVE);
    });
}

#[test]
fn readers_find_what_the_pallet_writes() {
    run(|net| {
        use chain_facts::keys;
        let exists = |key: Vec<u8>| frame_support::storage::unhashed::exists(&key);
        appoint(&FIVE);
        net.block();
        assert!(exists(keys::ceremony()) && exists(keys::gatekeeper_settings()));
        for seed in FIVE {
            net.send_receiving_key(seed).unwrap();
        }
        assert!(exists(keys::receiving_key(&worker(1).0)));
        net.until(CeremonyStage::Dealing);
        assert!(exists(keys::ceremony_plan()));
        for seed in FIVE {
            net.send_dealing(seed).unwrap();
        }
        assert!(exists(keys::dealing(index(5))) && !exists(keys::pending_sharing()));
        net.until(CeremonyStage::Checking);
        assert!(exists(keys::pending_sharing()));
        for seed in FIVE {
            net.send_handover(seed).unwrap();
        }
        let first = ceremony().target;
        net.block();
        net.adopt();
        assert!(exists(keys::sharing()) && exists(keys::sharing_since()));
        assert!(exists(keys::network_key()) && exists(keys::beacon_round()));
        Gatekeepers::start_refresh(RuntimeOrigin::root()).unwrap();
        net.ceremony(&FIVE, &FIVE);
        assert!(exists(keys::past_sharing(&first)));
    });
}
