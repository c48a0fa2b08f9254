//! What a gatekeeper reads of a block: who may have a share of a seed, and who not.
#![allow(clippy::expect_used)]

use attestation::{RootKind, TeeKind};
use chain_facts::{
    WorkerInfo, keys,
    read::{StorageReader, UnknownFormat, view},
    view::{FinalizedView, NEEDS_MAX, Watch},
};
use codec::{Decode, Encode};
use primitives::*;
use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};
use threshold_keys::{
    BeaconRound, BeaconStage, GatekeeperSettings, KeyRotation, PendingSeed, PerHolder, SeedConfirmation,
    Sharing, SharingId, ThresholdRule,
};

const NOW_MS: u64 = 1_000_000;
const BUILD: Measurement = Measurement([0xb1; 32]);
const GATEKEEPER: WorkerId = WorkerId([1; 32]);

/// A block's storage in memory.
struct Block {
    number: BlockNumber,
    values: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Block {
    fn new() -> Self {
        let mut block = Self {
            number: 32,
            values: BTreeMap::new(),
        };
        block.put(keys::timestamp_now(), NOW_MS);
        block.put(keys::allowed_measurement(&BUILD), 1u32);
        block.put(keys::gatekeeper_settings(), settings());
        block.put(keys::sharing(), sharing());
        block.put(keys::gatekeepers(), vec![GATEKEEPER]);
        block
    }

    fn put(&mut self, key: Vec<u8>, value: impl Encode) {
        self.values.insert(key, value.encode());
    }

    fn worker(&mut self, worker: WorkerId, build: Measurement, expires_at_ms: u64) {
        let info = WorkerInfo {
            worker,
            hpke_public_key: hpke(&worker),
            runtime_version: 1,
            operator: None,
            registrant: AccountId([0; 32]),
            measurement: build,
            tee: TeeKind::Sgx,
            root: RootKind::Development,
            confidence_level: 1,
            evidence_hash: [0; 32],
            registration_hash: [0; 32],
            made_at_ms: 0,
            last_updated_ms: 0,
            expires_at_ms,
            initial_score: None,
        };
        self.put(keys::worker(&worker), info);
    }

    fn read(&self, worker: WorkerId, holds_share: bool) -> FinalizedView {
        let watch = Watch {
            worker,
            holds_share,
            ..Watch::default()
        };
        let mut reading = pin!(view(self, &watch));
        match reading
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(view) => view.expect("it can be read"),
            Poll::Pending => unreachable!("storage in memory waits for nothing"),
        }
    }
}

impl StorageReader for Block {
    type Error = UnknownFormat;

    fn number(&self) -> BlockNumber {
        self.number
    }

    fn hash(&self) -> BlockHash {
        BlockHash([7; 32])
    }

