//! Seeds from shares: who gives which, and what is noticed.

use crate::network::{Holders, id, index, rng, seed_of};
use bounded_collections::BoundedVec;
use codec::{DecodeAll, Encode};
use primitives::{ClusterId, WorkerId};
use threshold_keys::{
    Committee::Gatekeepers, EvaluationContext, EvaluationShare, GroupKey, ShareFault,
};

#[test]
fn any_three_of_five_give_the_same_seed_and_two_give_none() {
    let holders = Holders::generate(3, 5, &mut rng(10));
    let context = seed_of(1);
    let seed = holders.seed(&context, &[1, 2, 3]);
    for a in 1..=5u8 {
        for b in a + 1..=5 {
            let few = holders.evaluate(&context, &[a, b]);
            let error = holders.sharing.combine(&context, &few).err().unwrap();
            assert_eq!((error.valid, error.needed), (2, 3));
            for c in b + 1..=5 {
                assert_eq!(holders.seed(&context, &[c, a, b]), seed);
            }
        }
    }
    assert_eq!(holders.seed(&context, &[5, 4, 3, 2, 1]), seed);
}

#[test]
fn each_context_key_and_network_has_values_of_its_own() {
    let holders = Holders::generate(2, 3, &mut rng(11));
    let cluster = ClusterId([1; 32]);
    let other = |purpose: &[u8], id| EvaluationContext::Other {
        purpose: BoundedVec::truncate_from(purpose.to_vec()),
        id,
    };
    let contexts = [
        seed_of(1),
        seed_of(2),
        EvaluationContext::ClusterSeed {
            cluster,
            rotation: 1,
        },
        EvaluationContext::Beacon { round: 0 },
        EvaluationContext::Beacon { round: 1 },
        other(b"a", [1; 32]),
        other(b"b", [1; 32]),
        other(b"a", [2; 32]),
    ];
    let mut seeds: Vec<[u8; 32]> = contexts.iter().map(|c| holders.seed(c, &[1, 2])).collect();
    seeds.push(Holders::generate(2, 3, &mut rng(12)).seed(&seed_of(1), &[1, 2]));
    for (position, seed) in seeds.iter().enumerate() {
        assert!(!seeds[..position].contains(seed));
    }
}

#[test]
fn shares_that_are_wrong_are_named_and_the_rest_combine() {
    let mut rng = rng(13);
    let holders = Holders::generate(2, 5, &mut rng);
    let refreshed = holders.reshare(id(Gatekeepers, 1), 2, 1..=5, &[1, 2], &mut rng);
    let context = seed_of(1);
    let seed = refreshed.seed(&context, &[1, 2]);
    let right = refreshed.evaluate(&context, &[3, 4]);
    let of_another_context = refreshed.evaluate(&seed_of(2), &[1]).remove(0);
    let of_the_old_epoch = holders.evaluate(&context, &[2]).remove(0);
    let mut of_nobody = right[0].clone();
    of_nobody.holder = index(6);
    let mut of_another = right[0].clone();
    of_another.holder = index(5);
    let shares = [
        of_another_context,
        of_the_old_epoch,
        right[0].clone(),
        right[0].clone(),
        of_nobody,
        of_another,
        right[1].clone(),
    ];
    let combined = refreshed.sharing.combine(&context, &shares).unwrap();
    assert_eq!(*combined.evaluation.secret(), seed);
    let expected = [
        (index(1), ShareFault::Proof),
        (index(2), ShareFault::OtherSharing),
        (index(3), ShareFault::Duplicate),
        (index(6), ShareFault::UnknownHolder),
        (index(5), ShareFault::Proof),
    ];
    assert_eq!(combined.faults, expected);
    let error = refreshed
        .sharing
        .combine(&context, &shares[..4])
        .err()
        .unwrap();
    assert_eq!((error.valid, error.needed), (1, 2));
    assert_eq!(error.faults, expected[..3]);
}

#[test]
fn an_old_share_does_not_pass_for_a_new_one() {
    let mut rng = rng(14);
    let old = Holders::generate(2, 3, &mut rng);
    let new = old.reshare(id(Gatekeepers, 1), 2, 1..=3, &[1, 3], &mut rng);
    let context = seed_of(1);
    let mut share = old.evaluate(&context, &[1]).remove(0);
    share.sharing = new.sharing.id();
    assert_eq!(
        new.sharing.verify_share(&context, &share),
        Err(ShareFault::Proof)
    );
    assert_ne!(*old.shares[0].expose(), *new.shares[0].expose());
}

#[test]
fn a_share_is_the_same_each_time_and_does_not_print_its_value() {
    let holders = Holders::generate(2, 3, &mut rng(15));
    let first = holders.evaluate(&seed_of(1), &[1]).remove(0);
    let again = holders.evaluate(&seed_of(1), &[1]).remove(0);
    assert_eq!(first, again);
    let bytes = first.encode();
    assert_eq!(bytes.len(), EvaluationShare::BYTES);
    // Sharing and holder come first; the value is the 32 bytes after these ten.
    assert!(!format!("{first:?}").contains(&hex::encode(&bytes[10..14])));
    assert_eq!(EvaluationShare::decode_all(&mut &bytes[..]), Ok(first));
}

#[test]
fn every_flipped_bit_of_a_share_is_noticed() {
    let holders = Holders::generate(2, 3, &mut rng(16));
    let bytes = holders.evaluate(&seed_of(1), &[1])[0].encode();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(share) = EvaluationShare::decode_all(&mut &changed[..]) {
            assert!(holders.sharing.verify_share(&seed_of(1), &share).is_err());
        }
    }
}

#[test]
fn a_sealed_share_is_bound_to_key_context_and_worker() {
    let key = Holders::generate(1, 1, &mut rng(17)).sharing.group_key();
    let other = GroupKey {
        generation: 1,
        ..key
    };
    let aad = EvaluationShare::sealing_aad;
    let (one, two) = (WorkerId([1; 32]), WorkerId([2; 32]));
    let first = aad(&key, &seed_of(1), &one);
    assert_ne!(first, aad(&key, &seed_of(1), &two));
    assert_ne!(first, aad(&key, &seed_of(2), &one));
    assert_ne!(first, aad(&other, &seed_of(1), &one));
}
