//! Commands executed again: equal where nothing was touched, named where something was.

use crate::cluster::{ALICE, BOB, Cluster, caller, engine, extension, keeper};
use codec::Encode as _;
use contract_abi::extension::Function;
use contract_history::{Claims, History};
use primitives::ContractId;
use replay::{LineResult, Range, ReplayError, Report, Verdict, replay};
use secrets::AuditKey;
use wire::{
    audit::HistoryPage,
    domain::code_hash,
    mailbox::MailboxOperation,
};

fn run(history: &History, keys: Vec<AuditKey>) -> Report {
    replay(&engine(), history, keys, Range::default()).unwrap()
}

fn differs_at(report: &Report) -> Option<u64> {
    match &report.verdict {
        Verdict::Differs { entry, .. } => *entry,
        other => panic!("it does not differ: {other:?}"),
    }
}

fn refused(report: &Report) -> (u64, &str) {
    match &report.verdict {
        Verdict::Refused { entry, why } => (*entry, why),
        other => panic!("it is not refused: {other:?}"),
    }
}

/// A cluster with two contracts that everybody writes to; the first is audited.
fn lived() -> (Cluster, ContractId, ContractId) {
    let mut cluster = Cluster::new();
    let (mine, other) = (cluster.deploy(&keeper(), 1), cluster.deploy(&keeper(), 2));
    cluster.send(mine, b"one");
    cluster.send(other, b"secret");
    cluster.send(mine, b"two");
    let damaged = cluster.sealed(mine, b"lost", 0)[..40].to_vec();
    cluster.push(MailboxOperation::Command { contract: mine, sender: BOB, payload: damaged });
    cluster.send_plain(mine, b"three");
    cluster.push(MailboxOperation::Deposit { account: mine.into(), amount: 5 });
    cluster.push(MailboxOperation::BlockEnd);
    cluster.send(mine, b"four");
    (cluster, mine, other)
}

#[test]
fn a_history_is_executed_to_the_agreed_root() {
    let (cluster, mine, other) = lived();
    let report = run(&cluster.history(mine), vec![cluster.key(mine)]);
    assert_eq!(report.verdict, Verdict::Equal);
    // Its making, five commands and a deposit.
    assert_eq!(report.checkpoints, 7);
    assert_eq!(report.gap, Some(6), "the first command that is sealed to the other contract");
    let results: Vec<_> = report.commands.iter().map(|line| (line.number, &line.result)).collect();
    let returned = |text: &str| LineResult::Returned { flags: 0, data: hex::encode(text) };
    assert_eq!(results[1], (5, &returned("one")));
    assert!(matches!(results[3], (8, LineResult::Unreadable { .. })));
    assert_eq!(results[4], (9, &returned("three")));
    assert_eq!(report.commands[5].what, "deposit");
    // The other one's auditor comes to the other one's root, and with both keys there is no gap.
    assert_eq!(run(&cluster.history(other), vec![cluster.key(other)]).verdict, Verdict::Equal);
    let both = run(&cluster.history(mine), vec![cluster.key(mine), cluster.key(other)]);
    assert_eq!((both.verdict, both.gap), (Verdict::Equal, None));
}

#[test]
fn without_steps_the_root_alone_decides() {
    let (cluster, mine, _) = lived();
    let mut claims = cluster.claims(mine);
    claims.steps = HistoryPage::default();
    let report = run(&History::danger_unproven(claims.clone()), vec![cluster.key(mine)]);
    assert_eq!((report.verdict, report.checkpoints), (Verdict::Equal, 7));
    claims.commitment[0] ^= 1;
    let report = run(&History::danger_unproven(claims), vec![cluster.key(mine)]);
    assert_eq!(differs_at(&report), None);
}

/// Changes a history and says where the replay finds it.
fn found_at(change: impl FnOnce(&mut Claims, &Cluster, ContractId)) -> Option<u64> {
    let (cluster, mine, _) = lived();
    let mut claims = cluster.claims(mine);
    change(&mut claims, &cluster, mine);
    differs_at(&run(&History::danger_unproven(claims), vec![cluster.key(mine)]))
}

#[test]
fn a_changed_command_is_named() {
    let at = found_at(|claims, cluster, mine| {
        let payload = cluster.sealed(mine, b"other", 0);
        claims.entries[7].operation =
            MailboxOperation::Command { contract: mine, sender: BOB, payload };
    });
    assert_eq!(at, Some(7));
}

#[test]
fn a_command_of_another_sender_or_time_is_named() {
    let at = found_at(|claims, _, _| claims.entries[9].block_number += 1);
    assert_eq!(at, Some(9));
    let at = found_at(|claims, _, _| {
        if let MailboxOperation::Command { sender, .. } = &mut claims.entries[5].operation {
            *sender = ALICE;
        }
    });
    assert_eq!(at, Some(5), "sealed by Bob it does not open for Alice");
}

