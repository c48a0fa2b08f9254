//! Builds real contracts, and refuses what is none.

use std::fs;
use std::path::Path;

use contract_build::{BuildError, BuildOptions, build};

fn build_error(files: &[(&str, &str)]) -> BuildError {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let options = BuildOptions::new(dir.path().join("cache"));
    build(dir.path(), &options, &mut |_| ()).unwrap_err()
}

fn manifest(dependencies: &str) -> String {
    format!(
        "[package]\nname = \"thing\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[workspace]\n\
         [lib]\npath = \"lib.rs\"\n[dependencies]\n{dependencies}\n"
    )
}

#[test]
fn a_folder_that_does_not_exist_is_refused() {
    let options = BuildOptions::new("unused");
    let error = build(Path::new("/no/such/folder"), &options, &mut |_| ()).unwrap_err();
    assert!(
        matches!(
            error,
            BuildError::Io {
                doing: "cannot open",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_folder_without_a_manifest_is_refused() {
    let error = build_error(&[("src/lib.rs", "")]);
    assert!(error.to_string().contains("no Cargo.toml"), "{error}");
}

#[test]
fn a_broken_manifest_is_refused_with_what_cargo_says() {
    let error = build_error(&[("Cargo.toml", "[package\n")]);
    assert!(matches!(&error, BuildError::NotAPackage { reason, .. } if !reason.is_empty()));
}

#[test]
fn a_package_that_does_not_use_ink_is_refused_with_the_cure() {
    let error = build_error(&[("Cargo.toml", &manifest("")), ("lib.rs", "")]);
    assert!(matches!(error, BuildError::NotAContract { .. }), "{error}");
    assert!(error.to_string().contains("ink = { version"), "{error}");
}
