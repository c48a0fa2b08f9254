//! Passphrases of keystores: from a file that is named, or from the terminal without echo. They are never
//! arguments, which other users of the machine can read.

use anyhow::{Context, Result, bail};
use client::PASSPHRASE_CHARACTERS_MIN;
use std::{
    fs::File,
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
    sync::OnceLock,
};
use zeroize::Zeroizing;

/// The longest passphrase, in bytes.
const BYTES_MAX: usize = 4096;

static FILE: OnceLock<PathBuf> = OnceLock::new();

/// Names the file that passphrases come from.
pub fn use_file(file: PathBuf) {
    // There is one for each run.
    let _ = FILE.set(file);
}

/// The passphrase that opens the keystore of `name`.
pub fn of(name: &str) -> Result<Zeroizing<String>> {
    match FILE.get() {
        Some(file) => read(file),
        None => ask(&format!("Passphrase of {name}: ")),
    }
}

/// A passphrase for a new keystore; asked twice.
pub fn new(name: &str) -> Result<Zeroizing<String>> {
    let passphrase = match FILE.get() {
        Some(file) => read(file)?,
        None => {
            let first = ask(&format!("New passphrase for {name}: "))?;
            if *ask("The same again: ")? != *first {
                bail!("the two passphrases differ: nothing was written; try again");
            }
            first
        }
    };
    if passphrase.chars().count() < PASSPHRASE_CHARACTERS_MIN {
        bail!("the passphrase is too short: use at least {PASSPHRASE_CHARACTERS_MIN} characters");
    }
    Ok(passphrase)
}

/// The file's text without the end of its line.
fn read(file: &Path) -> Result<Zeroizing<String>> {
    let shown = file.display();
    let mut bytes = Zeroizing::new(vec![0u8; BYTES_MAX + 2]);
    let mut open = File::open(file)
        .with_context(|| format!("the passphrase file {shown} cannot be read"))?;
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match open.read(rest).with_context(|| format!("{shown}"))? {
            0 => break,
            more => length += more,
        }
    }
    bytes.truncate(length);
    let Ok(text) = std::str::from_utf8(&bytes) else { bail!("{shown} is not text in UTF-8") };
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() || text.len() > BYTES_MAX || text.contains('\n') {
        bail!("{shown} is no passphrase: one line of 1 to {BYTES_MAX} bytes is expected");
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn ask(prompt: &str) -> Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "a passphrase is needed and there is no terminal to ask on: name a file that holds it with \
             --passphrase-file or PHAT_PASSPHRASE_FILE"
        );
    }
    let typed = rpassword::prompt_password(prompt).context("the passphrase cannot be asked for")?;
    Ok(Zeroizing::new(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_file_is_one_line() {
        let file = std::env::temp_dir().join(format!("phat-passphrase-{}", std::process::id()));
        for (text, expected) in [
            ("correct horse\n", Some("correct horse")),
            ("correct horse\r\n", Some("correct horse")),
            (" spaces count ", Some(" spaces count ")),
            ("", None),
            ("\n", None),
            ("two\nlines\n", None),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read(&file).ok().as_deref().map(String::as_str), expected, "{text:?}");
        }
        std::fs::write(&file, "x".repeat(BYTES_MAX + 1)).unwrap();
        assert!(read(&file).is_err());
        std::fs::remove_file(&file).unwrap();
    }
}
