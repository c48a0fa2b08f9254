//! JavaScript in contracts: QuickJS, itself inside a WebAssembly sandbox.
//!
//! Scripts come from strangers and QuickJS is a large C program, so it is never part of the worker's
//! own code: `build.rs` compiles it to WebAssembly, and what a script can break is one instance of
//! that module. The module imports one function, the clock. It has no files, sockets, environment
//! or entropy.
//!
//! # A script's life
//!
//! The module is compiled once for a [`QuickJs`], in the background ([`QuickJs::warm_up`]) or when the
//! first script comes. An interpreter with a fresh realm is set up once too, and its memory kept.
//! Each evaluation gets an instance of its own that begins with a copy of that memory, runs on a
//! thread of its own, and is dropped: nothing of one script is there for the next.
//!
//! # What a script finds
//!
//! The language as QuickJS-ng has it; `scriptArgs`, an array of strings; `TextEncoder` and
//! `TextDecoder` for UTF-8; `atob`, `btoa`, `Uint8Array.fromHex`, `toHex`, `fromBase64`, `toBase64`;
//! `queueMicrotask`; `console`, whose output is dropped. `Date` shows the host's time in UTC, which
//! nobody vouches for. `Math.random` differs from run to run and is no source of keys. There are no
//! timers, modules or requests.
//!
//! A script that ends with a promise is followed until the promise is settled; what it was rejected
//! with counts as thrown.
//!
//! # Threats and limits
//!
//! A script that loops, recurses, backtracks or allocates without end ends as
//! [`JsValue::Exception`] by its deadline, its memory or its stack; see `limits.rs`. So does one that
//! finds a mistake in QuickJS: it then controls an instance that is about to be dropped.
//!
//! ```
//! use executor_api::{ScriptBounds, ScriptEngine, Unshared};
//! use contract_abi::script::{JsCode, JsValue};
//! use std::time::{Duration, Instant};
//!
//! let engine = script_engine::QuickJs::new()?;
//! let code = JsCode::Source("`hello ${scriptArgs[0]}`".into());
//! let bounds = ScriptBounds {
//!     deadline: Instant::now() + Duration::from_secs(60),
//!     memory_bytes_max: 16 * 1024 * 1024,
//!     turn: &Unshared,
//! };
//! let value = engine.evaluate(&[code], &["world".into()], bounds);
//! assert_eq!(value, JsValue::String("hello world".into()));
//! # Ok::<(), script_engine::SetupError>(())
//! ```

#![deny(missing_docs)]

mod guest;
mod input;
mod limits;
mod pace;

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use contract_abi::script::{JsCode, JsValue};
use executor_api::{ScriptBounds, ScriptEngine};

pub use limits::{EXCEPTION_BYTES_MAX, RESULT_BYTES_MAX};

use guest::Guest;
use input::Input;

/// The engine cannot be set up on this machine.
#[derive(Debug, thiserror::Error)]
#[error("JavaScript cannot be set up: {0}")]
pub struct SetupError(String);

/// The engine. Cheap to make; see [`QuickJs::warm_up`].
pub struct QuickJs {
    shared: Arc<Shared>,
}

struct Shared {
    engine: wasmtime::Engine,
    stage: Mutex<Stage>,
    changed: Condvar,
}

enum Stage {
    Cold,
    Compiling,
    Ready(Arc<Guest>),
    Failed(String),
}

impl QuickJs {
    /// An engine that has compiled nothing yet: the first script waits for that.
    ///
    /// # Errors
    /// When wasmtime does not run on this machine.
    pub fn new() -> Result<Self, SetupError> {
        let engine = guest::engine().map_err(|error| SetupError(format!("{error:#}")))?;
        Ok(Self {
            shared: Arc::new(Shared {
                engine,
                stage: Mutex::new(Stage::Cold),
                changed: Condvar::new(),
            }),
        })
    }

    /// Begins to compile on other threads, unless that has begun, and does not wait. It keeps all
    /// processors busy for a second or more.
    ///
    /// # Errors
    /// When no thread can be started; the next call, or the next script, tries again.
    pub fn warm_up(&self) -> Result<(), SetupError> {
        let mut stage = self.shared.lock();
        if !matches!(*stage, Stage::Cold) {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        thread::Builder::new()
            .name("script-compile".into())
            .spawn(move || shared.compile())
            .map_err(|error| SetupError(error.to_string()))?;
        *stage = Stage::Compiling;
        Ok(())
    }

    /// Whether a script would start at once.
    pub fn is_ready(&self) -> bool {
        matches!(*self.shared.lock(), Stage::Ready(_))
    }

    /// The compiled module, waited for if need be, which gives the query's processor away.
    fn guest(&self, bounds: &ScriptBounds<'_>) -> Result<Arc<Guest>, String> {
        if let Stage::Ready(guest) = &*self.shared.lock() {
            return Ok(Arc::clone(guest));
        }
        self.warm_up().map_err(|error| error.to_string())?;
        bounds.turn.pause();
        let guest = self.shared.wait(bounds.deadline);
        if bounds.turn.resume() {
            guest
        } else {
            Err(pace::Stop::Told.to_string())
        }
    }
}

impl ScriptEngine for QuickJs {
    fn evaluate(
        &self,
        codes: &[JsCode],
        arguments: &[String],
        bounds: ScriptBounds<'_>,
    ) -> JsValue {
        Input::pack(codes, arguments, bounds.memory_bytes_max)
            .and_then(|input| {
                let guest = self.guest(&bounds)?;
                pace::run(guest, input, &bounds)
            })
            .unwrap_or_else(guest::exception)
    }
}

impl Shared {
    fn compile(&self) {
        let started = Instant::now();
        let compiled = panic::catch_unwind(AssertUnwindSafe(|| Guest::new(&self.engine)));
        let stage = match compiled {
            Ok(Ok(guest)) => {
                tracing::debug!(
                    elapsed_ms = started.elapsed().as_millis(),
                    "QuickJS compiled"
                );
                Stage::Ready(Arc::new(guest))
            }
            Ok(Err(error)) => Stage::Failed(format!("{error:#}")),
            Err(_panic) => Stage::Failed("a bug in the compiler".into()),
        };
        if let Stage::Failed(error) = &stage {
            tracing::error!(error, "contracts have no JavaScript");
        }
        *self.lock() = stage;
        self.changed.notify_all();
    }

    fn wait(&self, deadline: Instant) -> Result<Arc<Guest>, String> {
        let left = deadline.saturating_duration_since(Instant::now());
        let (stage, _timed_out) = self
            .changed
            .wait_timeout_while(self.lock(), left, |stage| {
                matches!(stage, Stage::Cold | Stage::Compiling)
            })
            .unwrap_or_else(PoisonError::into_inner);
        match &*stage {
            Stage::Ready(guest) => Ok(Arc::clone(guest)),
            Stage::Failed(error) => Err(format!("this worker cannot run JavaScript: {error}")),
            Stage::Cold | Stage::Compiling => {
                Err("JavaScript is not ready on this worker yet; ask again in some seconds".into())
            }
        }
    }

    /// A stage is set in one statement, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
