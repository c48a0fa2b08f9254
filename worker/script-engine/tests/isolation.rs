//! Nothing of one evaluation is there for another.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use contract_abi::script::JsValue;
use executor_api::Unshared;

use crate::world::{MEMORY_BYTES, eval, other, run, run_with, string};

#[test]
fn globals_and_changed_intrinsics_end_with_their_evaluation() {
    let first = "globalThis.leak = 1; Array.prototype.leak = 2; Object.prototype.leak = 3; \
                 JSON.stringify = null; TextEncoder = null; Symbol.for('leak'); 'done'";
    assert_eq!(eval(first), string("done"));
    let second = "[typeof leak, [].leak, ({}).leak, typeof JSON.stringify, typeof TextEncoder]";
    let expected = other(r#"["undefined",null,null,"function","function"]"#);
    assert_eq!(eval(second), expected);
}

#[test]
fn memory_of_one_evaluation_is_not_in_the_next() {
    let fill = "globalThis.all = []; for (let i = 0; i < 30; i++) \
                all.push(new Uint32Array(1 << 18).fill(0xfeedbeef)); all.length";
    // Not set to zero by the interpreter: what `malloc` gave is seen where a string was widened,
    // where arrays grew and in buffers; all of them are looked through.
    let look = "let found = 0; for (let i = 0; i < 30; i++) \
                for (const word of new Uint32Array(1 << 18)) if (word !== 0) found++; found";
    for _ in 0..4 {
        assert_eq!(eval(fill), other("30"));
        assert_eq!(eval(look), other("0"));
    }
}

#[test]
fn random_numbers_differ_from_run_to_run() {
    let source = "[Math.random(), Math.random()]";
    let (first, second) = (eval(source), eval(source));
    assert!(matches!(first, JsValue::Other(_)));
    assert_ne!(first, second);
}

#[test]
fn after_a_script_that_failed_others_run_as_before() {
    for hostile in [
        "const f = () => f(); f()",
        "let s = 'x'; for (;;) s += s",
        "]",
    ] {
        assert!(matches!(eval(hostile), JsValue::Exception(_)));
        assert_eq!(eval("6 * 7"), other("42"));
    }
}

#[test]
fn many_run_at_once_beside_one_that_never_ends() {
    const THREADS: usize = 8;
    let start = Barrier::new(THREADS + 1);
    thread::scope(|scope| {
        let endless = scope.spawn(|| {
            start.wait();
            let time = Duration::from_millis(500);
            run_with(&["for (;;) {}"], &[], time, MEMORY_BYTES, &Unshared)
        });
        for number in 0..THREADS {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for round in 0..20 {
                    let text = format!("{number}/{round}");
                    let source = "let s = 0; for (let i = 0; i < 20000; i++) s += i; \
                                  globalThis.seen = (globalThis.seen ?? '') + scriptArgs[0]; \
                                  seen + ' ' + s";
                    let expected = string(&format!("{text} 199990000"));
                    assert_eq!(run(&[source], &[&text]), expected);
                }
            });
        }
        let value = endless.join().unwrap();
        assert!(matches!(&value, JsValue::Exception(text) if text.contains("time is up")));
    });
}
