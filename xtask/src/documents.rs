//! What documents promise each other: links that lead somewhere, and a book that has every page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};

/// Documents beside the book.
const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"];
/// The book's folder.
const BOOK: &str = "docs";
/// The book's table of contents: each page once.
const CONTENTS: &str = "SUMMARY.md";
/// Spaces that make a line code, where it follows an empty one.
const CODE_INDENT: &str = "    ";

/// Checks every relative link of the documents, and that the book's contents name each of its pages once.
///
/// # Errors
/// Names what leads nowhere and what is missing.
pub fn check(root: &Path) -> anyhow::Result<()> {
    let mut pages = BTreeSet::new();
    collect_pages(&root.join(BOOK), Path::new(BOOK), &mut pages)?;
    let documents: Vec<PathBuf> =
        DOCUMENTS.iter().map(PathBuf::from).chain(pages.iter().cloned()).collect();
    let mut texts = BTreeMap::new();
    for path in documents {
        let text = fs::read_to_string(root.join(&path))
            .with_context(|| format!("cannot read {}", path.display()))?;
        texts.insert(path, text);
    }
    let mut wrong = Vec::new();
    let mut count = 0_usize;
    for (path, text) in &texts {
        for link in links(text) {
            count += 1;
            if let Err(reason) = follow(root, path, &link, &texts) {
                wrong.push(format!("{}: {link}: {reason}", path.display()));
            }
        }
    }
    let contents = Path::new(BOOK).join(CONTENTS);
    let listed = texts.get(&contents).map(|text| links(text)).unwrap_or_default();
    wrong.extend(compare(&listed, &pages));
    if !wrong.is_empty() {
        bail!("documents:\n  {}", wrong.join("\n  "));
    }
    println!("tidy: {count} links of documents lead somewhere; the book has its {} pages", pages.len() - 1);
    Ok(())
}

/// Adds all Markdown below `folder`, by paths that begin with `name`.
fn collect_pages(folder: &Path, name: &Path, pages: &mut BTreeSet<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = name.join(entry.file_name());
        if entry.path().is_dir() {
            collect_pages(&entry.path(), &name, pages)?;
        } else if name.extension().is_some_and(|extension| extension == "md") {
            pages.insert(name);
        }
    }
    Ok(())
}

/// What is wrong with the contents: pages that they lack or have twice.
fn compare(listed: &[String], pages: &BTreeSet<PathBuf>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for link in listed {
        let path = Path::new(BOOK).join(link);
        if !seen.insert(path) {
            wrong.push(format!("{BOOK}/{CONTENTS}: {link} is there twice"));
        }
    }
    let contents = Path::new(BOOK).join(CONTENTS);
    let missing = pages.iter().filter(|page| **page != contents && !seen.contains(*page));
    wrong.extend(missing.map(|page| format!("{BOOK}/{CONTENTS} lacks {}", page.display())));
    wrong
}

/// Whether a link of a document leads to something that is there.
fn follow(
    root: &Path,
    from: &Path,
    link: &str,
    texts: &BTreeMap<PathBuf, String>,
) -> Result<(), String> {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() {
        from.to_path_buf()
    } else {
        let folder = from.parent().unwrap_or(Path::new(""));
        normal(&folder.join(file)).ok_or("it leads out of the repository")?
    };
    if !root.join(&target).exists() {
        return Err("there is no such file".to_owned());
    }
    let Some(anchor) = anchor else { return Ok(()) };
    // Anchors of other files than documents, such as lines of a source, are not ours to know.
    match texts.get(&target) {
        Some(text) if !anchors(text).contains(anchor) => Err("there is no such heading".to_owned()),
        _ => Ok(()),
    }
}

/// A path without `.` and `..`; none where it would leave the folder that it starts in.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !parts.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts)
}

/// Lines that are text, not code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let (mut fenced, mut after_empty, mut indented) = (false, true, false);
    text.lines().filter(move |line| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return false;
        }
        let is_empty = line.trim().is_empty();
        indented = !is_empty && line.starts_with(CODE_INDENT) && (after_empty || indented);
        after_empty = is_empty;
        !fenced && !indented
    })
}

/// Targets of all links and pictures that are relative, without titles.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        // What is between backticks is code.
        let without_code: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for after in without_code.split("](").skip(1) {
            let target = after.split(')').next().unwrap_or_default();
            let target = target.split_whitespace().next().unwrap_or_default();
            let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !target.is_empty() && !is_elsewhere {
                found.push(target.to_owned());
            }
        }
    }
    found
}

/// The anchors that headings get, as both hosts of repositories and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let anchor: String = title
            .trim()
            .chars()
            .filter_map(|letter| match letter {
                ' ' => Some('-'),
                '-' | '_' => Some(letter),
                _ => letter.is_alphanumeric().then(|| letter.to_lowercase().next().unwrap_or(letter)),
            })
            .collect();
        let mut named = anchor.clone();
        let mut times = 0;
        while !found.insert(named) {
            times += 1;
            named = format!("{anchor}-{times}");
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_told_from_code_and_from_other_hosts() {
        let text = "See [one](a.md), ![two](b.svg \"title\") and [three](c.md#part).\n\
                    `[no](code.md)` but [`four`](d.md); [out](https://example.org/x.md)\n\n    [no](indented.md)\n\n\
                    ```\n[no](fenced.md)\n```\n- item\n    [five](e.md)\n";
        assert_eq!(links(text), ["a.md", "b.svg", "c.md#part", "d.md", "e.md"]);
    }

    #[test]
    fn headings_have_the_anchors_that_hosts_give_them() {
        let text = "# The `phat` tool: what, why\n## Limits\n## Limits\n#no\n\n    # comment of a shell\n";
        let expected = ["the-phat-tool-what-why", "limits", "limits-1"].map(str::to_owned);
        assert_eq!(anchors(text), BTreeSet::from(expected));
    }

    #[test]
    fn a_link_leads_to_a_file_and_a_heading_that_are_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let here = PathBuf::from("docs/page.md");
        let texts = BTreeMap::from([
            (here.clone(), "# Page\n".to_owned()),
            (PathBuf::from("Cargo.toml"), "# Other\n".to_owned()),
        ]);
        let follow = |link: &str| follow(root, &here, link, &texts);
        assert_eq!(follow("../Cargo.toml#other"), Ok(()));
        assert_eq!(follow("../src/main.rs#L7"), Ok(()));
        assert!(follow("../Cargo.toml#absent").is_err());
        assert!(follow("absent.md").is_err());
        assert!(follow("../../README.md").is_err(), "it leaves the folder");
    }

    #[test]
    fn the_contents_have_each_page_once() {
        let pages = ["docs/SUMMARY.md", "docs/a.md", "docs/b.md"].map(PathBuf::from);
        let pages = BTreeSet::from(pages);
        let listed = |names: &[&str]| compare(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>(), &pages);
        assert!(listed(&["a.md", "b.md"]).is_empty());
        assert_eq!(listed(&["a.md"]), ["docs/SUMMARY.md lacks docs/b.md"]);
        assert_eq!(listed(&["a.md", "b.md", "a.md"]), ["docs/SUMMARY.md: a.md is there twice"]);
    }
}
