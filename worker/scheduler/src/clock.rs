//! Processor time of the calling thread, and its place behind all others.
//!
//! Time on the wall would charge a contract for what the machine did meanwhile: other threads, other
//! programs, another guest of the host.

/// Nanoseconds of processor time that the calling thread has used; 0 where the system does not say.
#[expect(unsafe_code, reason = "the standard library does not offer this clock")]
pub(crate) fn thread_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the result, and the call keeps no pointer to it.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    if failed != 0 {
        return 0;
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Lets the operating system prefer every other thread to the calling one, from now on.
#[expect(unsafe_code, reason = "the standard library does not offer this call")]
pub fn run_thread_last() {
    const LAST: libc::c_int = 19;
    // SAFETY: the call has no pointers. On Linux it is about the calling thread, and lowering one's own place
    // is always allowed; where it fails the thread is as it was.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, LAST) };
}
