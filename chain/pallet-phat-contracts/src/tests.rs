mod agreement;
mod membership;

use crate::mock::*;
use crate::*;
use frame_support::{assert_noop, assert_ok, traits::Hooks};
use pallet_mailbox::Mailbox;
use pallet_worker_registry::Clusters as ClustersApi;
use polkadot_sdk::*;
use primitives::{AccountId, ClusterId, CodeHash, ContractId, StateRoot, WorkerId};
use sp_core::H256;
use sp_runtime::{AccountId32, DispatchResult, traits::BadOrigin};
use wire::domain::{cluster_account, code_hash, contract_id};
use wire::limits::ClusterLimits;
use wire::mailbox::MailboxOperation;
use wire::message::MessagePayload;

fn signed(seed: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(account(seed))
}

fn code(tail: &[u8]) -> Vec<u8> {
    [b"\0asm", tail].concat()
}

fn hash_of(code: &[u8]) -> H256 {
    H256(code_hash(code).0)
}

fn upload(who: u8, number: u8, code: Vec<u8>) -> DispatchResult {
    let kind = ClusterResourceType::InkCode;
    PhatContracts::cluster_upload_resource(signed(who), cluster(number), kind, code)
}

fn instantiate(who: u8, number: u8, code: H256, salt: &[u8], deposit: u128) -> DispatchResult {
    PhatContracts::instantiate_contract(
        signed(who),
        CodeIndex::WasmCode(code),
        vec![1, 2],
        salt.to_vec(),
        cluster(number),
        3,
        4,
        None,
        deposit,
    )
}

fn id_of(who: u8, number: u8, code: H256, salt: &[u8]) -> ContractId {
    contract_id(
        &[who; 32],
        &CodeHash(code.0),
        &ClusterId(cluster(number).0),
        salt,
    )
}

fn checkpoint(worker: u8, number: u8, next_number: u64, root: u8) -> DispatchResult {
    let payload = MessagePayload::Checkpoint {
        cluster: ClusterId(cluster(number).0),
        next_number,
        state_root: StateRoot([root; 32]),
        block_number: 1,
    };
    PhatContracts::handle_message(&WorkerId([worker; 32]), &payload)
}

fn tell_keys(number: u8, contract: ContractId, deployer: u8) -> DispatchResult {
    <PhatContracts as ClustersApi>::on_contract_keys(
        &ClusterId(cluster(number).0),
        &contract,
        &AccountId([deployer; 32]),
        &[9; 32],
    )
}

fn receipt_log(worker: u8, number: u8, index: u64, receipts: u32) -> DispatchResult {
    let payload = MessagePayload::ReceiptLog {
        cluster: ClusterId(cluster(number).0),
        index,
        root: [index as u8; 32],
        receipts,
    };
    PhatContracts::handle_message(&WorkerId([worker; 32]), &payload)
}

#[test]
fn the_chain_keeps_the_newest_roots_of_receipts_of_each_worker() {
    run(|| {
        assert_ok!(add_cluster(&[1, 2]));
        assert_noop!(receipt_log(9, 1, 0, 1), Error::<Test>::InvalidSender);
        assert_noop!(receipt_log(1, 2, 0, 1), Error::<Test>::InvalidSender);
        assert_noop!(receipt_log(1, 1, 1, 1), Error::<Test>::ReceiptLogGap);
        assert_noop!(receipt_log(1, 1, 0, 0), Error::<Test>::ReceiptLogEmpty);
        let kept = wire::receipt::LOG_INTERVALS_KEPT;
        for index in 0..kept + 3 {
            assert_ok!(receipt_log(1, 1, index, 7));
        }
        assert_noop!(receipt_log(1, 1, 3, 7), Error::<Test>::ReceiptLogGap);
        assert_ok!(receipt_log(2, 1, 0, 8));
        let stored = |worker_seed| ReceiptLogs::<Test>::iter_prefix(worker(worker_seed)).count();
        assert_eq!((stored(1), stored(2)), (kept as usize, 1));
        assert_eq!(ReceiptLogs::<Test>::get(worker(1), 2), None);
        let entry = ReceiptLogs::<Test>::get(worker(1), 3).unwrap();
        assert_eq!((entry.root, entry.receipts, entry.cluster), ([3; 32], 7, cluster(1)));
        assert_eq!(ReceiptLogNext::<Test>::get(worker(1)), kept + 3);
        // The key and the layout that clients and workers read.
        let key = chain_facts_key(&[1; 32], kept + 2);
        assert_eq!(ReceiptLogs::<Test>::hashed_key_for(worker(1), kept + 2), key);
        // Out of its cluster a worker logs no more; what it logged stays.
        assert_ok!(PhatContracts::remove_worker_from_cluster(
            RuntimeOrigin::root(),
            worker(1),
            cluster(1)
        ));
        assert_noop!(receipt_log(1, 1, kept + 3, 7), Error::<Test>::InvalidSender);
        assert_eq!(stored(1), kept as usize);
    });
}

