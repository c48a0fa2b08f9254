//! What convicts a gatekeeper, and what does not.

use crate::{
    network::{Holders, NETWORK, holder, id, index, rng, seed_of, signer},
    proof::contribute,
};
use bounded_collections::BoundedVec;
use codec::Encode;
use primitives::WorkerId;
use secrets::verify_sr25519;
use threshold_keys::{
    Committee::Gatekeepers, Contribution, Equivocation, EvaluationContext, JointProof, NotEvidence,
    PerHolder, SharingId, SignedStatement, Slot, Statement, WrongResponse, WrongShare,
};

/// What holder `name` signs about `payload` in epoch 0.
fn sign(name: u8, slot: Slot, payload: &[u8]) -> SignedStatement {
    sign_in(id(Gatekeepers, 0), name, slot, payload)
}

fn sign_in(sharing: SharingId, name: u8, slot: Slot, payload: &[u8]) -> SignedStatement {
    let statement = Statement {
        network: NETWORK,
        sharing,
        holder: index(name),
        slot,
        payload: Statement::payload_digest(payload),
    };
    SignedStatement {
        statement,
        signature: signer(name).sign(&statement.signing_bytes()),
    }
}

fn slot(context: &EvaluationContext) -> Slot {
    Slot::Share {
        context: context.digest(),
        requester: WorkerId([8; 32]),
    }
}

fn wrong_share(signed: SignedStatement, payload: &[u8]) -> WrongShare {
    WrongShare {
        signed,
        context: seed_of(1),
        payload: BoundedVec::truncate_from(payload.to_vec()),
    }
}

#[test]
fn a_signed_share_that_does_not_hold_convicts() {
    let holders = Holders::generate(2, 3, &mut rng(30));
    let slot = slot(&seed_of(1));
    let of_another_context = holders.evaluate(&seed_of(2), &[2])[0].encode();
    let of_another_holder = holders.evaluate(&seed_of(1), &[3])[0].encode();
    for payload in [
        &of_another_context,
        &of_another_holder,
        &vec![0; 106],
        &vec![],
    ] {
        let evidence = wrong_share(sign(2, slot, payload), payload);
        let found = evidence.verify(&holders.sharing, &verify_sr25519).unwrap();
        assert_eq!(found.holder(), &holder(2));
        assert_eq!(found.statement().slot, slot);
    }
}

#[test]
fn an_honest_gatekeeper_is_never_convicted() {
    let mut rng = rng(31);
    let holders = Holders::generate(2, 3, &mut rng);
    let slot = slot(&seed_of(1));
    let right = holders.evaluate(&seed_of(1), &[2])[0].encode();
    let wrong = holders.evaluate(&seed_of(2), &[2])[0].encode();
    let judge = |evidence: WrongShare| {
        evidence
            .verify(&holders.sharing, &verify_sr25519)
            .unwrap_err()
    };
    let signed = sign(2, slot, &right);
    assert_eq!(judge(wrong_share(signed, &right)), NotEvidence::ShareHolds);
    assert_eq!(
        judge(wrong_share(signed, &wrong)),
        NotEvidence::OtherMessage
    );
    // Another context than the one that was signed would make any share wrong.
    let mut moved = wrong_share(signed, &right);
    moved.context = seed_of(2);
    assert_eq!(judge(moved), NotEvidence::OtherMessage);
    let mut forged = sign(2, slot, &wrong);
    forged.signature[3] ^= 1;
    assert_eq!(judge(wrong_share(forged, &wrong)), NotEvidence::Signature);
    let mut by_another = sign(1, slot, &wrong);
    by_another.statement.holder = index(2);
    assert_eq!(
        judge(wrong_share(by_another, &wrong)),
        NotEvidence::Signature
    );
    let nonce = Slot::BeaconNonce {
        round: 1,
        attempt: 0,
    };
    let in_another_slot = wrong_share(sign(2, nonce, &wrong), &wrong);
    assert_eq!(judge(in_another_slot), NotEvidence::OtherMessage);
    // A share that was right in its epoch is wrong in the next.
    let next = holders.reshare(id(Gatekeepers, 1), 2, 1..=3, &[1, 2], &mut rng);
    let stale = wrong_share(signed, &right).verify(&next.sharing, &verify_sr25519);
    assert_eq!(stale, Err(NotEvidence::OtherSharing));
}

