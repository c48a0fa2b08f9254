use crate::{mock::*, *};
use polkadot_sdk::{
    frame_support::traits::Randomness, sp_core::H256, sp_runtime::DispatchResult,
};
use threshold_keys::{
    BeaconOutput, BeaconStage, BeaconValue, Contribution, EvaluationContext, GatekeeperMessage, JointProof,
    ProofResponse, contribution_statement, faults, response_statement,
};

const FIVE: [u8; 5] = [1, 2, 3, 4, 5];

fn context() -> EvaluationContext {
    EvaluationContext::Beacon {
        round: round().round,
    }
}

fn contribution(net: &mut Net, seed: u8) -> Contribution {
    let context = context();
    let mut rng = net.rng.clone();
    // The next one gets another nonce.
    rng.set_stream(u64::from(seed) + 256 * u64::from(round().attempt));
    let machine = net.machine(seed);
    let key = machine.share.as_ref().unwrap();
    let nonce = key.commit_nonce(&context, &mut rng).unwrap();
    let contribution = Contribution {
        share: key.evaluate(&context).unwrap(),
        nonce: *nonce.commitment(),
    };
    machine.nonce = Some(nonce);
    contribution
}

fn tell_contribution(seed: u8, contribution: Contribution) -> DispatchResult {
    let state = round();
    let statement = contribution_statement(NETWORK, state.round, state.attempt, &contribution);
    say(
        seed,
        GatekeeperMessage::BeaconContribution {
            round: state.round,
            attempt: state.attempt,
            contribution,
            statement_signature: sign(seed, &statement),
        },
    )
}

fn contribute(net: &mut Net, seed: u8) -> DispatchResult {
    let contribution = contribution(net, seed);
    tell_contribution(seed, contribution)
}

fn response(net: &mut Net, seed: u8) -> ProofResponse {
    let proof =
        JointProof::new(&sharing(), &context(), &BeaconContributions::<Test>::get()).unwrap();
    let machine = net.machine(seed);
    let nonce = machine.nonce.take().unwrap();
    machine
        .share
        .as_ref()
        .unwrap()
        .respond(nonce, &proof)
        .unwrap()
}

fn tell_response(seed: u8, response: ProofResponse) -> DispatchResult {
    let state = round();
    let statement = response_statement(
        NETWORK,
        state.sharing,
        state.round,
        state.attempt,
        &response,
    );
    say(
        seed,
        GatekeeperMessage::BeaconResponse {
            round: state.round,
            attempt: state.attempt,
            response,
            statement_signature: sign(seed, &statement),
        },
    )
}

fn respond(net: &mut Net, seed: u8) -> DispatchResult {
    let response = response(net, seed);
    tell_response(seed, response)
}

fn share_of(net: &Net, seed: u8) -> threshold_keys::EvaluationShare {
    let key = net.machines[&seed].share.as_ref().unwrap();
    key.evaluate(&context()).unwrap()
}

fn tell_share(net: &Net, seed: u8) -> DispatchResult {
    say(
        seed,
        GatekeeperMessage::BeaconShare {
            round: round().round,
            share: share_of(net, seed),
        },
    )
}

/// What the round comes to, whoever makes it.
fn expected(net: &Net) -> BeaconValue {
    let shares: Vec<_> = [1, 3, 5].map(|seed| share_of(net, seed)).into();
    BeaconValue::from_shares(&sharing(), round().round, &shares).unwrap()
}

fn launched(test: impl FnOnce(&mut Net)) {
    run(|net| {
        net.launch(&FIVE);
        assert_eq!(round().stage, BeaconStage::Contributing);
        test(net);
    });
}

#[test]
fn three_of_five_prove_a_value_while_two_are_absent() {
    launched(|net| {
        assert_eq!(Gatekeepers::latest(), None);
        assert_eq!(Gatekeepers::random(b"x").1, 0);
        let (number, value) = (round().round, expected(net));
        for seed in [5, 2, 4] {
            contribute(net, seed).unwrap();
        }
        net.block();
        assert_eq!(round().stage, BeaconStage::Responding);
        for seed in [4, 5, 2] {
            respond(net, seed).unwrap();
        }
        net.block();
        assert!(!Beacon::<Test>::exists());
        let latest = LatestBeacon::<Test>::get().unwrap();
        let now = System::block_number();
        assert_eq!((latest.round, latest.value), (number, value));
        assert_eq!(u64::from(latest.known_at), now);
        let proof = latest.proof.unwrap();
        let key = NetworkKey::<Test>::get().unwrap();
        assert_eq!(BeaconValue::from_proof(&key, number, &proof), Ok(value));
        assert_eq!(
            Gatekeepers::latest(),
            Some((number, value.0, latest.known_at))
        );
        assert_eq!(Gatekeepers::value(number), Some(value.0));
        assert_eq!(Gatekeepers::value(number + 1), None);
        let (random, since): (H256, u64) = Gatekeepers::random(b"x");
        assert_eq!(since, now);
        assert_ne!(random, Gatekeepers::random(b"y").0);
        assert!(Heard::get().is_empty());
        // The next round begins in time, and its value is another one.
        while !Beacon::<Test>::exists() {
            net.block();
        }
        assert_eq!(round().round, number + 1);
        assert_ne!(expected(net), value);
    });
}

