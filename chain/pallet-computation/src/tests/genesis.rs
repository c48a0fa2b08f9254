//! What a genesis configuration makes of the runtime's defaults.

use crate::mock::*;
use crate::*;
use economics::{Fixed, Parameters, Permill, Schedule};
use polkadot_sdk::{sp_io, sp_runtime::BuildStorage};

fn built(config: GenesisConfig<Test>) -> sp_io::TestExternalities {
    sp_io::TestExternalities::new(config.build_storage().unwrap())
}

#[test]
fn nothing_said_is_as_the_runtime_says() {
    built(GenesisConfig::default()).execute_with(|| {
        // Not stored: another runtime's default holds at once.
        assert!(!TokenomicParameters::<Test>::exists());
        assert_eq!(TokenomicParameters::<Test>::get(), Parameters::GENESIS);
        assert_eq!(BudgetSchedule::<Test>::get(), Schedule::MAIN);
        assert_eq!(NetworkShare::<Test>::get(), Permill::ONE);
        assert!(HeartbeatPaused::<Test>::get());
    });
}

#[test]
fn what_is_said_differs_and_the_rest_stays() {
    let config = GenesisConfig {
        heartbeat_paused: false,
        cool_down_seconds: 30,
        parameters: GenesisParameters {
            slash_rate: Some("0.25".into()),
            blocks_per_hour: Some(40),
            ..Default::default()
        },
        budget: GenesisBudget {
            per_block: Some("1.5".into()),
            network_share: Some(300_000),
            ..Default::default()
        },
        slashes: GenesisSlashes {
            appeal_blocks: Some(20),
            ..Default::default()
        },
        benchmarks: GenesisBenchmarks {
            duration_ms_min: Some(1_000),
            ..Default::default()
        },
        ..Default::default()
    };
    built(config).execute_with(|| {
        let expected = Parameters {
            slash_rate: "0.25".parse().unwrap(),
            blocks_per_hour: 40,
            ..Parameters::GENESIS
        };
        assert_eq!(TokenomicParameters::<Test>::get(), expected);
        let expected = Schedule {
            per_block: Fixed::from_bits(3 << 63),
            ..Schedule::MAIN
        };
        assert_eq!(BudgetSchedule::<Test>::get(), expected);
        assert_eq!(NetworkShare::<Test>::get().parts(), 300_000);
        let rules = SlashRules::<Test>::get();
        assert_eq!((rules.enabled, rules.appeal_blocks), (true, 20));
        assert_eq!(BenchmarkRules::<Test>::get().duration_ms_min, 1_000);
        assert_eq!(CoolDownPeriod::<Test>::get(), 30);
        Computation::do_try_state().unwrap();
    });
}

#[test]
fn what_is_out_of_bounds_makes_no_chain() {
    let with = |parameters, budget, slashes, benchmarks| {
        let config = GenesisConfig::<Test> {
            parameters,
            budget,
            slashes,
            benchmarks,
            ..Default::default()
        };
        std::panic::catch_unwind(|| config.build_storage()).is_ok()
    };
    let none = || {
        let (parameters, budget) = (GenesisParameters::default(), GenesisBudget::default());
        (parameters, budget, GenesisSlashes::default(), GenesisBenchmarks::default())
    };
    let (parameters, budget, slashes, benchmarks) = none();
    assert!(with(parameters, budget, slashes, benchmarks));
    for text in ["a tenth", "1.1", ""] {
        let (mut parameters, budget, slashes, benchmarks) = none();
        parameters.treasury_ratio = Some(text.into());
        assert!(!with(parameters, budget, slashes, benchmarks), "{text}");
    }
    let (parameters, mut budget, slashes, benchmarks) = none();
    budget.network_share = Some(1_000_001);
    assert!(!with(parameters, budget, slashes, benchmarks));
    let (parameters, mut budget, slashes, benchmarks) = none();
    budget.decay = Some("1.01".into());
    assert!(!with(parameters, budget, slashes, benchmarks));
    let (parameters, budget, mut slashes, benchmarks) = none();
    slashes.appeal_blocks = Some(APPEAL_BLOCKS_MAX + 1);
    assert!(!with(parameters, budget, slashes, benchmarks));
    let (parameters, budget, slashes, mut benchmarks) = none();
    benchmarks.duration_ms_min = Some(0);
    assert!(!with(parameters, budget, slashes, benchmarks));
}
