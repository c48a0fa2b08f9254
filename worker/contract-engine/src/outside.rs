//! What an execution sees of the world: the state and the worker, borrowed from the caller.

use executor_api::{Capabilities, StateView};

/// The two borrowed interfaces, with their lifetimes erased.
///
/// wasmtime keeps host data that is `'static`, while the caller lends these only for one execution.
#[derive(Clone, Copy)]
pub struct Outside {
    state: &'static dyn StateView,
    capabilities: &'static dyn Capabilities,
}

impl Outside {
    /// Erases the lifetimes.
    ///
    /// # Safety
    /// The result and its copies must be dropped before either borrow ends.
    #[expect(unsafe_code, reason = "wasmtime stores only 'static host data")]
    pub unsafe fn erase(state: &dyn StateView, capabilities: &dyn Capabilities) -> Self {
        use std::mem::transmute;
        // SAFETY: only the lifetime changes; the caller keeps the result from outliving it.
        let state = unsafe { transmute::<&dyn StateView, &'static dyn StateView>(state) };
        // SAFETY: as above.
        let capabilities =
            unsafe { transmute::<&dyn Capabilities, &'static dyn Capabilities>(capabilities) };
        Self {
            state,
            capabilities,
        }
    }

    /// The state; for no longer than this value lives.
    pub fn state(&self) -> &dyn StateView {
        self.state
    }

    /// The worker; for no longer than this value lives.
    pub fn capabilities(&self) -> &dyn Capabilities {
        self.capabilities
    }
}
