//! New projects: a contract to start from, with the SDK it uses.
//!
//! The SDK's source comes with this crate and is written into the project's folder `vendor`, as is what it is
//! made of that is ours; the rest comes from crates.io, in the versions of the lock file. So a
//! project needs no checkout of ours and no registry that has us, and its SDK fits the `phat` that made it.

use std::path::{Path, PathBuf};

/// Longest name of a project, bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// Names that would not compile, or hide a crate that is used.
const NAMES_TAKEN: [&str; 12] = [
    "alloc", "codec", "contract", "contract-abi", "contract-sdk", "core", "ink", "proc-macro",
    "scale-info", "serde-json", "std", "test",
];
/// Words of the language that a library cannot be named.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
    "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self",
    "static", "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// What a project starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// A bit that anybody can flip: the least that is a contract.
    Flipper,
    /// A value fetched from the web.
    Http,
    /// State by account.
    Storage,
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Flipper, Self::Http, Self::Storage];

    /// As it is named on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flipper => "flipper",
            Self::Http => "http",
            Self::Storage => "storage",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Flipper => include_str!("../templates/flipper.rs"),
            Self::Http => include_str!("../templates/http.rs"),
            Self::Storage => include_str!("../templates/storage.rs"),
        }
    }
}

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The name is none for a Rust library.
    #[error(
        "{0:?} cannot be a contract's name; use up to {NAME_BYTES_MAX} lower-case letters, digits, \
         - and _, with a letter first, and no word of Rust's"
    )]
    BadName(String),
    /// Something is there already.
    #[error("{0} exists already; choose another name or another folder")]
    Exists(PathBuf),
    /// A file could not be written.
    #[error("cannot write {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

macro_rules! files {
    ($folder:literal: $($file:literal)*) => {
        &[$(($file, include_str!(concat!("../../../", $folder, "/", $file)))),*]
    };
}

/// Paths and texts.
type Files = &'static [(&'static str, &'static str)];

/// Files of the SDK; a test compares the list with the folder.
const SDK: Files = files!("guest/contract-sdk":
    "src/cache.rs" "src/chain.rs" "src/decimal.rs" "src/effects.rs" "src/host.rs" "src/http.rs"
    "src/js.rs" "src/json.rs" "src/lib.rs" "src/log.rs" "src/random.rs" "src/signing.rs"
    "src/system.rs" "src/test/crypto.rs" "src/test/extension.rs" "src/test/mod.rs"
    "src/test/system.rs" "src/time.rs"
);
const SDK_MANIFEST: &str = include_str!("../../../guest/contract-sdk/Cargo.toml");
/// Where the interface is seen from the SDK, in our tree and in a project.
const INTERFACE_PATH: [&str; 2] = ["../../core/contract-abi", "../contract-abi"];

/// Files of the interface.
const INTERFACE: Files = files!("core/contract-abi":
    "src/event.rs" "src/extension.rs" "src/http.rs" "src/lib.rs" "src/script.rs" "src/system.rs"
);
const INTERFACE_MANIFEST: &str = include_str!("../templates/contract-abi.toml.txt");

const MANIFEST: &str = include_str!("../templates/Cargo.toml.txt");
const README: &str = include_str!("../templates/README.md.txt");
/// A lock file of the same dependencies; its package's name is replaced.
const LOCK: &str = include_str!("../../../guest/examples/oracle/Cargo.lock");
const LOCK_NAME: &str = "name = \"oracle\"";

/// Makes a project in the folder `parent`/`name`, which must not exist, and gives the folder.
///
/// # Errors
/// See [`ProjectError`]. A folder that could be written in part only is left as it is.
pub fn create(parent: &Path, name: &str, template: Template) -> Result<PathBuf, ProjectError> {
    if !is_name(name) {
        return Err(ProjectError::BadName(name.to_owned()));
    }
    let folder = parent.join(name);
    if folder.symlink_metadata().is_ok() {
        return Err(ProjectError::Exists(folder));
    }
    let own = [
        ("Cargo.toml", MANIFEST.replace("{name}", name)),
        ("Cargo.lock", LOCK.replace(LOCK_NAME, &format!("name = \"{name}\""))),
        ("README.md", README.replace("{name}", name)),
        (".gitignore", "/target\n".to_owned()),
        ("src/lib.rs", template.source().to_owned()),
        (
            "vendor/contract-sdk/Cargo.toml",
            SDK_MANIFEST.replace(INTERFACE_PATH[0], INTERFACE_PATH[1]),
        ),
        ("vendor/contract-abi/Cargo.toml", INTERFACE_MANIFEST.to_owned()),
    ];
    for (path, text) in &own {
        write(&folder.join(path), text)?;
    }
    for (vendored, files) in [("contract-sdk", SDK), ("contract-abi", INTERFACE)] {
        for (path, text) in files {
            write(&folder.join("vendor").join(vendored).join(path), text)?;
        }
    }
    Ok(folder)
}

fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase();
    let allowed = |byte: u8| letter(byte) || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    let dashed = name.replace('_', "-");
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().next().is_some_and(letter)
        && name.bytes().all(allowed)
        && !NAMES_TAKEN.contains(&dashed.as_str())
        && !KEYWORDS.contains(&name)
}

fn write(path: &Path, text: &str) -> Result<(), ProjectError> {
    let written = match path.parent() {
        Some(folder) => std::fs::create_dir_all(folder),
        None => Ok(()),
    };
    written.and_then(|()| std::fs::write(path, text)).map_err(|source| ProjectError::Io {
        path: path.to_owned(),
        source,
    })
}
