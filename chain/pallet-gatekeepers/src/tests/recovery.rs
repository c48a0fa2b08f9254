use crate::{mock::*, *};
use polkadot_sdk::sp_runtime::AccountId32;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use threshold_keys::{CeremonySource, CeremonyStage, Committee, faults};

const FIVE: [u8; 5] = [1, 2, 3, 4, 5];
const MEMBERS: [u8; 4] = [31, 32, 33, 34];

fn accounts(seeds: &[u8]) -> Vec<AccountId32> {
    let account = |seed: &u8| AccountId32::new(worker(*seed).0);
    seeds.iter().map(account).collect()
}

/// Five gatekeepers, and four members of whom two recover the key.
fn with_members(test: impl FnOnce(&mut Net)) {
    run(|net| {
        net.launch(&FIVE);
        net.members = MEMBERS.to_vec();
        let root = RuntimeOrigin::root();
        Gatekeepers::set_members(root.clone(), accounts(&MEMBERS), 2).unwrap();
        Gatekeepers::deal_to_members(root).unwrap();
        net.ceremony(&FIVE, &MEMBERS);
        test(net);
    });
}

#[test]
fn members_bring_the_key_back_when_too_many_gatekeepers_are_lost() {
    with_members(|net| {
        let members = MembersSharing::<Test>::get().unwrap();
        assert_eq!(members.id().committee, Committee::Members);
        assert_eq!((members.threshold(), members.holders().len()), (2, 4));
        let (secret, key) = (net.secret(&[1, 2, 3]), sharing().group_key());
        assert_eq!(members.group_key(), key);
        // Dealing to members changed nothing for the gatekeepers.
        assert_eq!(sharing().id().epoch, 0);

        // 3, 4 and 5 are gone with their disks; 1 and 2 alone deal too little.
        for seed in [3, 4, 5] {
            net.machines.remove(&seed);
            Inactive::mutate(|inactive| inactive.push(worker(seed)));
        }
        Appointed::set([1, 2, 6, 7].map(worker).to_vec());
        net.until_begun();
        for seed in [1, 2, 6, 7] {
            net.send_receiving_key(seed).unwrap();
        }
        net.until(CeremonyStage::Dealing);
        for seed in [1, 2] {
            net.send_dealing(seed).unwrap();
        }
        net.blocks(settings().dealing_blocks);
        assert_eq!(last_failure(), Some(FailureReason::TooFewDealings));

        Gatekeepers::recover_from_members(RuntimeOrigin::root()).unwrap();
        assert_eq!(ceremony().source, CeremonySource::Sharing(members.id()));
        // Two of the four members are enough; one more cheats and is found out by 6.
        for seed in [1, 2, 6, 7] {
            net.send_receiving_key(seed).unwrap();
        }
        net.until(CeremonyStage::Dealing);
        let mut rng = ChaCha20Rng::from_seed([8; 32]);
        let share = net.machines[&32].share.as_ref().unwrap();
        let cheat = faults::reshare_wrongly(share, &plan(), index(3), &mut rng).unwrap();
        net.send_this_dealing(32, cheat).unwrap();
        for seed in [33, 34] {
            net.send_dealing(seed).unwrap();
        }
        // A gatekeeper's old share is of no use in this plan.
        assert!(
            net.machines[&1]
                .share
                .as_ref()
                .unwrap()
                .reshare(&plan(), &mut rng)
                .is_err()
        );
        net.until(CeremonyStage::Checking);
        for complaint in net.complaints(6) {
            net.send_complaint(6, complaint).unwrap();
        }
        assert_eq!(offences(32, OffenceKind::WrongDealing), 1);
        net.block();
        for seed in [1, 2, 6, 7] {
            net.send_handover(seed).unwrap();
        }
        net.block();
        net.adopt();
        assert_eq!(sharing().group_key(), key);
        assert_eq!((sharing().threshold(), sharing().holders().len()), (3, 4));
        assert_eq!(net.secret(&[1, 6, 7]), secret);
        assert_eq!(ToldKeys::get().len(), 1);
        // And life goes on: the next refresh is among themselves again.
        Gatekeepers::start_refresh(RuntimeOrigin::root()).unwrap();
        net.ceremony(&[1, 2, 6, 7], &[1, 2, 6, 7]);
        assert_eq!(net.secret(&[2, 6, 7]), secret);
    });
}

