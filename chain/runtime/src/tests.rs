//! The whole runtime, block by block, as a node drives it.

mod economy;
mod governance;
mod replicas;
mod validators;

use crate::*;
use attestation::Evidence;
use chain_facts::keys;
use codec::{Decode, Encode};
use frame_support::{
    assert_ok, dispatch::GetDispatchInfo, storage::with_transaction, traits::Get,
};
use mock_attestation::{DevelopmentPki, MockTd};
use primitives::units::PHA;
use primitives::{ClusterId, GenesisHash, HpkePublicKey, StateRoot, WorkerId};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sp_core::{H256, Pair, sr25519};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
    ApplyExtrinsicResult, BuildStorage, Digest, DigestItem, DispatchError, TransactionOutcome,
    traits::{Header as _, Zero},
    transaction_validity::{InvalidTransaction, TransactionSource},
};
use threshold_keys::*;
use wire::message::{MessagePayload, MessageSender, SignedMessage, signed_bytes};
use wire::registration::WorkerRegistration;

const NOW_MS: u64 = 1_800_000_000_000;

/// A chain that a test writes blocks of.
struct Chain {
    storage: sp_io::TestExternalities,
    block: BlockNumber,
    parent: Header,
    nonces: std::collections::BTreeMap<AccountId, Nonce>,
    issuance: Balance,
}

/// What always holds in each pallet of ours.
fn try_state() {
    PhalaRegistry::do_try_state().unwrap();
    PhalaMq::do_try_state().unwrap();
    PhalaPhatContracts::do_try_state().unwrap();
    PhalaPhatTokenomic::do_try_state().unwrap();
    PhalaGatekeepers::do_try_state().unwrap();
    PhalaComputation::do_try_state().unwrap();
    PhalaStakePoolv2::do_try_state().unwrap();
    PhalaGatekeeperBonds::do_try_state().unwrap();
    let accounts: Balance = frame_system::Account::<Runtime>::iter_values()
        .map(|account| account.data.free + account.data.reserved)
        .sum();
    assert_eq!(accounts, Balances::total_issuance(), "issuance is what accounts have");
}

/// What this block has burnt: balances below the least. Fees are the treasury's.
fn burnt() -> Balance {
    let burnt = |record: frame_system::EventRecord<RuntimeEvent, Hash>| match record.event {
        RuntimeEvent::Balances(pallet_balances::Event::DustLost { amount, .. }) => amount,
        _ => 0,
    };
    System::events().into_iter().map(burnt).sum()
}

impl Chain {
    fn new() -> Self {
        let mut config = genesis::preset(genesis::DEV).unwrap();
        let root = DevelopmentPki::insecure_well_known().root_ca_der();
        let root = format!(
            "0x{}",
            root.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        );
        config["phalaRegistry"]["acceptedRoots"] = serde_json::json!([{ "Development": root }]);
        let config = whole(config);
        let mut storage = sp_io::TestExternalities::new(config.build_storage().unwrap());
        let parent = Header::new(
            0,
            Default::default(),
            Default::default(),
            Default::default(),
            Digest::default(),
        );
        let issuance = storage.execute_with(|| {
            frame_system::BlockHash::<Runtime>::insert(0, parent.hash());
            Balances::total_issuance()
        });
        Self {
            storage,
            block: 0,
            parent,
            nonces: Default::default(),
            issuance,
        }
    }

    fn now_ms(&self) -> u64 {
        NOW_MS + u64::from(self.block) * 1000
    }

    /// Makes the next block of these extrinsics; gives what became of each.
    fn block(&mut self, extrinsics: Vec<UncheckedExtrinsic>) -> Vec<ApplyExtrinsicResult> {
        self.block += 1;
        let now_ms = self.now_ms();
        let slot = DigestItem::PreRuntime(*b"aura", (now_ms / 1000).encode());
        let header = Header::new(
            self.block,
            Default::default(),
            Default::default(),
            self.parent.hash(),
            Digest { logs: vec![slot] },
        );
        let (parent, results) = self.storage.execute_with(|| {
            Executive::initialize_block(&header);
            let inherent = UncheckedExtrinsic::new_bare_legacy(
                pallet_timestamp::Call::set { now: now_ms }.into(),
            );
            Executive::apply_extrinsic(inherent).unwrap().unwrap();
            // As a block's author does: what is refused leaves nothing.
            let apply = |extrinsic| {
                with_transaction(|| match Executive::apply_extrinsic(extrinsic) {
                    Ok(outcome) => TransactionOutcome::Commit(Ok::<_, DispatchError>(Ok(outcome))),
                    Err(error) => TransactionOutcome::Rollback(Ok(Err(error))),
                })
                .unwrap()
            };
            let results = extrinsics.into_iter().map(apply).collect();
            (Executive::finalize_block(), results)
        });
        self.parent = parent;
        let issuance = self.issuance;
        self.issuance = self.storage.execute_with(|| {
            try_state();
            let (now, burnt) = (Balances::total_issuance(), burnt());
            assert_eq!(issuance - burnt, now, "money was made, or lost without a trace");
            now
        });
        results
    }

