//! Scripts that want more than they may have.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use contract_abi::script::{JsCode, JsValue};
use executor_api::{ScriptEngine, Turn, Unshared};
use script_engine::{EXCEPTION_BYTES_MAX, QuickJs, RESULT_BYTES_MAX};

use crate::world::{
    LONG, MEMORY_BYTES, bounds, eval, expect_exception, other, run, run_with, string,
};

const SHORT: Duration = Duration::from_millis(100);

/// Runs a script that never ends by itself.
#[track_caller]
fn expect_time_up(source: &str) {
    let value = run_with(&[source], &[], SHORT, MEMORY_BYTES, &Unshared);
    expect_exception(value, "time is up");
}

#[test]
fn what_never_ends_is_ended() {
    for source in [
        "for (;;) {}",
        "while (true) { try { throw 1 } catch {} finally { continue } }",
        "const f = async () => { for (;;) await null }; f()",
        "const again = () => queueMicrotask(again); again()",
        "/^(a+)+$/.test('a'.repeat(60) + 'b')",
        "'x'.repeat(1e6).replace(/(x+x+)+y/, '')",
        "Array.from({length: 2 ** 32 - 1}, () => 0).length && 0; for (;;) {}",
        "new Array(2 ** 32 - 1).indexOf(1)",
        "[].sort.call({length: 2 ** 31, get 0() { for (;;) {} }})",
        "({toJSON() { for (;;) {} }})",
        "({get x() { for (;;) {} }})",
        "new Proxy({}, {ownKeys() { for (;;) {} }})",
        "new Proxy([], {get(target, key) { return key === 'length' ? 2 ** 53 : 0 }})",
        "throw {toString() { for (;;) {} }, toJSON() { throw 1 }}",
        "const e = new Error(); Object.defineProperty(e, 'stack', {get() { for (;;) {} }}); throw e",
        "const p = Promise.resolve(); p.then = 1; ({then(f) { for (;;) f(this) }}).then(() => {})",
        "10n ** 100000n ** 3n; for (;;) {}",
    ] {
        let value = run_with(&[source], &[], SHORT, MEMORY_BYTES, &Unshared);
        // Some run out of memory first on a fast machine.
        let JsValue::Exception(text) = value else {
            panic!("{source} gave {value:?}");
        };
        let is_bounded = ["time is up", "out of memory", "BigInt", "array"]
            .iter()
            .any(|part| text.contains(part));
        assert!(is_bounded, "{source}: {text}");
    }
    expect_time_up("for (;;) {}");
    expect_time_up("/^(a+)+$/.test('a'.repeat(60) + 'b')");
    expect_time_up("({toJSON() { for (;;) {} }})");
}

#[test]
fn memory_has_an_end() {
    for source in [
        "const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1))",
        "let s = 'x'; for (;;) s += s",
        "const all = []; for (let i = 0; ; i++) all.push('text ' + i)",
        "const all = []; for (;;) all.push({a: {b: []}})",
        "new ArrayBuffer(2 ** 31)",
        "new Uint8Array(1e9)",
        "'x'.repeat(2 ** 29)",
        "new Array(2 ** 31).fill(0)",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, i)",
        "let f = () => {}; for (;;) f = f.bind(null, f)",
        "JSON.stringify(new Array(1e6).fill('\\u0001'.repeat(100)))",
        "const all = []; for (;;) all.push(Symbol('x'.repeat(1000)))",
        "const all = []; try { for (;;) all.push(new Array(1000)) } catch (e) { for (;;) all.push([]) }",
        "const b = new ArrayBuffer(0, {maxByteLength: 2 ** 30}); b.resize(2 ** 30)",
        "let p = null; for (;;) { const q = p; p = new Promise((r) => r(q)) && [q, p] }",
    ] {
        let value = run_with(&[source], &[], LONG, 16 * 1024 * 1024, &Unshared);
        assert!(
            matches!(&value, JsValue::Exception(text) if !text.contains("time is up")),
            "{source}: {value:?}"
        );
    }
    let caught = "let all = []; try { for (;;) all.push('x'.repeat(100000) + all.length) } \
                  catch (error) { all = null; String(error) }";
    let value = run_with(&[caught], &[], LONG, 16 * 1024 * 1024, &Unshared);
    assert_eq!(value, string("InternalError: out of memory"));
}

