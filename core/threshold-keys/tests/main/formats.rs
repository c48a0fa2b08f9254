//! Bytes are promises: what is on chain, hashed or derived stays as it is.

use crate::network::{Ceremony, NETWORK, id, index, rng, seed_of};
use codec::{DecodeAll, Encode, MaxEncodedLen};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_COMPRESSED;
use proptest::prelude::*;
use std::fmt::Write as _;
use threshold_keys::{
    BeaconValue, Committee::Gatekeepers, Complaint, Contribution, Dealing, Element, Equivocation,
    EvaluationContext, EvaluationShare, FieldElement, GroupKey, HolderIndex, JointProof,
    NonceCommitment, Plan, ProofResponse, ProvenEvaluation, ReceivingKey, Sharing, Source,
    WrongResponse, WrongShare,
};

/// Every message of a network of three, from fixed seeds, as `name = hex` lines.
fn transcript() -> String {
    let mut rng = rng(40);
    let mut lines = String::new();
    let mut note = |name: &str, bytes: &[u8]| {
        writeln!(lines, "{name} = {}", hex::encode(bytes)).unwrap();
    };
    let ceremony = Ceremony::new(id(Gatekeepers, 0), 2, Source::Generation, 1..=3, &mut rng);
    for receiver in &ceremony.receivers {
        note("receiving key", &receiver.public().encode());
    }
    note("plan", &ceremony.plan.encode());
    note("plan digest", &ceremony.plan.digest().encode());
    let mut dealings = Vec::new();
    for dealer in HolderIndex::all(3) {
        let dealing = ceremony.plan.deal_new_key(dealer, &mut rng).unwrap();
        note("dealing", &dealing.encode());
        dealings.push(dealing.verify(&ceremony.plan).unwrap());
    }
    let holders = ceremony.finish(&dealings);
    note("sharing", &holders.sharing.encode());
    note("group key", &holders.sharing.group_key().encode());
    for share in &holders.shares {
        note("key share", &*share.expose());
    }
    let shares = holders.evaluate(&seed_of(1), &[1, 3]);
    note("evaluation share", &shares[0].encode());
    note("cluster seed", &holders.seed(&seed_of(1), &[1, 3]));
    let context = EvaluationContext::Beacon { round: 9 };
    let mut nonces = Vec::new();
    let mut contributions = Vec::new();
    for share in &holders.shares[..2] {
        let nonce = share.commit_nonce(&context, &mut rng).unwrap();
        let contribution = Contribution {
            share: share.evaluate(&context).unwrap(),
            nonce: *nonce.commitment(),
        };
        note("contribution", &contribution.encode());
        contributions.push(contribution);
        nonces.push(nonce);
    }
    let proof = JointProof::new(&holders.sharing, &context, &contributions).unwrap();
    let mut responses = Vec::new();
    for (share, nonce) in holders.shares.iter().zip(nonces) {
        let response = share.respond(nonce, &proof).unwrap();
        note("proof response", &response.encode());
        responses.push(response);
    }
    let proven = proof.finish(&responses).unwrap();
    note("proven evaluation", &proven.encode());
    let value = BeaconValue::from_proof(&holders.sharing.group_key(), 9, &proven).unwrap();
    note("beacon value", &value.0);
    let source = Source::Resharing(holders.sharing.clone());
    let next = Ceremony::new(id(Gatekeepers, 1), 1, source, 4..=5, &mut rng);
    let dealings = holders.deal(&next.plan, &[1, 3], &mut rng);
    let next = next.finish(&dealings);
    note("sharing of the next epoch", &next.sharing.encode());
    lines
}

/// `UPDATE_FIXTURES=1` writes the file instead: an approval of another format.
#[test]
fn the_bytes_are_those_of_the_fixture() {
    let path = "tests/fixtures/network-of-three.txt";
    let transcript = transcript();
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::write(path, &transcript).unwrap();
    }
    let fixture = std::fs::read_to_string(path).unwrap();
    for (line, expected) in transcript.lines().zip(fixture.lines()) {
        assert_eq!(line, expected);
    }
    assert_eq!(transcript.len(), fixture.len());
}

#[test]
fn the_bounds_of_messages_are_those_of_the_documentation() {
    assert_eq!(Element::max_encoded_len(), 32);
    assert_eq!(FieldElement::max_encoded_len(), 32);
    assert_eq!(GroupKey::max_encoded_len(), 68);
    assert_eq!(ReceivingKey::max_encoded_len(), 128);
    assert_eq!(Complaint::max_encoded_len(), 98);
    assert_eq!(EvaluationShare::max_encoded_len(), EvaluationShare::BYTES);
    assert_eq!(NonceCommitment::max_encoded_len(), 74);
    assert_eq!(ProofResponse::max_encoded_len(), 65);
    assert_eq!(ProvenEvaluation::max_encoded_len(), 96);
    // With 64 holders a length takes two bytes, four as `MaxEncodedLen` counts.
    assert!(Dealing::max_encoded_len() <= 131 + 6 + 32 * 128);
    assert!(Sharing::max_encoded_len() <= 43 + 6 + 32 * 128);
    assert!(Plan::max_encoded_len() <= 10 * 1024);
}

