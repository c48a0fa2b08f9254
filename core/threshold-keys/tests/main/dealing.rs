//! New keys, refresh, other holders, recovery.

use crate::network::{Ceremony, Holders, NETWORK, holder, id, index, rng, seed_of};
use primitives::GenesisHash;
use proptest::prelude::*;
use threshold_keys::{
    Committee::{Gatekeepers, Members},
    DealError, EvaluationContext, InvalidReceivingKey, KeyShare, OutcomeError, PerHolder, Plan,
    PlanError, ReceiveError, ReceivingSecret, Sharing, Source,
};

#[test]
fn a_key_outlives_refresh_other_holders_and_other_thresholds() {
    let mut rng = rng(1);
    let first = Holders::generate(3, 5, &mut rng);
    let key = first.sharing.group_key();
    let context = seed_of(1);
    let seed = first.seed(&context, &[1, 2, 3]);
    let check = |holders: &Holders, names: &[u8]| {
        assert_eq!(holders.sharing.group_key(), key);
        assert_eq!(holders.seed(&context, names), seed);
    };
    let refreshed = first.reshare(id(Gatekeepers, 1), 3, 1..=5, &[1, 2, 3, 4, 5], &mut rng);
    check(&refreshed, &[3, 4, 5]);
    // One has left, three have come, more are needed, and not all of the old ones deal.
    let grown = refreshed.reshare(id(Gatekeepers, 2), 5, 2..=8, &[2, 4, 5], &mut rng);
    check(&grown, &[1, 3, 4, 6, 7]);
    let replaced = grown.reshare(id(Gatekeepers, 3), 2, 20..=22, &[1, 2, 3, 4, 5], &mut rng);
    check(&replaced, &[1, 3]);
    let alone = replaced.reshare(id(Gatekeepers, 4), 1, [30], &[1, 2, 3], &mut rng);
    check(&alone, &[1]);
}

#[test]
fn members_bring_the_key_back_when_all_gatekeepers_are_lost() {
    let mut rng = rng(2);
    let gatekeepers = Holders::generate(2, 3, &mut rng);
    let seed = gatekeepers.seed(&seed_of(7), &[1, 2]);
    let key = gatekeepers.sharing.group_key();
    let members = gatekeepers.reshare(id(Members, 0), 4, 100..=106, &[1, 3], &mut rng);
    drop(gatekeepers);
    let restored = members.reshare(id(Gatekeepers, 1), 3, 40..=44, &[2, 3, 5, 7], &mut rng);
    assert_eq!(restored.sharing.group_key(), key);
    assert_eq!(restored.seed(&seed_of(7), &[5, 1, 3]), seed);
}

#[test]
fn a_machine_alone_is_a_network_for_development() {
    let holders = Holders::generate(1, 1, &mut rng(3));
    assert_eq!(holders.sharing.threshold(), 1);
    let seed = holders.seed(&seed_of(1), &[1]);
    assert_ne!(seed, holders.seed(&seed_of(2), &[1]));
}

#[test]
fn a_key_is_made_without_those_who_do_not_deal_but_not_by_too_few() {
    let mut rng = rng(4);
    let target = id(Gatekeepers, 0);
    let ceremony = Ceremony::new(target, 3, Source::Generation, 1..=5, &mut rng);
    let dealings = ceremony.deal_new_key(&[1, 4, 5], &mut rng);
    let holders = ceremony.finish(&dealings);
    // Those who did not deal hold shares all the same.
    let seed = holders.seed(&seed_of(1), &[1, 2, 3]);
    assert_eq!(holders.seed(&seed_of(1), &[2, 4, 5]), seed);
    let too_few = Sharing::from_dealings(&ceremony.plan, &dealings[..2]);
    let (given, needed) = (2, 3);
    assert_eq!(too_few, Err(OutcomeError::TooFew { given, needed }));
    let twice = [
        dealings[0].clone(),
        dealings[0].clone(),
        dealings[1].clone(),
    ];
    let twice = Sharing::from_dealings(&ceremony.plan, &twice);
    assert_eq!(twice, Err(OutcomeError::Foreign));
}

#[test]
fn the_order_of_dealings_does_not_matter() {
    let mut rng = rng(5);
    let holders = Holders::generate(3, 5, &mut rng);
    let source = Source::Resharing(holders.sharing.clone());
    let ceremony = Ceremony::new(id(Gatekeepers, 1), 2, source, 1..=4, &mut rng);
    let mut dealings = holders.deal(&ceremony.plan, &[1, 2, 4, 5], &mut rng);
    let sharing = Sharing::from_dealings(&ceremony.plan, &dealings).unwrap();
    dealings.reverse();
    assert_eq!(
        Sharing::from_dealings(&ceremony.plan, &dealings).as_ref(),
        Ok(&sharing)
    );
}

#[test]
fn dealings_of_another_plan_are_refused_everywhere() {
    let mut rng = rng(6);
    let holders = Holders::generate(2, 3, &mut rng);
    let ceremony = |epoch, rng: &mut _| {
        let source = Source::Resharing(holders.sharing.clone());
        Ceremony::new(id(Gatekeepers, epoch), 2, source, 1..=3, rng)
    };
    let (here, there) = (ceremony(1, &mut rng), ceremony(2, &mut rng));
    let dealings = holders.deal(&there.plan, &[1, 2, 3], &mut rng);
    assert_eq!(
        Sharing::from_dealings(&here.plan, &dealings),
        Err(OutcomeError::Foreign)
    );
    let opened = here.receivers[0].check(&here.plan, &dealings[0]);
    assert!(matches!(opened, Err(ReceiveError::OtherPlan)));
    let stranger =
        there.receivers[0].check(&here.plan, &holders.deal(&here.plan, &[1], &mut rng)[0]);
    assert!(matches!(stranger, Err(ReceiveError::NotRecipient)));
    let old = Holders::generate(2, 3, &mut rng);
    let dealt = old.shares[0].reshare(&here.plan, &mut rng);
    assert_eq!(dealt, Err(DealError::NotDealer));
    let new = here.plan.deal_new_key(index(1), &mut rng);
    assert_eq!(new, Err(DealError::NotDealer));
}

