use crate::{mock::*, *};
use pallet_worker_registry::SeedStore;
use polkadot_sdk::{frame_support::storage::with_storage_layer, sp_runtime::DispatchResult};
use primitives::{HpkePublicKey, WorkerId};
use threshold_keys::{
    GatekeeperMessage, SEALED_SHARE_BYTES, SealedSeedShare, SeedConfirmation, Statement,
};
use wire::message::MessagePayload;

const FIVE: [u8; 5] = [1, 2, 3, 4, 5];
const MEMBER: u8 = 20;

fn hpke(byte: u8) -> HpkePublicKey {
    HpkePublicKey([byte; 32])
}

fn with_member(test: impl FnOnce(&mut Net)) {
    run(|net| {
        net.launch(&FIVE);
        InCluster::set(vec![(CLUSTER, worker(MEMBER))]);
        WorkerKeys::mutate(|keys| keys.insert(worker(MEMBER), hpke(1)));
        test(net);
    });
}

/// What a holder says; the ciphertext is anything, since the chain cannot open it.
fn sealed(net: &Net, seed: u8) -> SealedSeedShare {
    use codec::Encode;
    let key_share = net.machines[&seed].share.as_ref().unwrap();
    let share = key_share.evaluate(&seed_context()).unwrap();
    let mut sealed = SealedSeedShare {
        cluster: CLUSTER,
        rotation: 0,
        worker: worker(MEMBER),
        sealed_to: hpke(1),
        sharing: sharing().id(),
        holder: key_share.index(),
        encapsulated_key: [1; 32],
        ciphertext: vec![2; SEALED_SHARE_BYTES].try_into().unwrap(),
        payload: Statement::payload_digest(&share.encode()),
        statement_signature: [0; 64],
    };
    sealed.statement_signature = sign(seed, &sealed.statement(NETWORK));
    sealed
}

fn give(seed: u8, sealed: SealedSeedShare) -> DispatchResult {
    say(seed, GatekeeperMessage::SeedShare(sealed))
}

fn received(worker: &WorkerId, rotation: u32) -> DispatchResult {
    let payload = MessagePayload::SeedReceived {
        cluster: CLUSTER,
        rotation,
    };
    with_storage_layer(|| Gatekeepers::handle_message(worker, &payload))
}

#[test]
fn shares_wait_for_a_member_until_it_has_the_seed() {
    with_member(|net| {
        let member = worker(MEMBER);
        for seed in FIVE {
            give(seed, sealed(net, seed)).unwrap();
        }
        let pending = SeedShares::<Test>::get(CLUSTER, member).unwrap();
        assert_eq!(pending.shares.len(), 5);
        assert_eq!(pending.sharing, sharing().id());
        Gatekeepers::do_try_state().unwrap();

        assert_eq!(received(&worker(1), 0), refused(Error::NotInCluster));
        assert_eq!(received(&member, 1), refused(Error::OtherRotation));
        let payload = |cluster| MessagePayload::SeedReceived {
            cluster,
            rotation: 0,
        };
        let check = |seed, cluster| Gatekeepers::check_message(&worker(seed), &payload(cluster));
        assert_eq!(check(MEMBER, CLUSTER), Ok(()));
        assert_eq!(check(1, CLUSTER), refused(Error::NotInCluster));
        received(&member, 0).unwrap();
        assert!(!SeedShares::<Test>::contains_key(CLUSTER, member));
        let confirmation = SeedsConfirmed::<Test>::get(CLUSTER, member);
        let expected = SeedConfirmation {
            rotation: 0,
            hpke_public_key: hpke(1),
        };
        assert_eq!(confirmation, Some(expected));
        assert_eq!(
            give(1, sealed(net, 1)),
            refused(Error::SeedConfirmedAlready)
        );
        // A worker that comes back with another key has lost it, and is given it again.
        WorkerKeys::mutate(|keys| keys.insert(member, hpke(2)));
        let again = SealedSeedShare {
            sealed_to: hpke(2),
            ..sealed(net, 1)
        };
        give(1, again).unwrap();
        Gatekeepers::do_try_state().unwrap();
        Gatekeepers::forget_seed(&CLUSTER, &member);
        assert!(!SeedShares::<Test>::contains_key(CLUSTER, member));
        assert!(!SeedsConfirmed::<Test>::contains_key(CLUSTER, member));
    });
}

