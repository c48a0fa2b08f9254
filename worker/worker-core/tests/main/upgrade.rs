//! A new build takes a worker's keys over from the running one: who gets them, what each crash leaves, and
//! that two never serve.

use crate::{
    chain::{BUILD, CLUSTER, GENESIS},
    node::{DISK_KEY, Disk, Node, STALE_MS, TestRng, World, operator},
};
use attestation::{AcceptedRoot, AttestationError, Evidence};
use codec::Encode;
use contract_state::{Import, ImportTarget, Position, StateDb, StoreIdentity};
use mock_attestation::{DevelopmentPki, MockTcb, MockTd};
use primitives::*;
use secrets::{Sr25519Secret, StateKey};
use std::sync::atomic::Ordering;
use wire::{
    handover::{HandoverRequest, SignedHandoverRequest},
    snapshot::SnapshotRequest,
};
use worker_core::{
    Departed, HandoverRefusal, Input, Notice, SnapshotRefusal, Successor, TakeOverError, TakenOver,
    read_snapshot_chunk, snapshot_request,
};

/// The worker that is upgraded; before it is a gatekeeper.
const OLD: usize = 1;

/// The new process before it has keys.
struct Newcomer {
    successor: Successor,
    td: MockTd,
    pki: DevelopmentPki,
}

impl Newcomer {
    fn new() -> Self {
        Self {
            successor: Successor::generate(&mut TestRng(77)),
            td: MockTd::of_build([9; 48]),
            pki: DevelopmentPki::insecure_well_known(),
        }
    }

    fn build(&self) -> Measurement {
        self.td.measurement()
    }

    fn request(&self, old: &Node) -> HandoverRequest {
        let offer = match &old.departed {
            Some(departed) => departed.offer(),
            None => old.core.handover_offers().offer().expect("it offers"),
        };
        self.successor.request(GENESIS, &offer).unwrap()
    }

    fn evidence(&self, request: &HandoverRequest, world: &World) -> Evidence {
        let now = world.chain.now_ms() / 1000;
        self.pki.tdx_evidence(&self.td, &request.report_data(), now)
    }

    /// An honest request.
    fn asks(&self, world: &World) -> Vec<u8> {
        let request = self.request(&world.nodes[OLD]);
        let evidence = self.evidence(&request, world);
        signed(request, &operator(), &evidence)
    }

    fn open(&self, world: &World, answer: &[u8]) -> Result<TakenOver, TakeOverError> {
        let old = &world.nodes[OLD];
        let registered = &world.chain.workers[&old.id()];
        self.successor.open(&self.request(old), registered, answer)
    }
}

fn signed(request: HandoverRequest, by: &Sr25519Secret, evidence: &Evidence) -> Vec<u8> {
    let operator_signature = by.sign(&request.consent_bytes());
    SignedHandoverRequest { request, operator_signature, evidence: evidence.encode() }.encode()
}

/// A worker that serves, with commands run, on a chain that allows the newcomer's build.
fn world() -> (World, Newcomer) {
    let mut world = World::serving(1);
    let newcomer = Newcomer::new();
    world.chain.roots = vec![newcomer.pki.accepted_root()];
    world.chain.allowed.insert(newcomer.build());
    for number in 0..20 {
        world.plain(format!("set:{number}").as_bytes());
        world.block();
    }
    (world, newcomer)
}

/// The old process gets a request and reads the newest block again.
fn ask(world: &mut World, request: Vec<u8>) {
    let World { chain, nodes } = world;
    nodes[OLD].step(Input::HandOver(request), chain);
    nodes[OLD].follow(chain);
}

/// Fetches the state from the old process as the real shell does, but for the wire.
fn fetch(departed: &Departed, taken: &TakenOver) -> std::sync::Arc<Disk> {
    let (state, _) = taken.state.as_ref().expect("it has a state");
    // That of all disks in these tests.
    let key = StateKey::from_bytes(&DISK_KEY);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let store = StoreIdentity { genesis: GENESIS, cluster: state.cluster };
    let target = ImportTarget { next_number: state.next_number, state_root: state.state_root };
    let mut import = Import::begin(&path, &key, &store, &target).unwrap();
    loop {
        let answer = departed.snapshot(&state_request(taken, departed.worker(), import.after()));
        let chunk = read_snapshot_chunk(&answer.unwrap()).unwrap();
        import.add(&chunk.records).unwrap();
        if chunk.is_last {
            break;
        }
    }
    let position = Position {
        next_number: state.next_number,
        block_number: state.block_number,
        block_hash: state.block_hash,
        ..Position::default()
    };
    import.finish(&position).unwrap();
    Disk::of(StateDb::open(&path, &key, &store).unwrap(), folder)
}