    fn value(
        &self,
        key: Vec<u8>,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>> + Send {
        std::future::ready(Ok(self.values.get(&key).cloned()))
    }
}

fn hpke(worker: &WorkerId) -> HpkePublicKey {
    HpkePublicKey([worker.0[0] ^ 0xff; 32])
}

fn settings() -> GatekeeperSettings {
    GatekeeperSettings {
        threshold: ThresholdRule::Majority,
        holders_min: 1,
        handover_percent: 67,
        receiving_blocks: 1,
        dealing_blocks: 1,
        checking_blocks: 1,
        member_stage_blocks: 1,
        epoch_blocks: 1,
        retry_blocks: 1,
        beacon_blocks: 1,
        beacon_wait_blocks: 1,
        beacon_attempt_blocks: 1,
    }
}

/// The sharing of one holder: its commitment is the generator of Ristretto255.
fn sharing() -> Sharing {
    let generator: [u8; 32] = [
        0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51,
        0x5f, 0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d,
        0x2d, 0x76,
    ];
    let id = SharingId {
        generation: 0,
        committee: threshold_keys::Committee::Gatekeepers,
        epoch: 3,
    };
    let bytes = (
        GenesisHash([2; 32]),
        id,
        vec![GATEKEEPER.0],
        vec![generator],
    )
        .encode();
    Sharing::decode(&mut &bytes[..]).expect("a sharing")
}

fn workers_of(view: &FinalizedView) -> Vec<WorkerId> {
    let gatekeeping = view.gatekeeping.as_ref().expect("a gatekeeper");
    gatekeeping.needs.iter().map(|need| need.worker).collect()
}

#[test]
fn only_active_members_without_their_seed_are_shown_to_a_gatekeeper() {
    let mut block = Block::new();
    let name = |name: u8| WorkerId([name; 32]);
    let cluster = keys::cluster_id(1);
    block.put(keys::cluster_counter(), 1u64);
    // 10 is entitled. 11 has lapsed, 12 is of a build that is allowed no more, 13 is not registered,
    // 14 has its seed, 15 had one under another key, 16 is of no cluster.
    block.put(
        keys::cluster_workers(&cluster),
        (10..16).map(name).collect::<Vec<_>>(),
    );
    block.worker(name(10), BUILD, NOW_MS + 1);
    block.worker(name(11), BUILD, NOW_MS);
    block.worker(name(12), Measurement([0; 32]), NOW_MS + 1);
    block.worker(name(14), BUILD, NOW_MS + 1);
    block.worker(name(15), BUILD, NOW_MS + 1);
    block.worker(name(16), BUILD, NOW_MS + 1);
    let confirmed = |key| SeedConfirmation {
        rotation: 2,
        hpke_public_key: key,
    };
    block.put(keys::cluster_rotation(&cluster), KeyRotation { newest: 2, ..Default::default() });
    block.put(
        keys::seed_confirmed(&cluster, &name(14)),
        confirmed(hpke(&name(14))),
    );
    block.put(
        keys::seed_confirmed(&cluster, &name(15)),
        confirmed(hpke(&name(10))),
    );
    let mut shown = std::collections::BTreeSet::new();
    for number in 0..16 {
        block.number = number;
        let view = block.read(GATEKEEPER, false);
        assert_eq!(workers_of(&view)[0], name(10));
        shown.extend(workers_of(&view));
        let need = &view.gatekeeping.as_ref().unwrap().needs[0];
        assert_eq!((need.rotation, need.hpke_public_key), (2, hpke(&name(10))));
    }
    assert_eq!(shown, [name(10), name(15)].into());
}

#[test]
fn shares_of_another_sharing_rotation_or_key_are_as_none() {
    let mut block = Block::new();
    let (worker, cluster) = (WorkerId([10; 32]), keys::cluster_id(1));
    block.put(keys::cluster_counter(), 1u64);
    block.put(keys::cluster_workers(&cluster), vec![worker]);
    block.put(keys::cluster_of_worker(&worker), cluster);
    block.worker(worker, BUILD, NOW_MS + 1);
    let share = threshold_keys::SealedSeedShare {
        cluster,
        rotation: 0,
        worker,
        sealed_to: hpke(&worker),
        sharing: sharing().id(),
        holder: threshold_keys::HolderIndex::new(1).unwrap(),
        encapsulated_key: [0; 32],
        ciphertext: Default::default(),
        payload: [0; 32],
        statement_signature: [0; 64],
    };
    let pending = PendingSeed {
        rotation: 0,
        sharing: sharing().id(),
        sealed_to: hpke(&worker),
        shares: PerHolder::truncate_from(vec![share]),
    };
    let older = SharingId {
        epoch: 2,
        ..sharing().id()
    };
    for (changed, counts) in [
        (pending.clone(), 1),
        (
            PendingSeed {
                rotation: 1,
                ..pending.clone()
            },
            0,
        ),
        (
            PendingSeed {
                sharing: older,
                ..pending.clone()
            },
            0,
        ),
        (
            PendingSeed {
                sealed_to: hpke(&GATEKEEPER),
                ..pending.clone()
            },
            0,
        ),
    ] {
        block.put(keys::seed_shares(&cluster, &worker), changed);
        let seen = block.read(GATEKEEPER, false).gatekeeping.unwrap();
        assert_eq!(seen.needs[0].shares_present.len(), counts);
        let own = block.read(worker, false).cluster.unwrap();
        assert_eq!(own.seed_shares.len(), counts);
        assert_eq!(own.sharing, Some(sharing()));
        assert!(!own.seed_confirmed);
    }
    let confirmed = SeedConfirmation {
        rotation: 0,
        hpke_public_key: hpke(&worker),
    };
    block.put(keys::seed_confirmed(&cluster, &worker), confirmed);
    let own = block.read(worker, false).cluster.unwrap();
    assert!(own.seed_confirmed);
    assert_eq!((own.sharing, own.seed_shares.len()), (None, 0));
}

#[test]
fn gatekeeping_is_read_for_who_has_a_part_in_it_and_is_bounded() {
    let mut block = Block::new();
    let (stranger, cluster) = (WorkerId([9; 32]), keys::cluster_id(1));
    assert_eq!(block.read(stranger, false).gatekeeping, None);
    assert!(block.read(stranger, true).gatekeeping.is_some());
    assert!(block.read(GATEKEEPER, false).gatekeeping.is_some());
    let members: Vec<WorkerId> = (0..200).map(|name| WorkerId([name; 32])).collect();
    members
        .iter()
        .for_each(|member| block.worker(*member, BUILD, NOW_MS + 1));
    block.put(keys::cluster_counter(), 1u64);
    block.put(keys::cluster_workers(&cluster), members);
    assert_eq!(workers_of(&block.read(GATEKEEPER, false)).len(), NEEDS_MAX);
    // Who holds no share can give none, and has no part in the beacon.
    block.put(
        keys::beacon_round(),
        BeaconRound {
            round: 1,
            sharing: sharing().id(),
            stage: BeaconStage::Contributing,
            attempt: 0,
            began_at: 0,
            deadline: None,
            contributed: PerHolder::new(),
            responded: PerHolder::new(),
            excluded: PerHolder::new(),
            shared: PerHolder::new(),
        },
    );
    assert!(
        block
            .read(GATEKEEPER, false)
            .gatekeeping
            .unwrap()
            .beacon
            .is_some()
    );
    let without = block.read(stranger, true).gatekeeping.unwrap();
    assert_eq!((without.needs.len(), without.beacon), (0, None));
}

#[test]
fn of_very_many_clusters_each_is_looked_at_in_some_block() {
    let mut block = Block::new();
    let worker = WorkerId([10; 32]);
    block.worker(worker, BUILD, NOW_MS + 1);
    let last = keys::cluster_id(1000);
    block.put(keys::cluster_counter(), 1000u64);
    block.put(keys::cluster_workers(&last), vec![worker]);
    let seen = (0..8).filter(|number| {
        block.number = *number;
        !workers_of(&block.read(GATEKEEPER, false)).is_empty()
    });
    assert!(seen.count() >= 1);
}