#[test]
fn an_omitted_command_is_named() {
    let at = found_at(|claims, _, _| claims.entries[7].operation = MailboxOperation::BlockEnd);
    assert_eq!(at, Some(7));
    let at = found_at(|claims, _, _| {
        claims.entries.remove(7);
        // What was agreed was agreed after as many entries as before.
        claims.entries.push(claims.entries[10].clone());
    });
    assert_eq!(at, Some(7));
}

#[test]
fn commands_in_another_order_are_named() {
    let at = found_at(|claims, _, _| {
        let (five, seven) = (claims.entries[5].operation.clone(), claims.entries[7].operation.clone());
        claims.entries[5].operation = seven;
        claims.entries[7].operation = five;
    });
    assert_eq!(at, Some(5));
}

#[test]
fn another_code_is_named() {
    let at = found_at(|claims, _, _| {
        let code = wat::parse_str(caller()).unwrap();
        let hash = code_hash(&code);
        claims.codes.push(code);
        claims.entries[1].operation = MailboxOperation::UploadCode { code_hash: hash };
        if let MailboxOperation::Instantiate { code_hash, .. } = &mut claims.entries[2].operation {
            *code_hash = hash;
        }
    });
    assert_eq!(at, Some(2));
}

#[test]
fn a_command_that_was_put_in_is_named() {
    let at = found_at(|claims, cluster, mine| {
        let payload = cluster.sealed(mine, b"more", 0);
        let operation = MailboxOperation::Command { contract: mine, sender: BOB, payload };
        claims.entries[11].operation = operation;
    });
    assert_eq!(at, Some(11));
}

#[test]
fn steps_that_do_not_lead_to_the_root_are_not_believed() {
    let (cluster, mine, _) = lived();
    let mut claims = cluster.claims(mine);
    claims.steps.steps.pop();
    let report = run(&History::danger_unproven(claims), vec![cluster.key(mine)]);
    assert_eq!(report.verdict, Verdict::Equal, "the root decides");
}

#[test]
fn what_comes_from_another_contract_needs_its_key() {
    let mut cluster = Cluster::new();
    let (mine, other) = (cluster.deploy(&keeper(), 1), cluster.deploy(&caller(), 2));
    cluster.send(mine, b"one");
    cluster.send(other, &[&mine.0[..], b"from outside"].concat());
    cluster.send(mine, b"two");
    let report = run(&cluster.history(mine), vec![cluster.key(mine)]);
    let (entry, why) = refused(&report);
    assert_eq!(entry, 6);
    assert!(why.contains(&other.to_string()), "{why}");
    let report = run(&cluster.history(mine), vec![cluster.key(mine), cluster.key(other)]);
    assert_eq!(report.verdict, Verdict::Equal);
    assert_eq!(report.commands.len(), 4);
}

#[test]
fn what_reaches_another_contract_needs_its_key_once_there_is_a_gap() {
    let mut cluster = Cluster::new();
    let (mine, other) = (cluster.deploy(&caller(), 1), cluster.deploy(&keeper(), 2));
    cluster.send(mine, &[&other.0[..], b"known"].concat());
    let report = run(&cluster.history(mine), vec![cluster.key(mine)]);
    assert_eq!(report.verdict, Verdict::Equal, "as long as all is known");
    cluster.send(other, b"sealed");
    cluster.send(mine, &[&other.0[..], b"unknown"].concat());
    let report = run(&cluster.history(mine), vec![cluster.key(mine)]);
    let (entry, why) = refused(&report);
    assert_eq!(entry, 7);
    assert!(why.contains(&other.to_string()), "{why}");
}

#[test]
fn facts_of_the_cluster_and_own_keys_are_refused() {
    let looks = |function: Function, arguments: Vec<u8>, with_gap: bool| {
        let mut cluster = Cluster::new();
        let (mine, other) = (cluster.deploy(&extension(), 1), cluster.deploy(&keeper(), 2));
        if with_gap {
            cluster.send(other, b"sealed");
        }
        let id = u32::from(function.id()).to_le_bytes();
        cluster.send(mine, &[&id[..], &arguments].concat());
        run(&cluster.history(mine), vec![cluster.key(mine)]).verdict
    };
    for (function, arguments) in [
        (Function::BalanceOf, ALICE.encode()),
        (Function::CurrentEventChainHead, Vec::new()),
        (Function::RuntimeVersion, Vec::new()),
    ] {
        assert_eq!(looks(function, arguments.clone(), false), Verdict::Equal);
        let verdict = looks(function, arguments, true);
        assert!(matches!(verdict, Verdict::Refused { entry: 6, .. }), "{function:?}: {verdict:?}");
    }
    let verdict = looks(Function::DeriveSr25519Key, b"salt".to_vec().encode(), false);
    assert!(matches!(verdict, Verdict::Refused { entry: 5, .. }), "{verdict:?}");
    // What a transaction is not given is the same everywhere.
    assert_eq!(looks(Function::WorkerPubkey, Vec::new(), true), Verdict::Equal);
    assert_eq!(looks(Function::GetRandom, 8u8.encode(), true), Verdict::Equal);
}