fn state_request(taken: &TakenOver, peer: WorkerId, after: Option<[u8; 32]>) -> Vec<u8> {
    let (state, _) = taken.state.as_ref().unwrap();
    let kept = &taken.kept;
    let identity = worker_core::Identity::new(GENESIS, &kept.signing_seed, &kept.hpke_seed);
    snapshot_request(
        &identity,
        SnapshotRequest {
            cluster: state.cluster,
            asker: identity.worker(),
            peer,
            next_number: state.next_number,
            state_root: state.state_root,
            rotation: 0,
            after,
            block_number: 0,
        },
    )
}

/// The new process with what it was given; the place of it.
fn begin(world: &mut World, newcomer: &Newcomer, taken: &TakenOver, disk: std::sync::Arc<Disk>) -> usize {
    let sealed = taken.kept.to_bytes().to_vec();
    let mut node = Node::on(sealed, Some(newcomer.build()), true, TestRng(78));
    node.disk = disk;
    world.chain.builds.insert(node.id(), newcomer.build());
    world.nodes.push(node);
    world.nodes.len() - 1
}

/// All of it, done right; the place of the new process.
fn upgrade(world: &mut World, newcomer: &Newcomer) -> usize {
    let request = newcomer.asks(world);
    ask(world, request.clone());
    let departed = world.nodes[OLD].departed.as_ref().expect("it hands over");
    let answer = departed.answer(&request).unwrap();
    let taken = newcomer.open(world, &answer).unwrap();
    let disk = fetch(departed, &taken);
    begin(world, newcomer, &taken, disk)
}

#[test]
fn a_new_build_takes_identity_keys_and_state_over_and_never_do_two_serve() {
    let (mut world, newcomer) = world();
    let (_, root, entries) = world.nodes[OLD].serving().unwrap();
    let (worker, address) = (world.nodes[OLD].id(), world.nodes[OLD].address());
    // Nobody else has the state, and the chain does not keep all entries.
    world.chain.cluster().first = 10;
    let place = upgrade(&mut world, &newcomer);
    assert_eq!(world.nodes[place].id(), worker);
    assert_eq!(world.nodes[OLD].serving(), None);
    let mut served_after = None;
    for block in 1..=12 {
        let number = world.plain(format!("set:{}", 100 + block).as_bytes());
        world.block();
        assert_eq!(world.nodes[OLD].serving(), None);
        if block == 1 {
            assert_eq!(world.nodes[place].serving(), None, "the chain has not heard of it");
        }
        if let Some((_, _, run)) = world.nodes[place].serving() {
            assert_eq!(run, number + 1, "no accepted command is lost");
            served_after.get_or_insert(block);
        }
    }
    assert!(served_after.is_some_and(|blocks| blocks <= 3), "{served_after:?}");
    assert_eq!(world.chain.workers[&worker].measurement, newcomer.build());
    assert_eq!(world.nodes[place].address().hpke_public_key, address.hpke_public_key);
    // It went on from the very state that was there.
    assert_eq!(*world.nodes[place].disk.clears.lock().unwrap(), 0);
    let roots = worker_core::ClusterStore::root_at(&*world.nodes[place].disk, entries);
    assert!(roots.is_none_or(|found| found == root));
    assert_eq!(world.nodes[OLD].said(|said| matches!(said, Notice::HandedOver(to) if *to == newcomer.build())), 1);
}

/// The request is refused for its reason, and the old process serves on.
fn refused(world: &mut World, request: Vec<u8>, expected: &HandoverRefusal) {
    ask(world, request);
    assert_eq!(world.nodes[OLD].refusals.last(), Some(expected));
    assert!(world.nodes[OLD].departed.is_none() && world.nodes[OLD].tombstone.is_none());
    world.block();
    assert!(world.nodes[OLD].serving().is_some(), "it serves on");
}

