//! Embeds the runtime's wasm, when there is one.
//!
//! `PHAT_RUNTIME_WASM` names the blob; `cargo xtask` builds it first and sets the variable. Without it
//! the node is built without a runtime and says so when a built-in chain is asked for.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=PHAT_RUNTIME_WASM");
    println!("cargo::rerun-if-changed=build.rs");
    let value = match env::var("PHAT_RUNTIME_WASM") {
        Ok(path) if !path.is_empty() => {
            let path = Path::new(&path).canonicalize()?;
            println!("cargo::rerun-if-changed={}", path.display());
            format!("Some(include_bytes!({path:?}))")
        }
        _ => "None".into(),
    };
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(
        Path::new(&out).join("wasm_binary.rs"),
        format!(
            "/// The runtime's wasm, compressed; `None` in a build without it.\n\
             pub const WASM_BINARY: Option<&[u8]> = {value};\n"
        ),
    )
}
