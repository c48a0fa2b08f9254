use crate::fake_kernel::FakeTsm;
use crate::{any_build, collateral_file, td_evidence};
use attestation::{Evidence, TeeKind};
use platform::{FileCollateral, QuoteError, QuoteSource, SystemFiles, TdxQuotes};
use std::path::Path;

const DATA: [u8; 64] = [0x33; 64];

fn genuine(report_data: &[u8; 64]) -> Vec<u8> {
    td_evidence(report_data).quote
}

fn quote_with(kernel: &FakeTsm) -> Result<Evidence, QuoteError> {
    let (_dir, file) = collateral_file(&td_evidence(&DATA));
    TdxQuotes::new(kernel, Path::new("/tsm"), FileCollateral::new(&file)).quote(DATA)
}

#[test]
fn a_quote_passes_the_judgement_and_leaves_nothing_behind() {
    let kernel = FakeTsm::new(genuine);
    let evidence = quote_with(&kernel).expect("a quote");
    assert_eq!(any_build(&evidence, &DATA).tee, TeeKind::Tdx);
    assert_eq!(kernel.reports_left_and_made(), (0, 1));
}

#[test]
fn zeros_behind_a_quote_are_cut_off() {
    let kernel = FakeTsm::new(|report_data| {
        let mut quote = genuine(report_data);
        quote.resize(8_000, 0);
        quote
    });
    assert_eq!(quote_with(&kernel).expect("a quote").quote, genuine(&DATA));
}

#[test]
fn a_changed_generation_is_tried_again() {
    let kernel = FakeTsm::new(genuine);
    *kernel.intrusions.lock().expect("alive") = 2;
    let evidence = quote_with(&kernel).expect("the third attempt");
    any_build(&evidence, &DATA);
    assert_eq!(kernel.reports_left_and_made(), (0, 3));
}

#[test]
fn an_ever_changing_generation_is_an_error() {
    let kernel = FakeTsm::new(genuine);
    *kernel.intrusions.lock().expect("alive") = 1000;
    let error = quote_with(&kernel).expect_err("disturbed");
    assert!(
        matches!(error, QuoteError::Conflict { attempts: 3 }),
        "{error:?}"
    );
    assert_eq!(kernel.reports_left_and_made(), (0, 3));
}

#[test]
fn a_short_read_is_an_error() {
    for cut in [1, 3_000] {
        let kernel = FakeTsm {
            cut,
            ..FakeTsm::new(genuine)
        };
        let error = quote_with(&kernel).expect_err("cut short");
        assert!(
            matches!(error, QuoteError::Malformed { .. }),
            "{cut}: {error:?}"
        );
        assert_eq!(kernel.reports_left_and_made(), (0, 1));
    }
    let empty = FakeTsm::new(|_| Vec::new());
    assert!(matches!(
        quote_with(&empty),
        Err(QuoteError::Malformed { bytes: 0 })
    ));
}

#[test]
fn an_oversized_quote_is_an_error() {
    let kernel = FakeTsm::new(|_| vec![4; 16 * 1024 + 1]);
    assert!(matches!(
        quote_with(&kernel),
        Err(QuoteError::Device {
            operation: "read",
            ..
        })
    ));
}

#[test]
fn a_quote_over_other_data_is_an_error() {
    let kernel = FakeTsm::new(|_| genuine(&[1; 64]));
    assert!(matches!(
        quote_with(&kernel),
        Err(QuoteError::OtherReportData)
    ));
}

#[test]
fn another_provider_is_an_error() {
    let kernel = FakeTsm {
        provider: "sev_guest\n",
        ..FakeTsm::new(genuine)
    };
    let error = quote_with(&kernel).expect_err("not TDX");
    assert!(
        matches!(&error, QuoteError::WrongProvider { found, .. } if found == "sev_guest"),
        "{error:?}"
    );
    assert_eq!(kernel.reports_left_and_made(), (0, 1));
}

#[test]
fn a_missing_interface_is_an_error() {
    let (dir, file) = collateral_file(&td_evidence(&DATA));
    let missing = dir.path().join("tsm/report");
    let quotes = TdxQuotes::new(SystemFiles, &missing, FileCollateral::new(&file));
    let error = quotes.quote(DATA).expect_err("no such directory");
    assert!(
        matches!(
            error,
            QuoteError::Device {
                operation: "make",
                ..
            }
        ),
        "{error:?}"
    );

    // A plain directory is no configfs: the made directory has no attributes, and is removed again.
    let quotes = TdxQuotes::new(SystemFiles, dir.path(), FileCollateral::new(&file));
    let error = quotes.quote(DATA).expect_err("no attributes");
    assert!(
        matches!(
            error,
            QuoteError::Device {
                operation: "read",
                ..
            }
        ),
        "{error:?}"
    );
    let left: Vec<_> = std::fs::read_dir(dir.path()).expect("read").collect();
    assert_eq!(left.len(), 1, "only the collateral: {left:?}");
}

#[test]
fn missing_or_broken_collateral_is_an_error() {
    let kernel = FakeTsm::new(genuine);
    let (dir, file) = collateral_file(&td_evidence(&DATA));
    let missing = dir.path().join("missing.json");
    let quotes = TdxQuotes::new(&kernel, Path::new("/tsm"), FileCollateral::new(&missing));
    assert!(matches!(quotes.quote(DATA), Err(QuoteError::Collateral(_))));

    let too_long = vec![b' '; 1_000_000];
    for broken in [&b"{}"[..], b"\xff", &too_long] {
        std::fs::write(&file, broken).expect("written");
        let quotes = TdxQuotes::new(&kernel, Path::new("/tsm"), FileCollateral::new(&file));
        assert!(matches!(quotes.quote(DATA), Err(QuoteError::Collateral(_))));
    }
}