#[test]
fn who_answers_wrongly_or_not_is_named_and_the_next_attempt_does_without() {
    launched(|net| {
        let value = expected(net);
        for seed in FIVE {
            contribute(net, seed).unwrap();
        }
        // All are there, so nobody is waited for.
        net.block();
        let picked: Vec<u8> = round().contributed.iter().map(|i| i.get()).collect();
        assert_eq!(picked, [1, 2, 3]);
        let wrong = faults::wrong_response(response(net, 1));
        tell_response(1, wrong).unwrap();
        respond(net, 2).unwrap();
        net.blocks(settings().beacon_attempt_blocks);
        assert_eq!(offences(1, OffenceKind::WrongResponse), 1);
        assert_eq!(offences(3, OffenceKind::NoBeacon), 1);
        assert_eq!(offences(2, OffenceKind::NoBeacon), 0);
        let state = round();
        assert_eq!((state.attempt, state.stage), (1, BeaconStage::Contributing));
        assert_eq!(contribute(net, 1), refused(Error::HolderExcluded));
        for seed in [2, 4, 5] {
            contribute(net, seed).unwrap();
        }
        net.block();
        for seed in [2, 4, 5] {
            respond(net, seed).unwrap();
        }
        net.block();
        let latest = LatestBeacon::<Test>::get().unwrap();
        assert_eq!(latest.value, value);
        assert!(latest.proof.is_some());
    });
}

#[test]
fn shares_do_when_proofs_fail() {
    launched(|net| {
        let value = expected(net);
        for seed in [1, 2, 3] {
            contribute(net, seed).unwrap();
        }
        net.blocks(2);
        assert_eq!(round().stage, BeaconStage::Responding);
        // Nobody answers. Three are excluded, two are left: no attempt more, but three shares.
        net.blocks(settings().beacon_attempt_blocks);
        let latest = LatestBeacon::<Test>::get().unwrap();
        assert_eq!((latest.value, latest.proof), (value, None));
        assert_eq!(offences(2, OffenceKind::NoBeacon), 1);
    });
    launched(|net| {
        let value = expected(net);
        // One contributes; the others have lost their nonces and give shares alone.
        contribute(net, 1).unwrap();
        tell_share(net, 5).unwrap();
        net.blocks(settings().beacon_attempt_blocks);
        assert_eq!(round().stage, BeaconStage::Shares);
        assert_eq!(tell_share(net, 5), refused(Error::ShareExists));
        assert_eq!(contribute(net, 2), refused(Error::OtherStage));
        tell_share(net, 2).unwrap();
        net.block();
        let latest = LatestBeacon::<Test>::get().unwrap();
        assert_eq!((latest.value, latest.proof), (value, None));
    });
}

#[test]
fn a_round_that_nobody_finishes_is_given_up() {
    launched(|net| {
        let number = round().round;
        tell_share(net, 1).unwrap();
        net.blocks(settings().beacon_blocks);
        assert_eq!(LatestBeacon::<Test>::get(), None);
        assert_eq!(round().round, number + 1);
        assert_eq!(offences(1, OffenceKind::NoBeacon), 0);
        for seed in [2, 3, 4, 5] {
            assert_eq!(offences(seed, OffenceKind::NoBeacon), 1);
        }
        System::assert_has_event(Event::BeaconRoundFailed { round: number }.into());
    });
}

#[test]
fn wrong_shares_are_recorded_and_their_makers_left_out() {
    launched(|net| {
        let mut wrong = contribution(net, 1);
        wrong.share = faults::wrong_share(wrong.share.clone());
        tell_contribution(1, wrong).unwrap();
        assert_eq!(offences(1, OffenceKind::WrongShare), 1);
        assert_eq!(contribute(net, 1), refused(Error::HolderExcluded));
        let share = faults::wrong_share(share_of(net, 2));
        let round_number = round().round;
        say(
            2,
            GatekeeperMessage::BeaconShare {
                round: round_number,
                share,
            },
        )
        .unwrap();
        assert_eq!(offences(2, OffenceKind::WrongShare), 1);
        let value = expected(net);
        for seed in [3, 4, 5] {
            contribute(net, seed).unwrap();
        }
        net.block();
        for seed in [3, 4, 5] {
            respond(net, seed).unwrap();
        }
        net.block();
        assert_eq!(LatestBeacon::<Test>::get().unwrap().value, value);
    });
}