#[test]
fn commands_that_were_not_paid_for_are_known_by_their_steps() {
    let mut cluster = Cluster::with_gas_price(1);
    cluster.push(MailboxOperation::Deposit { account: ALICE, amount: u128::MAX / 8 });
    cluster.push(MailboxOperation::Deposit { account: BOB, amount: u128::MAX / 8 });
    let (mine, other) = (cluster.deploy(&keeper(), 1), cluster.deploy(&keeper(), 2));
    cluster.send(other, b"the gap");
    // More than Bob has: nothing of it is kept.
    let payload = cluster.sealed(mine, b"not paid", u128::MAX / 6);
    cluster.push(MailboxOperation::Command { contract: mine, sender: BOB, payload });
    cluster.send(mine, b"paid");
    let history = cluster.history(mine);
    let report = run(&history, vec![cluster.key(mine)]);
    assert_eq!(report.verdict, Verdict::Equal);
    assert_eq!(report.commands[1].result, LineResult::NotPaid);
    // Without the steps it shows as a difference, not as equal.
    let mut claims = cluster.claims(mine);
    claims.steps = HistoryPage::default();
    let report = run(&History::danger_unproven(claims), vec![cluster.key(mine)]);
    assert_eq!(differs_at(&report), None);
}

#[test]
fn keys_that_are_rotated_open_what_they_did() {
    let mut cluster = Cluster::new();
    let mine = cluster.deploy(&keeper(), 1);
    let early = cluster.key(mine);
    cluster.send(mine, b"to the first");
    let late = cluster.sealed(mine, b"to the first, late", 0);
    let too_late = cluster.sealed(mine, b"to the first, too late", 0);
    cluster.push(MailboxOperation::RotateKeys { rotation: 2 });
    cluster.send(mine, b"to the second");
    let command = |payload| MailboxOperation::Command { contract: mine, sender: BOB, payload };
    cluster.push(command(late));
    cluster.push(MailboxOperation::RetireKeys);
    cluster.push(command(too_late));
    cluster.send(mine, b"still to the second");
    let kept = AuditKey::from_bytes(&early.expose()).unwrap();
    let both = cluster.key(mine).merge(kept).unwrap();
    let report = run(&cluster.history(mine), vec![both]);
    assert_eq!(report.verdict, Verdict::Equal);
    assert!(matches!(report.commands[4].result, LineResult::Unreadable { .. }));
    // With one of them alone the first command is refused that it does not open.
    let (entry, why) = (5, "seed 2");
    let report = run(&cluster.history(mine), vec![early]);
    assert_eq!(refused(&report).0, entry);
    assert!(refused(&report).1.contains(why));
    let report = run(&cluster.history(mine), vec![cluster.key(mine)]);
    assert_eq!(refused(&report).0, 3);
}

#[test]
fn a_range_ends_where_a_root_is_known() {
    let (cluster, mine, _) = lived();
    let history = cluster.history(mine);
    let to = |to| {
        let range = Range { from: 6, to: Some(to) };
        replay(&engine(), &history, vec![cluster.key(mine)], range)
    };
    let report = to(9).unwrap();
    assert_eq!(report.verdict, Verdict::Equal);
    assert_eq!((report.entries, report.checkpoints), (10, 5));
    let listed: Vec<_> = report.commands.iter().map(|line| line.number).collect();
    assert_eq!(listed, [7, 8, 9]);
    assert!(matches!(to(13), Err(ReplayError::Range(_))), "only 13 entries are agreed on");
}

#[test]
fn the_right_keys_are_needed() {
    let (cluster, mine, other) = lived();
    let history = cluster.history(mine);
    let with = |keys| replay(&engine(), &history, keys, Range::default());
    assert!(matches!(with(vec![]), Err(ReplayError::NoKey(_))));
    assert!(matches!(with(vec![cluster.key(other)]), Err(ReplayError::NoKey(_))));
    let mut foreign = cluster.key(mine);
    foreign.genesis.0[0] ^= 1;
    assert!(matches!(with(vec![foreign]), Err(ReplayError::ForeignKey(_))));
}
