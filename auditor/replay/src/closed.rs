//! The first thing that an execution needed and the auditor does not have.

use crate::{report::Need, state::lock};
use std::sync::Mutex;

/// Notes what is missing; the first counts.
#[derive(Default)]
pub struct Closed(Mutex<Option<Need>>);

impl Closed {
    pub fn note(&self, need: Need) {
        lock(&self.0).get_or_insert(need);
    }

    pub fn take(&self) -> Option<Need> {
        lock(&self.0).take()
    }
}