    /// So many blocks without extrinsics.
    fn blocks(&mut self, count: u32) {
        for _ in 0..count {
            self.block(vec![]);
        }
    }

    /// Registers workers 1 to `count`, operated by Bob.
    fn register_workers(&mut self, count: u8) {
        let allow = self.sudo(pallet_worker_registry::Call::allow_measurement {
            measurement: build().measurement(),
        });
        all_ok(self.block(vec![allow]));
        let mut registrations = Vec::new();
        for seed in 1..=count {
            let (mut registration, _) = self.registration(seed);
            let operator: [u8; 32] = Sr25519Keyring::Bob.to_account_id().into();
            registration.operator = Some(primitives::AccountId(operator));
            let evidence = DevelopmentPki::insecure_well_known().tdx_evidence(
                &build(),
                &registration.report_data(),
                registration.made_at_ms / 1000,
            );
            let call = pallet_worker_registry::Call::register_worker_v2 {
                registration,
                evidence,
            };
            registrations.push(self.signed(Sr25519Keyring::Bob, call));
        }
        all_ok(self.block(registrations));
    }

    /// Makes a public cluster of Alice's with these workers.
    fn add_cluster(&mut self, workers: &[u8]) {
        let add_cluster = self.sudo(pallet_phat_contracts::Call::add_cluster {
            owner: Sr25519Keyring::Alice.to_account_id(),
            permission: pallet_phat_contracts::ClusterPermission::Public,
            deploy_workers: workers.iter().map(|seed| pair(*seed).public()).collect(),
            deposit: PHA,
            gas_price: 1,
            deposit_per_item: 1,
            deposit_per_byte: 1,
            treasury_account: Sr25519Keyring::Alice.to_account_id(),
        });
        all_ok(self.block(vec![add_cluster]));
    }

    fn signed(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
        let account = who.to_account_id();
        let nonce = self.nonces.entry(account.clone()).or_default();
        let extension: TxExtension = (
            frame_system::CheckNonZeroSender::new(),
            frame_system::CheckSpecVersion::new(),
            frame_system::CheckTxVersion::new(),
            frame_system::CheckGenesis::new(),
            frame_system::CheckEra::from(generic::Era::Immortal),
            frame_system::CheckNonce::from(*nonce),
            frame_system::CheckWeight::new(),
            pallet_transaction_payment::ChargeTransactionPayment::from(0),
            frame_system::WeightReclaim::new(),
        );
        *nonce += 1;
        self.storage.execute_with(|| {
            let call = call.into();
            let payload = generic::SignedPayload::new(call.clone(), extension.clone()).unwrap();
            let signature = payload.using_encoded(|bytes| who.sign(bytes));
            UncheckedExtrinsic::new_signed(
                call,
                MultiAddress::Id(account),
                MultiSignature::Sr25519(signature),
                extension,
            )
        })
    }

    fn sudo(&mut self, call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
        let call = Box::new(call.into());
        self.signed(Sr25519Keyring::Alice, pallet_sudo::Call::sudo { call })
    }

    fn genesis(&mut self) -> GenesisHash {
        self.storage
            .execute_with(|| GenesisHash(System::block_hash(0).0))
    }

    fn registration(&mut self, seed: u8) -> (WorkerRegistration, Evidence) {
        let registration = WorkerRegistration {
            version: 1,
            worker: worker(seed),
            hpke_public_key: HpkePublicKey([seed; 32]),
            genesis: self.genesis(),
            operator: None,
            made_at_ms: self.now_ms(),
        };
        let evidence = DevelopmentPki::insecure_well_known().tdx_evidence(
            &build(),
            &registration.report_data(),
            registration.made_at_ms / 1000,
        );
        (registration, evidence)
    }

