//! A verdict as data, for programs that show it.

use crate::{Expected, Link, check::LINKS, verify};
use alloc::{string::String, vec::Vec};
use serde::Serialize;

/// What was found out about a receipt file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether every link holds.
    pub holds: bool,
    /// Links that hold, in order.
    pub links: Vec<Link>,
    /// The link that does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<&'static str>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Links after that, which were not looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<&'static str>,
    /// What must be known beside.
    pub warning: Option<String>,
}

/// [`verify`], with its verdict as one value.
pub fn report(bytes: &[u8], expected: &Expected<'_>) -> Report {
    match verify(bytes, expected) {
        Ok(verified) => Report {
            holds: true,
            links: verified.links,
            failed: None,
            reason: None,
            unchecked: Vec::new(),
            warning: verified.warning,
        },
        Err(error) => Report {
            holds: false,
            unchecked: LINKS
                .iter()
                .copied()
                .filter(|name| {
                    *name != error.link && error.held.iter().all(|held| held.name != *name)
                })
                .collect(),
            links: error.held,
            failed: Some(error.link),
            reason: Some(error.reason),
            warning: None,
        },
    }
}
