//! One proof by many, and the beacon.

use crate::network::{Holders, id, index, rng};
use codec::{DecodeAll, Encode};
use threshold_keys::{
    BeaconValue, Committee::Gatekeepers, Contribution, EvaluationContext, GroupKey, InvalidProof,
    JointProof, ProofNonce, ProofResponse, ProvenEvaluation, RespondError, ShareFault,
};

fn beacon(round: u64) -> EvaluationContext {
    EvaluationContext::Beacon { round }
}

/// The first round: each of `names` with its nonce.
pub fn contribute(
    holders: &Holders,
    context: &EvaluationContext,
    names: &[u8],
    seed: u8,
) -> (Vec<Contribution>, Vec<ProofNonce>) {
    let mut rng = rng(seed);
    names
        .iter()
        .map(|name| {
            let share = &holders.shares[usize::from(*name) - 1];
            let nonce = share.commit_nonce(context, &mut rng).unwrap();
            let contribution = Contribution {
                share: share.evaluate(context).unwrap(),
                nonce: *nonce.commitment(),
            };
            (contribution, nonce)
        })
        .unzip()
}

/// The second round: each of the signers with the nonce that it published.
fn respond(holders: &Holders, proof: &JointProof, nonces: Vec<ProofNonce>) -> Vec<ProofResponse> {
    let signers: Vec<_> = proof.signers().collect();
    nonces
        .into_iter()
        .filter(|nonce| signers.contains(&nonce.commitment().holder))
        .map(|nonce| {
            let position = usize::from(nonce.commitment().holder.get()) - 1;
            holders.shares[position].respond(nonce, proof).unwrap()
        })
        .collect()
}

fn prove(holders: &Holders, round: u64, names: &[u8], seed: u8) -> ProvenEvaluation {
    let (contributions, nonces) = contribute(holders, &beacon(round), names, seed);
    let proof = JointProof::new(&holders.sharing, &beacon(round), &contributions).unwrap();
    proof.finish(&respond(holders, &proof, nonces)).unwrap()
}

#[test]
fn the_beacon_is_the_same_whoever_gives_it_and_takes_one_check() {
    let mut rng = rng(20);
    let holders = Holders::generate(3, 5, &mut rng);
    let key = holders.sharing.group_key();
    let first = prove(&holders, 7, &[1, 2, 3], 1);
    let value = BeaconValue::from_proof(&key, 7, &first).unwrap();
    let other = prove(&holders, 7, &[5, 4, 2, 1], 2);
    assert_ne!(first, other);
    assert_eq!(BeaconValue::from_proof(&key, 7, &other), Ok(value));
    let refreshed = holders.reshare(id(Gatekeepers, 1), 2, 1..=4, &[1, 2, 3], &mut rng);
    let later = prove(&refreshed, 7, &[3, 4], 3);
    assert_eq!(BeaconValue::from_proof(&key, 7, &later), Ok(value));
    let shares = holders.evaluate(&beacon(7), &[2, 3, 5]);
    let from_shares = BeaconValue::from_shares(&holders.sharing, 7, &shares);
    assert_eq!(from_shares, Ok(value));
    assert_eq!(first.encode().len(), 96);
}

#[test]
fn a_proof_is_of_its_round_its_key_and_every_bit() {
    let holders = Holders::generate(2, 3, &mut rng(21));
    let key = holders.sharing.group_key();
    let proven = prove(&holders, 7, &[1, 3], 1);
    let check =
        |key: &GroupKey, round, proven: &_| BeaconValue::from_proof(key, round, proven).err();
    assert_eq!(check(&key, 7, &proven), None);
    assert_eq!(check(&key, 8, &proven), Some(InvalidProof));
    let next = GroupKey {
        generation: 1,
        ..key
    };
    assert_eq!(check(&next, 7, &proven), Some(InvalidProof));
    let other = Holders::generate(2, 3, &mut rng(22)).sharing.group_key();
    assert_eq!(check(&other, 7, &proven), Some(InvalidProof));
    let bytes = proven.encode();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = ProvenEvaluation::decode_all(&mut &changed[..]) {
            assert_eq!(check(&key, 7, &changed), Some(InvalidProof));
        }
    }
}

