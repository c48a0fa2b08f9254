//! Lines of a log that the contract's owner can read, and nobody else.
//!
//! ```
//! use contract_sdk::log::Level;
//!
//! let worker = contract_sdk::test::Worker::new();
//! contract_sdk::info!("{} of {} sources answered", 4, 5);
//! contract_sdk::error!("no price");
//! assert_eq!(worker.logs(), [
//!     (Level::Info, "4 of 5 sources answered".to_string()),
//!     (Level::Error, "no price".to_string()),
//! ]);
//! ```
//!
//! Lines of queries are kept by the worker that answered, those of transactions by every worker. Log no
//! secrets all the same: the owner of a contract is often not its users.

use contract_abi::extension::Function;

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something may fail soon.
    Warn = 2,
    /// A milestone.
    Info = 3,
    /// For the author.
    Debug = 4,
    /// Every step.
    Trace = 5,
}

/// Writes a line; the macros are handier.
pub fn line(level: Level, text: &str) {
    crate::host::call::<_, ()>(Function::Log, &(level as u8, text));
}

/// Writes a line at a [`Level`](crate::log::Level), with the arguments of [`format!`].
#[macro_export]
macro_rules! log {
    ($level:expr, $($arguments:tt)+) => {
        $crate::log::line($level, &$crate::log::format!($($arguments)+))
    };
}

/// Writes a line at [`Level::Error`](crate::log::Level::Error).
#[macro_export]
macro_rules! error {
    ($($arguments:tt)+) => { $crate::log!($crate::log::Level::Error, $($arguments)+) };
}

/// Writes a line at [`Level::Warn`](crate::log::Level::Warn).
#[macro_export]
macro_rules! warn {
    ($($arguments:tt)+) => { $crate::log!($crate::log::Level::Warn, $($arguments)+) };
}

/// Writes a line at [`Level::Info`](crate::log::Level::Info).
#[macro_export]
macro_rules! info {
    ($($arguments:tt)+) => { $crate::log!($crate::log::Level::Info, $($arguments)+) };
}

/// Writes a line at [`Level::Debug`](crate::log::Level::Debug).
#[macro_export]
macro_rules! debug {
    ($($arguments:tt)+) => { $crate::log!($crate::log::Level::Debug, $($arguments)+) };
}

#[doc(hidden)]
pub use alloc::format;
