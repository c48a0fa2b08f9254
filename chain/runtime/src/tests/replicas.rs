//! What the pallets write of replicas, as workers and clients read it.

use super::*;
use chain_facts::{
    AgreedCheckpoint, AgreedRoot, DeclaredPlace, Instance, OfferedWorker, Suspension, WorkerOffer,
    WorkerPlace, keys,
    read::{StorageReader, UnknownFormat, view},
    view::{FinalizedView, Peer, Watch},
};
use std::{
    collections::BTreeMap,
    pin::pin,
    task::{Context, Poll, Waker},
};
use wire::registration::{VersionedWorkerEndpoints, WorkerEndpointPayload};

/// All values of a block, where a worker's light client would prove them one by one.
struct State {
    number: BlockNumber,
    hash: primitives::BlockHash,
    values: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl StorageReader for State {
    type Error = UnknownFormat;

    fn number(&self) -> BlockNumber {
        self.number
    }

    fn hash(&self) -> primitives::BlockHash {
        self.hash
    }

    async fn value(&self, key: Vec<u8>) -> Result<Option<Vec<u8>>, UnknownFormat> {
        Ok(self.values.get(&key).cloned())
    }
}

impl State {
    fn of(chain: &mut Chain) -> Self {
        let mut values = BTreeMap::new();
        chain.storage.execute_with(|| {
            let mut key = Vec::new();
            while let Some(next) = sp_io::storage::next_key(&key) {
                if let Some(value) = sp_io::storage::get(&next) {
                    values.insert(next.clone(), value.to_vec());
                }
                key = next;
            }
        });
        let hash = primitives::BlockHash(chain.parent.hash().0);
        Self {
            number: chain.block,
            hash,
            values,
        }
    }

    fn view(&self, seed: u8) -> FinalizedView {
        let watch = Watch {
            worker: worker(seed),
            wants_peers: true,
            ..Watch::default()
        };
        // Nothing here waits.
        match pin!(view(self, &watch)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(view) => view.unwrap(),
            Poll::Pending => panic!("a value in memory is not there at once"),
        }
    }

