//! The runtime's wasm, on a database in memory that counts.

use anyhow::{Context as _, anyhow};
use codec::{Decode, Encode};
use frame_benchmarking::{
    BenchmarkBatch, BenchmarkConfig, BenchmarkList, BenchmarkParameter, BenchmarkResult,
    benchmarking,
};
use mock_attestation::{DevelopmentPki, MockTd};
use polkadot_sdk::sp_runtime::BuildStorage as _;
use primitives::{GenesisHash, HpkePublicKey, WorkerId};
use sc_client_db::BenchmarkingState;
use sc_executor::{HeapAllocStrategy, WasmExecutor};
use sp_core::{
    storage::Storage,
    traits::{CallContext, RuntimeCode, WrappedRuntimeCode},
};
use sp_externalities::Extensions;
use sp_keystore::{KeystoreExt, testing::MemoryKeystore};
use sp_runtime::traits::BlakeTwo256;
use sp_state_machine::{OverlayedChanges, StateMachine};
use wire::registration::WorkerRegistration;

/// Where the registry's benchmark looks for evidence; see `pallet_worker_registry::benchmarking`.
const EVIDENCE: &[u8] = b":phat-benchmark-evidence";

type HostFunctions = (sp_io::SubstrateHostFunctions, benchmarking::HostFunctions);

/// Pages of memory that the wasm may use beyond what it begins with: 256 MiB.
const HEAP_PAGES: u32 = 4096;

/// What runs benchmarks.
pub struct Machine {
    executor: WasmExecutor<HostFunctions>,
    wasm: Vec<u8>,
    genesis: Storage,
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

/// The development network's genesis: measured is what is the same on every network.
fn genesis() -> anyhow::Result<Storage> {
    let patch = runtime::genesis::preset(runtime::genesis::DEV).context("no preset")?;
    let mut whole = serde_json::to_value(runtime::RuntimeGenesisConfig::default())?;
    merge(&mut whole, patch);
    let config: runtime::RuntimeGenesisConfig = serde_json::from_value(whole)?;
    let mut storage = config.build_storage().map_err(anyhow::Error::msg)?;
    put_evidence(&mut storage)?;
    Ok(storage)
}

/// Puts a registration with evidence that holds into the state, with the time and the build that it holds for.
fn put_evidence(storage: &mut Storage) -> anyhow::Result<()> {
    const NOW_MS: u64 = 1_800_000_000_000;
    let build = MockTd::of_build([7; 48]);
    let pki = DevelopmentPki::insecure_well_known();
    let registration = WorkerRegistration {
        version: 1,
        worker: WorkerId([1; 32]),
        hpke_public_key: HpkePublicKey([2; 32]),
        genesis: GenesisHash([0; 32]),
        operator: Some(primitives::AccountId([3; 32])),
        made_at_ms: NOW_MS,
    };
    let evidence = pki.tdx_evidence(&build, &registration.report_data(), NOW_MS / 1000);
    let mut externalities = sp_state_machine::BasicExternalities::new(storage.clone());
    externalities.execute_with(|| {
        use polkadot_sdk::{frame_system, pallet_timestamp, sp_core::H256};
        frame_system::BlockHash::<runtime::Runtime>::insert(0, H256::zero());
        pallet_timestamp::Now::<runtime::Runtime>::put(NOW_MS);
        pallet_worker_registry::AllowedMeasurements::<runtime::Runtime>::insert(build.measurement(), 0);
        let roots = vec![pki.accepted_root()];
        pallet_worker_registry::AcceptedRoots::<runtime::Runtime>::put(
            polkadot_sdk::frame_support::BoundedVec::truncate_from(roots),
        );
        sp_io::storage::set(EVIDENCE, &(registration, evidence).encode());
    });
    *storage = externalities.into_storages();
    Ok(())
}

impl Machine {
    /// A machine for this wasm.
    ///
    /// # Errors
    /// When there is no genesis.
    pub fn new(wasm: Vec<u8>) -> anyhow::Result<Self> {
        let strategy = HeapAllocStrategy::Dynamic {
            maximum_pages: Some(HEAP_PAGES),
        };
        let executor = WasmExecutor::<HostFunctions>::builder()
            .with_onchain_heap_alloc_strategy(strategy)
            .with_offchain_heap_alloc_strategy(strategy)
            .with_max_runtime_instances(2)
            .with_runtime_cache_size(2)
            .build();
        Ok(Self {
            executor,
            wasm,
            genesis: genesis()?,
        })
    }

    fn call<T: Decode>(
        &self,
        state: &BenchmarkingState<BlakeTwo256>,
        method: &str,
        arguments: &[u8],
    ) -> anyhow::Result<T> {
        let fetcher = WrappedRuntimeCode(self.wasm.as_slice().into());
        let code = RuntimeCode {
            code_fetcher: &fetcher,
            hash: sp_core::blake2_256(&self.wasm).to_vec(),
            heap_pages: None,
        };
        let mut extensions = Extensions::default();
        extensions.register(KeystoreExt(std::sync::Arc::new(MemoryKeystore::new())));
        let mut changes = OverlayedChanges::default();
        let mut machine = StateMachine::new(
            state,
            &mut changes,
            &self.executor,
            method,
            arguments,
            &mut extensions,
            &code,
            CallContext::Offchain,
        );
        let bytes = machine
            .execute()
            .map_err(|error| anyhow!("{method}: {error}"))?;
        T::decode(&mut &bytes[..]).with_context(|| format!("{method} gives something else"))
    }

    fn state(&self, tracked: bool) -> anyhow::Result<BenchmarkingState<BlakeTwo256>> {
        // Without a cache, as the first access in a block; proofs are of no use on this chain.
        BenchmarkingState::new(self.genesis.clone(), None, false, tracked)
            .map_err(anyhow::Error::msg)
    }

    /// The pallets that have benchmarks.
    ///
    /// # Errors
    /// When the wasm was built without them.
    pub fn pallets(&self) -> anyhow::Result<Vec<BenchmarkList>> {
        type Metadata = (
            Vec<BenchmarkList>,
            Vec<polkadot_sdk::frame_support::traits::StorageInfo>,
        );
        let (pallets, _): Metadata =
            self.call(&self.state(false)?, "Benchmark_benchmark_metadata", &false.encode())?;
        Ok(pallets)
    }

    /// Runs a benchmark once.
    ///
    /// # Errors
    /// When it fails.
    pub fn measure(
        &self,
        pallet: &BenchmarkList,
        benchmark: &[u8],
        components: &[(BenchmarkParameter, u32)],
        verify: bool,
        tracked: bool,
    ) -> anyhow::Result<Vec<BenchmarkResult>> {
        let config = BenchmarkConfig {
            pallet: pallet.pallet.clone(),
            instance: pallet.instance.clone(),
            benchmark: benchmark.to_vec(),
            selected_components: components.to_vec(),
            verify,
            internal_repeats: 1,
        };
        let batches: Result<Vec<BenchmarkBatch>, String> = self.call(
            &self.state(tracked)?,
            "Benchmark_dispatch_benchmark",
            &config.encode(),
        )?;
        let batches = batches.map_err(anyhow::Error::msg)?;
        Ok(batches.into_iter().flat_map(|batch| batch.results).collect())
    }
}
