//! Units of money.

use crate::Balance;

/// One PHA: 10^12 of the smallest unit.
pub const PHA: Balance = 1_000_000_000_000;

/// The least balance an account may have: 0.01 PHA.
pub const EXISTENTIAL_DEPOSIT: Balance = PHA / 100;

/// Address prefix (SS58) of the network's accounts.
pub const SS58_PREFIX: u16 = 30;
