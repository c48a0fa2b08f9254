//! Builds real contracts, and refuses what is none.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use contract_build::{BuildError, BuildOptions, ProjectError, Template, build, create_project};

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

#[test]
fn a_new_project_is_tested_and_built() {
    let parent = tempfile::tempdir().unwrap();
    let target = target();
    for template in Template::ALL {
        let name = format!("my-{}", template.name());
        let folder = create_project(parent.path(), &name, template).unwrap();
        let tested = Command::new("cargo")
            .args(["test", "--lib", "--release", "--locked"])
            .current_dir(&folder)
            // As `cargo xtask test` tests our own contracts: what they have compiled is used.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_TARGET_DIR", &target)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&tested.stderr);
        assert!(tested.status.success(), "{}: {text}", template.name());
        let ran = String::from_utf8_lossy(&tested.stdout).into_owned();
        assert!(!ran.contains("running 0 tests"), "{ran}");
    }
    // One build is enough: the templates differ in what their unit tests have compiled already.
    let mut options = BuildOptions::new(toolchains());
    options.target_dir = Some(target);
    options.output_dir = Some(parent.path().join("out"));
    options.locked = true;
    let folder = parent.path().join("my-http");
    let built = build(&folder, &options, &mut |line| eprintln!("{line}")).unwrap();
    assert_eq!(built.name, "my-http");
    let file = fs::read(built.contract_file).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let messages = file["spec"]["messages"].as_array().unwrap();
    let labels: Vec<_> = messages.iter().map(|message| &message["label"]).collect();
    assert_eq!(labels, ["set_source", "value"]);
}

/// Where contracts are compiled: shared between them and kept between runs, as ink! takes minutes.
fn target() -> PathBuf {
    match std::env::var_os("PHAT_CONTRACT_TARGET") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).join("contracts"),
    }
}

/// Where the wasm toolchain is that `cargo xtask` made, or one that is made here.
fn toolchains() -> PathBuf {
    match std::env::var_os("PHAT_TOOLCHAINS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).join("toolchains"),
    }
}

#[test]
fn a_project_is_not_written_over_anything() {
    let parent = tempfile::tempdir().unwrap();
    fs::create_dir(parent.path().join("taken")).unwrap();
    let error = create_project(parent.path(), "taken", Template::Flipper).unwrap_err();
    assert!(matches!(error, ProjectError::Exists(_)), "{error}");
    assert_eq!(fs::read_dir(parent.path().join("taken")).unwrap().count(), 0);
}

#[test]
fn a_name_that_would_not_compile_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let long = "a".repeat(contract_build::NAME_BYTES_MAX + 1);
    let bad = [
        "", "1st", "-a", "Upper", "a b", "a/b", "../a", "é", "fn", "ink", "contract_sdk", "test", &long,
    ];
    for name in bad {
        let error = create_project(parent.path(), name, Template::Flipper).unwrap_err();
        assert!(matches!(error, ProjectError::BadName(_)), "{name}: {error}");
    }
    for name in ["a", "my-contract_2", &long[1..]] {
        create_project(parent.path(), name, Template::Flipper).unwrap();
    }
}

#[test]
fn a_new_project_has_every_file_of_the_sdk() {
    let parent = tempfile::tempdir().unwrap();
    let folder = create_project(parent.path(), "whole", Template::Flipper).unwrap();
    let root = Path::new("../..");
    for (ours, theirs) in [
        ("guest/contract-sdk/src", "vendor/contract-sdk/src"),
        ("core/contract-abi/src", "vendor/contract-abi/src"),
    ] {
        assert_eq!(texts(&root.join(ours)), texts(&folder.join(theirs)), "{ours}");
    }
}

/// All files below a folder: path and text.
fn texts(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        match path.is_dir() {
            true => texts.extend(texts_below(&path, &name)),
            false => {
                texts.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    texts
}

fn texts_below(folder: &Path, name: &Path) -> impl Iterator<Item = (PathBuf, String)> {
    texts(folder).into_iter().map(move |(path, text)| (name.join(path), text))
}
