//! What the system contract keeps in the state, at the price of ordinary storage.

use codec::{Decode, Encode};
use primitives::AccountId;

use super::System;
use crate::limits::{DRIVER_HISTORY_MAX, cost};
use crate::state::{admin_key, driver_key};
use crate::stop::Stop;

/// A driver, and the block since which it has the name.
pub type Since = (u32, AccountId);

impl System<'_> {
    fn read<R: Decode>(&mut self, key: &[u8]) -> Result<Option<R>, Stop> {
        self.charge(cost::STORAGE_READ)?;
        let execution = &*self.execution;
        Ok(execution.overlay.read_record(execution.state(), key)?)
    }

    fn write(&mut self, key: Vec<u8>, value: &impl Encode) -> Result<(), Stop> {
        let value = value.encode();
        self.charge(cost::STORAGE_WRITE)?;
        self.charge(cost::STORAGE_BYTE_WRITTEN.saturating_mul(value.len() as u64))?;
        Ok(self.execution.overlay.write(key, Some(value))?)
    }

    /// Stops a message that changes something where nothing may be changed.
    pub(super) fn mutates(&self) -> Result<(), Stop> {
        match self.read_only {
            true => Err(Stop::trap("the call is read-only")),
            false => Ok(()),
        }
    }

    pub(super) fn has_admin(&mut self, account: &AccountId) -> Result<bool, Stop> {
        Ok(self.read::<()>(&admin_key(account))?.is_some())
    }

    pub(super) fn add_admin(&mut self, account: &AccountId) -> Result<(), Stop> {
        self.write(admin_key(account), &())
    }

    /// Whom was set under `name`, the oldest first.
    pub(super) fn stored_history(&mut self, name: &str) -> Result<Vec<Since>, Stop> {
        Ok(self.read(&driver_key(name))?.unwrap_or_default())
    }

    pub(super) fn store_history(&mut self, name: &str, history: &[Since]) -> Result<(), Stop> {
        let start = history.len().saturating_sub(DRIVER_HISTORY_MAX);
        let kept = history.get(start..).unwrap_or_default();
        self.write(driver_key(name), &kept)
    }
}