#[test]
fn sizes_grow_by_32_bytes_for_each_holder_and_coefficient() {
    for (threshold, count, dealing_bytes, sharing_bytes) in [(3, 5, 387, 299), (13, 20, 1187, 1099)]
    {
        let mut rng = rng(41);
        let target = id(Gatekeepers, 0);
        let ceremony = Ceremony::new(target, threshold, Source::Generation, 1..=count, &mut rng);
        let dealing = ceremony.plan.deal_new_key(index(1), &mut rng).unwrap();
        assert_eq!(dealing.encode().len(), dealing_bytes);
        let dealers: Vec<u8> = (1..=threshold).collect();
        let holders = ceremony.finish(&ceremony.deal_new_key(&dealers, &mut rng));
        assert_eq!(holders.sharing.encode().len(), sharing_bytes);
    }
}

#[test]
fn only_canonical_points_and_scalars_decode() {
    let base = RISTRETTO_BASEPOINT_COMPRESSED.to_bytes();
    assert!(Element::from_bytes(&base).is_some());
    assert!(Element::from_bytes(&[0; 32]).is_none(), "the neutral point");
    // RFC 9496, A.2: not a field element, negative, and not on the curve.
    let not_canonical = "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    let negative = "0100000000000000000000000000000000000000000000000000000000000000";
    let no_square = "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371";
    for text in [not_canonical, negative, no_square] {
        let bytes: [u8; 32] = hex::decode(text).unwrap().try_into().unwrap();
        assert!(Element::from_bytes(&bytes).is_none());
        assert!(Element::decode_all(&mut &bytes[..]).is_err());
    }
    // The order of the group is the first number that is no canonical scalar.
    let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let mut order: [u8; 32] = hex::decode(order).unwrap().try_into().unwrap();
    assert!(FieldElement::decode_all(&mut &order[..]).is_err());
    order[0] -= 1;
    assert!(FieldElement::decode_all(&mut &order[..]).is_ok());
    assert!(HolderIndex::decode_all(&mut &[0u8][..]).is_err());
    assert!(HolderIndex::decode_all(&mut &[64u8][..]).is_ok());
    assert!(HolderIndex::decode_all(&mut &[65u8][..]).is_err());
}

#[test]
fn plans_and_sharings_are_checked_when_they_are_decoded() {
    let mut rng = rng(42);
    let ceremony = Ceremony::new(id(Gatekeepers, 0), 2, Source::Generation, 1..=3, &mut rng);
    let plan = ceremony.plan.encode();
    assert_eq!(Plan::decode_all(&mut &plan[..]), Ok(ceremony.plan.clone()));
    // The threshold is the byte after network and name.
    for threshold in [0, 4] {
        let mut changed = plan.clone();
        changed[41] = threshold;
        assert!(Plan::decode_all(&mut &changed[..]).is_err());
    }
    let dealings = ceremony.deal_new_key(&[1, 2], &mut rng);
    let sharing = ceremony.finish(&dealings).sharing;
    let bytes = sharing.encode();
    assert_eq!(Sharing::decode_all(&mut &bytes[..]), Ok(sharing.clone()));
    let parts = |holders: &[[u8; 32]], commitments: usize| {
        let element = vec![sharing.group_key().element; commitments];
        (NETWORK, sharing.id(), holders.to_vec(), element).encode()
    };
    let names = sharing.holders();
    let check = |bytes: Vec<u8>| Sharing::decode_all(&mut &bytes[..]).is_ok();
    assert!(check(parts(names, 3)));
    assert!(!check(parts(names, 0)));
    assert!(!check(parts(names, 4)));
    assert!(!check(parts(&[names[0], names[0]], 1)));
    let many: Vec<[u8; 32]> = (0..65).map(|name| [name; 32]).collect();
    assert!(check(parts(&many[..64], 1)));
    assert!(!check(parts(&many, 1)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn strangers_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = Dealing::decode_all(&mut &bytes[..]);
        let _ = Plan::decode_all(&mut &bytes[..]);
        let _ = Sharing::decode_all(&mut &bytes[..]);
        let _ = Complaint::decode_all(&mut &bytes[..]);
        let _ = Contribution::decode_all(&mut &bytes[..]);
        let _ = WrongResponse::decode_all(&mut &bytes[..]);
        let _ = WrongShare::decode_all(&mut &bytes[..]);
        let _ = Equivocation::decode_all(&mut &bytes[..]);
    }

    #[test]
    fn a_changed_dealing_decodes_to_nothing_that_verifies(at in 0usize..291, to: u8) {
        let mut rng = rng(43);
        let target = id(Gatekeepers, 0);
        let ceremony = Ceremony::new(target, 2, Source::Generation, 1..=3, &mut rng);
        let dealing = ceremony.plan.deal_new_key(index(1), &mut rng).unwrap();
        let mut bytes = dealing.encode();
        prop_assert_eq!(bytes.len(), 291);
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        if let Ok(changed) = Dealing::decode_all(&mut &bytes[..]) {
            prop_assert!(changed.verify(&ceremony.plan).is_err());
        }
    }
}
