//! Why a contract frame stops before its function returns.

use executor_api::{ExecutionError, StateUnavailable};

use crate::state::OverlayError;

/// Why a frame stopped. Travels through the contract as an error of wasmtime.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The contract returned by `seal_return` or a tail call; what it returned is in its frame.
    #[error("returned")]
    Returned,
    /// The contract ended itself.
    #[error("terminated")]
    Terminated,
    /// The gas limit of this frame was reached, or its stack.
    #[error("out of gas")]
    OutOfGas,
    /// The contract did something it may not do. Its caller sees only that it trapped.
    #[error("{0}")]
    Trap(String),
    /// The whole execution ends, not only this frame.
    #[error("{0}")]
    Fatal(Fatal),
}

/// Why a whole execution ends.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The state cannot be read.
    #[error(transparent)]
    Unavailable(StateUnavailable),
    /// A limit for the whole execution.
    #[error("{0}")]
    Limit(String),
    /// A bug in the engine.
    #[error("{0}")]
    Bug(String),
}

impl Stop {
    /// A trap with a reason.
    pub fn trap(reason: impl Into<String>) -> Self {
        Self::Trap(reason.into())
    }

    /// Something that cannot be; fails this execution alone.
    pub fn bug(what: impl Into<String>) -> Self {
        Self::Fatal(Fatal::Bug(what.into()))
    }

    /// A limit that ends the whole execution.
    pub fn limit(what: impl Into<String>) -> Self {
        Self::Fatal(Fatal::Limit(what.into()))
    }

    /// What the caller of the execution is told.
    pub fn into_error(self) -> Result<ExecutionError, StateUnavailable> {
        Ok(match self {
            Self::OutOfGas => ExecutionError::OutOfGas,
            Self::Trap(reason) => ExecutionError::Trapped(reason),
            Self::Fatal(Fatal::Limit(what)) => ExecutionError::LimitReached(what),
            Self::Fatal(Fatal::Bug(what)) => ExecutionError::Bug(what),
            Self::Fatal(Fatal::Unavailable(error)) => return Err(error),
            Self::Returned | Self::Terminated => {
                ExecutionError::Bug("a frame that ended well was taken for a failure".into())
            }
        })
    }
}

impl From<StateUnavailable> for Stop {
    fn from(error: StateUnavailable) -> Self {
        Self::Fatal(Fatal::Unavailable(error))
    }
}

impl From<OverlayError> for Stop {
    fn from(error: OverlayError) -> Self {
        match error {
            OverlayError::Unavailable(error) => error.into(),
            OverlayError::Full(_) => Self::limit(error.to_string()),
            OverlayError::Damaged => {
                Self::Fatal(Fatal::Unavailable(StateUnavailable(error.to_string())))
            }
        }
    }
}
