//! Tests through the pallet's calls, its trait and the mailbox.

mod faults;
mod genesis;
mod life;
mod messages;
mod payments;
mod random;
mod simulation;
