use crate::fake_kernel::FakeGramine;
use crate::{any_build, collateral_file, enclave_evidence};
use attestation::{Evidence, TeeKind};
use platform::{
    FileCollateral, GramineQuotes, PlatformConfig, PlatformKind, QuoteError, QuoteSource,
    SealError, open,
};
use std::path::Path;

const DATA: [u8; 64] = [0x44; 64];

fn genuine(report_data: &[u8; 64]) -> Vec<u8> {
    enclave_evidence(report_data).quote
}

fn quote_with(gramine: &FakeGramine) -> Result<Evidence, QuoteError> {
    let (_dir, file) = collateral_file(&enclave_evidence(&DATA));
    GramineQuotes::new(
        gramine,
        Path::new("/attestation"),
        FileCollateral::new(&file),
    )
    .quote(DATA)
}

#[test]
fn a_quote_passes_the_judgement() {
    let evidence = quote_with(&FakeGramine::new(genuine)).expect("a quote");
    assert_eq!(any_build(&evidence, &DATA).tee, TeeKind::Sgx);
}

#[test]
fn a_manifest_without_dcap_is_an_error() {
    for found in ["none", "epid"] {
        let gramine = FakeGramine {
            attestation_type: found,
            ..FakeGramine::new(genuine)
        };
        let error = quote_with(&gramine).expect_err("no DCAP");
        assert!(
            matches!(error, QuoteError::WrongProvider { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn foreign_and_broken_quotes_are_errors() {
    let other = FakeGramine::new(|_| genuine(&[1; 64]));
    assert!(matches!(
        quote_with(&other),
        Err(QuoteError::OtherReportData)
    ));
    let cut = FakeGramine::new(|report_data| genuine(report_data)[..500].to_vec());
    assert!(matches!(
        quote_with(&cut),
        Err(QuoteError::Malformed { bytes: 500 })
    ));
}

#[test]
fn threads_do_not_get_one_anothers_quotes() {
    let gramine = FakeGramine::new(genuine);
    let (_dir, file) = collateral_file(&enclave_evidence(&DATA));
    let quotes = GramineQuotes::new(
        &gramine,
        Path::new("/attestation"),
        FileCollateral::new(&file),
    );
    std::thread::scope(|scope| {
        for number in 0..4u8 {
            let quotes = &quotes;
            scope.spawn(move || {
                for _ in 0..10 {
                    quotes.quote([number; 64]).expect("over its own data");
                }
            });
        }
    });
}

#[test]
fn the_enclaves_key_seals() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("keys")).expect("made");
    let key = dir.path().join("keys/_sgx_mrenclave");
    let config = PlatformConfig::Gramine {
        attestation_dir: dir.path().into(),
        collateral_file: dir.path().join("collateral.json"),
    };
    let open_error = || match open(&config).err().expect("an error") {
        platform::OpenError::Sealing(error) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(open_error(), SealError::KeyFile { .. }));
    std::fs::write(&key, [1; 15]).expect("written");
    assert!(matches!(
        open_error(),
        SealError::KeyLength {
            bytes: 15,
            expected: 16,
            ..
        }
    ));

    std::fs::write(&key, [1; 16]).expect("written");
    let this_build = open(&config).expect("open");
    assert_eq!(this_build.kind(), PlatformKind::Gramine);
    let sealed = this_build.seal("state", b"secret").expect("sealed");
    assert_eq!(
        *this_build.unseal("state", &sealed).expect("opened"),
        b"secret"
    );

    std::fs::write(&key, [2; 16]).expect("written");
    let another_build = open(&config).expect("open");
    assert!(matches!(
        another_build.unseal("state", &sealed),
        Err(SealError::DoesNotOpen)
    ));
}
