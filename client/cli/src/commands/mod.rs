//! One file for each command.

pub mod account;
pub mod audit;
pub mod build;
pub mod call;
pub mod cluster;
pub mod contract;
pub mod deploy;
pub mod dev;
pub mod logs;
pub mod new;
pub mod query;
pub mod receipt;
pub mod replay;
pub mod stake;
pub mod worker;
