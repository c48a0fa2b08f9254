//! The computations; the same source is compiled into the contract and for this machine.

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;



/// Runs kernel number `kernel` for a problem of `size`.
pub fn run(kernel: u8, size: u32) -> u64 {
    match kernel {
        0 => fib(size),
        1 => sha256(size),
        2 => blake2b(size),
        3 => matrix(size),
        4 => sort(size),
        _ => 0,
    }
}

/// Numbers that no optimiser knows; xorshift64*.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(2_685_821_657_736_338_717)
    }
}

#[inline(never)]
fn fib(n: u32) -> u64 {
    if n < 2 {
        u64::from(n)
    } else {
        fib(n - 1).wrapping_add(fib(n - 2))
    }
}

fn words(bytes: &[u8]) -> u64 {
    bytes.chunks_exact(8).fold(0, |sum: u64, chunk| {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        sum.rotate_left(7) ^ u64::from_le_bytes(word)
    })
}

fn message(len: u32) -> Vec<u8> {
    let mut numbers = Numbers(1);
    (0..len).map(|_| numbers.next() as u8).collect()
}

/// SHA-256 of `len` bytes, without the processor's instructions for it.
#[inline(never)]
fn sha256(len: u32) -> u64 {
    words(&<sha2::Sha256 as sha2::Digest>::digest(&message(len)))
}

/// BLAKE2b of `len` bytes.
#[inline(never)]
fn blake2b(len: u32) -> u64 {
    words(&<blake2::Blake2b512 as blake2::Digest>::digest(message(len)))
}

/// Multiplies two square matrices of `n` rows of 64-bit integers.
#[inline(never)]
fn matrix(n: u32) -> u64 {
    let n = n as usize;
    let mut numbers = Numbers(3);
    let mut filled = || -> Vec<u64> { (0..n * n).map(|_| numbers.next()).collect() };
    let (a, b) = (filled(), filled());
    let mut product = vec![0_u64; n * n];
    for (row, out) in a.chunks_exact(n).zip(product.chunks_exact_mut(n)) {
        for (factor, other) in row.iter().zip(b.chunks_exact(n)) {
            for (sum, term) in out.iter_mut().zip(other) {
                *sum = sum.wrapping_add(factor.wrapping_mul(*term));
            }
        }
    }
    product
        .iter()
        .fold(0, |sum, word| sum.rotate_left(7) ^ word)
}

/// Sorts `n` numbers.
#[inline(never)]
fn sort(n: u32) -> u64 {
    let mut numbers = Numbers(4);
    let mut list: Vec<u64> = (0..n).map(|_| numbers.next()).collect();
    list.sort_unstable();
    list.iter().fold(0, |sum, word| sum.rotate_left(7) ^ word)
}
