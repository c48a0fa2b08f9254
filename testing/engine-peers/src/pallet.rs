//! pallet-contracts in a runtime of its own, as a node runs contracts, native and without a network.

#![allow(missing_docs)]

use frame_support::traits::{ConstU32, fungible::Mutate as _};
use frame_support::weights::Weight;
use frame_support::{derive_impl, parameter_types};
use pallet_contracts::{
    Code, CollectEvents, DebugInfo, DefaultAddressGenerator, Determinism, Frame, Limits, Schedule,
};
use sp_io::TestExternalities;
use sp_runtime::traits::{Convert, IdentityLookup};
use sp_runtime::{AccountId32, BuildStorage as _, Perbill};

type Block = frame_system::mocking::MockBlock<Runtime>;
type Balance = u128;

frame_support::construct_runtime!(
    pub enum Runtime {
        System: frame_system,
        Balances: pallet_balances,
        Timestamp: pallet_timestamp,
        Randomness: pallet_insecure_randomness_collective_flip,
        Contracts: pallet_contracts,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<Self::AccountId>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

impl pallet_insecure_randomness_collective_flip::Config for Runtime {}

parameter_types! {
    pub const ExistentialDeposit: Balance = 1;
    pub const DepositPerByte: Balance = 1;
    pub const DepositPerItem: Balance = 1;
    pub const DefaultDepositLimit: Balance = 1_000_000_000;
    pub const CodeHashLockupDepositPercent: Perbill = Perbill::from_percent(0);
    // As the original network had it: its contracts could have 4 MiB, the stock limit is 1 MiB.
    pub ContractsSchedule: Schedule<Runtime> = Schedule {
        limits: Limits { memory_pages: 64, ..Default::default() },
        ..Default::default()
    };
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
    type Balance = Balance;
    type ExistentialDeposit = ExistentialDeposit;
    type AccountStore = System;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Runtime {}

/// Weight is worth its time.
pub struct TimePrice;

impl Convert<Weight, Balance> for TimePrice {
    fn convert(weight: Weight) -> Balance {
        weight.ref_time().into()
    }
}

#[derive_impl(pallet_contracts::config_preludes::TestDefaultConfig)]
impl pallet_contracts::Config for Runtime {
    type Time = Timestamp;
    type Randomness = Randomness;
    type Currency = Balances;
    type CallStack = [Frame<Self>; 5];
    type Schedule = ContractsSchedule;
    type DepositPerByte = DepositPerByte;
    type DepositPerItem = DepositPerItem;
    type DefaultDepositLimit = DefaultDepositLimit;
    type CodeHashLockupDepositPercent = CodeHashLockupDepositPercent;
    type AddressGenerator = DefaultAddressGenerator;
    type WeightPrice = TimePrice;
    type MaxCodeLen = ConstU32<{ 512 * 1024 }>;
}

const CALLER: AccountId32 = AccountId32::new([1; 32]);
/// More than any of the kernels needs.
const GAS: Weight = Weight::from_parts(u64::MAX / 4, u64::MAX / 4);

/// A chain with one contract.
pub struct Chain {
    externalities: TestExternalities,
    contract: AccountId32,
}

impl Chain {
    /// Uploads `code` and calls its constructor.
    pub fn new(code: Vec<u8>, constructor: Vec<u8>) -> Result<Self, String> {
        let storage = frame_system::GenesisConfig::<Runtime>::default()
            .build_storage()
            .map_err(|error| error.to_string())?;
        let mut externalities = TestExternalities::new(storage);
        let contract = externalities.execute_with(|| {
            System::set_block_number(1);
            Balances::set_balance(&CALLER, 1 << 100);
            let made = Contracts::bare_instantiate(
                CALLER,
                0,
                GAS,
                None,
                Code::Upload(code),
                constructor,
                Vec::new(),
                DebugInfo::UnsafeDebug,
                CollectEvents::Skip,
            );
            let why = String::from_utf8_lossy(&made.debug_message).into_owned();
            made.result.map(|made| made.account_id).map_err(|error| format!("{error:?} {why}"))
        });
        Ok(Self {
            externalities,
            contract: contract?,
        })
    }

    /// Microseconds that one of `times` calls takes, with the chain's state at hand as inside of a
    /// block. `check` looks at what a call returned.
    pub fn time_us<R>(
        &mut self,
        times: u32,
        input: &[u8],
        check: impl Fn(&[u8]) -> Result<R, crate::Failure>,
    ) -> Result<f64, crate::Failure> {
        let contract = self.contract.clone();
        self.externalities
            .execute_with(|| crate::time_us(times, || check(&call(&contract, input.to_vec())?)))
    }
}

/// One call, whose changes are kept.
fn call(contract: &AccountId32, input: Vec<u8>) -> Result<Vec<u8>, String> {
    let called = Contracts::bare_call(
        CALLER,
        contract.clone(),
        0,
        GAS,
        None,
        input,
        DebugInfo::Skip,
        CollectEvents::Skip,
        Determinism::Enforced,
    );
    called
        .result
        .map(|returned| returned.data)
        .map_err(|error| format!("{error:?}"))
}
