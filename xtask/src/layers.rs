//! Which crate may import which: the arrows of the architecture, checked.
//!
//! A top folder is a trust zone. [`ZONES`] says which zones a zone imports; [`FORBIDDEN`] says what single
//! crates never import, be it directly or through crates of ours. Dev-dependencies are apart: a test may use
//! what it likes. What a crate from outside imports in turn is not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::workspace::Workspace;

/// Zones, and the zones that their crates may import.
const ZONES: [(&str, &[&str]); 9] = [
    ("core", &["core"]),
    ("chain", &["core", "chain"]),
    ("worker", &["core", "worker"]),
    ("client", &["core", "client"]),
    ("guest", &["core", "guest"]),
    // Executes again what workers executed, with their engine and their rules; speaks to nobody.
    ("auditor", &["core", "worker", "auditor"]),
    (
        "testing",
        &["core", "chain", "worker", "client", "guest", "auditor", "testing"],
    ),
    (
        "fuzz",
        &["core", "chain", "worker", "client", "guest", "auditor", "testing"],
    ),
    (
        "xtask",
        &["core", "chain", "worker", "client", "guest", "auditor", "testing"],
    ),
];

/// Crates, and what they never import.
const FORBIDDEN: &[(&str, &[&str])] = &[
    // Plain data: it can be used everywhere because it brings nothing.
    (
        "primitives",
        &[
            "blake2",
            "sha2",
            "schnorrkel",
            "ed25519-dalek",
            "hpke",
            "polkadot-sdk",
        ],
    ),
    // Formats hold no key and know no pallet.
    (
        "wire",
        &["secrets", "polkadot-sdk", "hpke", "aes-gcm", "schnorrkel"],
    ),
    // Numbers in, numbers out: pallets, simulations and the console share it.
    ("economics", &["secrets", "wire", "polkadot-sdk"]),
    // It runs in browsers and in contracts.
    (
        "receipt",
        &["secrets", "polkadot-sdk", "getrandom", "tokio", "reqwest"],
    ),
    (
        "receipt-verifier",
        &["client", "secrets", "polkadot-sdk", "getrandom", "subxt", "reqwest"],
    ),
    // Entropy and time are arguments.
    ("secrets", &["getrandom", "rand", "tokio", "polkadot-sdk"]),
    // The same functions for the chain and for who holds a share.
    (
        "threshold-keys",
        &["secrets", "getrandom", "rand", "tokio", "polkadot-sdk"],
    ),
    // A judgement is a function: it fetches nothing and holds no key.
    (
        "attestation",
        &[
            "secrets",
            "mock-attestation",
            "reqwest",
            "tokio",
            "polkadot-sdk",
        ],
    ),
    // Contracts link it too.
    (
        "contract-abi",
        &["primitives", "wire", "secrets", "wasmtime", "polkadot-sdk"],
    ),
    ("chain-facts", &["secrets", "polkadot-sdk", "subxt"]),
    // Ready for a browser and for another chain.
    (
        "chain-proof",
        &["secrets", "polkadot-sdk", "subxt", "reqwest", "tokio"],
    ),
    // Pallets see one another through traits, in one direction.
    (
        "pallet-worker-registry",
        &[
            "pallet-mailbox",
            "pallet-phat-contracts",
            "mock-attestation",
        ],
    ),
    ("pallet-mailbox", &["pallet-phat-contracts"]),
    // The public half of the key alone, and no other pallet than the one that knows the workers.
    (
        "pallet-gatekeepers",
        &[
            "secrets",
            "pallet-mailbox",
            "pallet-phat-contracts",
            "mock-attestation",
        ],
    ),
    // It knows the gatekeepers' offices and offences, and nothing of keys or mining.
    (
        "pallet-gatekeeper-bonds",
        &[
            "secrets",
            "pallet-mailbox",
            "pallet-phat-contracts",
            "pallet-computation",
            "pallet-stake-pools",
            "mock-attestation",
        ],
    ),
    // Pools and sessions see each other through `mining-api` only.
    (
        "pallet-stake-pools",
        &[
            "pallet-worker-registry",
            "pallet-mailbox",
            "pallet-phat-contracts",
            "pallet-computation",
        ],
    ),
    // Sessions and pools know `mining-api`, not each other.
    (
        "pallet-computation",
        &[
            "pallet-mailbox",
            "pallet-phat-contracts",
            "pallet-stake-pools",
            "mock-attestation",
        ],
    ),
    // The development keys must never get into consensus code.
    ("runtime", &["mock-attestation"]),
    // The state machine: no effect of its own, no engine, no TEE.
    (
        "worker-core",
        &[
            "tokio",
            "wasmtime",
            "reqwest",
            "axum",
            "redb",
            "polkadot-sdk",
            "worker-rpc",
            "contract-engine",
            "contract-state",
            "chain-view",
            "platform",
            "mock-attestation",
        ],
    ),
    (
        "executor-api",
        &["wasmtime", "secrets", "contract-engine", "contract-state"],
    ),
    // One seed decides everything: no clock, no entropy, no thread but what it is given.
    (
        "simulator",
        &[
            "tokio",
            "getrandom",
            "wasmtime",
            "reqwest",
            "contract-engine",
            "chain-view",
            "platform",
        ],
    ),
    // It sees who computes and for how long, and nothing else.
    (
        "scheduler",
        &[
            "wasmtime",
            "secrets",
            "tokio",
            "worker-core",
            "contract-engine",
            "contract-state",
        ],
    ),
    // A contract, and what runs it once: when, and what comes of it, is decided elsewhere.
    (
        "benchmark",
        &[
            "wasmtime",
            "secrets",
            "tokio",
            "worker-core",
            "contract-engine",
            "contract-state",
        ],
    ),
    // It talks to strangers, so it holds nothing worth taking.
    (
        "chain-view",
        &[
            "secrets",
            "worker-core",
            "contract-engine",
            "contract-state",
        ],
    ),
    // It runs strangers' code, so it holds nothing worth taking either.
    (
        "contract-engine",
        &[
            "secrets",
            "attestation",
            "chain-view",
            "worker-core",
            "contract-state",
            "platform",
            "tokio",
            "reqwest",
            "axum",
            "subxt",
        ],
    ),
    // It talks to whom strangers name.
    (
        "http-egress",
        &[
            "secrets",
            "platform",
            "worker-core",
            "contract-engine",
            "contract-state",
            "chain-view",
        ],
    ),
    // Strangers' scripts: an interpreter, a clock, and nothing that reaches out.
    (
        "script-engine",
        &[
            "secrets",
            "contract-engine",
            "contract-state",
            "chain-view",
            "worker-core",
            "platform",
            "rquickjs",
            "rquickjs-sys",
            "tokio",
            "reqwest",
            "axum",
        ],
    ),
    (
        "contract-state",
        &[
            "wasmtime",
            "chain-view",
            "worker-core",
            "contract-engine",
            "tokio",
        ],
    ),
    (
        "platform",
        &[
            "worker-core",
            "contract-engine",
            "contract-state",
            "chain-view",
            "tokio",
        ],
    ),
    // Bytes in, bytes out.
    (
        "worker-rpc",
        &[
            "secrets",
            "worker-core",
            "contract-engine",
            "contract-state",
            "wire",
            "compatible-edge",
        ],
    ),
    // The weaker protocol stays at a worker's edge.
    ("client", &["compatible-edge"]),
    ("contract-engine", &["compatible-edge"]),
    ("runtime", &["compatible-edge"]),
    ("node", &["compatible-edge"]),
    // Entropy and time are arguments.
    ("compatible-edge", &["getrandom", "rand", "tokio", "polkadot-sdk"]),
    ("client", &["mock-attestation", "polkadot-sdk"]),
    // An auditor's verdict is a function of two files: it has no network, no clock, and nothing of a
    // worker but what a worker's verdict comes from.
    (
        "replay",
        &[
            "client",
            "chain-view",
            "contract-state",
            "http-egress",
            "script-engine",
            "platform",
            "worker-rpc",
            "tokio",
            "reqwest",
            "getrandom",
            "subxt",
            "mock-attestation",
        ],
    ),
    ("contract-history", &["secrets", "polkadot-sdk", "tokio", "reqwest", "getrandom"]),
];

