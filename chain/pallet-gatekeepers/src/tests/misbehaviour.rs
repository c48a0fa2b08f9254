use crate::{mock::*, *};
use codec::Encode;
use polkadot_sdk::sp_runtime::{self, DispatchResult};
use primitives::WorkerId;
use threshold_keys::{
    Contribution, Equivocation, EvaluationContext, EvaluationShare, JointProof, SignedStatement,
    Slot, Statement, WrongResponse, WrongShare, faults, response_statement,
};

const FIVE: [u8; 5] = [1, 2, 3, 4, 5];

fn report(evidence: Evidence) -> DispatchResult {
    Gatekeepers::report_misbehaviour(signed(99), evidence)
}

/// What 2 signs of a share for a worker.
fn signed_share(net: &Net, requester: WorkerId, wrong: bool) -> WrongShare {
    let key = net.machines[&2].share.as_ref().unwrap();
    let context = seed_context();
    let mut share: EvaluationShare = key.evaluate(&context).unwrap();
    if wrong {
        share = faults::wrong_share(share);
    }
    let payload = share.encode();
    let statement = Statement {
        network: NETWORK,
        sharing: key.sharing().id(),
        holder: key.index(),
        slot: Slot::Share {
            context: context.digest(),
            requester,
        },
        payload: Statement::payload_digest(&payload),
    };
    WrongShare {
        signed: SignedStatement {
            statement,
            signature: sign(2, &statement),
        },
        context,
        payload: payload.try_into().unwrap(),
    }
}

#[test]
fn a_wrong_share_is_shown_by_anybody_and_counts_once() {
    run(|net| {
        net.launch(&FIVE);
        let wrong = signed_share(net, worker(20), true);
        let right = signed_share(net, worker(20), false);
        assert_eq!(
            report(Evidence::WrongShare(right)),
            refused(Error::NotEvidence)
        );
        report(Evidence::WrongShare(wrong.clone())).unwrap();
        assert_eq!(offences(2, OffenceKind::WrongShare), 1);
        assert_eq!(
            report(Evidence::WrongShare(wrong.clone())),
            refused(Error::AlreadyReported)
        );
        assert_eq!(Heard::get(), [(worker(2).0, OffenceKind::WrongShare)]);
        assert_eq!(HeardFrom::get(), Some(sp_runtime::AccountId32::new(worker(99).0)));
        let record = Offences::<Test>::get(worker(2).0, OffenceKind::WrongShare).unwrap();
        let evidence = wire::domain::blake2_256(&Evidence::WrongShare(wrong.clone()).encode());
        assert_eq!(record.last_evidence, evidence);
        assert_eq!(u64::from(record.last_at), System::block_number());
        // Another worker's is another offence.
        report(Evidence::WrongShare(signed_share(net, worker(21), true))).unwrap();
        assert_eq!(offences(2, OffenceKind::WrongShare), 2);
        // Unsigned.
        let mut forged = signed_share(net, worker(22), true);
        forged.signed.signature = [0; 64];
        assert_eq!(
            report(Evidence::WrongShare(forged)),
            refused(Error::NotEvidence)
        );
        let unsigned =
            Gatekeepers::report_misbehaviour(RuntimeOrigin::none(), Evidence::WrongShare(wrong));
        assert!(unsigned.is_err());
    });
}

#[test]
fn evidence_is_taken_for_some_epochs() {
    run(|net| {
        net.launch(&FIVE);
        let late = signed_share(net, worker(20), true);
        let too_late = signed_share(net, worker(21), true);
        for _ in 0..PAST_SHARINGS_MAX {
            Gatekeepers::start_refresh(RuntimeOrigin::root()).unwrap();
            net.ceremony(&FIVE, &FIVE);
        }
        report(Evidence::WrongShare(late)).unwrap();
        assert_eq!(offences(2, OffenceKind::WrongShare), 1);
        Gatekeepers::start_refresh(RuntimeOrigin::root()).unwrap();
        net.ceremony(&FIVE, &FIVE);
        assert_eq!(
            report(Evidence::WrongShare(too_late)),
            refused(Error::UnknownSharing)
        );
        assert_eq!(Reported::<Test>::iter().count(), 0);
    });
}

#[test]
fn two_statements_in_one_slot_are_evidence() {
    run(|net| {
        net.launch(&FIVE);
        let first = signed_share(net, worker(20), false).signed;
        let second = signed_share(net, worker(20), true).signed;
        let same = Equivocation {
            first,
            second: first,
        };
        assert_eq!(
            report(Evidence::Equivocation(same)),
            refused(Error::NotEvidence)
        );
        report(Evidence::Equivocation(Equivocation { first, second })).unwrap();
        assert_eq!(offences(2, OffenceKind::Equivocation), 1);
        // The other way round is the same.
        let turned = Equivocation {
            first: second,
            second: first,
        };
        assert_eq!(
            report(Evidence::Equivocation(turned)),
            refused(Error::AlreadyReported)
        );
    });
}

#[test]
fn a_wrong_answer_is_evidence_outside_of_the_chains_round_too() {
    run(|net| {
        net.launch(&FIVE);
        let context = EvaluationContext::Beacon { round: 7 };
        let mut nonces = Vec::new();
        let mut contributions: Vec<Contribution> = Vec::new();
        for seed in [1, 2, 3] {
            let key = net.machines[&seed].share.as_ref().unwrap();
            let nonce = key.commit_nonce(&context, &mut net.rng).unwrap();
            contributions.push(Contribution {
                share: key.evaluate(&context).unwrap(),
                nonce: *nonce.commitment(),
            });
            nonces.push(nonce);
        }
        let proof = JointProof::new(&sharing(), &context, &contributions).unwrap();
        let nonce = nonces.remove(1);
        let key = net.machines[&2].share.as_ref().unwrap();
        let right = key.respond(nonce, &proof).unwrap();
        let shown = |response: threshold_keys::ProofResponse| {
            let statement = response_statement(NETWORK, sharing().id(), 7, 0, &response);
            Evidence::WrongResponse(WrongResponse {
                signed: SignedStatement {
                    statement,
                    signature: sign(2, &statement),
                },
                contributions: contributions.clone().try_into().unwrap(),
                payload: response.encode().try_into().unwrap(),
            })
        };
        assert_eq!(report(shown(right)), refused(Error::NotEvidence));
        let _weight = weights::report_misbehaviour::<Test>(&shown(right));
        report(shown(faults::wrong_response(right))).unwrap();
        assert_eq!(offences(2, OffenceKind::WrongResponse), 1);
    });
}