#[test]
fn a_build_that_the_chain_does_not_allow_gets_no_keys() {
    let (mut world, newcomer) = world();
    world.chain.allowed.remove(&newcomer.build());
    let request = newcomer.asks(&world);
    refused(&mut world, request, &HandoverRefusal::BuildNotAllowed(newcomer.build()));
}

#[test]
fn a_build_withdrawn_while_it_asks_gets_no_keys() {
    let (mut world, newcomer) = world();
    let request = newcomer.asks(&world);
    let World { chain, nodes } = &mut world;
    nodes[OLD].step(Input::HandOver(request), chain);
    world.chain.allowed.remove(&newcomer.build());
    world.block();
    let expected = HandoverRefusal::BuildNotAllowed(newcomer.build());
    assert_eq!(world.nodes[OLD].refusals, [expected]);
    assert!(world.nodes[OLD].serving().is_some());
}

#[test]
fn evidence_is_judged_as_the_chain_judges_a_registration() {
    let (mut world, mut newcomer) = world();
    let wrong = |error| HandoverRefusal::Evidence(error);
    // Development evidence, on a network that accepts hardware alone.
    world.chain.roots = vec![AcceptedRoot::Intel];
    let request = newcomer.asks(&world);
    refused(&mut world, request, &wrong(AttestationError::RootNotAccepted));
    world.chain.roots = vec![newcomer.pki.accepted_root()];
    // A platform that is worse than the chain accepts.
    newcomer.td.tcb = MockTcb::OutOfDate(Vec::new());
    let request = newcomer.asks(&world);
    let status = "OutOfDate".to_owned();
    refused(&mut world, request, &wrong(AttestationError::TcbRefused { status }));
    newcomer.td.tcb = MockTcb::UpToDate;
    // An allowed build in another process's name: evidence over another key, another nonce, another worker.
    let honest = newcomer.request(&world.nodes[OLD]);
    let others = [
        HandoverRequest { ephemeral_key: HpkePublicKey([7; 32]), ..honest.clone() },
        HandoverRequest { nonce: [7; 32], ..honest.clone() },
        HandoverRequest { worker: WorkerId([7; 32]), ..honest.clone() },
        HandoverRequest { genesis: GenesisHash([7; 32]), ..honest.clone() },
    ];
    for other in others {
        let evidence = newcomer.evidence(&other, &world);
        let request = signed(honest.clone(), &operator(), &evidence);
        refused(&mut world, request, &wrong(AttestationError::ReportDataMismatch));
    }
    let nothing = signed(honest, &operator(), &Evidence::default());
    refused(&mut world, nothing, &HandoverRefusal::NoQuote);
}

#[test]
fn a_request_counts_for_one_worker_and_offer_and_with_its_operators_word() {
    let (mut world, newcomer) = world();
    let honest = newcomer.request(&world.nodes[OLD]);
    let ask_with = |world: &mut World, request: HandoverRequest, by: &Sr25519Secret, expected| {
        let evidence = newcomer.evidence(&request, world);
        refused(world, signed(request, by, &evidence), &expected);
    };
    let stranger = Sr25519Secret::from_seed(&[5; 32]);
    let owner = AccountId(operator().public());
    ask_with(&mut world, honest.clone(), &stranger, HandoverRefusal::NotTheOperator(owner));
    let other = HandoverRequest { nonce: [7; 32], ..honest.clone() };
    ask_with(&mut world, other, &operator(), HandoverRefusal::OldNonce);
    let other = HandoverRequest { worker: WorkerId([7; 32]), ..honest.clone() };
    ask_with(&mut world, other, &operator(), HandoverRefusal::ForAnother);
    let other = HandoverRequest { genesis: GenesisHash([7; 32]), ..honest.clone() };
    ask_with(&mut world, other, &operator(), HandoverRefusal::ForAnother);
    // The operator's word for one key is none for another.
    let mut request = newcomer.asks(&world);
    request[96] ^= 1;
    refused(&mut world, request, &HandoverRefusal::NotTheOperator(owner));
    refused(&mut world, vec![1, 2, 3], &HandoverRefusal::Malformed);
    // What was made for an offer of long ago.
    let old = newcomer.asks(&world);
    world.blocks(200);
    refused(&mut world, old, &HandoverRefusal::OldNonce);
    // A registration without an operator.
    let id = world.nodes[OLD].id();
    world.chain.workers.get_mut(&id).unwrap().operator = None;
    world.block();
    let request = newcomer.asks(&world);
    refused(&mut world, request, &HandoverRefusal::NoOperator);
}

