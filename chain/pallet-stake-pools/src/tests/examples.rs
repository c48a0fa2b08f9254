//! The examples of `docs/economy/pools.md`, number by number.

use super::*;
