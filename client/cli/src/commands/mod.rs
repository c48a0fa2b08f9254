//! One file for each command.

pub mod account;
pub mod audit;
pub mod build;
pub mod call;
pub mod cluster;
pub mod codegen;
pub mod contract;
pub mod deploy;
pub mod dev;
pub mod doctor;
pub mod logs;
pub mod member;
pub mod mine;
pub mod new;
pub mod pool;
pub mod query;
pub mod receipt;
pub mod replay;
pub mod shell;
pub mod stake;
pub mod treasury;
pub mod validator;
pub mod vault;
pub mod vote;
pub mod worker;
