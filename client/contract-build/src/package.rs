//! What cargo says about the contract's package.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::{BuildError, cargo};

/// Major versions of ink! whose metadata is understood.
const INK_MAJORS: [&str; 2] = ["4", "5"];

/// The package of a contract.
pub struct Package {
    pub dir: PathBuf,
    pub name: String,
    /// The library's name as rustc knows it.
    pub lib_name: String,
    pub version: String,
    pub authors: Vec<String>,
    pub ink: Ink,
}

/// The ink! that a contract uses.
pub struct Ink {
    pub version: String,
    /// How a manifest names exactly the same ink!: the inside of a dependency's braces.
    pub dependency: String,
}

#[derive(Deserialize)]
struct Answer {
    packages: Vec<PackageInfo>,
    resolve: Option<Resolve>,
}

#[derive(Deserialize)]
struct PackageInfo {
    id: String,
    name: String,
    version: String,
    authors: Vec<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    features: std::collections::BTreeMap<String, Vec<String>>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    source: Option<String>,
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Deserialize)]
struct NodeDependency {
    name: String,
    pkg: String,
}

/// Asks cargo about the package in `dir`, and checks that it is a contract.
pub fn inspect(dir: &Path, locked: bool) -> Result<Package, BuildError> {
    let manifest = dir.join("Cargo.toml");
    let not_a_package = |reason: String| BuildError::NotAPackage {
        path: dir.to_owned(),
        reason,
    };
    if !manifest.is_file() {
        return Err(not_a_package("it has no Cargo.toml".into()));
    }
    let answer = ask_cargo(&manifest, locked).map_err(|error| match error {
        BuildError::Compile { output, .. } => not_a_package(output),
        other => other,
    })?;
    let answer: Answer =
        serde_json::from_slice(&answer).map_err(|error| not_a_package(error.to_string()))?;
    let info = answer
        .packages
        .iter()
        .find(|package| package.manifest_path == manifest)
        .ok_or_else(|| not_a_package("it is a workspace; give the folder of a member".into()))?;
    let not_a_contract = |reason: &str| BuildError::NotAContract {
        name: info.name.clone(),
        reason: reason.into(),
    };

    let ink = ink_of(&answer, info).ok_or_else(|| {
        not_a_contract(
            "it does not depend on ink; add `ink = { version = \"5.1\", \
                        default-features = false }`",
        )
    })?;
    if !INK_MAJORS.contains(&ink.version.split('.').next().unwrap_or_default()) {
        return Err(not_a_contract(&format!(
            "it uses ink! {}; use 4 or 5",
            ink.version
        )));
    }
    if !info.features.contains_key("std") {
        return Err(not_a_contract(
            "it has no feature `std`; add `std = [\"ink/std\"]`",
        ));
    }
    let is_library = |kind: &String| kind == "lib" || kind == "rlib";
    let lib = info
        .targets
        .iter()
        .find(|target| target.kind.iter().any(is_library))
        .ok_or_else(|| {
            not_a_contract("it has no Rust library; remove `crate-type` from its [lib]")
        })?;
    Ok(Package {
        dir: dir.to_owned(),
        name: info.name.clone(),
        lib_name: lib.name.replace('-', "_"),
        version: info.version.clone(),
        authors: info.authors.clone(),
        ink,
    })
}

fn ask_cargo(manifest: &Path, locked: bool) -> Result<Vec<u8>, BuildError> {
    let mut command = cargo::without_outer_build(Command::new("cargo"));
    command
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .args(locked.then_some("--locked"));
    cargo::run(command, "reading the manifest", &mut |_| ())
}

fn ink_of(answer: &Answer, package: &PackageInfo) -> Option<Ink> {
    let nodes = &answer.resolve.as_ref()?.nodes;
    let node = nodes.iter().find(|node| node.id == package.id)?;
    let id = &node
        .deps
        .iter()
        .find(|dependency| dependency.name == "ink")?
        .pkg;
    let ink = answer
        .packages
        .iter()
        .find(|candidate| candidate.id == *id)?;
    let asked = package
        .dependencies
        .iter()
        .find(|dependency| dependency.name == "ink")?;
    let version = &ink.version;
    let dependency = match (&asked.path, &asked.source) {
        (Some(path), _) => format!("path = {:?}", path.display().to_string()),
        (None, Some(source)) if source.starts_with("git+") => git_dependency(source),
        _ => format!("version = \"={version}\""),
    };
    Some(Ink {
        version: version.clone(),
        dependency,
    })
}

/// `git+URL?branch=NAME` as cargo reports it, as a manifest has it.
fn git_dependency(source: &str) -> String {
    let url = source.trim_start_matches("git+");
    match url
        .split_once('?')
        .and_then(|(url, query)| Some((url, query.split_once('=')?)))
    {
        Some((url, (kind, name))) => format!("git = {url:?}, {kind} = {name:?}"),
        None => format!("git = {url:?}"),
    }
}
