//! A contract that does nothing but compute.

/// WebAssembly text: computes for as many turns as its input says (a little-endian `u32`), and returns what came out.
pub const BURNER: &str = r#"(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "env" "memory" (memory 2 16))
  (data (i32.const 0) "\00\10\00\00")
  (func (export "deploy"))
  (func (export "call") (local $turns i32) (local $value i64)
    (call $input (i32.const 1024) (i32.const 0))
    (local.set $turns (i32.load (i32.const 1024)))
    (loop $again
      (local.set $value (i64.mul (i64.add (local.get $value) (i64.const 7)) (i64.const 6364136223846793005)))
      (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
      (br_if $again (local.get $turns)))
    (i64.store (i32.const 8192) (local.get $value))
    (call $return (i32.const 0) (i32.const 8192) (i32.const 8))))"#;
