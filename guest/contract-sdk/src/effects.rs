//! Side effects: what a contract asks of the worker by an event.
//!
//! Most authors need none of it: [`cache`](crate::cache) and [`system`](crate::system) are handier. The
//! engine refuses what [`Effect::is_system_only`] names from any contract but the system contract, and in a
//! query does only what [`Effect::is_allowed_in_query`] names.
//!
//! ```
//! use contract_sdk::effects::{self, CacheOp, Effect};
//!
//! let worker = contract_sdk::test::Worker::new();
//! let remove = Effect::CacheOp(CacheOp::Remove { key: b"price".to_vec() });
//! effects::emit(&remove);
//! assert_eq!(worker.effects(), [remove]);
//! ```

pub use contract_abi::event::{CacheOp, HookPoint, PinkEvent as Effect};

/// Asks for a side effect.
pub fn emit(effect: &Effect) {
    crate::host::emit(effect);
}
