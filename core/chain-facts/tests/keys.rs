//! Storage keys against the values that the original network's clients compute.

use chain_facts::keys;
use primitives::{ClusterId, ContractId, WorkerId};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn plain_keys_are_two_hashes_of_names() {
    // `Timestamp::Now`, as every explorer knows it.
    assert_eq!(
        hex(&keys::timestamp_now()),
        "f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"
    );
    let of_block = keys::block_hash(0);
    // `System::BlockHash(0)`: twox64 of four zero bytes is b4def25cfda6ef3a.
    let expected = "26aa394eea5630e07c48ae0c9558cef7a44704b568d21667356a5a050c118746\
                    b4def25cfda6ef3a00000000";
    assert_eq!(hex(&of_block), expected);
}

#[test]
fn map_keys_end_with_the_key_itself_and_never_meet() {
    let (one, two) = (WorkerId([1; 32]), WorkerId([2; 32]));
    let (first, second) = (ClusterId([1; 32]), ClusterId([2; 32]));
    let all = [
        keys::worker(&one),
        keys::worker(&two),
        keys::endpoints(&one),
        keys::next_sequence(&one),
        keys::cluster_of_worker(&one),
        keys::cluster(&first),
        keys::cluster_key(&first),
        keys::cluster_workers(&first),
        keys::cluster_contracts(&first),
        keys::inbox_next(&first),
        keys::inbox_first(&first),
        keys::inbox_entry(&first, 0),
        keys::inbox_entry(&first, 1),
        keys::inbox_entry(&second, 0),
        keys::checkpoint(&first, &one),
        keys::checkpoint(&first, &two),
        keys::checkpoint(&second, &one),
        keys::seed_shares(&first, &one),
        keys::seed_shares(&first, &two),
        keys::seed_confirmed(&first, &one),
        keys::cluster_rotation(&first),
        keys::next_cluster_key(&first),
        keys::joining_workers(&first),
        keys::contract_key_rotation(&ContractId([5; 32])),
        keys::receiving_key(&one.0),
        keys::sharing(),
        keys::pending_sharing(),
        keys::members_sharing(),
        keys::members(),
        keys::ceremony(),
        keys::ceremony_plan(),
        keys::beacon_round(),
        keys::beacon_value(1),
        keys::beacon_value(2),
        keys::agreed_checkpoint(&first),
        keys::compatible_edge_closed(&first),
        keys::compatible_edge_closed(&second),
        keys::agreed_roots(&first),
        keys::suspension(&first, &one),
        keys::suspension(&first, &two),
        keys::suspended_workers(&first),
        keys::worker_offer(&one),
        keys::instance(&one),
        keys::gatekeepers(),
        keys::master_public_key(),
        keys::cluster_counter(),
    ];
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert!(keys::worker(&one).ends_with(&[1; 32]));
    assert_eq!(keys::worker(&one).len(), 32 + 8 + 32);
    assert_eq!(keys::inbox_entry(&first, 7).len(), 32 + 8 + 32 + 8 + 8);
    assert!(keys::inbox_entry(&first, 7).ends_with(&7u64.to_le_bytes()));
    assert!(keys::next_sequence(&one).ends_with(&[&[2][..], &[1; 32]].concat()));
}

#[test]
fn cluster_ids_count_from_one_in_the_last_bytes() {
    let mut expected = [0; 32];
    expected[31] = 1;
    assert_eq!(keys::cluster_id(1), ClusterId(expected));
    expected[30] = 1;
    assert_eq!(keys::cluster_id(257), ClusterId(expected));
}