#[test]
fn strangers_do_not_keep_a_request_from_being_heard_and_two_wait_for_each_other() {
    let (mut world, newcomer) = world();
    let request = newcomer.asks(&world);
    let by_stranger = {
        let request = newcomer.request(&world.nodes[OLD]);
        let evidence = newcomer.evidence(&request, &world);
        signed(request, &Sr25519Secret::from_seed(&[5; 32]), &evidence)
    };
    let World { chain, nodes } = &mut world;
    for request in [by_stranger, request.clone(), request] {
        nodes[OLD].step(Input::HandOver(request), chain);
    }
    assert!(matches!(
        nodes[OLD].refusals[..],
        [HandoverRefusal::NotTheOperator(_), HandoverRefusal::Busy]
    ));
    nodes[OLD].follow(chain);
    assert!(nodes[OLD].departed.is_some());
}

#[test]
fn a_process_that_is_cut_off_or_does_not_speak_hands_nothing_over() {
    let (mut world, newcomer) = world();
    let now_ms = world.chain.now_ms();
    world.nodes[OLD].host.now_ms.store(now_ms + STALE_MS + 1, Ordering::Relaxed);
    let request = newcomer.asks(&world);
    ask(&mut world, request);
    assert_eq!(world.nodes[OLD].refusals, [HandoverRefusal::Stale]);
    world.nodes[OLD].host.now_ms.store(now_ms, Ordering::Relaxed);
    // A second process on the same disk, which the chain has not heard of.
    world.nodes[OLD].restart();
    let World { chain, nodes } = &mut world;
    nodes[OLD].follow(chain);
    let request = newcomer.asks(&world);
    ask(&mut world, request);
    assert_eq!(world.nodes[OLD].refusals.last(), Some(&HandoverRefusal::NotSpeaking));
    assert!(world.nodes[OLD].departed.is_none());
}

#[test]
fn before_the_tombstone_is_written_nothing_has_left_and_the_old_process_goes_on() {
    let (mut world, newcomer) = world();
    world.nodes[OLD].crash_after = Some(0);
    let request = newcomer.asks(&world);
    ask(&mut world, request);
    assert!(world.nodes[OLD].departed.is_none() && world.nodes[OLD].tombstone.is_none());
    world.blocks(6);
    assert!(world.nodes[OLD].serving().is_some());
    // And the same newcomer may ask again.
    let place = upgrade(&mut world, &newcomer);
    world.blocks(6);
    assert!(world.nodes[place].serving().is_some());
}

#[test]
fn after_the_tombstone_the_same_process_gets_the_same_answer_and_no_other_gets_one() {
    let (mut world, newcomer) = world();
    world.nodes[OLD].crash_after = Some(1);
    let request = newcomer.asks(&world);
    ask(&mut world, request);
    // It crashed before it gave the answer, and began again.
    world.blocks(6);
    assert_eq!(world.nodes[OLD].serving(), None, "it stays stopped");
    assert!(world.nodes[OLD].sealed.is_empty(), "its keys are gone");
    let departed = world.nodes[OLD].departed.as_ref().expect("the tombstone was found");
    // The newcomer crashed as well: all it has is its key. It makes its request anew.
    let kept = *newcomer.successor.expose();
    let newcomer = Newcomer { successor: Successor::from_bytes(&kept).unwrap(), ..newcomer };
    let request = newcomer.asks(&world);
    let answer = departed.answer(&request).unwrap();
    assert_eq!(departed.answer(&request).unwrap(), answer);
    let taken = newcomer.open(&world, &answer).unwrap();
    // Another process of the same allowed build, with the operator's word: too late.
    let other = Newcomer { successor: Successor::generate(&mut TestRng(1)), ..Newcomer::new() };
    let late = departed.answer(&other.asks(&world));
    let Err(HandoverRefusal::HandedOver { to, .. }) = late else { panic!("{late:?}") };
    assert_eq!(to, newcomer.build());
    let opened = other.open(&world, &answer).err();
    assert_eq!(opened, Some(TakeOverError::NotFromTheWorker), "the answer is of no use to it");
    let disk = fetch(departed, &taken);
    let place = begin(&mut world, &newcomer, &taken, disk);
    world.blocks(6);
    assert!(world.nodes[place].serving().is_some());
    assert_eq!(world.nodes[OLD].serving(), None);
}