#[test]
fn one_machine_proves_alone() {
    let holders = Holders::generate(1, 1, &mut rng(23));
    let proven = prove(&holders, 1, &[1], 1);
    BeaconValue::from_proof(&holders.sharing.group_key(), 1, &proven).unwrap();
}

#[test]
fn who_answers_wrongly_or_not_at_all_is_named() {
    let holders = Holders::generate(3, 4, &mut rng(24));
    let (contributions, nonces) = contribute(&holders, &beacon(1), &[1, 2, 4], 1);
    let proof = JointProof::new(&holders.sharing, &beacon(1), &contributions).unwrap();
    let mut responses = respond(&holders, &proof, nonces);
    responses[1].holder = index(1);
    let missing = responses.remove(2);
    let error = proof.finish(&responses).unwrap_err();
    assert_eq!(error.faulty, [index(2), index(4)]);
    responses[1].holder = index(2);
    responses.push(missing);
    proof.finish(&responses).unwrap();
}

#[test]
fn a_wrong_share_is_named_before_anybody_answers() {
    let holders = Holders::generate(2, 3, &mut rng(25));
    let (mut contributions, _) = contribute(&holders, &beacon(1), &[1, 2, 3], 1);
    contributions[0].share = holders.evaluate(&beacon(2), &[1]).remove(0);
    let proof = JointProof::new(&holders.sharing, &beacon(1), &contributions).unwrap();
    assert_eq!(proof.signers().collect::<Vec<_>>(), [index(2), index(3)]);
    assert_eq!(proof.faults(), [(index(1), ShareFault::Proof)]);
    let error = JointProof::new(&holders.sharing, &beacon(1), &contributions[..2]);
    let error = error.err().unwrap();
    assert_eq!(error.faults, [(index(1), ShareFault::Proof)]);
    contributions[1].nonce = contributions[2].nonce;
    let error = JointProof::new(&holders.sharing, &beacon(1), &contributions);
    let odd = (index(2), ShareFault::OtherSharing);
    assert_eq!(
        error.err().unwrap().faults,
        [(index(1), ShareFault::Proof), odd]
    );
}

#[test]
fn answers_are_of_one_proof() {
    let holders = Holders::generate(2, 3, &mut rng(27));
    let (first, nonces) = contribute(&holders, &beacon(1), &[1, 2], 1);
    let first = JointProof::new(&holders.sharing, &beacon(1), &first).unwrap();
    let (second, _) = contribute(&holders, &beacon(1), &[1, 2], 2);
    let second = JointProof::new(&holders.sharing, &beacon(1), &second).unwrap();
    let mut responses = respond(&holders, &first, nonces);
    first.finish(&responses).unwrap();
    let mut relabelled = responses.clone();
    relabelled[0].proof = *second.digest();
    assert_eq!(first.finish(&relabelled).unwrap_err().faulty, [index(1)]);
    responses.reverse();
    first.finish(&responses).unwrap();
    let error = second.finish(&responses).unwrap_err();
    assert_eq!(error.faulty, [index(1), index(2)]);
}

#[test]
fn a_nonce_answers_only_in_a_proof_that_has_it() {
    let holders = Holders::generate(2, 3, &mut rng(26));
    let (contributions, _) = contribute(&holders, &beacon(1), &[1, 2], 1);
    let proof = JointProof::new(&holders.sharing, &beacon(1), &contributions).unwrap();
    let share = &holders.shares[0];
    for context in [beacon(1), beacon(2)] {
        let other = share.commit_nonce(&context, &mut rng(2)).unwrap();
        assert_eq!(share.respond(other, &proof), Err(RespondError::OtherProof));
    }
    let (_, mut nonces) = contribute(&holders, &beacon(1), &[3], 1);
    let not_asked = holders.shares[2].respond(nonces.remove(0), &proof);
    assert_eq!(not_asked, Err(RespondError::OtherProof));
}
