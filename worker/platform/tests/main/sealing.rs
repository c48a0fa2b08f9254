use platform::{
    LABEL_BYTES_MAX, OpenError, Platform, PlatformConfig, PlatformKind, SEALED_PLAIN_BYTES_MAX,
    SealError, TdxQuotes, open,
};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn tdx_on(dir: &Path) -> Result<Box<dyn Platform>, OpenError> {
    open(&PlatformConfig::Tdx {
        report_dir: TdxQuotes::<platform::SystemFiles, platform::FileCollateral>::REPORT_DIR.into(),
        key_file: dir.join("sealing.key"),
        collateral_file: dir.join("collateral.json"),
    })
}

fn open_error(dir: &Path) -> SealError {
    match tdx_on(dir).err().expect("an error") {
        OpenError::Sealing(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_sealed_opens_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = tdx_on(dir.path()).expect("open");
    assert_eq!(first.kind(), PlatformKind::Tdx);
    let sealed = first.seal("identity", b"secret").expect("sealed");
    drop(first);
    let again = tdx_on(dir.path()).expect("open");
    assert_eq!(
        *again.unseal("identity", &sealed).expect("opened"),
        b"secret"
    );
    let names: Vec<_> = std::fs::read_dir(dir.path()).expect("read").collect();
    assert_eq!(names.len(), 1, "no draft left: {names:?}");
}

#[test]
fn a_record_opens_only_whole_under_its_label_and_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let platform = tdx_on(dir.path()).expect("open");
    let sealed = platform.seal("one", b"secret").expect("sealed");
    assert!(!sealed.windows(6).any(|window| window == b"secret"));
    assert_ne!(platform.seal("one", b"secret").expect("sealed"), sealed);
    assert!(matches!(
        platform.unseal("two", &sealed),
        Err(SealError::DoesNotOpen)
    ));
    for offset in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[offset] ^= 1;
        assert!(matches!(
            platform.unseal("one", &altered),
            Err(SealError::DoesNotOpen)
        ));
        let cut = &sealed[..offset];
        assert!(matches!(
            platform.unseal("one", cut),
            Err(SealError::DoesNotOpen)
        ));
    }
    let elsewhere = tempfile::tempdir().expect("a directory");
    let other = tdx_on(elsewhere.path()).expect("open");
    assert!(matches!(
        other.unseal("one", &sealed),
        Err(SealError::DoesNotOpen)
    ));
}

#[test]
fn bounds_hold() {
    let dir = tempfile::tempdir().expect("a directory");
    let platform = tdx_on(dir.path()).expect("open");
    let longest = vec![1; SEALED_PLAIN_BYTES_MAX];
    let sealed = platform.seal("x", &longest).expect("sealed");
    assert_eq!(*platform.unseal("x", &sealed).expect("opened"), longest);
    let too_long = vec![1; SEALED_PLAIN_BYTES_MAX + 1];
    assert!(matches!(
        platform.seal("x", &too_long),
        Err(SealError::TooLarge { .. })
    ));
    let too_long = [sealed, vec![0]].concat();
    assert!(matches!(
        platform.unseal("x", &too_long),
        Err(SealError::TooLarge { .. })
    ));
    for label in ["", &"l".repeat(LABEL_BYTES_MAX + 1)] {
        assert!(matches!(
            platform.seal(label, b""),
            Err(SealError::Label { .. })
        ));
        assert!(matches!(
            platform.unseal(label, b""),
            Err(SealError::Label { .. })
        ));
    }
    assert!(platform.seal(&"l".repeat(LABEL_BYTES_MAX), b"").is_ok());
}

#[test]
fn a_key_file_is_private_and_never_replaced() {
    let dir = tempfile::tempdir().expect("a directory");
    let key = dir.path().join("sealing.key");
    tdx_on(dir.path()).expect("open");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&key), 0o600);
    assert_eq!(std::fs::read(&key).expect("readable").len(), 32);

    let set_mode = |mode| std::fs::set_permissions(&key, PermissionsExt::from_mode(mode));
    set_mode(0o640).expect("set");
    assert!(matches!(
        open_error(dir.path()),
        SealError::KeyExposed { mode: 0o640, .. }
    ));
    set_mode(0o600).expect("set");

    for length in [0, 31, 33, 100] {
        std::fs::write(&key, vec![1; length]).expect("written");
        assert!(matches!(
            open_error(dir.path()),
            SealError::KeyLength { expected: 32, .. }
        ));
        assert_eq!(std::fs::read(&key).expect("readable").len(), length);
    }
}

#[test]
fn a_missing_directory_is_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let missing = dir.path().join("missing");
    assert!(matches!(open_error(&missing), SealError::KeyFile { .. }));
}

#[test]
fn processes_that_start_together_share_one_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let sealed: Vec<_> = std::thread::scope(|scope| {
        let start = || {
            tdx_on(dir.path())
                .expect("open")
                .seal("x", b"1")
                .expect("sealed")
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("joined"))
            .collect()
    });
    let platform = tdx_on(dir.path()).expect("open");
    assert!(
        sealed
            .iter()
            .all(|record| platform.unseal("x", record).is_ok())
    );
}
