//! One file for each command.

pub mod account;
pub mod build;
pub mod call;
pub mod cluster;
pub mod contract;
pub mod deploy;
pub mod dev;
pub mod logs;
pub mod mine;
pub mod new;
pub mod pool;
pub mod query;
pub mod receipt;
pub mod stake;
pub mod vault;
pub mod worker;
