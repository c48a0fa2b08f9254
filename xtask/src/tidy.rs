//! What compilers do not see: promises in documents that must stay true.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::documents;
use crate::workspace::Workspace;

/// Folders that hold Rust of ours.
const SOURCES: [&str; 8] = [
    "core", "chain", "worker", "client", "guest", "auditor", "testing", "xtask",
];
/// Folders that are built or fetched, wherever they are.
const NOT_SOURCE: [&str; 2] = ["target", "node_modules"];
/// Its tables name tests.
const SECURITY: &str = "SECURITY.md";

/// Checks that each test which `SECURITY.md` names exists, and that links of documents lead somewhere.
///
/// # Errors
/// Names what does not.
pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let document = workspace.root().join(SECURITY);
    let text = fs::read_to_string(&document)
        .with_context(|| format!("cannot read {}", document.display()))?;
    let mut functions = BTreeSet::new();
    for folder in SOURCES {
        let folder = workspace.root().join(folder);
        if folder.is_dir() {
            collect_functions(&folder, &mut functions)?;
        }
    }
    let named = named_tests(&text);
    let missing: Vec<&str> = named
        .iter()
        .copied()
        .filter(|name| !functions.contains(*name))
        .collect();
    if !missing.is_empty() {
        bail!(
            "{SECURITY} names tests that do not exist: {}",
            missing.join(", ")
        );
    }
    println!("tidy: {} tests that {SECURITY} names exist", named.len());
    documents::check(workspace.root())
}

/// Names in backticks that are a test's: three words and more, perhaps after a crate's name.
fn named_tests(text: &str) -> BTreeSet<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .map(|quoted| quoted.rsplit_once(": ").map_or(quoted, |(_, name)| name))
        .filter(|name| name.matches('_').count() >= 2)
        .filter(|name| {
            name.chars()
                .all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
        })
        .collect()
}

/// Adds the names of all functions below `folder`.
fn collect_functions(folder: &Path, functions: &mut BTreeSet<String>) -> anyhow::Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() && !NOT_SOURCE.contains(&name) {
            collect_functions(&path, functions)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            functions.extend(source.split("fn ").skip(1).filter_map(name_at_start));
        }
    }
    Ok(())
}

fn name_at_start(text: &str) -> Option<String> {
    let is_end = |letter: char| letter != '_' && !letter.is_ascii_alphanumeric();
    text.split(is_end)
        .next()
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tests_are_told_from_other_code() {
        let text = "`wire: a_long_name_of_a_test`, `another_name_of_one`; `cargo xtask dev`, `next_number`";
        let expected = BTreeSet::from(["a_long_name_of_a_test", "another_name_of_one"]);
        assert_eq!(named_tests(text), expected);
    }

    #[test]
    fn names_of_functions_end_at_their_first_other_letter() {
        assert_eq!(name_at_start("judge(evidence)").as_deref(), Some("judge"));
        assert_eq!(name_at_start("way<T>()").as_deref(), Some("way"));
        assert_eq!(name_at_start("(").as_deref(), None);
    }
}
