//! A network of one's own, made of the node's built-in chain specification.

use chain_facts::keys;
use primitives::Measurement;
use rand_core::{OsRng, RngCore};
use serde_json::Value;

/// Storage key, outside of all pallets, of what makes a network's genesis its own.
const NETWORK_KEY: &[u8] = b":phat-dev-network";

/// What a network's first block has that the built-in one has not.
#[derive(Clone, Copy, Debug)]
pub struct SpecChanges {
    /// The worker build that is allowed: a network of one's own need not vote on what it starts with.
    pub measurement: Measurement,
    /// Length of a slot, milliseconds.
    pub slot_ms: Option<u64>,
    /// Blocks of a session.
    pub session_blocks: Option<u32>,
}

impl SpecChanges {
    /// A raw specification with the changes, of a raw one. Each has a genesis hash of its own; else what was
    /// made for one network would hold on another.
    ///
    /// # Errors
    /// In words, when the specification is none, or not raw.
    pub fn apply(&self, exported: &[u8]) -> Result<String, String> {
        let mut spec: Value =
            serde_json::from_slice(exported).map_err(|error| error.to_string())?;
        let top = spec
            .pointer_mut("/genesis/raw/top")
            .and_then(Value::as_object_mut)
            .ok_or("it is not raw")?;
        let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
        let mut set = |key: &[u8], value: &[u8]| top.insert(hex(key), hex(value).into());
        set(
            &keys::allowed_measurement(&self.measurement),
            &0u32.to_le_bytes(),
        );
        set(
            &keys::plain("PhalaRegistry", "CounterForAllowedMeasurements"),
            &1u32.to_le_bytes(),
        );
        let mut unique = [0u8; 32];
        OsRng.fill_bytes(&mut unique);
        set(NETWORK_KEY, &unique);
        if let Some(slot_ms) = self.slot_ms {
            set(&keys::plain("Slots", "DurationMs"), &slot_ms.to_le_bytes());
        }
        if let Some(session_blocks) = self.session_blocks {
            set(&keys::session_blocks(), &session_blocks.to_le_bytes());
        }
        Ok(spec.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_gets_the_build_and_the_lengths_and_a_name_of_its_own() {
        let exported = br#"{"genesis":{"raw":{"top":{}}}}"#;
        let changes = SpecChanges {
            measurement: Measurement([7; 32]),
            slot_ms: Some(500),
            session_blocks: Some(12),
        };
        let first = changes.apply(exported).unwrap();
        assert_ne!(
            first,
            changes.apply(exported).unwrap(),
            "no two networks are the same"
        );
        let spec: Value = serde_json::from_str(&first).unwrap();
        let value =
            |key: Vec<u8>| spec["genesis"]["raw"]["top"][format!("0x{}", hex::encode(key))].clone();
        assert_eq!(value(keys::session_blocks()), "0x0c000000");
        assert_eq!(
            value(keys::plain("Slots", "DurationMs")),
            "0xf401000000000000"
        );
        assert_eq!(
            value(keys::allowed_measurement(&Measurement([7; 32]))),
            "0x00000000"
        );
        assert!(changes.apply(b"{}").is_err());
    }
}
