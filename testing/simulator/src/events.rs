//! What happened, the last of it, and how often what.

use std::collections::{BTreeMap, VecDeque};

/// The log of a run.
pub struct Events {
    lines: VecDeque<String>,
    /// Lines that are kept.
    kept: usize,
    counts: BTreeMap<&'static str, u64>,
    /// Over all lines, so that two runs can be compared.
    digest: [u8; 32],
}

impl Events {
    /// A log that keeps so many lines.
    pub fn keeping(kept: usize) -> Self {
        Self { lines: VecDeque::new(), kept, counts: BTreeMap::new(), digest: [0; 32] }
    }

    /// Something of a kind happened.
    pub fn note(&mut self, round: u64, kind: &'static str, text: impl AsRef<str>) {
        *self.counts.entry(kind).or_default() += 1;
        let line = format!("{round:>4} {kind}: {}", text.as_ref());
        self.digest = wire::domain::blake2_256(&[&self.digest[..], line.as_bytes()].concat());
        if self.lines.len() >= self.kept {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// How often what happened.
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// A hash over everything that happened.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The last lines.
    pub fn last(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}
