//! A stateful fuzzer of money: registered workers, pools, vaults, sessions, slashes, stakes to contracts and
//! gatekeepers' bonds in the real runtime, driven by one seed in random order.
//!
//! After each step every pallet's `try_state` holds, what all accounts have is the total issuance, and that has changed
//! by nothing but balances below the least. A step may be refused; it must then have changed nothing of that.

mod actions;
mod chance;
mod world;

pub use actions::{KINDS, Kind};
pub use world::{Report, World};

/// Runs so many steps of a seed.
///
/// # Errors
/// Names the step, what it did, and what did not hold after it.
pub fn run(seed: u64, steps: u64) -> anyhow::Result<Report> {
    let mut world = World::new(seed)?;
    for step in 0..steps {
        world
            .step()
            .map_err(|error| error.context(format!("seed {seed}, step {step}")))?;
    }
    Ok(world.report())
}