#[test]
fn shares_and_receiving_keys_survive_a_restart_and_nothing_else_passes_for_them() {
    let mut rng = rng(7);
    let target = id(Gatekeepers, 0);
    let ceremony = Ceremony::new(target, 2, Source::Generation, 1..=3, &mut rng);
    let dealings = ceremony.deal_new_key(&[1, 2, 3], &mut rng);
    let receiver = &ceremony.receivers[1];
    let restored = ReceivingSecret::restore(*receiver.public(), &receiver.expose()).unwrap();
    let share = restored.assemble(&ceremony.plan, &dealings).unwrap();
    let other = ceremony.receivers[0].expose();
    assert!(ReceivingSecret::restore(*receiver.public(), &other).is_none());
    let (sharing, secret) = (share.sharing().clone(), share.expose());
    assert!(KeyShare::restore(sharing.clone(), index(2), &secret).is_some());
    assert!(KeyShare::restore(sharing.clone(), index(1), &secret).is_none());
    assert!(KeyShare::restore(sharing, index(2), &other).is_none());
}

#[test]
fn a_new_holder_proves_that_it_has_its_share() {
    let mut rng = rng(17);
    let old = Holders::generate(2, 3, &mut rng);
    let source = Source::Resharing(old.sharing.clone());
    let ceremony = Ceremony::new(id(Gatekeepers, 1), 2, source, 5..=7, &mut rng);
    let dealings = old.deal(&ceremony.plan, &[1, 3], &mut rng);
    let new = ceremony.finish(&dealings);
    let plan = ceremony.plan.digest();
    let handover = EvaluationContext::Handover { plan };
    for share in new.evaluate(&handover, &[1, 2, 3]) {
        assert_eq!(new.sharing.verify_share(&handover, &share), Ok(()));
        assert!(old.sharing.verify_share(&handover, &share).is_err());
    }
}

#[test]
fn plans_that_do_not_fit_are_refused() {
    let mut rng = rng(8);
    let target = id(Gatekeepers, 3);
    let mut key = |name, target| {
        let secret = ReceivingSecret::generate(&NETWORK, target, holder(name), &mut rng);
        *secret.unwrap().public()
    };
    let published = [key(1, target), key(2, target)];
    let keys = published.map(|key| key.verify(&NETWORK, target).unwrap());
    // A key for another sharing or network, and one that another holder published.
    let mut renamed = published[1];
    renamed.holder = holder(9);
    assert_eq!(renamed.verify(&NETWORK, target), Err(InvalidReceivingKey));
    let elsewhere = GenesisHash([1; 32]);
    assert_eq!(
        published[0].verify(&elsewhere, target),
        Err(InvalidReceivingKey)
    );
    let later = id(Gatekeepers, 4);
    assert_eq!(
        published[0].verify(&NETWORK, later),
        Err(InvalidReceivingKey)
    );
    let plan = |threshold, source, keys: &[_]| {
        let keys = PerHolder::truncate_from(keys.to_vec());
        Plan::new(NETWORK, target, threshold, source, keys).err()
    };
    let new = || Source::Generation;
    assert_eq!(plan(2, new(), &keys), None);
    assert_eq!(plan(0, new(), &keys), Some(PlanError::Threshold));
    assert_eq!(plan(3, new(), &keys), Some(PlanError::Threshold));
    assert_eq!(plan(1, new(), &[]), Some(PlanError::Threshold));
    assert_eq!(
        plan(1, new(), &[keys[0], keys[0]]),
        Some(PlanError::Duplicate)
    );
    let mut rng = crate::network::rng(9);
    let first = Holders::generate(2, 3, &mut rng);
    let later = first.reshare(id(Gatekeepers, 3), 2, 1..=3, &[1, 2], &mut rng);
    let from = |holders: &Holders| Source::Resharing(holders.sharing.clone());
    assert_eq!(plan(1, from(&first), &keys), None);
    assert_eq!(plan(1, from(&later), &keys), Some(PlanError::Source));
}

/// Threshold and number of holders, and in which order they are asked.
fn holders(most: u8) -> impl Strategy<Value = (u8, Vec<u8>)> {
    (1..=most).prop_flat_map(|count| {
        let names: Vec<u8> = (1..=count).collect();
        (1..=count, Just(names).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_holders_keep_the_key_through_any_change(
        (before, old) in holders(7),
        (after, new) in holders(9),
        seed: u8,
    ) {
        let mut rng = rng(seed);
        let first = Holders::generate(before, old.len() as u8, &mut rng);
        let asked = usize::from(before);
        let value = first.seed(&seed_of(3), &old[..asked]);
        let dealers = &old[old.len() - asked..];
        let next = first.reshare(id(Gatekeepers, 1), after, 1..=new.len() as u8, dealers, &mut rng);
        prop_assert_eq!(next.sharing.group_key(), first.sharing.group_key());
        prop_assert_eq!(next.seed(&seed_of(3), &new[..usize::from(after)]), value);
        let few = next.evaluate(&seed_of(3), &new[..usize::from(after) - 1]);
        prop_assert!(next.sharing.combine(&seed_of(3), &few).is_err());
    }
}
