use crate::{mock::*, *};
use polkadot_sdk::sp_runtime::BuildStorage;
use threshold_keys::{GatekeeperSettings, ThresholdRule};

#[test]
fn settings_have_bounds() {
    run(|_| {
        let set = |change: &dyn Fn(&mut GatekeeperSettings)| {
            let mut changed = settings();
            change(&mut changed);
            Gatekeepers::set_settings(RuntimeOrigin::root(), changed)
        };
        assert_eq!(set(&|_| {}), Ok(()));
        assert_eq!(
            set(&|settings| settings.threshold = ThresholdRule::Fixed(2)),
            Ok(())
        );
        let bad: [&dyn Fn(&mut GatekeeperSettings); 12] = [
            &|settings| settings.threshold = ThresholdRule::Fixed(0),
            &|settings| settings.threshold = ThresholdRule::Fixed(65),
            &|settings| settings.threshold = ThresholdRule::Fixed(1),
            &|settings| settings.holders_min = 0,
            &|settings| settings.holders_min = 65,
            &|settings| settings.handover_percent = 101,
            &|settings| settings.receiving_blocks = 1,
            &|settings| settings.checking_blocks = u32::MAX,
            &|settings| settings.epoch_blocks = 14,
            &|settings| settings.beacon_wait_blocks = settings.beacon_attempt_blocks,
            &|settings| settings.beacon_attempt_blocks = settings.beacon_blocks,
            &|settings| settings.beacon_blocks = u32::MAX,
        ];
        for change in bad {
            assert_eq!(set(change), refused(Error::InvalidSettings));
        }
    });
}

#[test]
fn a_network_is_born_with_settings_within_their_bounds() {
    let born = |settings: GenesisSettings| {
        let config = GenesisConfig::<Test> {
            settings,
            ..Default::default()
        };
        config.build_storage().map(drop)
    };
    assert!(born(GenesisSettings::default()).is_ok());
    let none = GenesisSettings {
        beacon_blocks: 0,
        ..GenesisSettings::default()
    };
    assert!(std::panic::catch_unwind(|| born(none)).is_err());
    let fixed = GenesisSettings {
        threshold_fixed: Some(13),
        ..GenesisSettings::default()
    };
    let settings = GatekeeperSettings::from(&fixed);
    assert_eq!(settings.threshold, ThresholdRule::Fixed(13));
    assert_eq!(settings.threshold.threshold(20), Some(13));
    assert_eq!(settings.threshold.threshold(12), None);
}