#[test]
fn members_complain_by_extrinsics_too() {
    run(|net| {
        net.launch(&FIVE);
        net.members = MEMBERS.to_vec();
        let root = RuntimeOrigin::root();
        Gatekeepers::set_members(root.clone(), accounts(&MEMBERS), 2).unwrap();
        Gatekeepers::deal_to_members(root).unwrap();
        for seed in MEMBERS {
            net.send_receiving_key(seed).unwrap();
        }
        net.until(CeremonyStage::Dealing);
        let mut rng = ChaCha20Rng::from_seed([8; 32]);
        let share = net.machines[&5].share.as_ref().unwrap();
        let cheat = faults::reshare_wrongly(share, &plan(), index(2), &mut rng).unwrap();
        net.send_this_dealing(5, cheat).unwrap();
        for complaint in net.complaints(32) {
            net.send_complaint(32, complaint).unwrap();
        }
        assert_eq!(offences(5, OffenceKind::WrongDealing), 1);
        for seed in [1, 2, 3, 4] {
            net.send_dealing(seed).unwrap();
        }
        net.until(CeremonyStage::Checking);
        // Members are waited for longer than machines.
        net.blocks(settings().checking_blocks + 1);
        for seed in MEMBERS {
            net.send_handover(seed).unwrap();
        }
        net.block();
        assert!(MembersSharing::<Test>::exists());
    });
}

#[test]
fn members_who_are_replaced_are_dealt_to_anew() {
    with_members(|net| {
        let first = MembersSharing::<Test>::get().unwrap();
        let root = RuntimeOrigin::root();
        net.members = vec![33, 34, 35];
        Gatekeepers::set_members(root.clone(), accounts(&[33, 34, 35]), 3).unwrap();
        assert_eq!(MembersSharing::<Test>::get().unwrap(), first);
        Gatekeepers::deal_to_members(root).unwrap();
        net.ceremony(&FIVE, &[33, 34, 35]);
        let second = MembersSharing::<Test>::get().unwrap();
        assert_eq!((second.id().epoch, second.threshold()), (1, 3));
        assert_eq!(second.group_key(), first.group_key());
    });
}

#[test]
fn a_sharing_that_is_gone_deals_no_more() {
    with_members(|net| {
        Gatekeepers::recover_from_members(RuntimeOrigin::root()).unwrap();
        for seed in FIVE {
            net.send_receiving_key(seed).unwrap();
        }
        // Nothing but a test takes a sharing away.
        let kept = MembersSharing::<Test>::take();
        net.block();
        assert_eq!(last_failure(), Some(FailureReason::SourceGone));
        MembersSharing::<Test>::set(kept);
    });
}

#[test]
fn recovery_needs_members_and_their_shares() {
    run(|net| {
        let root = RuntimeOrigin::root();
        assert_eq!(
            Gatekeepers::deal_to_members(root.clone()),
            refused(Error::NoSharing)
        );
        net.launch(&FIVE);
        assert_eq!(
            Gatekeepers::deal_to_members(root.clone()),
            refused(Error::NoMembers)
        );
        assert_eq!(
            Gatekeepers::recover_from_members(root.clone()),
            refused(Error::NoMembersSharing)
        );
        let set = |seeds: &[u8], threshold| {
            Gatekeepers::set_members(RuntimeOrigin::root(), accounts(seeds), threshold)
        };
        for (seeds, threshold) in [
            (&[31, 32][..], 3),
            (&[31, 32], 0),
            (&[31, 32], 1),
            (&[31, 31], 2),
            (&[], 0),
            (&(0..65).collect::<Vec<u8>>(), 2),
        ] {
            assert_eq!(set(seeds, threshold), refused(Error::InvalidMembers));
        }
        net.members = MEMBERS.to_vec();
        set(&MEMBERS, 2).unwrap();
        Gatekeepers::deal_to_members(root.clone()).unwrap();
        net.ceremony(&FIVE, &MEMBERS);
        Inactive::set(FIVE.map(worker).to_vec());
        assert_eq!(
            Gatekeepers::recover_from_members(root),
            refused(Error::TooFewGatekeepers)
        );
    });
}
