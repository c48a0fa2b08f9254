#![allow(deprecated, reason = "bare extrinsics are judged by the older trait")]

use crate::mock::*;
use crate::*;
use codec::Encode;
use frame_support::{assert_noop, assert_ok, pallet_prelude::*};
use polkadot_sdk::*;
use primitives::bounds::MAILBOX_ENTRIES_MAX;
use primitives::{AccountId, ClusterId, CodeHash, GenesisHash};
use sp_runtime::traits::{BadOrigin, ValidateUnsigned};
use wire::decode_all;
use wire::mailbox::{MailboxEntry, MailboxOperation};
use wire::message::{MessagePayload, SignedMessage};

const CLUSTER: ClusterId = ClusterId([1; 32]);

fn call(message: SignedMessage) -> Call<Test> {
    Call::sync_offchain_message { message }
}

fn validate(message: SignedMessage) -> TransactionValidity {
    Mq::validate_unsigned(TransactionSource::External, &call(message))
}

/// What happens to a message in a block.
fn apply(message: SignedMessage) -> Result<(), TransactionValidityError> {
    Mq::pre_dispatch(&call(message.clone()))?;
    assert_ok!(Mq::sync_offchain_message(RuntimeOrigin::none(), message));
    Ok(())
}

fn tag(seed: u8, sequence: u64) -> Vec<u8> {
    ("PhalaMqOffchainMessages", (sender(seed), sequence)).encode()
}

#[test]
fn messages_are_taken_in_strict_sequence() {
    run(|| {
        assert_eq!(Mq::sender_sequence(&sender(1)), None);
        assert_ok!(apply(message(1, 0)));
        assert_ok!(apply(message(1, 1)));
        assert_ok!(apply(message(2, 0)));
        assert_eq!(Mq::sender_sequence(&sender(1)), Some(2));
        assert_eq!(Handled::get().len(), 3);
        assert_eq!(apply(message(1, 1)), Err(InvalidTransaction::Stale.into()));
        assert_eq!(apply(message(1, 3)), Err(InvalidTransaction::Future.into()));
        assert_noop!(
            Mq::sync_offchain_message(RuntimeOrigin::none(), message(1, 1)),
            Error::<Test>::BadSequence
        );
        assert_noop!(
            Mq::sync_offchain_message(RuntimeOrigin::signed(1), message(1, 2)),
            BadOrigin
        );
    });
}

#[test]
fn the_pool_keeps_a_run_of_messages() {
    run(|| {
        let first = validate(message(1, 0)).unwrap();
        assert_eq!(first.requires, Vec::<Vec<u8>>::new());
        assert_eq!(first.provides, [tag(1, 0)]);
        assert!(first.propagate);
        let later = validate(message(1, 7)).unwrap();
        assert_eq!(later.requires, [tag(1, 6)]);
        assert_eq!(later.provides, [tag(1, 7)]);
        assert!(validate(message(1, SEQUENCE_AHEAD_MAX)).is_ok());
        assert_eq!(
            validate(message(1, SEQUENCE_AHEAD_MAX + 1)),
            InvalidTransaction::Future.into()
        );
        assert_ok!(apply(message(1, 0)));
        assert_eq!(validate(message(1, 0)), InvalidTransaction::Stale.into());
    });
}

#[test]
fn a_message_that_is_not_an_active_workers_is_refused() {
    run(|| {
        let check = |message: SignedMessage, expected: InvalidTransaction| {
            assert_eq!(validate(message.clone()), expected.into());
            assert_eq!(Mq::pre_dispatch(&call(message)), Err(expected.into()));
        };
        let payload = MessagePayload::ClusterKey {
            cluster: Default::default(),
            public_key: [1; 32],
        };
        check(message(3, 0), InvalidTransaction::Custom(INVALID_SENDER));
        let abroad = message_on(GenesisHash([1; 32]), 1, 0, payload.clone());
        check(abroad, InvalidTransaction::BadProof);
        let forged = SignedMessage {
            sender: sender(2),
            ..message(1, 0)
        };
        check(forged, InvalidTransaction::BadProof);
        let renumbered = SignedMessage {
            sequence: 0,
            ..message(1, 1)
        };
        check(renumbered, InvalidTransaction::BadProof);
        let long = MessagePayload::Gatekeeper {
            message: vec![0; primitives::bounds::WORKER_MESSAGE_BYTES_MAX as usize],
        };
        check(
            message_on(GENESIS, 1, 0, long),
            InvalidTransaction::Custom(INVALID_TOO_LONG),
        );
    });
}

