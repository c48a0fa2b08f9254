//! The contracts: a getter, and pure computations, each also in Rust.
//!
//! The computations are written by hand, loop by loop as the Rust beside them. No optimiser has
//! unrolled or inlined anything in them, as it has in the native code and would have in a contract
//! built at `opt-level = 3`, and fuel is counted at each turn of a loop: their ratio to native code
//! leans high.

use std::hint::black_box;

/// Returns a storage value, which `deploy` sets to 42.
pub const GETTER: &str = r#"(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "env" "memory" (memory 2 16))
  (data (i32.const 0) "\00\10\00\00\00\10\00\00\2a\00\00\00")
  (func (export "deploy")
    (drop (call $set (i32.const 16) (i32.const 4) (i32.const 8) (i32.const 4))))
  (func (export "call")
    (call $input (i32.const 1024) (i32.const 0))
    (drop (call $get (i32.const 16) (i32.const 4) (i32.const 8192) (i32.const 4)))
    (call $return (i32.const 0) (i32.const 8192) (i32.const 4))))"#;

/// The getter in a module as large as an ink! contract, 34 KB. The rest is never called, so that a
/// lazy translation skips it; the dispatcher of an ink! contract it would not skip.
pub fn large_getter() -> String {
    let sum = "(local.set 0 (i64.add (i64.mul (local.get 0) (local.get 0)) (i64.const 7)))";
    let function = format!(
        "(func (param i64) (result i64) {} (local.get 0))",
        sum.repeat(30)
    );
    let call = r#"(func (export "call")"#;
    GETTER.replace(call, &(function.repeat(111) + call))
}

/// A computation: the contract reads its size, eight bytes, and returns eight bytes.
pub struct Kernel {
    pub name: &'static str,
    pub size: u64,
    pub native: fn(u64) -> u64,
    body: &'static str,
}

impl Kernel {
    /// The contract's code in the text format.
    pub fn code(&self) -> String {
        format!(
            r#"(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "env" "memory" (memory 16 16))
  (data (i32.const 0) "\08\00\00\00")
  (func $kernel (param $n i64) (result i64) {})
  (func (export "deploy"))
  (func (export "call")
    (call $input (i32.const 8) (i32.const 0))
    (i64.store (i32.const 16) (call $kernel (i64.load (i32.const 8))))
    (call $return (i32.const 0) (i32.const 16) (i32.const 8))))"#,
            self.body
        )
    }
}

pub const KERNELS: [Kernel; 3] = [
    Kernel {
        name: "fib(27)",
        size: 27,
        native: fib,
        body: r"(local $sum i64)
    (block $done (loop $next
      (br_if $done (i64.lt_u (local.get $n) (i64.const 2)))
      (local.set $sum (i64.add (local.get $sum)
        (call $kernel (i64.sub (local.get $n) (i64.const 1)))))
      (local.set $n (i64.sub (local.get $n) (i64.const 2)))
      (br $next)))
    (i64.add (local.get $sum) (local.get $n))",
    },
    Kernel {
        name: "sieve to 500 000",
        size: 500_000,
        native: sieve,
        body: r"(local $i i64) (local $j i64) (local $primes i64)
    (local.set $i (i64.const 2))
    (block $done (loop $next
      (br_if $done (i64.ge_u (local.get $i) (local.get $n)))
      (if (i32.eqz (i32.load8_u offset=1024 (i32.wrap_i64 (local.get $i)))) (then
        (local.set $primes (i64.add (local.get $primes) (i64.const 1)))
        (local.set $j (i64.mul (local.get $i) (local.get $i)))
        (block $struck (loop $strike
          (br_if $struck (i64.ge_u (local.get $j) (local.get $n)))
          (i32.store8 offset=1024 (i32.wrap_i64 (local.get $j)) (i32.const 1))
          (local.set $j (i64.add (local.get $j) (local.get $i)))
          (br $strike)))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next)))
    (local.get $primes)",
    },
    Kernel {
        name: "xorshift64*, 10^6",
        size: 1_000_000,
        native: xorshift,
        body: r"(local $x i64) (local $sum i64)
    (local.set $x (i64.const 88172645463325252))
    (block $done (loop $next
      (br_if $done (i64.eqz (local.get $n)))
      (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 12))))
      (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 25))))
      (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 27))))
      (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 5))
        (i64.mul (local.get $x) (i64.const 2685821657736338717))))
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br $next)))
    (local.get $sum)",
    },
];

#[inline(never)]
fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

#[inline(never)]
fn sieve(n: u64) -> u64 {
    let mut composite = vec![0_u8; black_box(n) as usize];
    let mut primes = 0;
    for i in 2..composite.len() {
        if composite[i] == 0 {
            primes += 1;
            let mut j = i * i;
            while j < composite.len() {
                composite[j] = 1;
                j += i;
            }
        }
    }
    primes
}

#[inline(never)]
fn xorshift(n: u64) -> u64 {
    let mut x = 88_172_645_463_325_252_u64;
    let mut sum = 0_u64;
    for _ in 0..n {
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        sum = sum
            .rotate_left(5)
            .wrapping_add(x.wrapping_mul(2_685_821_657_736_338_717));
    }
    sum
}
