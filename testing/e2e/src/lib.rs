//! Whole networks of real processes.
//!
//! [`election`] is the main demonstration: the 2013 mayoral election of Montreal, district by district,
//! through encrypted commands. It checks what it promises and fails if anything does not hold; with
//! [`disturb`] the node and the workers are killed at random moments meanwhile.

pub mod data;
pub mod disturb;
pub mod election;
pub mod replaying;
pub mod tamper;
