//! What workers keep of single contracts, and whom they give the keys to.

use crate::{
    chain::{CLUSTER, GENESIS},
    node::{ALICE, CONTRACT, Node, World, request},
    queries::{User, ask, data},
};
use chain_proof::trie::TrieNodes;
use codec::Decode as _;
use primitives::{AccountId, ContractId};
use secrets::AuditKey;
use wire::{
    audit::{ContractRootProof, HistoryPage, Verdict, commitment, contract_root_key, trie_key},
    mailbox::MailboxOperation,
    query::{QueryError, QueryOutput, QueryReply, QueryTarget, answer_commitment},
    record::Recorded,
};
use worker_core::NoRoot;

fn now(world: &World) -> u64 {
    world.chain.now_ms()
}

fn asks(world: &World, user: Option<&User>, target: QueryTarget, nonce: u8) -> QueryReply {
    asks_for(world, user, target, b"get", nonce)
}

fn asks_for(
    world: &World,
    user: Option<&User>,
    target: QueryTarget,
    input: &[u8],
    nonce: u8,
) -> QueryReply {
    let now_ms = now(world);
    let mut request = request(input, now_ms, nonce);
    request.target = target;
    ask(&world.nodes[1], user.map(|user| user.identity(now_ms + 60_000)), request, now_ms).unwrap()
}

fn name(world: &mut World, user: &User) {
    world.plain(&[&b"set:audit:"[..], &user.id().0[..2]].concat());
    world.blocks(2);
}

fn root_of(node: &Node, contract: &ContractId) -> Result<ContractRootProof, NoRoot> {
    let bytes = node.core.snapshots().contract_root(contract)?;
    Ok(ContractRootProof::decode(&mut &bytes[..]).unwrap())
}

#[test]
fn only_whom_the_contract_names_gets_its_audit_key() {
    let mut world = World::serving(1);
    let (auditor, other) = (User::new(20), User::new(40));
    let target = || QueryTarget::AuditKey { contract: CONTRACT };
    let refused = |reply: QueryReply| match reply.result {
        Err(QueryError::Execution(why)) => why.contains("may_audit"),
        _ => false,
    };
    assert!(refused(asks(&world, Some(&auditor), target(), 1)), "nobody is named yet");
    name(&mut world, &auditor);
    assert!(refused(asks(&world, Some(&other), target(), 2)));
    assert_eq!(asks(&world, None, target(), 3).result, Err(QueryError::CertificateMissing));
    let nowhere = QueryTarget::AuditKey { contract: ContractId([0x99; 32]) };
    let reply = asks(&world, Some(&auditor), nowhere, 4);
    assert_eq!(reply.result, Err(QueryError::ContractNotFound));
    let key = AuditKey::from_bytes(&data(asks(&world, Some(&auditor), target(), 5))).unwrap();
    assert_eq!((key.genesis, key.cluster, key.contract), (GENESIS, CLUSTER, CONTRACT));
    let payload = world.sealed(ALICE, b"set:sealed");
    let payload = codec::Decode::decode(&mut &payload[..]).unwrap();
    assert!(key.open(&ALICE, &payload, &[0]).is_ok());
    assert!(key.open(&AccountId([9; 32]), &payload, &[0]).is_err());
}

