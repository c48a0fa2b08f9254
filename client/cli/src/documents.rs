//! Documentation that must agree with the program: the reference, and every command that a page shows.

use crate::Arguments;
use clap::{CommandFactory, Parser};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The reference of a command and those below it.
fn describe(command: &clap::Command, path: &str, text: &mut String) {
    let mut alone = command
        .clone()
        .bin_name(path.to_owned())
        .term_width(100)
        .mut_args(|argument| argument.hide_env_values(true));
    let help = alone.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!("\n## {path}\n\n```text\n{}\n```\n", lines.join("\n").trim_end()));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        describe(below, &format!("{path} {}", below.get_name()), text);
    }
}

#[test]
fn the_reference_is_what_the_program_says() {
    let mut text = "# The command line\n\nGenerated from the program; a test of `client/cli` writes it anew with \
                    `PHAT_WRITE_REFERENCE=1`. Options of `phat` itself may stand after any command.\n"
        .to_owned();
    describe(&Arguments::command(), "phat", &mut text);
    let file = root().join("docs/reference/cli.md");
    if std::env::var_os("PHAT_WRITE_REFERENCE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &text).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == text,
        "docs/reference/cli.md is not what the program says: run this test with PHAT_WRITE_REFERENCE=1"
    );
}

fn pages(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// Words as a shell splits them; `None` where a quote or a continued line is open.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(letter),
            (_, '\\') => match letters.next()? {
                '\n' => {}
                next => word.get_or_insert_default().push(next),
            },
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(letter);
            }
            (None, '#') if word.is_none() => {
                for rest in letters.by_ref() {
                    if rest == '\n' {
                        break;
                    }
                }
            }
            (None, '|' | '>' | ';' | '&') if word.is_none() => break,
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() || text.ends_with('\\') {
        return None;
    }
    words.extend(word);
    Some(words)
}

/// Whether a reader replaces the word.
fn is_placeholder(word: &str) -> bool {
    let rest = word.trim_start_matches('$');
    word.starts_with('$')
        || (word.starts_with('<') && word.ends_with('>'))
        || (rest.starts_with(|first: char| first.is_ascii_uppercase())
            && rest.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || "-_".contains(c)))
}

/// Whether the program takes the words, whatever a placeholder stands for.
fn parse(words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "…").collect();
    // Nothing: the word itself.
    let values = [
        "",
        "0x0101010101010101010101010101010101010101010101010101010101010101",
        "1",
        "ws://127.0.0.1:9944",
        "name",
    ];
    let places = words.iter().filter(|word| is_placeholder(word)).count() as u32;
    let mut last = String::new();
    for number in 0..values.len().pow(places) {
        let mut left = number;
        let filled = words.iter().map(|word| {
            if !is_placeholder(word) {
                return *word;
            }
            let value = values[left % values.len()];
            left /= values.len();
            if value.is_empty() { *word } else { value }
        });
        match Arguments::try_parse_from(filled) {
            Ok(_) => return Ok(()),
            Err(error) if !error.use_stderr() => return Ok(()),
            Err(error) => last = error.to_string().lines().next().unwrap_or_default().to_owned(),
        }
    }
    Err(last)
}

/// The commands of a page, with their lines: in fenced blocks for shells, and in indented ones.
fn commands(page: &str) -> Vec<(usize, Vec<String>)> {
    let (mut found, mut fence) = (Vec::new(), None::<bool>);
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fence = match fence {
                Some(_) => None,
                None => Some(matches!(language.trim(), "sh" | "bash" | "console" | "shell")),
            };
            continue;
        }
        if !fence.unwrap_or_else(|| line.starts_with("    ")) {
            continue;
        }
        let line = line.trim();
        let line = line.strip_prefix("$ ").unwrap_or(line);
        if !line.starts_with("phat ") {
            continue;
        }
        let mut text = line.to_owned();
        let split = loop {
            match words(&text) {
                Some(split) => break split,
                None => match lines.next() {
                    Some((_, next)) => text.push_str(&format!("\n{}", next.trim())),
                    None => break vec![text],
                },
            }
        };
        found.push((number + 1, split));
    }
    found
}

#[test]
fn every_command_in_the_documentation_is_one() {
    let mut files = vec![root().join("README.md")];
    pages(&root().join("docs"), &mut files);
    let (mut seen, mut faults) = (0, Vec::new());
    for file in files {
        let page = fs::read_to_string(&file).unwrap();
        for (line, words) in commands(&page) {
            seen += 1;
            if let Err(error) = parse(&words) {
                let shown = file.strip_prefix(root()).unwrap().display().to_string();
                faults.push(format!("{shown}:{line}: {}: {error}", words.join(" ")));
            }
        }
    }
    assert!(seen > 50, "only {seen} commands were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn commands_of_pages_are_found_and_judged() {
    let page = "text phat nothing\n\n    phat query C get \\\n      --as //Alice   # why\n```sh\n$ phat call C set '[\n1]' --as A | cat\n```\n```text\nphat no\n```\n";
    let found = commands(page);
    assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 6]);
    assert_eq!(found[0].1, ["phat", "query", "C", "get", "--as", "//Alice"]);
    assert_eq!(found[1].1, ["phat", "call", "C", "set", "[\n1]", "--as", "A"]);
    assert!(found.iter().all(|(_, words)| parse(words).is_ok()));
    let wrong = ["phat", "query", "--no-such-option"].map(str::to_owned);
    assert!(parse(&wrong).is_err());
}

#[test]
fn the_definition_holds_and_each_shell_gets_completions() {
    Arguments::command().debug_assert();
    for shell in <clap_complete::Shell as clap::ValueEnum>::value_variants() {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut Arguments::command(), "phat", &mut script);
        assert!(String::from_utf8(script).unwrap().contains("export"), "{shell}");
    }
}