#[test]
fn a_worker_whose_build_is_withdrawn_hands_over_and_serves_nothing() {
    let (mut world, newcomer) = world();
    world.chain.allowed.remove(&BUILD);
    world.block();
    assert_eq!(world.nodes[OLD].serving(), None);
    let place = upgrade(&mut world, &newcomer);
    world.blocks(8);
    assert!(world.nodes[place].serving().is_some());
}

#[test]
fn an_older_disk_of_a_withdrawn_build_does_nothing_under_its_successors_registration() {
    let (mut world, newcomer) = world();
    let (sealed, disk) = (world.nodes[OLD].sealed.clone(), world.nodes[OLD].disk.clone());
    let place = upgrade(&mut world, &newcomer);
    world.blocks(6);
    world.chain.allowed.remove(&BUILD);
    let mut revived = Node::on(sealed, Some(BUILD), false, TestRng(79));
    revived.disk = disk;
    let id = revived.id();
    world.nodes.push(revived);
    let revived = world.nodes.len() - 1;
    let before = world.chain.instances[&id];
    for _ in 0..12 {
        // The chain refuses what its build registers with.
        world.chain.block();
        let World { chain, nodes } = &mut world;
        nodes[place].follow(chain);
        let kept = chain.workers.clone();
        nodes[revived].follow(chain);
        chain.workers = kept;
        assert_eq!(nodes[revived].serving(), None);
        assert!(nodes[place].serving().is_some());
    }
    assert_eq!(world.chain.instances[&id], before, "it does not even speak up");
    assert!(world.nodes[revived].submitted().is_empty());
}

#[test]
fn what_the_old_process_still_gives_is_for_its_successor_alone() {
    let (mut world, newcomer) = world();
    let request = newcomer.asks(&world);
    ask(&mut world, request.clone());
    let departed = world.nodes[OLD].departed.as_ref().unwrap();
    let answer = departed.answer(&request).unwrap();
    // Nothing of it can be altered.
    for place in [0, 40, answer.len() - 1] {
        let mut altered = answer.clone();
        altered[place] ^= 1;
        let opened = newcomer.open(&world, &altered).err();
        assert_eq!(opened, Some(TakeOverError::NotFromTheWorker), "{place}");
    }
    // Nor be another worker's: the chain says whose key has sealed it.
    let gatekeeper = world.nodes[0].id();
    let registered = &world.chain.workers[&gatekeeper];
    let taken = newcomer.successor.open(&newcomer.request(&world.nodes[OLD]), registered, &answer);
    assert_eq!(taken.err(), Some(TakeOverError::NotFromTheWorker));
    // The state goes to who has the keys, and no other state is there.
    let taken = newcomer.open(&world, &answer).unwrap();
    let (state, _) = taken.state.as_ref().unwrap();
    assert_eq!(state.cluster, CLUSTER);
    let stranger = SnapshotRequest {
        cluster: CLUSTER,
        asker: gatekeeper,
        peer: departed.worker(),
        next_number: state.next_number,
        state_root: state.state_root,
        rotation: 0,
        after: None,
        block_number: world.chain.number,
    };
    let by_stranger = snapshot_request(world.nodes[0].core.identity(), stranger.clone());
    assert!(matches!(departed.snapshot(&by_stranger), Err(SnapshotRefusal::Refused(_))));
    let forged = SnapshotRequest { asker: departed.worker(), ..stranger };
    let forged = snapshot_request(world.nodes[0].core.identity(), forged);
    assert!(matches!(departed.snapshot(&forged), Err(SnapshotRefusal::Refused(_))));
    assert!(departed.snapshot(&[1, 2]).is_err());
    // Tombstones that are cut off are none.
    let tombstone = world.nodes[OLD].tombstone.clone().unwrap();
    for length in 0..tombstone.len() {
        assert!(Departed::from_tombstone(&tombstone[..length]).is_none(), "{length}");
    }
}