#[test]
fn the_steps_lead_to_the_root_that_is_proven_under_the_agreed_one() {
    let mut world = World::serving(2);
    let auditor = User::new(20);
    name(&mut world, &auditor);
    let sealed = world.sealed(ALICE, b"set:sealed");
    world.command(ALICE, sealed[..40].to_vec());
    world.command(ALICE, sealed);
    world.plain(b"trap");
    world.chain.push(MailboxOperation::Deposit { account: AccountId(CONTRACT.0), amount: 7 });
    world.chain.push(MailboxOperation::Deposit { account: ALICE, amount: 7 });
    world.blocks(24);
    let key = data(asks(&world, Some(&auditor), QueryTarget::AuditKey { contract: CONTRACT }, 1));
    let key = AuditKey::from_bytes(&key).unwrap();
    let steps = QueryTarget::History { contract: CONTRACT, from: 0 };
    let page = HistoryPage::decode(&mut &data(asks(&world, Some(&auditor), steps, 2))[..]).unwrap();
    assert!(page.is_chained());
    let verdicts: Vec<_> = page.steps.iter().map(|step| step.item.verdict).collect();
    let (ran, unreadable) = (Verdict::Ran, Verdict::Unreadable);
    // Its making, who may audit, a damaged command, a sealed one, a trap, a deposit.
    assert_eq!(verdicts, [ran, ran, unreadable, ran, ran, ran]);
    let contents: Vec<_> = page.steps.iter().map(|step| step.item.contents).collect();
    assert_eq!(contents[1], contents[2], "what cannot be read changes nothing");
    assert_ne!(contents[2], contents[3]);
    assert_ne!(contents[4], contents[5], "its balance is a part of it");
    let later = QueryTarget::History { contract: CONTRACT, from: 4 };
    let rest = HistoryPage::decode(&mut &data(asks(&world, Some(&auditor), later, 3))[..]).unwrap();
    assert_eq!((rest.first, &rest.steps[..]), (4, &page.steps[4..]));
    let last = page.steps.last().unwrap();
    let expected = commitment(key.secret(), page.steps.len() as u64, &last.history);
    for node in &world.nodes[1..] {
        let root = root_of(node, &CONTRACT).unwrap();
        let nodes = TrieNodes::new(&root.nodes);
        let at = trie_key(&contract_root_key(&CONTRACT));
        assert_eq!(nodes.read(&root.state_root.0, &at), Ok(Some(expected.to_vec())));
        assert_eq!(root.next_number, world.chain.clusters[&CLUSTER].inbox.len() as u64);
    }
    let none = root_of(&world.nodes[1], &ContractId([0x99; 32])).unwrap();
    let at = trie_key(&contract_root_key(&ContractId([0x99; 32])));
    assert_eq!(TrieNodes::new(&none.nodes).read(&none.state_root.0, &at), Ok(None));
}

#[test]
fn steps_are_for_auditors_alone() {
    let mut world = World::serving(1);
    let (auditor, other) = (User::new(20), User::new(40));
    name(&mut world, &auditor);
    let target = || QueryTarget::History { contract: CONTRACT, from: 0 };
    assert!(asks(&world, Some(&other), target(), 1).result.is_err());
    assert_eq!(asks(&world, None, target(), 2).result, Err(QueryError::CertificateMissing));
    assert!(asks(&world, Some(&auditor), target(), 3).result.is_ok());
}

#[test]
fn records_are_for_owner_and_auditors_and_the_receipt_covers_them() {
    let mut world = World::serving(1);
    let (owner, auditor, other) = (User::new(60), User::new(20), User::new(40));
    let contract = ContractId([0x31; 32]);
    world.instantiate_by(owner.id(), contract);
    world.blocks(2);
    let target = || QueryTarget::RecordedCall { contract };
    assert!(asks(&world, Some(&other), target(), 1).result.is_err());
    assert!(asks(&world, Some(&auditor), target(), 2).result.is_err());
    assert_eq!(asks(&world, None, target(), 3).result, Err(QueryError::CertificateMissing));
    let reply = asks(&world, Some(&owner), target(), 4);
    let recorded = Recorded::decode(&mut &data(reply.clone())[..]).unwrap();
    assert_eq!(recorded.output.data, b"");
    assert_eq!(recorded.next_number, world.chain.clusters[&CLUSTER].inbox.len() as u64);
    assert_eq!(recorded.block_timestamp_ms, now(&world));
    // Whatever of the record is changed, the answer's hash is another.
    let signed = answer_commitment(&[4; 16], &reply.result);
    let changed = Recorded { log: vec![1], ..recorded };
    let output = QueryOutput { data: codec::Encode::encode(&changed), ..reply.result.unwrap() };
    assert_ne!(answer_commitment(&[4; 16], &Ok(output)), signed);
}

#[test]
fn a_query_that_reaches_another_contract_is_not_recorded() {
    let mut world = World::serving(1);
    let owner = User::new(60);
    let contract = ContractId([0x31; 32]);
    world.instantiate_by(owner.id(), contract);
    world.blocks(2);
    let record = |input: &[u8], nonce| {
        asks_for(&world, Some(&owner), QueryTarget::RecordedCall { contract }, input, nonce).result
    };
    assert!(record(b"peek:\x31", 1).is_ok(), "its own");
    let Err(QueryError::Execution(why)) = record(b"peek:\x99", 2) else {
        panic!("another contract's value was recorded");
    };
    assert!(why.contains("another contract"), "{why}");
}