    /// A value that must be exactly of this kind.
    fn read<T: Decode>(&self, key: &[u8]) -> Option<T> {
        let bytes = self.values.get(key)?;
        Some(wire::decode_all(bytes, 1 << 20).unwrap())
    }
}

/// A chain with workers 1 to 3, operated by Bob, of whom the first two are in a cluster of Alice's.
fn chain_with_cluster() -> Chain {
    let mut chain = Chain::new();
    chain.register_workers(3);
    chain.add_cluster(&[1, 2]);
    chain
}

fn endpoints(chain: &mut Chain, seed: u8) -> UncheckedExtrinsic {
    let payload = WorkerEndpointPayload {
        pubkey: worker(seed),
        versioned_endpoints: VersionedWorkerEndpoints::V1(vec![format!("http://w{seed}:80")]),
        signing_time: chain.now_ms(),
    };
    let signature = pair(seed).sign(&payload.signed_bytes(&chain.genesis())).0;
    let call = pallet_worker_registry::Call::update_worker_endpoint { payload, signature };
    chain.signed(Sr25519Keyring::Bob, call)
}

#[test]
fn what_pallets_write_of_replicas_is_what_others_read() {
    let mut chain = chain_with_cluster();
    let id = keys::cluster_id(1);
    let offer = pallet_phat_contracts::Call::offer_worker {
        worker: pair(3).public(),
        offer: pallet_phat_contracts::WorkerOffer::Cluster(H256(id.0)),
    };
    let offer = chain.signed(Sr25519Keyring::Bob, offer);
    let montreal = pallet_worker_registry::WorkerPlace {
        country: *b"CA",
        city: b"Montreal".to_vec().try_into().unwrap(),
        latitude_decidegrees: 455,
        longitude_decidegrees: -736,
    };
    let place = pallet_worker_registry::Call::declare_worker_place {
        worker: pair(3).public(),
        place: Some(montreal),
    };
    let place = chain.signed(Sr25519Keyring::Bob, place);
    let add = pallet_phat_contracts::Call::add_worker_to_cluster {
        worker: pair(3).public(),
        cluster_id: H256(id.0),
    };
    let add = chain.signed(Sr25519Keyring::Alice, add);
    let reached: Vec<_> = (1..=3).map(|seed| endpoints(&mut chain, seed)).collect();
    all_ok(chain.block([vec![offer, place, add], reached].concat()));

    let instance = chain.message(1, 0, MessagePayload::Instance { nonce: [7; 32] });
    let report = |chain: &mut Chain, seed, sequence, root| {
        let payload = MessagePayload::Checkpoint {
            cluster: id,
            next_number: 2,
            state_root: StateRoot([root; 32]),
            block_number: 3,
        };
        chain.message(seed, sequence, payload)
    };
    let reports = vec![
        instance,
        report(&mut chain, 3, 0, 9),
        report(&mut chain, 1, 1, 8),
        report(&mut chain, 2, 0, 8),
    ];
    all_ok(chain.block(reports));

    let now = chain.block;
    let state = State::of(&mut chain);
    let agreed = AgreedCheckpoint {
        next_number: 2,
        state_root: StateRoot([8; 32]),
        agreed_at: now,
    };
    let suspension = Suspension {
        next_number: 2,
        reported: StateRoot([9; 32]),
        agreed: StateRoot([8; 32]),
        since: now,
    };
    let first = state.view(1);
    assert_eq!(
        first.instance,
        Some(Instance {
            nonce: [7; 32],
            at: now
        })
    );
    let cluster = first.cluster.unwrap();
    assert_eq!(cluster.agreed, Some(agreed));
    assert_eq!(
        (cluster.suspension, cluster.suspended),
        (None, vec![worker(3)])
    );
    assert_eq!(cluster.workers, [1, 2, 3].map(worker));
    let other = Peer {
        worker: worker(2),
        endpoints: vec!["http://w2:80".to_owned()],
    };
    assert_eq!(cluster.peers, [other]);
    let third = state.view(3);
    assert_eq!(third.instance, None);
    let cluster = third.cluster.unwrap();
    assert_eq!(cluster.suspension, Some(suspension));
    assert_eq!(cluster.peers.len(), 2);

    assert_eq!(
        state.read(&keys::suspension(&id, &worker(3))),
        Some(suspension)
    );
    assert_eq!(
        state.read(&keys::suspended_workers(&id)),
        Some(vec![worker(3)])
    );
    let roots = vec![AgreedRoot {
        next_number: 2,
        state_root: StateRoot([8; 32]),
    }];
    assert_eq!(state.read(&keys::agreed_roots(&id)), Some(roots));
    let operator: [u8; 32] = Sr25519Keyring::Bob.to_account_id().into();
    let offered = OfferedWorker {
        operator: primitives::AccountId(operator),
        offer: WorkerOffer::Cluster(id),
    };
    assert_eq!(state.read(&keys::worker_offer(&worker(3))), Some(offered));
    let declared = DeclaredPlace {
        operator: primitives::AccountId(operator),
        place: WorkerPlace {
            country: *b"CA",
            city: "Montreal".to_owned(),
            latitude_decidegrees: 455,
            longitude_decidegrees: -736,
        },
    };
    assert_eq!(state.read(&keys::worker_place(&worker(3))), Some(declared));
    for (word, byte) in [(WorkerOffer::Nobody, 0), (WorkerOffer::Anybody, 1)] {
        assert_eq!(word.encode(), [byte]);
    }
}

#[test]
fn a_report_takes_of_a_block_what_its_cluster_is_large() {
    let mut chain = chain_with_cluster();
    let payload = MessagePayload::Checkpoint {
        cluster: keys::cluster_id(1),
        next_number: 2,
        state_root: StateRoot([8; 32]),
        block_number: 3,
    };
    let without = chain.block(vec![]);
    assert!(without.is_empty());
    let used = |chain: &mut Chain| {
        chain
            .storage
            .execute_with(|| System::block_weight().total().ref_time())
    };
    let before = used(&mut chain);
    let most =
        pallet_mailbox::weights::sync_offchain_message::<Runtime>(&payload).ref_time();
    let report = chain.message(1, 0, payload);
    all_ok(chain.block(vec![report]));
    let took = used(&mut chain) - before;
    assert!(took < most / 2, "{took} of {most}");
}