/// Checks the workspace and says how much it looked at.
///
/// # Errors
/// Names every import that is forbidden.
pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let output = workspace
        .cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata = serde_json::from_slice(&output.stdout)?;
    let crates = read(&metadata, workspace.root())?;
    let broken = broken(&crates);
    if !broken.is_empty() {
        bail!(
            "imports that the architecture forbids:\n  {}\nmove the code, or argue for the arrow \
             in ARCHITECTURE.md and xtask/src/layers.rs",
            broken.join("\n  ")
        );
    }
    println!("layers: {} crates keep to their zones", crates.len());
    Ok(())
}

/// A crate of ours.
struct Member {
    zone: String,
    /// Names of what it imports, but for tests.
    imports: BTreeSet<String>,
}

/// Members by name.
type Members = BTreeMap<String, Member>;

fn read(metadata: &Value, root: &Path) -> anyhow::Result<Members> {
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    packages
        .iter()
        .map(|package| read_package(package, root))
        .collect()
}

fn read_package(package: &Value, root: &Path) -> anyhow::Result<(String, Member)> {
    let name = package["name"].as_str().context("a package has no name")?;
    let manifest = package["manifest_path"]
        .as_str()
        .context("a package has no manifest")?;
    let zone = Path::new(manifest)
        .strip_prefix(root)
        .ok()
        .and_then(|path| path.components().next())
        .map(|component| component.as_os_str().to_string_lossy().into_owned())
        .with_context(|| format!("{name} lies outside of the workspace"))?;
    let imports = package["dependencies"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
        .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
        .collect();
    Ok((name.to_owned(), Member { zone, imports }))
}

/// Every forbidden import, in words.
fn broken(members: &Members) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, member) in members {
        match ZONES.iter().find(|(zone, _)| *zone == member.zone) {
            None => broken.push(format!("{name}: `{}` is not a zone", member.zone)),
            Some((_, may_import)) => broken.extend(crossed(name, member, may_import, members)),
        }
    }
    for (name, forbidden) in FORBIDDEN {
        broken.extend(
            forbidden
                .iter()
                .filter_map(|target| way(name, target, members))
                .map(|way| format!("{} (never: {name} to its last)", way.join(" -> "))),
        );
    }
    broken
}

