//! What the module exports.

use crate::{Wanted, proof, verdict};
use alloc::{boxed::Box, vec, vec::Vec};
use primitives::GenesisHash;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// A bug ends in a trap, which the host sees as an exception: never in a verdict.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Memory of `length` bytes, zeroed; to be given back with [`phat_free`].
#[expect(unsafe_code, reason = "a name that the host finds")]
#[unsafe(no_mangle)]
pub extern "C" fn phat_alloc(length: usize) -> *mut u8 {
    Box::into_raw(vec![0u8; length].into_boxed_slice()).cast()
}

/// Gives back memory of [`phat_alloc`], or an answer.
///
/// # Safety
/// `pointer` is from [`phat_alloc`] with the same `length`, or from another function here with the answer's
/// length and the four bytes before it; and it is given back once.
#[expect(unsafe_code, reason = "a name that the host finds, and memory that it was lent")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn phat_free(pointer: *mut u8, length: usize) {
    // SAFETY: by this function's contract it is a boxed slice of that length.
    drop(unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(pointer, length)) });
}

/// The verdict on the file: four bytes of length, little endian, and JSON after them.
///
/// `genesis` points to 32 bytes, or is null for a network that is not pinned; `trusted_length` is 0 for no
/// trusted authority set; `logged` is not 0 where the log must be shown; `now_ms` is below 0 for no time.
///
/// # Safety
/// Each pointer is to as many bytes as said.
#[expect(unsafe_code, reason = "a name that the host finds, and memory that it wrote to")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn phat_verify(
    file: *const u8,
    file_length: usize,
    genesis: *const u8,
    trusted: *const u8,
    trusted_length: usize,
    logged: u32,
    now_ms: f64,
) -> *mut u8 {
    let bytes = |pointer: *const u8, length: usize| -> &[u8] {
        if length == 0 {
            return &[];
        }
        // SAFETY: by this function's contract.
        unsafe { core::slice::from_raw_parts(pointer, length) }
    };
    let genesis = (!genesis.is_null())
        .then(|| <[u8; 32]>::try_from(bytes(genesis, 32)).map(GenesisHash).ok())
        .flatten();
    let wanted = Wanted {
        genesis,
        trusted: bytes(trusted, trusted_length),
        logged: logged != 0,
        now_ms: (now_ms >= 0.0).then_some(now_ms as u64),
    };
    hand_out(&verdict(bytes(file, file_length), &wanted))
}

/// Four bytes of length, little endian, and the bytes after them, until the host gives them back.
fn hand_out(bytes: &[u8]) -> *mut u8 {
    let mut answer: Vec<u8> = Vec::with_capacity(4 + bytes.len());
    answer.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    answer.extend_from_slice(bytes);
    Box::into_raw(answer.into_boxed_slice()).cast()
}

/// Answers a question of `proof`.
///
/// # Safety
/// `question` is to `length` bytes.
#[expect(unsafe_code, reason = "memory that the host wrote to")]
unsafe fn reply(question: *const u8, length: usize, work: fn(&[u8]) -> Vec<u8>) -> *mut u8 {
    let question = match length {
        0 => &[][..],
        // SAFETY: by this function's contract.
        _ => unsafe { core::slice::from_raw_parts(question, length) },
    };
    hand_out(&work(question))
}

/// `proof::prove`: SCALE in and out.
///
/// # Safety
/// `question` is to `length` bytes.
#[expect(unsafe_code, reason = "a name that the host finds, and memory that it wrote to")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn phat_prove(question: *const u8, length: usize) -> *mut u8 {
    // SAFETY: by this function's contract.
    unsafe { reply(question, length, |bytes| proof::answer(bytes, proof::prove)) }
}

/// `proof::read`: SCALE in and out.
///
/// # Safety
/// `question` is to `length` bytes.
#[expect(unsafe_code, reason = "a name that the host finds, and memory that it wrote to")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn phat_read(question: *const u8, length: usize) -> *mut u8 {
    // SAFETY: by this function's contract.
    unsafe { reply(question, length, |bytes| proof::answer(bytes, proof::read)) }
}

/// `proof::portable`: SCALE in and out.
///
/// # Safety
/// `question` is to `length` bytes.
#[expect(unsafe_code, reason = "a name that the host finds, and memory that it wrote to")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn phat_portable(question: *const u8, length: usize) -> *mut u8 {
    // SAFETY: by this function's contract.
    unsafe { reply(question, length, |bytes| proof::answer(bytes, proof::portable)) }
}