/// As `chain_facts::keys::receipt_log` makes it.
fn chain_facts_key(worker: &[u8; 32], index: u64) -> Vec<u8> {
    use polkadot_sdk::frame_support::{StorageHasher, Twox64Concat, Twox128};
    [
        Twox128::hash(b"PhatContracts").to_vec(),
        Twox128::hash(b"ReceiptLogs").to_vec(),
        Twox64Concat::hash(worker),
        Twox64Concat::hash(&index.to_le_bytes()),
    ]
    .concat()
}

#[test]
fn a_cluster_starts_with_its_set_up() {
    run(|| {
        assert_ok!(add_cluster(&[1, 2]));
        assert_ok!(add_cluster_with(
            ClusterPermission::OnlyOwner(account(1)),
            &[3],
            500
        ));
        let info = Clusters::<Test>::get(cluster(1)).unwrap();
        assert_eq!(
            (info.gas_price, info.deposit_per_item, info.deposit_per_byte),
            (11, 12, 13)
        );
        let system = wire::domain::system_contract_id(&ClusterId(cluster(1).0));
        assert_eq!(info.system_contract, H256(system.0));
        assert_eq!(
            ClusterWorkers::<Test>::get(cluster(1)).to_vec(),
            [worker(1), worker(2)]
        );
        assert_eq!(ClusterByWorkers::<Test>::get(worker(3)), Some(cluster(2)));
        let set_up = MailboxOperation::SetUpCluster {
            owner: AccountId([1; 32]),
            gas_price: 11,
            deposit_per_item: 12,
            deposit_per_byte: 13,
            treasury: AccountId([2; 32]),
        };
        assert_eq!(inbox(1), [set_up.clone()]);
        let deposit = MailboxOperation::Deposit {
            account: AccountId([1; 32]),
            amount: 500,
        };
        assert_eq!(inbox(2), [set_up, deposit]);
        System::assert_has_event(
            Event::ClusterCreated {
                cluster: cluster(1),
                system_contract: H256(system.0),
            }
            .into(),
        );
    });
}

#[test]
fn a_cluster_needs_free_active_workers() {
    run(|| {
        let refused = |workers: &[u8], error: Error<Test>| {
            assert_noop!(
                frame_support::storage::with_storage_layer(|| add_cluster(workers)),
                error
            );
        };
        refused(&[], Error::NoWorkerSpecified);
        refused(&[1, 1], Error::WorkerIsBusy);
        refused(&(0..65).collect::<Vec<u8>>(), Error::TooManyWorkers);
        Inactive::set(vec![WorkerId([7; 32])]);
        refused(&[1, 7], Error::WorkerNotActive);
        assert_ok!(add_cluster(&[1]));
        refused(&[2, 1], Error::WorkerIsBusy);
        assert_noop!(
            PhatContracts::add_cluster(
                signed(1),
                account(1),
                ClusterPermission::Public,
                vec![worker(2)],
                0,
                0,
                0,
                0,
                account(1)
            ),
            BadOrigin
        );
    });
}