    /// What a reader of the storage finds under a key.
    fn read<V: Decode>(&mut self, key: Vec<u8>) -> V {
        self.storage
            .execute_with(|| frame_support::storage::unhashed::get(&key))
            .unwrap()
    }

    fn gatekeeper(
        &mut self,
        seed: u8,
        sequence: u64,
        message: GatekeeperMessage,
    ) -> UncheckedExtrinsic {
        let message = message.encode();
        self.message(seed, sequence, MessagePayload::Gatekeeper { message })
    }

    fn message(&mut self, seed: u8, sequence: u64, payload: MessagePayload) -> UncheckedExtrinsic {
        let sender = MessageSender::Worker(worker(seed));
        let bytes = signed_bytes(&self.genesis(), &sender, sequence, &payload);
        let signature = pair(seed).sign(&bytes).0;
        let message = SignedMessage {
            sender,
            sequence,
            payload,
            signature,
        };
        UncheckedExtrinsic::new_bare_legacy(
            pallet_mailbox::Call::sync_offchain_message { message }.into(),
        )
    }
}

/// As a node does: the patch over the default.
fn whole(patch: serde_json::Value) -> RuntimeGenesisConfig {
    let mut whole = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
    merge(&mut whole, patch);
    serde_json::from_value(whole).unwrap()
}

fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
    match (into, patch) {
        (serde_json::Value::Object(into), serde_json::Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

fn pair(seed: u8) -> sr25519::Pair {
    sr25519::Pair::from_seed(&[seed; 32])
}

fn worker(seed: u8) -> WorkerId {
    WorkerId(pair(seed).public().0)
}

fn build() -> MockTd {
    MockTd::of_build([7; 48])
}

fn all_ok(results: Vec<ApplyExtrinsicResult>) {
    for result in results {
        assert_ok!(result.unwrap());
    }
}

/// The appointed gatekeeper makes the network's key, in three messages; gives its share.
fn key_ceremony(
    chain: &mut Chain,
    seed: u8,
    sequence: u64,
    rng: &mut ChaCha20Rng,
) -> KeyShare {
    let genesis = chain.genesis();
    // One gatekeeper is one of one, by the same ceremony as 13 of 20. It begins with the next block.
    all_ok(chain.block(vec![]));
    let state: CeremonyState = chain.read(keys::ceremony());
    let holder = worker(seed).0;
    let secret = ReceivingSecret::generate(&genesis, state.target, holder, rng).unwrap();
    let receiving = chain.gatekeeper(
        seed,
        sequence,
        GatekeeperMessage::ReceivingKey {
            target: state.target,
            key: *secret.public(),
        },
    );
    all_ok(chain.block(vec![receiving]));
    all_ok(chain.block(vec![]));
    let plan: Plan = chain.read(keys::ceremony_plan());
    let dealer = HolderIndex::new(1).unwrap();
    let dealing = plan.deal_new_key(dealer, rng).unwrap();
    let deal = chain.gatekeeper(
        seed,
        sequence + 1,
        GatekeeperMessage::Dealing {
            plan: plan.digest(),
            dealing,
        },
    );
    all_ok(chain.block(vec![deal]));
    all_ok(chain.block(vec![]));
    let dealing: Dealing = chain.read(keys::dealing(dealer));
    let dealings = [dealing.verify(&plan).unwrap()];
    let share = secret.assemble(&plan, &dealings).unwrap();
    let pending: Sharing = chain.read(keys::pending_sharing());
    assert_eq!(&pending, share.sharing());
    let context = EvaluationContext::Handover {
        plan: plan.digest(),
    };
    let handover = chain.gatekeeper(
        seed,
        sequence + 2,
        GatekeeperMessage::Handover {
            plan: plan.digest(),
            share: share.evaluate(&context).unwrap(),
        },
    );
    all_ok(chain.block(vec![handover]));
    all_ok(chain.block(vec![]));
    share
}

/// The one gatekeeper proves a value of the beacon, in two messages; gives the round.
fn beacon_round(
    chain: &mut Chain,
    seed: u8,
    sequence: u64,
    share: &KeyShare,
    rng: &mut ChaCha20Rng,
) -> u64 {
    let genesis = chain.genesis();
    let beacon = |chain: &mut Chain| -> BeaconRound { chain.read(keys::beacon_round()) };
    let state = beacon(chain);
    let (round, attempt) = (state.round, state.attempt);
    let context = EvaluationContext::Beacon { round };
    let nonce = share.commit_nonce(&context, rng).unwrap();
    let contribution = Contribution {
        share: share.evaluate(&context).unwrap(),
        nonce: *nonce.commitment(),
    };
    let statement = contribution_statement(genesis, round, attempt, &contribution);
    let contribute = chain.gatekeeper(
        seed,
        sequence,
        GatekeeperMessage::BeaconContribution {
            round,
            attempt,
            contribution,
            statement_signature: pair(seed).sign(&statement.signing_bytes()).0,
        },
    );
    all_ok(chain.block(vec![contribute]));
    all_ok(chain.block(vec![]));
    assert_eq!(beacon(chain).stage, BeaconStage::Responding);
    let picked: PerHolder<Contribution> = chain.read(keys::beacon_contributions());
    let proof = JointProof::new(share.sharing(), &context, &picked).unwrap();
    let response = share.respond(nonce, &proof).unwrap();
    let statement = response_statement(genesis, share.sharing().id(), round, attempt, &response);
    let respond = chain.gatekeeper(
        seed,
        sequence + 1,
        GatekeeperMessage::BeaconResponse {
            round,
            attempt,
            response,
            statement_signature: pair(seed).sign(&statement.signing_bytes()).0,
        },
    );
    all_ok(chain.block(vec![respond]));
    let responses: PerHolder<SignedResponse> = chain.read(keys::beacon_responses());
    assert_eq!(responses.len(), 1);
    all_ok(chain.block(vec![]));
    round
}

#[test]
fn from_registration_to_checkpoint() {
    let mut chain = Chain::new();
    let allow = chain.sudo(pallet_worker_registry::Call::allow_measurement {
        measurement: build().measurement(),
    });
    all_ok(chain.block(vec![allow]));

    let (registration, evidence) = chain.registration(9);
    let register = chain.signed(
        Sr25519Keyring::Bob,
        pallet_worker_registry::Call::register_worker_v2 {
            registration,
            evidence,
        },
    );
    all_ok(chain.block(vec![register]));

    let key = pair(9).public();
    let appoint = chain.sudo(pallet_worker_registry::Call::register_gatekeeper { gatekeeper: key });
    let add_cluster = chain.sudo(pallet_phat_contracts::Call::add_cluster {
        owner: Sr25519Keyring::Alice.to_account_id(),
        permission: pallet_phat_contracts::ClusterPermission::Public,
        deploy_workers: vec![key],
        deposit: PHA,
        gas_price: 1,
        deposit_per_item: 1,
        deposit_per_byte: 1,
        treasury_account: Sr25519Keyring::Alice.to_account_id(),
    });
    all_ok(chain.block(vec![appoint, add_cluster]));

    let mut cluster = [0; 32];
    cluster[31] = 1;
    let (cluster, genesis) = (ClusterId(cluster), chain.genesis());
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let share = key_ceremony(&mut chain, 9, 0, &mut rng);
    let sharing: Sharing = chain.read(keys::sharing());
    let master: [u8; 32] = chain.read(keys::master_public_key());
    assert_eq!(&master, sharing.group_key().element.as_bytes());
    let network_key: GroupKey = chain.read(keys::network_key());
    assert_eq!(network_key, sharing.group_key());
    let since: BlockNumber = chain.read(keys::sharing_since());
    assert_eq!(since, chain.block - 1, "the stage ended in the block of its last message");

    // The seed of its own cluster, and what the cluster's worker says when it has it.
    let context = EvaluationContext::ClusterSeed {
        cluster,
        rotation: 0,
    };
    let seed_share = share.evaluate(&context).unwrap();
    let mut sealed = SealedSeedShare {
        cluster,
        rotation: 0,
        worker: worker(9),
        sealed_to: HpkePublicKey([9; 32]),
        sharing: sharing.id(),
        holder: share.index(),
        encapsulated_key: [1; 32],
        ciphertext: vec![2; SEALED_SHARE_BYTES].try_into().unwrap(),
        payload: Statement::payload_digest(&seed_share.encode()),
        statement_signature: [0; 64],
    };
    sealed.statement_signature = pair(9).sign(&sealed.statement(genesis).signing_bytes()).0;
    let give = chain.gatekeeper(9, 3, GatekeeperMessage::SeedShare(sealed.clone()));
    all_ok(chain.block(vec![give]));
    let pending: PendingSeed = chain.read(keys::seed_shares(&cluster, &worker(9)));
    assert_eq!(pending.shares.as_slice(), [sealed]);
    let public_key = [5; 32];
    let cluster_key = chain.message(
        9,
        4,
        MessagePayload::ClusterKey {
            cluster,
            public_key,
        },
    );
    let rotation = 0;
    let received = chain.message(9, 5, MessagePayload::SeedReceived { cluster, rotation });
    let checkpoint = chain.message(
        9,
        6,
        MessagePayload::Checkpoint {
            cluster,
            next_number: 2,
            state_root: StateRoot([8; 32]),
            block_number: 3,
        },
    );
    all_ok(chain.block(vec![cluster_key, received, checkpoint]));
    let confirmed: SeedConfirmation = chain.read(keys::seed_confirmed(&cluster, &worker(9)));
    assert_eq!(confirmed.rotation, 0);
    let told: [u8; 32] = chain.read(keys::cluster_key(&cluster));
    assert_eq!(told, public_key);
    let block = chain.block;
    chain.storage.execute_with(|| {
        assert!(!pallet_gatekeepers::SeedShares::<Runtime>::contains_key(
            cluster,
            worker(9)
        ));
        let stored =
            pallet_phat_contracts::Checkpoints::<Runtime>::get(H256(cluster.0), key).unwrap();
        assert_eq!((stored.next_number, stored.reported_at), (2, block));
        let sender = MessageSender::Worker(worker(9));
        assert_eq!(PhalaMq::sender_sequence(&sender), Some(7));
    });

    // The beacon: one of one proves it alone, in two messages.
    let round = beacon_round(&mut chain, 9, 7, &share, &mut rng);
    let latest: BeaconOutput = chain.read(keys::latest_beacon());
    assert_eq!((latest.round, latest.known_at), (round, chain.block));
    assert_eq!(
        chain.read::<BeaconOutput>(keys::beacon_value(round)),
        latest
    );
    let key = sharing.group_key();
    assert_eq!(
        BeaconValue::from_proof(&key, round, &latest.proof.unwrap()),
        Ok(latest.value)
    );
    let settings: GatekeeperSettings = chain.read(keys::gatekeeper_settings());
    assert_eq!(settings.holders_min, 1);
}

#[test]
fn worker_messages_are_free_and_judged_before_a_block() {
    let mut chain = Chain::new();
    let stranger = chain.message(9, 0, MessagePayload::Gatekeeper { message: vec![0] });
    let issuance = chain.storage.execute_with(Balances::total_issuance);
    let results = chain.block(vec![stranger.clone()]);
    let refused = InvalidTransaction::Custom(pallet_mailbox::INVALID_SENDER);
    assert_eq!(results, [Err(refused.into())]);
    chain.storage.execute_with(|| {
        assert_eq!(Balances::total_issuance(), issuance);
        let pool = Executive::validate_transaction(
            TransactionSource::External,
            stranger,
            Default::default(),
        );
        assert_eq!(pool, Err(refused.into()));
    });
}

/// A message that nobody has signed, for its weight.
fn message_of(payload: MessagePayload) -> RuntimeCall {
    let message = SignedMessage {
        sender: MessageSender::Worker(worker(1)),
        sequence: 0,
        payload,
        signature: [0; 64],
    };
    pallet_mailbox::Call::sync_offchain_message { message }.into()
}

#[test]
fn every_call_fits_into_a_block() {
    let most = RuntimeBlockWeights::get()
        .get(frame_support::dispatch::DispatchClass::Normal)
        .max_extrinsic
        .unwrap();
    let heaviest: [RuntimeCall; 8] = [
        pallet_worker_registry::Call::register_worker_v2 {
            registration: WorkerRegistration {
                version: 0,
                worker: worker(1),
                hpke_public_key: Default::default(),
                genesis: Default::default(),
                operator: None,
                made_at_ms: 0,
            },
            evidence: Evidence::default(),
        }
        .into(),
        pallet_phat_contracts::Call::cluster_destroy {
            cluster: H256::zero(),
        }
        .into(),
        pallet_phat_contracts::Call::clear_cluster {
            cluster: H256::zero(),
        }
        .into(),
        pallet_phat_contracts::Call::cluster_upload_resource {
            cluster_id: H256::zero(),
            resource_type: pallet_phat_contracts::ClusterResourceType::InkCode,
            resource_data: vec![0; primitives::bounds::CODE_BYTES_MAX as usize],
        }
        .into(),
        pallet_phat_contracts::Call::instantiate_contract {
            code_index: pallet_phat_contracts::CodeIndex::WasmCode(H256::zero()),
            data: vec![0; 64 * 1024],
            salt: vec![0; 64],
            cluster_id: H256::zero(),
            transfer: 0,
            gas_limit: 0,
            storage_deposit_limit: None,
            deposit: 1,
        }
        .into(),
        pallet_gatekeepers::Call::start_refresh {}.into(),
        message_of(MessagePayload::Gatekeeper { message: vec![0] }),
        message_of(MessagePayload::Gatekeeper { message: vec![2] }),
    ];
    sp_io::TestExternalities::default().execute_with(|| {
        for call in heaviest {
            let weight = call.get_dispatch_info().call_weight;
            assert!(!weight.ref_time().is_zero());
            assert!(weight.all_lte(most), "{weight:?} of at most {most:?}");
        }
    });
}

/// What a block begins with is not refused for its weight, so it has to fit.
#[test]
fn the_largest_ceremony_fits_into_blocks() {
    use pallet_gatekeepers::weights;
    let holders = u64::from(HOLDERS_MAX);
    let block = RuntimeBlockWeights::get().max_block;
    let mut most = frame_support::weights::Weight::zero();
    for (stage, weight) in [
        ("plan", weights::make_plan::<Runtime>(holders)),
        ("outcome", weights::outcome::<Runtime>(holders, holders)),
        ("outcome 20", weights::outcome::<Runtime>(20, 20)),
        ("complete", weights::complete::<Runtime>(holders)),
        ("look", weights::look_at_gatekeepers::<Runtime>(holders)),
        ("beacon", weights::finish_beacon::<Runtime>(33, holders)),
        ("beacon 13", weights::finish_beacon::<Runtime>(13, 20)),
        ("message: key", weights::receiving_key::<Runtime>()),
        ("message: dealing", weights::dealing::<Runtime>()),
        ("message: complaint", weights::complaint::<Runtime>()),
        ("message: seed share", weights::seed_share::<Runtime>()),
        ("message: beacon", weights::beacon_share::<Runtime>()),
    ] {
        println!("{stage}: {} µs", weight.ref_time() / 1_000_000);
        most = most.max(weight);
    }
    // A ceremony and the beacon in one block leave a part of it to everybody else.
    let beacon = weights::finish_beacon::<Runtime>(33, holders);
    let both = most.saturating_add(beacon);
    assert!(
        both.ref_time() < block.ref_time() * 2 / 3,
        "{both:?} of {block:?}"
    );
}

#[test]
fn old_clients_can_read_the_metadata() {
    sp_io::TestExternalities::default().execute_with(|| {
        let bytes = Runtime::metadata().encode();
        assert_eq!(&bytes[..5], b"meta\x0e");
        let mut data = sp_inherents::InherentData::new();
        data.put_data(
            sp_inherents::InherentIdentifier::from(*b"timstap0"),
            &NOW_MS,
        )
        .unwrap();
        let inherents = crate::create_inherents(&data);
        // One byte of length, then the format.
        assert_eq!(inherents[0].encode()[1], 4);
        let decoded = UncheckedExtrinsic::decode(&mut &inherents[0].encode()[..]).unwrap();
        assert!(decoded.is_inherent_or_bare());
    });
}

trait Bare {
    fn is_inherent_or_bare(&self) -> bool;
}

impl Bare for UncheckedExtrinsic {
    fn is_inherent_or_bare(&self) -> bool {
        matches!(self.preamble, generic::Preamble::Bare(_))
    }
}

#[test]
fn presets_have_sudo_and_default_has_none() {
    for name in genesis::NAMES {
        let preset = genesis::preset(name).unwrap();
        assert_eq!(preset["phalaRegistry"]["developmentNetwork"], true);
        assert!(preset["sudo"]["key"].is_string());
    }
    assert!(RuntimeGenesisConfig::default().sudo.key.is_none());
    assert!(
        !RuntimeGenesisConfig::default()
            .phala_registry
            .development_network
    );
    assert_eq!(genesis::preset("main"), None);
    assert_eq!(<ExistentialDeposit as Get<Balance>>::get(), PHA / 100);
}
