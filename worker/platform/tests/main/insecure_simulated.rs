use crate::judged_at;
use attestation::RootKind;
use mock_attestation::{DevelopmentPki, MockTd};
use platform::{
    InsecureSimulatedQuotes, PlatformConfig, PlatformKind, QuoteSource, UnknownPlatformKind,
    insecure_simulated_measurement, open,
};

const DATA: [u8; 64] = [0x55; 64];

#[test]
fn evidence_names_this_executable_and_the_development_root() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = PlatformConfig::InsecureSimulated {
        data_dir: dir.path().join("data"),
    };
    let platform = open(&config).expect("open");
    assert_eq!(platform.kind(), PlatformKind::InsecureSimulated);

    let evidence = platform.quote(DATA).expect("a quote");
    let identity = judged_at(&evidence, &DATA, platform.unix_millis() / 1000);
    assert_eq!(identity.root, RootKind::Development);
    let executable = std::env::current_exe().expect("a path");
    let expected = insecure_simulated_measurement(&executable).expect("readable");
    assert_eq!(identity.measurement, expected);
}

#[test]
fn another_build_measures_differently() {
    let dir = tempfile::tempdir().expect("a directory");
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    std::fs::write(&one, vec![1; 200_000]).expect("written");
    std::fs::write(&two, [vec![1; 199_999], vec![2]].concat()).expect("written");
    let measured = |path| insecure_simulated_measurement(path).expect("readable");
    assert_ne!(measured(&one), measured(&two));
    std::fs::copy(&one, &two).expect("copied");
    assert_eq!(measured(&one), measured(&two));
    assert!(insecure_simulated_measurement(&dir.path().join("three")).is_err());
}

#[test]
fn a_pretended_td_can_be_named() {
    let td = MockTd::of_build([9; 48]);
    let pki = DevelopmentPki::insecure_well_known();
    let quotes = InsecureSimulatedQuotes::new(pki, td.clone());
    assert_eq!(quotes.measurement(), td.measurement());
    assert!(quotes.quote(DATA).is_ok());
}

#[test]
fn entropy_and_clock_move() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = PlatformConfig::InsecureSimulated {
        data_dir: dir.path().into(),
    };
    let platform = open(&config).expect("open");
    let (mut one, mut two) = ([0; 32], [0; 32]);
    platform.fill_random(&mut one).expect("entropy");
    platform.fill_random(&mut two).expect("entropy");
    assert_ne!(one, two);
    assert!(platform.unix_millis() > 1_600_000_000_000);
}

#[test]
fn kinds_are_chosen_by_their_names_only() {
    for kind in [
        PlatformKind::Tdx,
        PlatformKind::Gramine,
        PlatformKind::InsecureSimulated,
    ] {
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    for text in ["", "auto", "simulated", "INSECURE_SIMULATED"] {
        assert_eq!(
            text.parse::<PlatformKind>(),
            Err(UnknownPlatformKind(text.into()))
        );
    }
}