#[test]
fn too_little_memory_is_said() {
    for memory_bytes_max in [0, 1, 65_536, 1024 * 1024] {
        let value = run_with(&["1"], &[], LONG, memory_bytes_max, &Unshared);
        let said = matches!(&value, JsValue::Exception(text) if text.contains("memory"));
        assert!(said, "{memory_bytes_max}: {value:?}");
    }
    assert_eq!(
        run_with(&["1"], &[], LONG, 4 * 1024 * 1024, &Unshared),
        other("1")
    );
    assert_eq!(run_with(&["1"], &[], LONG, u64::MAX, &Unshared), other("1"));
    let long = " ".repeat(8 * 1024 * 1024);
    let value = run_with(&[&long], &[], LONG, 4 * 1024 * 1024, &Unshared);
    expect_exception(value, "memory is 4194304");
    let value = run_with(&["1"], &[&long], LONG, 9 * 1024 * 1024, &Unshared);
    expect_exception(value, "out of memory");
}

#[test]
fn deep_recursion_is_an_exception_that_scripts_can_catch() {
    for source in [
        "const f = () => f(); f()",
        "const f = (...a) => f(...a, 1); f()",
        "function F() { new F() } new F()",
        "class A { get x() { return this.x } } new A().x",
        "const o = {toString() { return `${o}` }}; `${o}`",
        "const p = new Proxy({}, {get(t, k, r) { return r[k] }}); p.x",
        "const f = () => [1].map(f); f()",
        "const f = () => Reflect.apply(f, null, []); f()",
        "const f = () => 'x'.replace(/x/, f); f()",
        "const f = () => eval('f()'); f()",
        "const f = () => new Function('f', 'f(f)'); f()(function g(h) { h(h) })",
        "const f = () => [2, 1].sort(f); f()",
        "const f = () => JSON.stringify({toJSON: f}); f()",
        "const f = () => JSON.parse('[1]', f); f()",
        "function* g() { yield* g() } [...g()]",
        "let d = []; for (let i = 0; i < 1e5; i++) d = [d]; JSON.stringify(d)",
        "JSON.parse('['.repeat(1e5))",
        "JSON.parse('{\"a\":'.repeat(1e5))",
        "eval('('.repeat(1e5))",
        "eval('['.repeat(1e5))",
        "eval('!'.repeat(1e5) + '1')",
        "eval('a=>'.repeat(1e5) + '1')",
        "eval('{'.repeat(1e5))",
        "eval('if(1)'.repeat(1e5) + '1')",
        "eval('`${'.repeat(1e5))",
        "eval('1' + '**1'.repeat(1e5))",
        "new RegExp('('.repeat(1e5) + ')'.repeat(1e5))",
        "new RegExp('(?:'.repeat(1e5) + ')*'.repeat(1e5))",
        "new RegExp('[['.repeat(1e5) + ']]'.repeat(1e5), 'v')",
        "let d = []; for (let i = 0; i < 1e5; i++) d = [d]; String(d)",
        "let d = []; for (let i = 0; i < 1e5; i++) d = [d]; d.flat(Infinity)",
        "let f = () => {}; for (let i = 0; i < 1e5; i++) f = f.bind(); f()",
        "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x",
        "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); Object.keys(p)",
    ] {
        let value = run(&[source], &[]);
        let JsValue::Exception(text) = value else {
            panic!("{source}: {value:.80?}");
        };
        // Some are stopped by another limit first.
        let is_bounded = [
            "RangeError: Maximum call stack size exceeded",
            "InternalError: out of memory",
            "SyntaxError: stack overflow",
            "SyntaxError: too many captures",
        ]
        .iter()
        .any(|start| text.starts_with(start));
        assert!(is_bounded, "{source}: {text:.200}");
        let caught = format!("try {{ {source} }} catch (error) {{ error instanceof Error }}");
        assert_eq!(run(&[&caught], &[]), other("true"), "{source}");
    }
}