#[test]
fn code_is_stored_once_and_paid_by_the_byte() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        assert_ok!(add_cluster(&[2]));
        let wasm = code(b"code");
        let hash = hash_of(&wasm);
        assert_ok!(upload(3, 1, wasm.clone()));
        assert_eq!(Balances::free_balance(account(3)), ENDOWMENT - 16);
        assert_eq!(CodeBlobs::<Test>::get(hash).unwrap().to_vec(), wasm);
        assert_eq!(
            inbox(1)[1],
            MailboxOperation::UploadCode {
                code_hash: CodeHash(hash.0)
            }
        );
        // Again, to the same cluster: nothing more happens. To another: a new entry, no deposit.
        assert_ok!(upload(3, 1, wasm.clone()));
        assert_eq!(inbox(1).len(), 2);
        assert_ok!(upload(4, 2, wasm));
        assert_eq!(Balances::free_balance(account(4)), ENDOWMENT);
        assert_eq!(CodeInfos::<Test>::get(hash).unwrap().clusters, 2);
    });
}

#[test]
fn only_permitted_ink_code_is_uploaded() {
    run(|| {
        assert_ok!(add_cluster_with(
            ClusterPermission::OnlyOwner(account(1)),
            &[1],
            0
        ));
        let check = |who, number, code, error: Error<Test>| {
            assert_noop!(upload(who, number, code), error);
        };
        check(1, 9, code(b"x"), Error::ClusterNotFound);
        check(2, 1, code(b"x"), Error::ClusterPermissionDenied);
        check(1, 1, b"text".to_vec(), Error::InvalidCode);
        check(
            1,
            1,
            code(&vec![0; primitives::bounds::CODE_BYTES_MAX as usize]),
            Error::PayloadTooLarge,
        );
        for kind in [
            ClusterResourceType::SidevmCode,
            ClusterResourceType::IndeterministicInkCode,
        ] {
            assert_noop!(
                PhatContracts::cluster_upload_resource(signed(1), cluster(1), kind, code(b"x")),
                Error::<Test>::ResourceNotSupported
            );
        }
    });
}

#[test]
fn unused_code_goes_and_the_deposit_comes_back() {
    run(|| {
        assert_ok!(add_cluster(&[1, 2]));
        let wasm = code(b"code");
        let hash = hash_of(&wasm);
        let remove = |who| PhatContracts::remove_code(signed(who), cluster(1), hash);
        assert_noop!(remove(3), Error::<Test>::CodeNotFound);
        assert_ok!(upload(3, 1, wasm.clone()));
        assert_noop!(remove(4), Error::<Test>::NotCodeOwner);
        assert_noop!(remove(3), Error::<Test>::CodeInUse);
        assert_ok!(checkpoint(1, 1, 2, 5));
        assert_noop!(remove(3), Error::<Test>::CodeInUse);
        assert_ok!(checkpoint(2, 1, 2, 5));
        assert_ok!(remove(3));
        assert_eq!(Balances::free_balance(account(3)), ENDOWMENT);
        assert!(!CodeBlobs::<Test>::contains_key(hash));

        assert_ok!(upload(3, 1, wasm));
        assert_ok!(instantiate(3, 1, hash, b"salt", 0));
        assert_ok!(checkpoint(1, 1, 4, 6));
        assert_ok!(checkpoint(2, 1, 4, 6));
        assert_noop!(remove(3), Error::<Test>::CodeInUse);
    });
}

