//! Generates ink!'s metadata: the contract's library is linked into a small program that prints it.
//!
//! With its feature `std`, ink!'s macro puts a function `__ink_generate_metadata` into the library.
//! The program that calls it is generated below the target folder, with the contract's lock file, so
//! that the same dependencies are used.

use std::path::Path;

use serde_json::{Map, Value};

use crate::package::Package;
use crate::{BuildError, Toolchain, cargo};

/// What ink!'s metadata must have, at its top.
const PARTS: [&str; 4] = ["spec", "storage", "types", "version"];

const PROGRAM: &str = r#"//! Prints the metadata of a contract. Generated; not to be edited.

extern crate contract;

unsafe extern "Rust" {
    fn __ink_generate_metadata() -> ink::metadata::InkProject;
}

fn main() {
    // SAFETY: ink!'s macro defines the function in `contract`, with this signature.
    let metadata = unsafe { __ink_generate_metadata() };
    match serde_json::to_string(&metadata) {
        Ok(json) => println!("{json}"),
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
    }
}
"#;

fn manifest(package: &Package) -> String {
    let Package { name, dir, ink, .. } = package;
    format!(
        "# Generated; not to be edited.\n\
         [package]\nname = \"metadata-of-{name}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
         [workspace]\n\n\
         [dependencies]\n\
         contract = {{ package = {name:?}, path = {dir:?}, default-features = false, \
         features = [\"std\"] }}\n\
         ink = {{ {ink}, default-features = false, features = [\"std\"] }}\n\
         serde_json = \"1\"\n\n\
         # Runs once: fast to compile counts, not fast to run.\n\
         [profile.release]\nopt-level = 0\ndebug = false\n",
        dir = dir.display().to_string(),
        ink = ink.dependency,
    )
}

/// The parts of the metadata by name.
pub fn generate(
    package: &Package,
    toolchain: &Toolchain,
    target_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Map<String, Value>, BuildError> {
    let dir = target_dir.join("ink").join("metadata").join(&package.name);
    write_if_new(&dir.join("Cargo.toml"), manifest(package).as_bytes())?;
    write_if_new(&dir.join("src").join("main.rs"), PROGRAM.as_bytes())?;
    if let Ok(lock) = std::fs::read(package.dir.join("Cargo.lock")) {
        let path = dir.join("Cargo.lock");
        std::fs::write(&path, lock).map_err(BuildError::io("cannot write", &path))?;
    }
    let mut command = toolchain.cargo();
    command
        .current_dir(&dir)
        .args(["run", "--release", "--target-dir"])
        .arg(target_dir);
    let json = cargo::run(command, "generating the metadata", progress)?;
    let broken = |reason: String| BuildError::Metadata {
        name: package.name.clone(),
        reason,
    };
    let metadata: Map<String, Value> =
        serde_json::from_slice(&json).map_err(|error| broken(error.to_string()))?;
    match PARTS.iter().find(|part| !metadata.contains_key(**part)) {
        Some(part) => Err(broken(format!("it has no `{part}`"))),
        None => Ok(metadata),
    }
}

/// Leaves a file alone that is right already, so that cargo does not compile it again.
fn write_if_new(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(BuildError::io("cannot make", dir))?;
    }
    std::fs::write(path, bytes).map_err(BuildError::io("cannot write", path))
}
