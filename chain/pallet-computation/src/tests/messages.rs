//! What workers say, through the mailbox.

use crate::mock::*;
use crate::*;
use frame_support::{assert_noop, assert_ok, pallet_prelude::*};
use mining_api::Sessions as Api;
use pallet_mailbox::INVALID_CONTENT;
use polkadot_sdk::*;
use primitives::units::PHA;
use wire::message::{MessagePayload, SignedMessage};

const STAKE: u128 = 5_000 * PHA;

#[expect(deprecated, reason = "messages are bare extrinsics")]
fn validate(message: &SignedMessage) -> TransactionValidity {
    use sp_runtime::traits::ValidateUnsigned;
    let call = pallet_mailbox::Call::sync_offchain_message {
        message: message.clone(),
    };
    let before = Mq::validate_unsigned(TransactionSource::External, &call);
    let within = Mq::pre_dispatch(&call);
    assert_eq!(before.is_ok(), within.is_ok());
    before
}

fn submit(message: SignedMessage) {
    assert_ok!(validate(&message));
    assert_ok!(Mq::sync_offchain_message(RuntimeOrigin::none(), message));
}

fn refused(message: &SignedMessage) {
    let expected = InvalidTransaction::Custom(INVALID_CONTENT).into();
    assert_eq!(validate(message), expected);
}

fn answer(seed: u32) -> MessagePayload {
    answer_of(seed, 7).unwrap()
}

#[test]
fn a_worker_mines_by_messages_alone() {
    run(|| {
        Machines::with(|machines| machines.insert(signer(1), (operator(), 3)));
        submit(signed(1, 0, benchmark(100)));
        assert_eq!(
            Benchmarks::<Test>::get(signer(1)),
            Some(Benchmark {
                score: 100,
                measured_at_ms: now_ms(),
                iterations: 1_000
            })
        );
        assert_ok!(<Computation as Api<_>>::bind(&session(1), &signer(1)));
        assert_ok!(start(&session(1), STAKE));
        skip(100);
        Computation::force_challenge(RuntimeOrigin::root(), session(1)).unwrap();
        let message = signed(1, 1, answer(1));
        assert_ok!(validate(&message));
        submit(message);
        assert!(spent() > 0);
        // Once: the same again takes no block's room, whatever its number.
        Computation::force_challenge(RuntimeOrigin::root(), session(1)).unwrap();
        let twice = answer(1);
        next_block();
        submit(signed(1, 2, twice.clone()));
        refused(&signed(1, 3, twice));
    });
}

#[test]
fn an_answer_to_no_challenge_takes_no_room() {
    run(|| {
        for seed in [1, 2] {
            register(signer(seed), 100);
            assert_ok!(<Computation as Api<_>>::bind(&session(seed), &signer(seed)));
            assert_ok!(start(&session(seed), STAKE));
        }
        register(signer(3), 100);
        next_block();
        let root = RuntimeOrigin::root;
        assert_ok!(Computation::force_challenge(root(), session(1)));
        let good = answer(1);
        assert_ok!(validate(&signed(1, 0, good.clone())));
        // Of another worker, and of one without a session.
        refused(&signed(2, 0, good.clone()));
        refused(&signed(3, 0, good.clone()));
        let MessagePayload::Heartbeat {
            session: its,
            challenge_block,
            nonce,
            ..
        } = good
        else {
            unreachable!("an answer");
        };
        let with = |its, challenge_block, nonce| {
            signed(
                1,
                0,
                MessagePayload::Heartbeat {
                    session: its,
                    challenge_block,
                    nonce,
                    iterations: 7,
                    contract_running: false,
                },
            )
        };
        assert_ok!(validate(&with(its, challenge_block, nonce)));
        refused(&with(
            primitives::AccountId([9; 32]),
            challenge_block,
            nonce,
        ));
        refused(&with(its, challenge_block + 1, nonce));
        refused(&with(its, challenge_block, [0; 32]));
        let key = MessagePayload::ClusterKey {
            cluster: Default::default(),
            public_key: [1; 32],
        };
        refused(&signed(1, 0, key.clone()));
        assert_noop!(
            Computation::handle_message(&signer(1), &key),
            Error::<Test>::UnknownMessage
        );
        // When it has stopped there is nothing to answer.
        assert_ok!(<Computation as Api<_>>::stop(&session(1)));
        refused(&with(its, challenge_block, nonce));
    });
}

#[test]
fn benchmarks_are_judged_by_the_chains_time() {
    run(|| {
        Machines::with(|machines| machines.insert(worker(1), (operator(), 1)));
        skip(3 * 24 * 300);
        let now = now_ms();
        let run_of = |started_at_ms, ended_at_ms, iterations| {
            say(
                worker(1),
                MessagePayload::Benchmark {
                    started_at_ms,
                    ended_at_ms,
                    iterations,
                },
            )
        };
        let check = |started, ended, expected: Error<Test>| {
            assert_noop!(run_of(started, ended, 1_000), expected);
        };
        check(now - 60_000, now + 1, Error::BenchmarkInFuture);
        check(now - 9_999, now, Error::BenchmarkTooShort);
        check(now, now - 60_000, Error::BenchmarkTooShort);
        let age = BenchmarkPolicy::default().age_ms_max;
        check(0, now - age - 1, Error::BenchmarkTooOld);
        assert_ok!(run_of(now - 60_000, now - 30_000, u64::MAX));
        assert_eq!(
            Benchmarks::<Test>::get(worker(1)).unwrap().score,
            6_000,
            "the cap"
        );
        // One after the other.
        check(now - 40_000, now, Error::BenchmarkTooOld);
        assert_ok!(run_of(now - 30_000, now, 0));
        assert_eq!(Benchmarks::<Test>::get(worker(1)).unwrap().score, 0);
    });
}