#[test]
fn values_and_exceptions_have_a_longest_form() {
    let long = |bytes: usize| format!("'x'.repeat({bytes})");
    assert_eq!(
        eval(&long(RESULT_BYTES_MAX)),
        string(&"x".repeat(RESULT_BYTES_MAX))
    );
    expect_exception(eval(&long(RESULT_BYTES_MAX + 1)), "can be returned");
    let bytes = format!("new Uint8Array({})", RESULT_BYTES_MAX + 1);
    expect_exception(eval(&bytes), "can be returned");
    let other = format!("[{}]", long(RESULT_BYTES_MAX));
    expect_exception(eval(&other), "can be returned");
    for source in ["throw 'é'.repeat(1e6)", "throw new Error('x'.repeat(1e6))"] {
        let text = expect_exception(eval(source), "…");
        assert!(text.len() <= EXCEPTION_BYTES_MAX && text.len() > EXCEPTION_BYTES_MAX - 8);
    }
}

#[test]
fn conversions_of_hostile_values_end() {
    for (source, expected) in [
        (
            "new Proxy(new Uint8Array(2), {})",
            other("{\"0\":0,\"1\":0}"),
        ),
        (
            "const a = new Uint8Array(4); a.buffer.transfer(); a",
            JsValue::Exception(String::new()),
        ),
        (
            "const b = new ArrayBuffer(4); b.transfer(); b",
            JsValue::Exception(String::new()),
        ),
        (
            "const a = new Uint8Array(4); Object.defineProperty(a, 'length', {value: 1e9}); a",
            JsValue::Bytes(vec![0; 4]),
        ),
        ("({toJSON() { return this }})", other("{}")),
        ("Object.create(null)", other("{}")),
        (
            "const s = Object(Symbol()); s.toJSON = () => { throw 1 }; s",
            JsValue::Exception(String::new()),
        ),
        (
            "Symbol.prototype.toString = () => { throw 'mine' }; Symbol()",
            JsValue::Exception("mine".into()),
        ),
        ("JSON.stringify = () => 'forged'; ({})", other("{}")),
        (
            "throw {toString() { throw 1 }, toJSON() { throw 2 }}",
            JsValue::Exception("it threw what has no text".into()),
        ),
        (
            "throw Object.assign(new Error('m'), {toString() { throw 1 }})",
            JsValue::Exception("m\n    at <eval> (code[0]:1:25)\n".into()),
        ),
        (
            "delete globalThis.scriptArgs; scriptArgs = 5; scriptArgs",
            other("5"),
        ),
    ] {
        let value = eval(source);
        match &expected {
            JsValue::Exception(text) if text.is_empty() => {
                expect_exception(value, "");
            }
            _ => assert_eq!(value, expected, "{source}"),
        }
    }
}

/// Lets a query go on a number of times.
struct Counted {
    left: AtomicU32,
    pauses: AtomicU32,
}

impl Counted {
    fn new(left: u32) -> Self {
        Self {
            left: AtomicU32::new(left),
            pauses: AtomicU32::new(0),
        }
    }
}

impl Turn for Counted {
    fn checkpoint(&self) -> bool {
        let left = &self.left;
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        })
        .is_ok()
    }

    fn pause(&self) {
        self.pauses.fetch_add(1, Ordering::SeqCst);
    }

    fn resume(&self) -> bool {
        true
    }
}

#[test]
fn a_running_script_asks_whether_it_may_go_on() {
    let turn = Counted::new(3);
    let value = run_with(&["for (;;) {}"], &[], LONG, MEMORY_BYTES, &turn);
    expect_exception(value, "told to end");
    assert_eq!(turn.left.load(Ordering::SeqCst), 0);
}

#[test]
fn who_waits_for_the_compiler_gives_the_processor_away_and_keeps_the_deadline() {
    let engine = QuickJs::new().unwrap();
    let turn = Counted::new(u32::MAX);
    let codes = [JsCode::Source("'ready'".into())];
    let early = engine.evaluate(&codes, &[], bounds(Duration::ZERO, MEMORY_BYTES, &turn));
    expect_exception(early, "not ready");
    assert_eq!(turn.pauses.load(Ordering::SeqCst), 1);
    let value = engine.evaluate(&codes, &[], bounds(LONG, MEMORY_BYTES, &turn));
    assert_eq!(value, string("ready"));
    assert!(engine.is_ready());
}

#[test]
fn a_deadline_that_has_passed_ends_what_loops() {
    let value = run_with(
        &["for (;;) {}"],
        &[],
        Duration::ZERO,
        MEMORY_BYTES,
        &Unshared,
    );
    expect_exception(value, "time is up");
}