#[test]
fn a_signed_answer_that_does_not_hold_convicts_and_no_other() {
    let mut rng = rng(33);
    let holders = Holders::generate(2, 3, &mut rng);
    let context = EvaluationContext::Beacon { round: 4 };
    let (contributions, mut nonces) = contribute(&holders, &context, &[1, 2], 1);
    let proof = JointProof::new(&holders.sharing, &context, &contributions).unwrap();
    let first = holders.shares[0].respond(nonces.remove(0), &proof).unwrap();
    let mut wrong = holders.shares[1].respond(nonces.remove(0), &proof).unwrap();
    wrong.holder = index(1);
    let slot = Slot::BeaconResponse {
        round: 4,
        attempt: 0,
    };
    let judge = |slot, contributions: &[Contribution], payload: &[u8]| {
        let evidence = WrongResponse {
            signed: sign(1, slot, payload),
            contributions: PerHolder::truncate_from(contributions.to_vec()),
            payload: BoundedVec::truncate_from(payload.to_vec()),
        };
        let found = evidence.verify(&holders.sharing, &verify_sr25519);
        found.map(|found| *found.holder())
    };
    let (right, wrong) = (first.encode(), wrong.encode());
    assert_eq!(judge(slot, &contributions, &wrong), Ok(holder(1)));
    assert_eq!(judge(slot, &contributions, b"nonsense"), Ok(holder(1)));
    let holds = Err(NotEvidence::ResponseHolds);
    assert_eq!(judge(slot, &contributions, &right), holds);
    // With other contributions than it answered to, any answer would be wrong.
    let (others, _) = contribute(&holders, &context, &[1, 3], 2);
    let other = Err(NotEvidence::OtherMessage);
    assert_eq!(judge(slot, &others, &right), other);
    assert_eq!(judge(slot, &[], &right), other);
    let nonce = Slot::BeaconNonce {
        round: 4,
        attempt: 0,
    };
    assert_eq!(judge(nonce, &contributions, &wrong), other);
    // Who answers in another round's slot said something wrong of that round.
    let later = Slot::BeaconResponse {
        round: 5,
        attempt: 0,
    };
    assert_eq!(judge(later, &contributions, &right), Ok(holder(1)));
}

#[test]
fn two_messages_in_one_slot_convict() {
    let holders = Holders::generate(2, 3, &mut rng(32));
    let slot = Slot::BeaconNonce {
        round: 5,
        attempt: 0,
    };
    let next = Slot::BeaconNonce {
        round: 5,
        attempt: 1,
    };
    let judge = |first, second| {
        Equivocation { first, second }
            .verify(&holders.sharing, &verify_sr25519)
            .map(|found| *found.holder())
    };
    let said = sign(1, slot, b"one");
    assert_eq!(judge(said, sign(1, slot, b"two")), Ok(holder(1)));
    let contradiction = Err(NotEvidence::NoContradiction);
    assert_eq!(judge(said, said), contradiction);
    assert_eq!(judge(said, sign(1, slot, b"one")), contradiction);
    assert_eq!(judge(said, sign(1, next, b"two")), contradiction);
    assert_eq!(judge(said, sign(2, slot, b"two")), contradiction);
    let mut forged = sign(1, slot, b"two");
    forged.signature = said.signature;
    assert_eq!(judge(said, forged), Err(NotEvidence::Signature));
    let later = sign_in(id(Gatekeepers, 1), 1, slot, b"two");
    assert_eq!(judge(said, later), Err(NotEvidence::OtherSharing));
}
