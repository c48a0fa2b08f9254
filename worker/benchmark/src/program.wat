;; What a worker is measured by. `program.wasm` is this text, assembled; a test compares the two.
;;
;; Input: two numbers of turns, u32 each. First so many turns that compute on 32 KiB, as code with a small
;; working set does; then so many that read and write all of a usual contract's memory, 1 MiB, in no order.
;; What comes out depends on every turn.
(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  ;; Input and result at the beginning, the small set at 64 KiB; the large one is all of it.
  (import "env" "memory" (memory 16 16))
  (data (i32.const 0) "\08\00\00\00")

  ;; The finalizer of MurmurHash3: every bit of the input reaches every bit of the output.
  (func $mix (param $x i64) (result i64)
    (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 33))))
    (local.set $x (i64.mul (local.get $x) (i64.const 0xff51afd7ed558ccd)))
    (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 33))))
    (local.set $x (i64.mul (local.get $x) (i64.const 0xc4ceb9fe1a85ec53)))
    (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 33))))

  (func $compute (param $turns i32) (param $x i64) (result i64)
    (local $at i32) (local $seen i64)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $turns)))
        (local.set $x (call $mix (i64.add (local.get $x) (i64.extend_i32_u (local.get $turns)))))
        (local.set $at (i32.and (i32.wrap_i64 (local.get $x)) (i32.const 0x7ff8)))
        (local.set $seen (i64.load offset=65536 (local.get $at)))
        (if (i64.eqz (i64.and (local.get $x) (i64.const 0x10000)))
          (then (local.set $x (i64.rotl (i64.xor (local.get $x) (local.get $seen)) (i64.const 13))))
          (else (local.set $x (i64.add (local.get $x) (i64.mul (local.get $seen) (i64.const 3))))))
        (i64.store offset=65536 (local.get $at) (local.get $x))
        (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
        (br $again)))
    (local.get $x))

  (func $remember (param $turns i32) (param $x i64) (result i64)
    (local $at i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $turns)))
        (local.set $x (call $mix (i64.add (local.get $x) (i64.extend_i32_u (local.get $turns)))))
        (local.set $at (i32.and (i32.wrap_i64 (local.get $x)) (i32.const 0xffff8)))
        ;; The next place depends on what is read here: it cannot be fetched ahead.
        (local.set $x (i64.add (local.get $x) (i64.load (local.get $at))))
        (i64.store (local.get $at) (local.get $x))
        (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
        (br $again)))
    (local.get $x))

  (func (export "deploy"))
  (func (export "call")
    (call $input (i32.const 16) (i32.const 0))
    (i64.store (i32.const 32)
      (call $remember (i32.load (i32.const 20))
        (call $compute (i32.load (i32.const 16)) (i64.const 0x9e3779b97f4a7c15))))
    (call $return (i32.const 0) (i32.const 32) (i32.const 8))))