#[test]
fn a_contract_is_pending_until_its_keys_are_told() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        let wasm = code(b"code");
        let hash = hash_of(&wasm);
        assert_noop!(
            instantiate(3, 1, hash, b"s", 0),
            Error::<Test>::CodeNotFound
        );
        assert_ok!(upload(3, 1, wasm));
        assert_ok!(instantiate(3, 1, hash, b"s", 100));
        let id = id_of(3, 1, hash, b"s");
        let contract = H256(id.0);
        System::assert_last_event(
            Event::Instantiating {
                contract,
                cluster: cluster(1),
                deployer: account(3),
            }
            .into(),
        );
        let deployed = MailboxOperation::Instantiate {
            contract: id,
            deployer: AccountId([3; 32]),
            code_hash: CodeHash(hash.0),
            input: vec![1, 2],
            salt: b"s".to_vec(),
            transfer: 3,
            gas_limit: 4,
            storage_deposit_limit: None,
        };
        let deposited = MailboxOperation::Deposit {
            account: AccountId([3; 32]),
            amount: 100,
        };
        assert_eq!(inbox(1)[2..], [deposited, deployed]);
        assert_noop!(
            frame_support::storage::with_storage_layer(|| instantiate(3, 1, hash, b"s", 0)),
            Error::<Test>::DuplicatedContract
        );
        assert!(ClusterContracts::<Test>::get(cluster(1)).is_empty());
        assert_ok!(tell_keys(1, id, 99));
        assert_eq!(
            ClusterContracts::<Test>::get(cluster(1)).to_vec(),
            [contract]
        );
        // The deployer is the one that the chain knows, whatever the worker says.
        System::assert_last_event(
            Event::Instantiated {
                contract,
                cluster: cluster(1),
                deployer: H256([3; 32]),
            }
            .into(),
        );
        assert!(!PendingContracts::<Test>::contains_key(
            cluster(1),
            contract
        ));
    });
}

#[test]
fn a_contract_made_by_a_contract_becomes_known() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        assert_ok!(add_cluster(&[2]));
        let child = ContractId([8; 32]);
        assert_ok!(tell_keys(1, child, 7));
        let info = Contracts::<Test>::get(H256([8; 32])).unwrap();
        assert_eq!((info.deployer, info.cluster), (account(7), cluster(1)));
        assert_noop!(
            tell_keys(2, child, 7),
            Error::<Test>::ContractOfOtherCluster
        );
    });
}

#[test]
fn input_and_salt_are_bounded() {
    run(|| {
        assert_ok!(add_cluster_with(
            ClusterPermission::OnlyOwner(account(1)),
            &[1],
            0
        ));
        let wasm = code(b"code");
        let hash = hash_of(&wasm);
        assert_ok!(upload(1, 1, wasm));
        assert_noop!(
            instantiate(1, 1, hash, &[0; 65], 0),
            Error::<Test>::SaltTooLong
        );
        assert_noop!(
            instantiate(2, 1, hash, b"s", 0),
            Error::<Test>::ClusterPermissionDenied
        );
        assert_noop!(
            PhatContracts::instantiate_contract(
                signed(1),
                CodeIndex::WasmCode(hash),
                vec![0; 64 * 1024 + 1],
                vec![],
                cluster(1),
                0,
                0,
                None,
                0
            ),
            Error::<Test>::InputTooLong
        );
    });
}

#[test]
fn commands_reach_the_mailbox_as_they_are() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        assert_ok!(tell_keys(1, ContractId([8; 32]), 7));
        let push = |contract, payload: Vec<u8>, deposit| {
            PhatContracts::push_contract_message(signed(4), H256([contract; 32]), payload, deposit)
        };
        assert_noop!(push(9, vec![1], 0), Error::<Test>::ContractNotFound);
        assert_noop!(push(8, vec![], 0), Error::<Test>::CommandTooLong);
        assert_noop!(
            push(8, vec![0; 64 * 1024 + 1], 0),
            Error::<Test>::CommandTooLong
        );
        assert_ok!(push(8, vec![0xff, 1], 50));
        let command = MailboxOperation::Command {
            contract: ContractId([8; 32]),
            sender: AccountId([4; 32]),
            payload: vec![0xff, 1],
        };
        let deposit = MailboxOperation::Deposit {
            account: AccountId([4; 32]),
            amount: 50,
        };
        assert_eq!(inbox(1)[1..], [deposit, command]);
        // What is missing of a command's price may be less than the least transfer.
        assert_ok!(push(8, vec![0xff, 2], TRANSFER_MIN - 1));
    });
}

