//! Every limit of the engine that is not the caller's.

use std::time::Duration;

/// Stack of the C code inside the sandbox, bytes; `build.rs` gives it to the linker.
pub const GUEST_STACK_BYTES: u32 = 1024 * 1024;
/// What of it the interpreter leaves to functions that do not look how much there is, bytes.
pub const GUEST_STACK_RESERVE_BYTES: u32 = 64 * 1024;
/// Native stack that compiled code may use, bytes, beside the memory of a script. More than it needs
/// (15 MiB were seen) before the guest's stack is full, so that deep recursion ends as a `RangeError`,
/// which a script can catch. Running out of this one is an exception too.
pub const NATIVE_STACK_BYTES: usize = 24 * 1024 * 1024;
/// Stack of a script's thread beyond that, bytes: for the host's own functions.
pub const NATIVE_STACK_RESERVE_BYTES: usize = 512 * 1024;
/// Elements of the module's table of functions, at most.
pub const TABLE_ELEMENTS_MAX: usize = 16 * 1024;
/// How often a running script is stopped to see whether it may go on.
pub const TICK: Duration = Duration::from_millis(2);
/// Longest value that a script may end with, bytes.
pub const RESULT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest text of an exception, bytes; the rest is cut.
pub const EXCEPTION_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a WebAssembly page.
pub const PAGE_BYTES: usize = 65_536;

const _: () = assert!(GUEST_STACK_RESERVE_BYTES < GUEST_STACK_BYTES);
const _: () = assert!(EXCEPTION_BYTES_MAX <= RESULT_BYTES_MAX);