#[test]
fn what_the_handler_refuses_beforehand_takes_no_number() {
    run(|| {
        let public_key = REFUSED_KEY;
        let refused = message_on(GENESIS, 1, 0, MessagePayload::ClusterKey { cluster: Default::default(), public_key });
        let expected = InvalidTransaction::Custom(INVALID_CONTENT);
        assert_eq!(validate(refused.clone()), expected.into());
        assert_eq!(Mq::pre_dispatch(&call(refused)), Err(expected.into()));
        assert_ok!(apply(message(1, 0)));
    });
}

#[test]
fn a_failing_handler_is_undone_but_the_sender_goes_on() {
    run(|| {
        let failing = MessagePayload::ClusterKey {
            cluster: Default::default(),
            public_key: FAILING_KEY,
        };
        assert_ok!(apply(message_on(GENESIS, 1, 0, failing)));
        assert!(!frame_support::storage::unhashed::exists(HANDLER_KEY));
        System::assert_last_event(
            Event::MessageFailed {
                sender: sender(1),
                sequence: 0,
                error: DispatchError::CannotLookup,
            }
            .into(),
        );
        assert_ok!(apply(message(1, 1)));
        assert!(frame_support::storage::unhashed::exists(HANDLER_KEY));
    });
}

#[test]
fn one_sender_cannot_fill_a_block() {
    run(|| {
        let most = u64::from(MESSAGES_PER_BLOCK_MAX);
        (0..most).for_each(|sequence| apply(message(1, sequence)).unwrap());
        let next = message(1, most);
        assert_eq!(
            apply(next.clone()),
            Err(InvalidTransaction::ExhaustsResources.into())
        );
        assert!(validate(next.clone()).is_ok());
        assert_ok!(apply(message(2, 0)));
        System::set_block_number(2);
        assert_ok!(apply(next));
    });
}

fn operation(amount: u128) -> MailboxOperation {
    MailboxOperation::Deposit {
        account: AccountId([1; 32]),
        amount,
    }
}

#[test]
fn entries_are_numbered_dated_and_readable() {
    run(|| {
        assert_eq!(Mq::push(&CLUSTER, operation(5)), Ok(0));
        System::set_block_number(7);
        assert_eq!(Mq::push(&CLUSTER, operation(6)), Ok(1));
        assert_eq!(Mq::push(&ClusterId([2; 32]), operation(7)), Ok(0));
        assert_eq!(Mq::next_number(&CLUSTER), 2);
        let bytes = Inbox::<Test>::get(CLUSTER, 1).unwrap();
        let entry = MailboxEntry {
            block_number: 7,
            timestamp_ms: NOW_MS,
            operation: operation(6),
        };
        assert_eq!(
            decode_all::<MailboxEntry>(&bytes, ENTRY_BYTES_MAX),
            Ok(entry)
        );
        System::assert_has_event(
            Event::EntryPushed {
                cluster: CLUSTER,
                number: 1,
            }
            .into(),
        );
    });
}

#[test]
fn the_longest_entries_fit() {
    use primitives::bounds::{COMMAND_BYTES_MAX, INSTANTIATE_BYTES_MAX, SALT_BYTES_MAX};
    run(|| {
        let longest = MailboxOperation::Instantiate {
            contract: Default::default(),
            deployer: Default::default(),
            code_hash: CodeHash::default(),
            input: vec![0; INSTANTIATE_BYTES_MAX as usize],
            salt: vec![0; SALT_BYTES_MAX as usize],
            transfer: u128::MAX,
            gas_limit: u64::MAX,
            storage_deposit_limit: Some(u128::MAX),
        };
        assert_ok!(Mq::push(&CLUSTER, longest));
        let command = |length| MailboxOperation::Command {
            contract: Default::default(),
            sender: Default::default(),
            payload: vec![0; length],
        };
        assert_ok!(Mq::push(&CLUSTER, command(COMMAND_BYTES_MAX as usize)));
        assert_noop!(
            Mq::push(&CLUSTER, command(ENTRY_BYTES_MAX as usize)),
            Error::<Test>::EntryTooLong
        );
    });
}