#[test]
fn pha_moves_into_a_cluster() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        let transfer = |amount, number| {
            PhatContracts::transfer_to_cluster(signed(3), amount, cluster(number), account(4))
        };
        assert_noop!(transfer(100, 9), Error::<Test>::ClusterNotFound);
        assert_noop!(transfer(0, 1), Error::<Test>::AmountTooSmall);
        assert_noop!(transfer(TRANSFER_MIN - 1, 1), Error::<Test>::AmountTooSmall);
        assert!(
            transfer(ENDOWMENT, 1).is_err(),
            "the account must stay alive"
        );
        assert_ok!(transfer(100, 1));
        let holder = AccountId32::new(cluster_account(&ClusterId(cluster(1).0)));
        assert_eq!(Balances::free_balance(holder), 100);
        let deposit = MailboxOperation::Deposit {
            account: AccountId([4; 32]),
            amount: 100,
        };
        assert_eq!(inbox(1)[1], deposit);
        System::assert_last_event(
            Event::Transfered {
                cluster: cluster(1),
                account: H256([4; 32]),
                amount: 100,
            }
            .into(),
        );
    });
}

#[test]
fn a_destroyed_cluster_leaves_nothing() {
    run(|| {
        assert_ok!(add_cluster(&[1, 2]));
        let wasm = code(b"code");
        let hash = hash_of(&wasm);
        assert_ok!(upload(3, 1, wasm));
        for salt in 0..200u8 {
            assert_ok!(instantiate(3, 1, hash, &[salt], 0));
        }
        for salt in 0..50u8 {
            assert_ok!(tell_keys(1, id_of(3, 1, hash, &[salt]), 3));
        }
        assert_ok!(checkpoint(1, 1, 1, 1));
        assert_ok!(checkpoint(2, 1, 1, 1));
        assert_ok!(checkpoint(1, 1, 2, 1));
        assert_ok!(checkpoint(1, 1, 2, 2));
        assert!(Suspensions::<Test>::contains_key(cluster(1), worker(1)));
        assert_noop!(
            PhatContracts::cluster_destroy(signed(1), cluster(1)),
            BadOrigin
        );
        assert_ok!(PhatContracts::cluster_destroy(
            RuntimeOrigin::root(),
            cluster(1)
        ));
        assert_noop!(
            PhatContracts::cluster_destroy(RuntimeOrigin::root(), cluster(1)),
            Error::<Test>::ClusterNotFound
        );
        // The workers are free at once.
        assert_ok!(add_cluster(&[1, 2]));
        assert_noop!(
            PhatContracts::push_contract_message(
                signed(3),
                H256(id_of(3, 1, hash, &[199]).0),
                vec![1],
                0
            )
            .and(Err::<(), _>(Error::<Test>::ClusterNotFound.into())),
            Error::<Test>::ClusterNotFound
        );
        let mut steps = 0;
        while DestroyedClusters::<Test>::contains_key(cluster(1)) {
            PhatContracts::do_try_state().unwrap();
            assert_ok!(PhatContracts::clear_cluster(signed(5), cluster(1)));
            steps += 1;
        }
        assert!(steps > 1, "it takes more than one bounded step");
        assert_noop!(
            PhatContracts::clear_cluster(signed(5), cluster(1)),
            Error::<Test>::NothingToClear
        );
        // What is left is of the cluster that was made since.
        let left: Vec<_> = Contracts::<Test>::iter()
            .map(|(_, info)| info.cluster)
            .collect();
        assert_eq!(left, [cluster(2)]);
        assert_eq!(CodeBlobs::<Test>::iter().count(), 0);
        assert_eq!(ContractCount::<Test>::get(cluster(1)), 0);
        assert_eq!(ClusterContracts::<Test>::iter().count(), 0);
        assert_eq!(Checkpoints::<Test>::iter().count(), 0);
        assert_eq!(Reports::<Test>::iter().count(), 0);
        assert_eq!(Suspensions::<Test>::iter().count(), 0);
        assert_eq!(AgreedRoots::<Test>::iter().count(), 0);
        assert_eq!(Balances::free_balance(account(3)), ENDOWMENT);
        assert!(inbox(1).is_empty());
        // Cluster key, two seeds, two hundred contracts and the system contract.
        assert_eq!(Forgotten::get().len(), 1 + 2 + 201);
    });
}