#[test]
fn a_seed_is_given_by_holders_to_active_members_alone_and_once() {
    with_member(|net| {
        let good = sealed(net, 1);
        let with = |change: &dyn Fn(&mut SealedSeedShare)| {
            let mut changed = good.clone();
            change(&mut changed);
            give(1, changed)
        };
        let later = threshold_keys::SharingId {
            epoch: 9,
            ..good.sharing
        };
        assert_eq!(
            with(&|sealed| sealed.sharing = later),
            refused(Error::OtherSharing)
        );
        assert_eq!(
            with(&|sealed| sealed.holder = index(2)),
            refused(Error::NotHolder)
        );
        assert_eq!(
            with(&|sealed| sealed.holder = index(6)),
            refused(Error::NotHolder)
        );
        assert_eq!(give(9, good.clone()), refused(Error::NotHolder));
        assert_eq!(
            with(&|sealed| sealed.ciphertext.truncate(SEALED_SHARE_BYTES - 1)),
            refused(Error::SealedShareLength)
        );
        assert_eq!(
            with(&|sealed| sealed.worker = worker(21)),
            refused(Error::NotInCluster)
        );
        assert_eq!(
            with(&|sealed| sealed.rotation = 1),
            refused(Error::OtherRotation)
        );
        assert_eq!(
            with(&|sealed| sealed.sealed_to = hpke(9)),
            refused(Error::OtherWorkerKey)
        );
        assert_eq!(
            with(&|sealed| sealed.payload = [0; 32]),
            refused(Error::InvalidSignature)
        );
        Inactive::set(vec![worker(MEMBER)]);
        assert_eq!(give(1, good.clone()), refused(Error::WorkerInactive));
        Inactive::set(vec![]);
        give(1, good.clone()).unwrap();
        assert_eq!(give(1, good), refused(Error::ShareExists));
    });
}

#[test]
fn two_different_shares_for_one_worker_are_seen_by_the_chain_itself() {
    with_member(|net| {
        give(1, sealed(net, 1)).unwrap();
        let mut other = sealed(net, 1);
        other.payload = [9; 32];
        assert_eq!(give(1, other.clone()), refused(Error::InvalidSignature));
        assert_eq!(offences(1, OffenceKind::Equivocation), 0);
        other.statement_signature = sign(1, &other.statement(NETWORK));
        give(1, other.clone()).unwrap();
        give(1, other).unwrap();
        assert_eq!(offences(1, OffenceKind::Equivocation), 1, "once");
        let kept = SeedShares::<Test>::get(CLUSTER, worker(MEMBER)).unwrap();
        assert_eq!(kept.shares.len(), 1);
        assert_eq!(kept.shares[0].payload, sealed(net, 1).payload, "the first stays");
    });
}

#[test]
fn shares_of_an_old_sharing_go_when_the_first_new_one_comes() {
    with_member(|net| {
        let member = worker(MEMBER);
        let old = sealed(net, 2);
        give(1, sealed(net, 1)).unwrap();
        Gatekeepers::start_refresh(RuntimeOrigin::root()).unwrap();
        net.ceremony(&FIVE, &FIVE);
        assert_eq!(give(2, old), refused(Error::OtherSharing));
        give(3, sealed(net, 3)).unwrap();
        let pending = SeedShares::<Test>::get(CLUSTER, member).unwrap();
        assert_eq!(pending.sharing, sharing().id());
        let holders: Vec<u8> = pending.shares.iter().map(|s| s.holder.get()).collect();
        assert_eq!(holders, [3]);
        Gatekeepers::forget_cluster(&CLUSTER, &[member]);
        assert!(!SeedShares::<Test>::contains_key(CLUSTER, member));
    });
}

#[test]
fn there_is_no_seed_before_there_is_a_key() {
    run(|net| {
        InCluster::set(vec![(CLUSTER, worker(MEMBER))]);
        assert_eq!(received(&worker(MEMBER), 0), refused(Error::WorkerInactive));
        with_key_of_another_network(net);
    });
}

fn with_key_of_another_network(net: &mut Net) {
    net.launch(&FIVE);
    let share = sealed(net, 1);
    CurrentSharing::<Test>::kill();
    assert_eq!(give(1, share), refused(Error::NoSharing));
    // Put back for the check of the state: nothing but a test takes a sharing away.
    NetworkKey::<Test>::kill();
    CurrentHolders::<Test>::kill();
    Beacon::<Test>::kill();
}
