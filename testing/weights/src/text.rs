//! What was measured, as Rust.

use crate::Cost;
use anyhow::Context as _;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Writes a pallet's `measured.rs`; gives its path.
///
/// # Errors
/// When the file cannot be written.
pub fn write(root: &Path, pallet: &str, costs: &[Cost]) -> anyhow::Result<PathBuf> {
    let file = root
        .join("chain")
        .join(pallet.replace('_', "-"))
        .join("src/measured.rs");
    let mut text = String::from(
        "//! What the pallet's functions cost: written by `cargo xtask weights`, not by hand. Time is that of the\n\
         //! runtime's compiled wasm with the state in memory; reads and writes are charged apart.\n\n\
         use polkadot_sdk::{frame_support::weights::Weight, frame_system, sp_core::Get};\n",
    );
    for cost in costs {
        text.push('\n');
        text.push_str(&function(cost));
    }
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// Digits in groups of three.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

fn at(list: &[u128], place: usize) -> u128 {
    list.get(place).copied().unwrap_or(0)
}

fn function(cost: &Cost) -> String {
    let slopes: Vec<bool> = (0..cost.components.len())
        .map(|place| {
            at(&cost.time.1, place) + at(&cost.reads.1, place) + at(&cost.writes.1, place) > 0
        })
        .collect();
    let arguments: Vec<String> = cost
        .components
        .iter()
        .zip(&slopes)
        .map(|(name, counts)| format!("{}{name}: u32", if *counts { "" } else { "_" }))
        .collect();
    let mut text = String::new();
    let _infallible = write!(
        text,
        "/// `{}`.\npub fn {}<T: frame_system::Config>({}) -> Weight {{\n    Weight::from_parts({}, 0)\n        \
         .saturating_add(T::DbWeight::get().reads_writes({}, {}))\n",
        cost.name,
        cost.name,
        arguments.join(", "),
        grouped(cost.time.0),
        cost.reads.0,
        cost.writes.0
    );
    for (place, name) in cost.components.iter().enumerate() {
        if !slopes[place] {
            continue;
        }
        let _infallible = write!(
            text,
            "        .saturating_add(\n            Weight::from_parts({}, 0)\n                \
             .saturating_add(T::DbWeight::get().reads_writes({}, {}))\n                \
             .saturating_mul({name}.into()),\n        )\n",
            grouped(at(&cost.time.1, place)),
            at(&cost.reads.1, place),
            at(&cost.writes.1, place)
        );
    }
    text.push_str("}\n");
    text
}
