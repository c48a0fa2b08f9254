//! The mailbox: the same entries give the same root, however they come.

use crate::node::{ALICE, CONTRACT, Node, World, outcomes};
use primitives::{AccountId, ContractId};
use wire::mailbox::MailboxOperation;
use worker_core::{ClusterStore as _, Notice, StopReason};

const MALLORY: AccountId = AccountId([0x66; 32]);

/// A mailbox with everything that can be in it, good and bad.
fn fill(world: &mut World) {
    let sealed = world.sealed(ALICE, b"set:sealed");
    world.command(ALICE, sealed.clone());
    // Somebody else sends what Alice sealed.
    world.command(MALLORY, sealed.clone());
    world.command(ALICE, sealed[..sealed.len() - 1].to_vec());
    world.command(ALICE, vec![0xff; 40]);
    world.command(ALICE, Vec::new());
    world.plain(b"set:plain");
    world.plain(b"trap");
    let payload = world.sealed(ALICE, b"set:lost");
    let contract = ContractId([0x99; 32]);
    world.chain.push(MailboxOperation::Command {
        contract,
        sender: ALICE,
        payload,
    });
    world.chain.push(MailboxOperation::Deposit {
        account: MALLORY,
        amount: 77,
    });
    world.instantiate(CONTRACT);
    world.plain(b"make:\x55");
    world.plain(b"set:last");
}

#[test]
fn what_cannot_be_run_is_recorded_and_the_mailbox_goes_on() {
    let mut world = World::serving(2);
    let first = world.chain.cluster().inbox.len() as u64;
    fill(&mut world);
    world.blocks(2);
    let next = world.chain.cluster().inbox.len() as u64;
    let kept = outcomes(&world.nodes[1].disk, next);
    let result = |offset: u64| kept[&(first + offset)].result.clone();
    assert_eq!(result(0), Ok((0, Vec::new())));
    for (offset, text) in [
        (1, "the command cannot be opened"),
        (2, "the command cannot be read"),
        (3, "the command cannot be read"),
        (4, "the command cannot be read"),
        (6, "the contract trapped"),
        (7, "the command cannot be opened"),
        (9, "a contract with this id exists already"),
    ] {
        let reason = result(offset).expect_err("refused");
        assert!(reason.contains(text), "{offset}: {reason}");
    }
    assert_eq!(kept[&(first + 1)].sender, MALLORY);
    assert_eq!(kept[&(first + 7)].contract, ContractId([0x99; 32]));
    assert!(!kept.contains_key(&(first + 8)), "a deposit has no outcome");
    assert_eq!(result(11), Ok((0, Vec::new())));
    assert_eq!(world.nodes[1].serving(), world.nodes[2].serving());
    assert_eq!(world.nodes[1].serving().unwrap().2, next);
}

#[test]
fn batches_and_restarts_do_not_change_the_root() {
    let mut world = World::serving(3);
    fill(&mut world);
    for _ in 0..150 {
        world.plain(b"set:many");
    }
    // The first takes all at once, the second one entry of each view, the third is started anew.
    world.nodes[2].entries_max = 1;
    world.nodes[3].entries_max = 7;
    world.chain.block();
    let World { chain, nodes } = &mut world;
    nodes[1].follow(chain);
    nodes[2].follow(chain);
    for _ in 0..8 {
        nodes[3].follow_once(chain);
        nodes[3].restart();
        nodes[3].follow_once(chain);
    }
    nodes[3].follow(chain);
    // A process that was started serves once the chain knows of it.
    world.blocks(4);
    let World { chain, nodes } = &mut world;
    let expected = nodes[1].serving().expect("serves");
    assert_eq!(expected.2, chain.cluster().inbox.len() as u64);
    assert_eq!(nodes[2].serving(), Some(expected));
    assert_eq!(nodes[3].serving(), Some(expected));
}

#[test]
fn a_worker_that_joins_late_reaches_the_same_root() {
    let mut world = World::serving(1);
    fill(&mut world);
    world.blocks(5);
    let late = Node::new(500);
    let id = late.id();
    world.chain.cluster().workers.push(id);
    world.nodes.push(late);
    world.blocks(6);
    assert_eq!(world.nodes[2].serving(), world.nodes[1].serving());
    assert!(world.nodes[2].serving().is_some());
}

#[test]
fn while_catching_up_nothing_is_served() {
    let mut world = World::serving(1);
    for _ in 0..20 {
        world.plain(b"set:x");
    }
    world.nodes[1].entries_max = 5;
    world.nodes[1].restart();
    world.chain.block();
    let World { chain, nodes } = &mut world;
    let inbox_next = chain.cluster().inbox.len() as u64;
    let mut views = 0;
    while nodes[1].serving().is_none() {
        views += 1;
        assert!(views < 60, "it never serves");
        if views % 3 == 0 {
            chain.block();
        }
        nodes[1].follow_once(chain);
    }
    assert!(views >= 5, "it catches up first");
    assert_eq!(nodes[1].serving().unwrap().2, inbox_next);
}

#[test]
fn outcomes_older_than_the_last_4096_are_forgotten() {
    let mut world = World::serving(1);
    let first = world.plain(b"get");
    for _ in 0..worker_core::running::OUTCOMES_KEPT {
        world.chain.push(MailboxOperation::Deposit {
            account: MALLORY,
            amount: 1,
        });
    }
    world.blocks(2);
    assert!(outcomes(&world.nodes[1].disk, first + 1).is_empty());
    assert!(world.nodes[1].serving().is_some());
}

#[test]
fn code_that_the_chain_lacks_stops_the_worker() {
    let mut world = World::serving(1);
    let code_hash = primitives::CodeHash([0x12; 32]);
    world.chain.push(MailboxOperation::UploadCode { code_hash });
    world.block();
    let stopped = world.nodes[1].stopped();
    assert!(matches!(stopped, Some(StopReason::Run(why)) if why.contains("does not have it")));
    assert_eq!(world.nodes[1].serving(), None);
}

#[test]
fn a_mailbox_pruned_while_a_worker_was_away_has_it_ask_another_for_the_state() {
    let mut world = World::serving(2);
    let id = world.nodes[2].id();
    world.chain.release(&id);
    world.block();
    for _ in 0..5 {
        world.plain(b"set:meanwhile");
    }
    world.blocks(2);
    let cluster = world.chain.cluster();
    cluster.first = cluster.inbox.len() as u64 - 1;
    cluster.workers.push(id);
    world.blocks(40);
    assert_eq!(world.nodes[2].stopped(), None);
    assert!(world.nodes[2].said(|n| matches!(n, Notice::Joining { .. } | Notice::NoPeer)) > 0);
    assert_eq!(world.nodes[2].serving(), None);
    assert_eq!(world.nodes[1].stopped(), None);
}

#[test]
fn stakes_are_told_to_the_system_contract_by_itself() {
    let mut world = World::serving(2);
    world.chain.push(MailboxOperation::SetStake { contract: CONTRACT, stake: 5_000 });
    world.blocks(2);
    let key = [&b"stake/"[..], &CONTRACT.0].concat();
    for node in [1, 2] {
        let stake = world.nodes[node].disk.snapshot().read(&key).unwrap();
        assert_eq!(stake, Some(5_000_u128.to_le_bytes().to_vec()));
    }
    assert_eq!(world.nodes[1].serving(), world.nodes[2].serving());
}
