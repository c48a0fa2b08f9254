//! What a command prints: text for people, or one JSON value for programs.

use serde_json::{Value, json};
use std::io::{IsTerminal, Write};

/// Where and how to print.
pub struct Output {
    json: bool,
}

impl Output {
    /// Text, or JSON.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Progress of long work, on standard error; silent where programs read.
    pub fn progress(&self, text: &str) {
        if !self.json && std::io::stderr().is_terminal() {
            let _ = writeln!(std::io::stderr(), "  {text}…");
        }
    }

    /// The result: `text` for people, `value` for programs.
    pub fn result(&self, text: impl AsRef<str>, value: &Value) {
        let out = if self.json { value.to_string() } else { text.as_ref().to_owned() };
        // A reader that has gone is no reason to fail.
        let _ = writeln!(std::io::stdout(), "{out}");
    }

    /// A failure, with its causes.
    pub fn error(&self, error: &anyhow::Error) {
        if self.json {
            let _ = writeln!(std::io::stdout(), "{}", json!({ "error": format!("{error:#}") }));
        } else {
            let _ = writeln!(std::io::stderr(), "phat: {error:#}");
        }
    }
}

/// A table with columns as wide as they need to be.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let columns = header.len();
    let mut widths: Vec<usize> = header.iter().map(|title| title.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let mut text = String::new();
        for (place, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            if place + 1 == columns {
                text.push_str(cell);
            } else {
                text.push_str(&format!("{cell:<width$}  "));
            }
        }
        text
    };
    let mut lines = vec![line(header.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["a".to_owned(), "1".to_owned()], vec!["bbb".to_owned(), "2".to_owned()]];
        assert_eq!(table(&["id", "n"], &rows), "id   n\na    1\nbbb  2");
    }
}
