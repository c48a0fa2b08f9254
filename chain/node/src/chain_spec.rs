//! The built-in chains, and how others are loaded.

use attestation::AcceptedRoot;
use mock_attestation::DevelopmentPki;
use polkadot_sdk::sc_service::{ChainType, Properties};
use runtime::genesis;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A chain specification.
pub type ChainSpec = polkadot_sdk::sc_service::GenericChainSpec;

const NO_WASM: &str = "this node was built without a runtime: build it with `cargo xtask build`, or \
    set PHAT_RUNTIME_WASM to the runtime's wasm and build again; a raw chain specification file \
    works without";

/// The specification of the given name: `dev`, `local` (also for no name), or a file.
///
/// # Errors
/// When the node has no runtime, or the file is none.
pub fn load(id: &str) -> Result<ChainSpec, String> {
    match id {
        "dev" => development(
            "Phat Development",
            "phat_dev",
            genesis::DEV,
            ChainType::Development,
        ),
        "" | "local" => development(
            "Phat Local Testnet",
            "phat_local",
            genesis::LOCAL,
            ChainType::Local,
        ),
        path => ChainSpec::from_json_file(PathBuf::from(path)),
    }
}

fn development(
    name: &str,
    id: &str,
    preset: &str,
    chain_type: ChainType,
) -> Result<ChainSpec, String> {
    let wasm = runtime::WASM_BINARY.ok_or(NO_WASM)?;
    let mut patch = genesis::preset(preset).ok_or("the runtime lost a preset; rebuild it")?;
    patch["phalaRegistry"]["acceptedRoots"] = json!(["Intel", development_root()?]);
    Ok(ChainSpec::builder(wasm, None)
        .with_name(name)
        .with_id(id)
        .with_chain_type(chain_type)
        .with_protocol_id("phat")
        .with_properties(properties())
        .with_genesis_config_patch(patch)
        .build())
}

/// The well-known development root, as the registry's genesis configuration writes it.
fn development_root() -> Result<Value, String> {
    match DevelopmentPki::insecure_well_known().accepted_root() {
        AcceptedRoot::Development { root_ca_der } => {
            let der = format!("0x{}", hex::encode(root_ca_der.as_bytes()));
            Ok(json!({ "Development": der }))
        }
        AcceptedRoot::Intel => Err("the development PKI claims to be Intel's; rebuild it".into()),
    }
}

fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), "PHA".into());
    properties.insert("tokenDecimals".into(), 12.into());
    properties.insert("ss58Format".into(), primitives::units::SS58_PREFIX.into());
    properties
}
