//! The chain, and what holds after each step.

use crate::actions::Kind;
use crate::chance::Chance;
use anyhow::{Context as _, ensure};
use codec::Encode;
use mock_attestation::{DevelopmentPki, MockTd};
use polkadot_sdk::{
    frame_support::traits::UnfilteredDispatchable,
    frame_system, pallet_balances, pallet_timestamp,
    sp_core::{H256, Pair as _, sr25519},
    sp_io::TestExternalities,
    sp_keyring::Sr25519Keyring,
    sp_runtime::{BuildStorage, Digest, DigestItem, traits::Header as _},
};
use primitives::{Balance, ContractId, GenesisHash, HpkePublicKey, WorkerId, units::PHA};
use runtime::{AccountId, Balances, Executive, Header, Runtime, RuntimeCall, RuntimeEvent};
use runtime::{RuntimeOrigin, System, UncheckedExtrinsic};
use std::collections::BTreeMap;
use std::fmt;
use wire::message::{MessagePayload, MessageSender, SignedMessage, signed_bytes};
use wire::registration::WorkerRegistration;

/// The time of block 0, milliseconds since 1970.
const START_MS: u64 = 1_800_000_000_000;
/// Workers.
pub const WORKERS: u8 = 12;
/// Who moves money.
pub const PEOPLE: [Sr25519Keyring; 6] = [
    Sr25519Keyring::Alice,
    Sr25519Keyring::Bob,
    Sr25519Keyring::Charlie,
    Sr25519Keyring::Dave,
    Sr25519Keyring::Eve,
    Sr25519Keyring::Ferdie,
];
/// Code that nobody runs.
const CODE: &[u8] = b"\0asm code";
/// Blocks of a day, for registrations that must not end.
const LIFETIME_MS: u64 = 300 * 24 * 60 * 60 * 1000;

/// How often each kind of step was done and refused.
#[derive(Default)]
pub struct Report {
    counts: BTreeMap<Kind, (u64, u64)>,
    blocks: u32,
}

impl Report {
    /// Steps, done or refused.
    pub fn steps(&self) -> u64 {
        self.counts.values().map(|(done, refused)| done + refused).sum()
    }

    /// How often a kind of step succeeded.
    pub fn done(&self, kind: Kind) -> u64 {
        self.counts.get(&kind).map_or(0, |(done, _)| *done)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} steps in {} blocks;", self.steps(), self.blocks)?;
        for (kind, (done, refused)) in &self.counts {
            write!(formatter, " {kind:?} {done}+{refused}")?;
        }
        Ok(())
    }
}

/// The chain between two steps.
pub struct World {
    pub(crate) chance: Chance,
    pub(crate) block: u32,
    pub(crate) now_ms: u64,
    pub(crate) contract: ContractId,
    pub(crate) counted: [u64; WORKERS as usize + 1],
    storage: TestExternalities,
    sequences: [u64; WORKERS as usize + 1],
    issuance: Balance,
    report: Report,
}

/// A worker's key.
pub fn pair(seed: u8) -> sr25519::Pair {
    sr25519::Pair::from_seed(&[seed; 32])
}

/// A worker.
pub fn worker(seed: u8) -> WorkerId {
    WorkerId(pair(seed).public().0)
}