#[test]
fn the_system_contract_is_there_from_the_start() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        let system = wire::domain::system_contract_id(&ClusterId(cluster(1).0));
        assert!(PendingContracts::<Test>::contains_key(
            cluster(1),
            H256(system.0)
        ));
        assert_ok!(PhatContracts::push_contract_message(
            signed(3),
            H256(system.0),
            vec![1],
            0
        ));
        assert_ok!(tell_keys(1, system, 77));
        assert_eq!(
            ClusterContracts::<Test>::get(cluster(1)).to_vec(),
            [H256(system.0)]
        );
        assert_eq!(
            Contracts::<Test>::get(H256(system.0)).unwrap().deployer,
            account(1)
        );
    });
}

#[test]
fn limits_are_set_by_the_owner_within_their_bounds() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        let limits = ClusterLimits {
            memory_pages: 512,
            ..ClusterLimits::DEFAULT
        };
        let set = |who, limits| PhatContracts::set_cluster_limits(who, cluster(1), limits);
        assert_noop!(set(signed(2), limits), BadOrigin);
        let too_much = ClusterLimits {
            query_ms: u32::MAX,
            ..limits
        };
        assert_noop!(set(signed(1), too_much), Error::<Test>::InvalidLimits);
        assert_noop!(
            PhatContracts::set_cluster_limits(RuntimeOrigin::root(), cluster(2), limits),
            Error::<Test>::ClusterNotFound
        );
        assert_ok!(set(signed(1), limits));
        assert_ok!(set(RuntimeOrigin::root(), ClusterLimits::MAX));
        assert_eq!(Limits::<Test>::get(cluster(1)), Some(ClusterLimits::MAX));
        assert_eq!(
            inbox(1)[1..],
            [
                MailboxOperation::SetLimits { limits },
                MailboxOperation::SetLimits {
                    limits: ClusterLimits::MAX
                }
            ]
        );
    });
}

#[test]
fn ends_of_blocks_are_told_to_clusters_that_want_them() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        assert_ok!(add_cluster(&[2]));
        let hooks = |who, every| PhatContracts::set_block_hooks(who, cluster(1), every);
        assert_noop!(hooks(signed(2), Some(1)), BadOrigin);
        assert_noop!(hooks(signed(1), Some(0)), Error::<Test>::InvalidInterval);
        assert_ok!(hooks(signed(1), Some(3)));
        let ends = |blocks: core::ops::Range<u64>| {
            for number in blocks {
                PhatContracts::on_finalize(number);
            }
            let told = |number| {
                inbox(number)
                    .iter()
                    .filter(|operation| **operation == MailboxOperation::BlockEnd)
                    .count()
            };
            (told(1), told(2))
        };
        assert_eq!(ends(1..7), (2, 0));
        assert_ok!(hooks(signed(1), None));
        assert_eq!(ends(7..20), (2, 0));
        assert_eq!(BlockHooks::<Test>::count(), 0);
    });
}