#[test]
fn a_full_mailbox_forgets_only_what_is_agreed() {
    run(|| {
        let most = u64::from(MAILBOX_ENTRIES_MAX);
        for number in 0..most {
            assert_eq!(Mq::push(&CLUSTER, operation(0)), Ok(number));
        }
        assert_noop!(Mq::push(&CLUSTER, operation(1)), Error::<Test>::MailboxFull);
        // However young they are.
        Agreed::set(3);
        assert_eq!(Mq::push(&CLUSTER, operation(1)), Ok(most));
        assert_eq!(InboxFirst::<Test>::get(CLUSTER), 3);
        assert!(!Inbox::<Test>::contains_key(CLUSTER, 2));
        assert!(Inbox::<Test>::contains_key(CLUSTER, 3));
        assert_ok!(Mq::push(&CLUSTER, operation(1)));
        assert_ok!(Mq::push(&CLUSTER, operation(1)));
        assert_noop!(Mq::push(&CLUSTER, operation(1)), Error::<Test>::MailboxFull);
        // No more than a bounded number at once, however far the cluster is.
        Agreed::set(u64::MAX);
        assert_ok!(Mq::push(&CLUSTER, operation(1)));
        assert_eq!(
            InboxFirst::<Test>::get(CLUSTER),
            3 + u64::from(PRUNED_PER_PUSH_MAX)
        );
    });
}

#[test]
fn each_push_forgets_what_is_agreed_and_old() {
    run(|| {
        let push_at = |block: u32, agreed: u64| {
            System::set_block_number(block.into());
            Agreed::set(agreed);
            assert_ok!(Mq::push(&CLUSTER, operation(0)));
            InboxFirst::<Test>::get(CLUSTER)
        };
        // Entries 0 to 39 are of block 1, entries 40 and 41 of the block in which the first become old.
        for _ in 0..40 {
            assert_eq!(push_at(1, 0), 0);
        }
        assert_eq!(push_at(1 + RETENTION, 40), 0);
        assert_eq!(push_at(2 + RETENTION, 0), 0);
        assert_eq!(push_at(2 + RETENTION, 5), 5);
        // A bounded number at once, and nothing above what is agreed on.
        assert_eq!(
            push_at(2 + RETENTION, 39),
            5 + u64::from(PRUNED_PER_PUSH_MAX)
        );
        assert_eq!(push_at(2 + RETENTION, 39), 39);
        // Nothing that is young.
        assert_eq!(push_at(2 + RETENTION, 45), 40);
        assert_eq!(push_at(1 + 2 * RETENTION, 45), 40);
        assert_eq!(push_at(2 + 2 * RETENTION, 45), 41);
    });
}

#[test]
fn what_a_message_did_not_need_is_given_back() {
    run(|| {
        let dear = message(1, 0);
        let charged = weights::sync_offchain_message::<Test>(&dear.payload);
        let dear = Mq::sync_offchain_message(RuntimeOrigin::none(), dear).unwrap();
        assert_eq!(dear.actual_weight, Some(charged));
        let instance = message_on(GENESIS, 1, 1, MessagePayload::Instance { nonce: [1; 32] });
        let cheap = Mq::sync_offchain_message(RuntimeOrigin::none(), instance).unwrap();
        let saved = charged.saturating_sub(cheap.actual_weight.unwrap());
        assert_eq!(saved, Weight::from_parts(600, 0));
    });
}

#[test]
fn a_mailbox_is_cleared_in_steps() {
    run(|| {
        (0..5).for_each(|_| {
            Mq::push(&CLUSTER, operation(0)).unwrap();
        });
        assert_eq!(Mq::clear(&CLUSTER, 3), 3);
        assert_eq!(InboxFirst::<Test>::get(CLUSTER), 3);
        Mq::do_try_state().unwrap();
        assert_eq!(Mq::clear(&CLUSTER, 3), 2);
        assert!(!InboxNext::<Test>::contains_key(CLUSTER));
        assert_eq!(Mq::clear(&CLUSTER, 3), 0);
    });
}