/// Who operates a worker: two each.
pub fn operator(seed: u8) -> AccountId {
    let place = usize::from(seed.saturating_sub(1)) / 2 % PEOPLE.len();
    PEOPLE[place].to_account_id()
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

fn genesis() -> anyhow::Result<TestExternalities> {
    let mut patch = runtime::genesis::preset(runtime::genesis::DEV).context("no preset")?;
    let root = hex::encode(DevelopmentPki::insecure_well_known().root_ca_der());
    let registry = &mut patch["phalaRegistry"];
    registry["acceptedRoots"] = serde_json::json!([{ "Development": format!("0x{root}") }]);
    registry["allowedMeasurements"] =
        serde_json::json!([format!("0x{}", hex::encode(build().measurement().0))]);
    registry["registrationLifetimeMs"] = LIFETIME_MS.into();
    let mut whole = serde_json::to_value(runtime::RuntimeGenesisConfig::default())?;
    merge(&mut whole, patch);
    let config: runtime::RuntimeGenesisConfig = serde_json::from_value(whole)?;
    let storage = config.build_storage().map_err(anyhow::Error::msg)?;
    Ok(TestExternalities::new(storage))
}

fn build() -> MockTd {
    MockTd::of_build([7; 48])
}

/// What always holds.
fn check() -> anyhow::Result<Balance> {
    let state = runtime::PhalaRegistry::do_try_state()
        .and_then(|()| runtime::PhalaMq::do_try_state())
        .and_then(|()| runtime::PhalaPhatContracts::do_try_state())
        .and_then(|()| runtime::PhalaPhatTokenomic::do_try_state())
        .and_then(|()| runtime::PhalaGatekeepers::do_try_state())
        .and_then(|()| runtime::PhalaGatekeeperBonds::do_try_state())
        .and_then(|()| runtime::PhalaComputation::do_try_state())
        .and_then(|()| runtime::PhalaStakePoolv2::do_try_state());
    state.map_err(|error| anyhow::anyhow!("the pallets' state: {error:?}"))?;
    let accounts: Balance = frame_system::Account::<Runtime>::iter_values()
        .map(|account| account.data.free + account.data.reserved)
        .sum();
    let issuance = Balances::total_issuance();
    ensure!(accounts == issuance, "accounts have {accounts} of {issuance}");
    Ok(issuance)
}

/// Balances below the least that these events say are gone.
fn dust() -> Balance {
    let lost = |record: frame_system::EventRecord<RuntimeEvent, H256>| match record.event {
        RuntimeEvent::Balances(pallet_balances::Event::DustLost { amount, .. }) => amount,
        _ => 0,
    };
    System::events().into_iter().map(lost).sum()
}

impl World {
    /// A development network with its workers registered, a cluster and a contract.
    ///
    /// # Errors
    /// When the runtime refuses one of them.
    pub fn new(seed: u64) -> anyhow::Result<Self> {
        let mut world = Self {
            chance: Chance::of(seed),
            block: 0,
            now_ms: START_MS,
            contract: ContractId([0; 32]),
            counted: [0; WORKERS as usize + 1],
            storage: genesis()?,
            sequences: [0; WORKERS as usize + 1],
            issuance: 0,
            report: Report::default(),
        };
        let first = Header::new(
            0,
            Default::default(),
            Default::default(),
            Default::default(),
            Digest::default(),
        );
        world.read(|| frame_system::BlockHash::<Runtime>::insert(0, first.hash()));
        world.issuance = world.read(Balances::total_issuance);
        world.next_block(6_000)?;
        world.set_up()?;
        Ok(world)
    }

    fn set_up(&mut self) -> anyhow::Result<()> {
        let genesis = self.read(|| GenesisHash(System::block_hash(0).0));
        for seed in 1..=WORKERS {
            let account: [u8; 32] = operator(seed).into();
            let registration = WorkerRegistration {
                version: 1,
                worker: worker(seed),
                hpke_public_key: HpkePublicKey([seed; 32]),
                genesis,
                operator: Some(primitives::AccountId(account)),
                made_at_ms: self.now_ms,
            };
            let evidence = DevelopmentPki::insecure_well_known().tdx_evidence(
                &build(),
                &registration.report_data(),
                registration.made_at_ms / 1000,
            );
            let call = pallet_worker_registry::Call::register_worker_v2 {
                registration,
                evidence,
            };
            ensure!(self.call(Some(operator(seed)), call.into()), "a worker is refused");
        }
        let alice = PEOPLE[0].to_account_id();
        let cluster = pallet_phat_contracts::Call::add_cluster {
            owner: alice.clone(),
            permission: pallet_phat_contracts::ClusterPermission::Public,
            deploy_workers: vec![pair(WORKERS).public()],
            deposit: PHA,
            gas_price: 1,
            deposit_per_item: 1,
            deposit_per_byte: 1,
            treasury_account: alice.clone(),
        };
        ensure!(self.call(None, cluster.into()), "the cluster is refused");
        let mut id = [0; 32];
        id[31] = 1;
        let cluster_id = H256(id);
        let upload = pallet_phat_contracts::Call::cluster_upload_resource {
            cluster_id,
            resource_type: pallet_phat_contracts::ClusterResourceType::InkCode,
            resource_data: CODE.to_vec(),
        };
        ensure!(self.call(Some(alice.clone()), upload.into()), "the code is refused");
        let code = wire::domain::code_hash(CODE);
        let instantiate = pallet_phat_contracts::Call::instantiate_contract {
            code_index: pallet_phat_contracts::CodeIndex::WasmCode(H256(code.0)),
            data: Vec::new(),
            salt: Vec::new(),
            cluster_id,
            transfer: 0,
            gas_limit: 0,
            storage_deposit_limit: None,
            deposit: 0,
        };
        ensure!(self.call(Some(alice.clone()), instantiate.into()), "the contract is refused");
        let alice: [u8; 32] = alice.into();
        self.contract = wire::domain::contract_id(&alice, &code, &primitives::ClusterId(id), &[]);
        self.hold("setting up")
    }

    /// What was done so far.
    pub fn report(self) -> Report {
        Report {
            blocks: self.block,
            ..self.report
        }
    }

    /// One step, and what must hold after it.
    ///
    /// # Errors
    /// Says what did not.
    pub fn step(&mut self) -> anyhow::Result<()> {
        self.read(System::reset_events);
        let kind = Kind::draw(&mut self.chance);
        let done = kind.act(self)?;
        let count = self.report.counts.entry(kind).or_default();
        if done {
            count.0 += 1;
        } else {
            count.1 += 1;
        }
        self.hold(&format!("{kind:?}, {}", if done { "done" } else { "refused" }))
    }

    fn hold(&mut self, what: &str) -> anyhow::Result<()> {
        let (issuance, dust) = self.read(|| check().map(|issuance| (issuance, dust())))
            .with_context(|| format!("after {what}"))?;
        ensure!(
            self.issuance - dust == issuance,
            "after {what}: there were {}, {dust} of it dust, and are {issuance}",
            self.issuance
        );
        self.issuance = issuance;
        Ok(())
    }

    /// Reads or changes the state.
    pub(crate) fn read<R>(&mut self, what: impl FnOnce() -> R) -> R {
        self.storage.execute_with(what)
    }

    /// A call of an account, or of root; whether it was done.
    pub(crate) fn call(&mut self, who: Option<AccountId>, call: RuntimeCall) -> bool {
        let origin = who.map_or_else(RuntimeOrigin::root, RuntimeOrigin::signed);
        self.read(|| {
            polkadot_sdk::frame_support::storage::with_storage_layer(|| {
                call.dispatch_bypass_filter(origin)
                    .map(drop)
                    .map_err(|error| error.error)
            })
            .is_ok()
        })
    }

    /// A message of a worker, through the runtime's own border; whether it was taken and handled.
    pub(crate) fn say(&mut self, seed: u8, payload: MessagePayload) -> bool {
        let sender = MessageSender::Worker(worker(seed));
        let sequence = self.sequences[usize::from(seed)];
        let genesis = self.read(|| GenesisHash(System::block_hash(0).0));
        let bytes = signed_bytes(&genesis, &sender, sequence, &payload);
        let message = SignedMessage {
            sender,
            sequence,
            payload,
            signature: pair(seed).sign(&bytes).0,
        };
        let call = pallet_mailbox::Call::sync_offchain_message { message };
        let extrinsic = UncheckedExtrinsic::new_bare_legacy(call.into());
        let applied = self.read(|| Executive::apply_extrinsic(extrinsic));
        let taken = matches!(applied, Ok(Ok(())));
        if taken {
            self.sequences[usize::from(seed)] += 1;
        }
        taken
    }

    /// The next block, so many milliseconds later.
    ///
    /// # Errors
    /// When the runtime does not make it.
    pub(crate) fn next_block(&mut self, millis: u64) -> anyhow::Result<()> {
        self.now_ms += millis.max(1_000) / 1_000 * 1_000;
        let (now, number) = (self.now_ms, self.block + 1);
        let is_first = self.block == 0;
        let slot = DigestItem::PreRuntime(*b"aura", (now / 1_000).encode());
        let stamped = self.read(|| {
            let parent = if is_first {
                System::block_hash(0)
            } else {
                Executive::finalize_block().hash()
            };
            let header = Header::new(
                number,
                Default::default(),
                Default::default(),
                parent,
                Digest { logs: vec![slot] },
            );
            Executive::initialize_block(&header);
            Executive::apply_extrinsic(UncheckedExtrinsic::new_bare_legacy(
                pallet_timestamp::Call::set { now }.into(),
            ))
        });
        ensure!(matches!(stamped, Ok(Ok(()))), "the timestamp of block {number}: {stamped:?}");
        self.block = number;
        Ok(())
    }
}