#[test]
fn what_does_not_fit_a_round_is_refused() {
    launched(|net| {
        let state = round();
        let good = contribution(net, 1);
        let say_as = |seed, round, attempt, contribution: &Contribution, signer| {
            let statement = contribution_statement(NETWORK, round, attempt, contribution);
            say(
                seed,
                GatekeeperMessage::BeaconContribution {
                    round,
                    attempt,
                    contribution: contribution.clone(),
                    statement_signature: sign(signer, &statement),
                },
            )
        };
        let number = state.round;
        assert_eq!(
            say_as(1, number + 1, 0, &good, 1),
            refused(Error::OtherRound)
        );
        assert_eq!(say_as(1, number, 1, &good, 1), refused(Error::OtherRound));
        assert_eq!(say_as(2, number, 0, &good, 2), refused(Error::NotHolder));
        assert_eq!(
            say_as(1, number, 0, &good, 2),
            refused(Error::InvalidSignature)
        );
        let mut mixed = good.clone();
        mixed.nonce = contribution(net, 2).nonce;
        assert_eq!(say_as(1, number, 0, &mixed, 1), refused(Error::NotHolder));
        contribute(net, 1).unwrap();
        assert_eq!(contribute(net, 1), refused(Error::ShareExists));
        for seed in [2, 3] {
            contribute(net, seed).unwrap();
        }
        net.blocks(2);
        assert_eq!(contribute(net, 4), refused(Error::OtherStage));
        let good = response(net, 1);
        let mut elsewhere = good;
        elsewhere.proof = [1; 32];
        assert_eq!(tell_response(1, elsewhere), refused(Error::OtherProof));
        assert_eq!(tell_response(2, good), refused(Error::NotHolder));
        let mut not_picked = good;
        not_picked.holder = index(4);
        assert_eq!(tell_response(4, not_picked), refused(Error::NotHolder));
        let forged = GatekeeperMessage::BeaconResponse {
            round: number,
            attempt: 0,
            response: good,
            statement_signature: [0; 64],
        };
        assert_eq!(say(1, forged), refused(Error::InvalidSignature));
        tell_response(1, good).unwrap();
        assert_eq!(tell_response(1, good), refused(Error::ShareExists));
    });
}

#[test]
fn a_round_begins_anew_in_a_new_sharing_with_the_same_value() {
    launched(|net| {
        let (number, value) = (round().round, expected(net));
        contribute(net, 1).unwrap();
        let old = share_of(net, 2);
        Gatekeepers::start_refresh(RuntimeOrigin::root()).unwrap();
        net.ceremony(&FIVE, &FIVE);
        assert_eq!(round().round, number);
        assert_eq!(round().sharing, sharing().id());
        assert!(round().contributed.is_empty() && round().shared.is_empty());
        let share = GatekeeperMessage::BeaconShare {
            round: number,
            share: old,
        };
        assert_eq!(say(2, share), refused(Error::OtherSharing));
        assert_eq!(expected(net), value);
    });
}

#[test]
fn values_are_kept_for_a_while() {
    launched(|net| {
        for _ in 0..3 {
            for seed in [1, 2, 3] {
                tell_share(net, seed).unwrap();
            }
            net.blocks(settings().beacon_blocks);
        }
        assert!(BeaconValues::<Test>::contains_key(0));
        let next = BEACON_VALUES_MAX;
        NextBeaconRound::<Test>::put(next);
        net.blocks(settings().beacon_blocks);
        assert_eq!(round().round, next);
        for seed in [1, 2, 3] {
            tell_share(net, seed).unwrap();
        }
        net.blocks(settings().beacon_blocks);
        assert!(BeaconValues::<Test>::contains_key(next));
        assert!(!BeaconValues::<Test>::contains_key(0));
        assert!(BeaconValues::<Test>::contains_key(1));
    });
}

/// Blocks for which a value is young.
type Young = polkadot_sdk::frame_support::traits::ConstU32<100>;

#[test]
fn who_draws_never_waits_for_the_beacon() {
    run(|_| {
        let draw = || <FreshBeacon<Test, Young> as Randomness<H256, u64>>::random(b"draw");
        let begin = |number: u64, byte| {
            System::set_block_number(number - 1);
            System::initialize(&number, &H256([byte; 32]), &Default::default());
        };
        // Before the first value: what the parent gives, which nobody knew before it.
        begin(1_000, 1);
        let first = draw();
        assert_eq!(first.1, 999);
        begin(1_000, 2);
        assert_ne!(draw().0, first.0);
        // A young value is taken as it is, whatever the parent.
        LatestBeacon::<Test>::put(BeaconOutput {
            round: 7,
            value: BeaconValue([7; 32]),
            known_at: 900,
            proof: None,
        });
        let young = draw();
        assert_eq!(young, Gatekeepers::random(b"draw"));
        assert_eq!(young.1, 900);
        begin(1_000, 3);
        assert_eq!(draw(), young);
        assert_ne!(<FreshBeacon<Test, Young> as Randomness<H256, u64>>::random(b"other"), young);
        // The beacon stands still: nobody knows for longer what will be drawn.
        begin(1_001, 3);
        let old = draw();
        assert_ne!(old.0, young.0);
        begin(1_001, 4);
        assert_ne!(draw().0, old.0);
        // It is not the draw without a beacon either.
        let with_value = draw().0;
        LatestBeacon::<Test>::kill();
        assert_ne!(draw().0, with_value);
    });
}