/// Imports of `member` from zones that its own may not import.
fn crossed(name: &str, member: &Member, may_import: &[&str], members: &Members) -> Vec<String> {
    member
        .imports
        .iter()
        .filter_map(|import| members.get(import).map(|target| (import, &target.zone)))
        .filter(|(_, zone)| !may_import.contains(&zone.as_str()))
        .map(|(import, zone)| {
            format!(
                "{name} -> {import} (zone {} never imports zone {zone})",
                member.zone
            )
        })
        .collect()
}

/// How `from` comes to import `target`, through crates of ours; `None` if it does not.
fn way(from: &str, target: &str, members: &Members) -> Option<Vec<String>> {
    let mut ways = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        let Some(member) = way.last().and_then(|last| members.get(last)) else {
            continue;
        };
        for import in &member.imports {
            let longer = || way.iter().cloned().chain([import.clone()]).collect();
            if import == target {
                return Some(longer());
            }
            if seen.insert(import.clone()) {
                ways.push(longer());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Packages written as (folder, name, imports, imports of tests).
    fn check(packages: &[(&str, &str, &[&str], &[&str])], expected: &[&str]) {
        let dependencies = |names: &[&str], kind: Value| -> Vec<Value> {
            names
                .iter()
                .map(|name| json!({"name": name, "kind": kind}))
                .collect()
        };
        let packages: Vec<Value> = packages
            .iter()
            .map(|(folder, name, imports, of_tests)| {
                let mut all = dependencies(imports, Value::Null);
                all.extend(dependencies(of_tests, json!("dev")));
                let manifest = format!("/root-of-it/{folder}/{name}/Cargo.toml");
                json!({"name": name, "manifest_path": manifest, "dependencies": all})
            })
            .collect();
        let members = read(&json!({"packages": packages}), Path::new("/root-of-it")).unwrap();
        let broken = broken(&members);
        assert_eq!(broken.len(), expected.len(), "{broken:?}");
        for (line, start) in broken.iter().zip(expected) {
            assert!(
                line.starts_with(start),
                "{line} does not start with {start}"
            );
        }
    }

    #[test]
    fn arrows_that_point_to_the_core_pass() {
        check(
            &[
                ("core", "primitives", &["codec"], &[]),
                ("worker", "worker-core", &["primitives"], &[]),
                ("client", "client", &["primitives"], &[]),
                ("testing", "e2e", &["client", "worker-core"], &[]),
            ],
            &[],
        );
    }

    #[test]
    fn an_arrow_to_another_zone_is_found_but_for_tests() {
        let client: (&str, &str, &[&str], &[&str]) = ("client", "client", &[], &[]);
        check(
            &[client, ("worker", "worker", &["client"], &[])],
            &["worker -> client"],
        );
        check(&[client, ("worker", "worker", &[], &["client"])], &[]);
        check(
            &[client, ("core", "wire", &["client"], &[])],
            &["wire -> client"],
        );
    }

    #[test]
    fn nothing_imports_testing_or_the_automation() {
        check(
            &[
                ("testing", "e2e", &[], &[]),
                ("client", "cli", &["e2e"], &[]),
            ],
            &["cli -> e2e"],
        );
        check(
            &[
                ("xtask", "xtask", &[], &[]),
                ("testing", "e2e", &["xtask"], &[]),
            ],
            &["e2e -> xtask"],
        );
    }

    #[test]
    fn a_forbidden_import_is_found_directly_and_through_others() {
        check(
            &[("worker", "worker-core", &["tokio"], &[])],
            &["worker-core -> tokio"],
        );
        check(
            &[
                ("worker", "worker-core", &["executor-api"], &[]),
                ("worker", "executor-api", &["helper"], &[]),
                ("worker", "helper", &["wasmtime"], &[]),
            ],
            &[
                "worker-core -> executor-api -> helper -> wasmtime",
                "executor-api -> helper -> wasmtime",
            ],
        );
    }

    #[test]
    fn a_crate_in_no_zone_is_found() {
        check(
            &[("common", "helper", &[], &[])],
            &["helper: `common` is not a zone"],
        );
    }
}