#[test]
fn as_many_clusters_as_can_be_hear_of_blocks() {
    run(|| {
        for number in 1..=HOOKED_CLUSTERS_MAX as u8 + 1 {
            assert_ok!(add_cluster(&[number]));
            let set = || PhatContracts::set_block_hooks(signed(1), cluster(number), Some(1));
            if u32::from(number) <= HOOKED_CLUSTERS_MAX {
                assert_ok!(set());
            } else {
                assert_noop!(set(), Error::<Test>::TooManyHookedClusters);
            }
        }
        assert_ok!(PhatContracts::cluster_destroy(
            RuntimeOrigin::root(),
            cluster(1)
        ));
        let last = cluster(HOOKED_CLUSTERS_MAX as u8 + 1);
        assert_ok!(PhatContracts::set_block_hooks(signed(1), last, Some(1)));
    });
}

#[test]
fn keys_are_rotated_for_the_owner_root_and_for_anybody_where_a_banned_build_has_them() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        let rotate = |who, window| PhatContracts::rotate_cluster_keys(who, cluster(1), window);
        assert_noop!(rotate(signed(2), None), BadOrigin);
        assert_ok!(rotate(signed(1), Some(50)));
        assert_ok!(rotate(RuntimeOrigin::root(), None));
        let id = ClusterId(cluster(1).0);
        assert_eq!(Rotated::get(), [(id, Some(50)), (id, None)]);
        Exposed::set(vec![id, ClusterId(cluster(2).0)]);
        assert_ok!(rotate(signed(2), None));
        assert_noop!(
            PhatContracts::rotate_cluster_keys(signed(2), cluster(2), None),
            Error::<Test>::ClusterNotFound
        );
    });
}

#[test]
fn clusters_are_found_round_and_round_and_hear_of_other_keys_by_mailbox() {
    run(|| {
        assert_eq!(PhatContracts::at(7), None);
        assert_ok!(add_cluster(&[1]));
        assert_ok!(add_cluster(&[2, 3]));
        let ids = [1, 2].map(|number| ClusterId(cluster(number).0));
        assert_eq!([0, 1, 2].map(PhatContracts::at), [Some(ids[0]), Some(ids[1]), Some(ids[0])]);
        let members = PhatContracts::members(&ids[1]);
        assert_eq!(members, [2, 3].map(|seed| WorkerId(worker(seed).0)));
        assert_ok!(PhatContracts::push_rotation(&ids[0], 1));
        assert_ok!(PhatContracts::push_retirement(&ids[0]));
        assert!(inbox(1).ends_with(&[
            MailboxOperation::RotateKeys { rotation: 1 },
            MailboxOperation::RetireKeys,
        ]));
    });
}

#[test]
fn a_clusters_owner_closes_its_compatible_edge_and_opens_it_again() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        let system = H256(wire::domain::system_contract_id(&ClusterId(cluster(1).0)).0);
        let push = |payload: Vec<u8>| {
            PhatContracts::push_contract_message(signed(3), system, payload, 0)
        };
        let set = |who, open| PhatContracts::set_compatible_edge(who, cluster(1), open);
        let encrypted = || vec![wire::command::ENCRYPTED_COMMAND, 7];
        assert_ok!(push(encrypted()));
        assert_noop!(set(signed(2), false), BadOrigin);
        assert_noop!(
            PhatContracts::set_compatible_edge(RuntimeOrigin::root(), cluster(2), false),
            Error::<Test>::ClusterNotFound
        );
        assert_ok!(set(signed(1), false));
        assert!(CompatibleEdgesClosed::<Test>::contains_key(cluster(1)));
        assert_noop!(push(encrypted()), Error::<Test>::CompatibleEdgeClosed);
        // What is not of that format goes through: in the clear, and sealed by HPKE.
        assert_ok!(push(vec![0, 7]));
        assert_ok!(push(vec![2, 7]));
        PhatContracts::do_try_state().unwrap();
        assert_ok!(set(RuntimeOrigin::root(), true));
        assert_ok!(push(encrypted()));
        assert_ok!(set(signed(1), false));
        assert_ok!(PhatContracts::cluster_destroy(RuntimeOrigin::root(), cluster(1)));
        PhatContracts::do_try_state().unwrap();
    });
}
