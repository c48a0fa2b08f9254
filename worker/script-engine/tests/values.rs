//! What scripts find, and what becomes of the values they end with.

use contract_abi::script::{JsCode, JsValue};
use executor_api::{ScriptEngine, Unshared};
use script_engine::QuickJs;

use crate::world::{LONG, MEMORY_BYTES, bounds, eval, expect_exception, other, run, string};

#[test]
fn each_kind_of_value_has_its_form() {
    let bytes = |bytes: &[u8]| JsValue::Bytes(bytes.to_vec());
    for (source, expected) in [
        ("", JsValue::Undefined),
        ("undefined", JsValue::Undefined),
        ("null", JsValue::Null),
        ("'text'", string("text")),
        ("''", string("")),
        ("'nul\\0 and é 漢 😀'", string("nul\0 and é 漢 😀")),
        ("new Uint8Array([1, 2, 255])", bytes(&[1, 2, 255])),
        ("new Uint8Array(0)", bytes(&[])),
        (
            "new Uint8Array([1, 2, 3, 4]).subarray(1, 3)",
            bytes(&[2, 3]),
        ),
        ("new Uint8Array([7, 8]).buffer", bytes(&[7, 8])),
        ("new ArrayBuffer(0)", bytes(&[])),
        ("42", other("42")),
        ("-0.5", other("-0.5")),
        ("0/0", other("NaN")),
        ("1/0", other("Infinity")),
        ("true", other("true")),
        ("12345678901234567890n", other("12345678901234567890")),
        (
            "({a: [1, 'b', null], c: undefined})",
            other(r#"{"a":[1,"b",null]}"#),
        ),
        ("[1, [2]]", other("[1,[2]]")),
        ("new Date(0)", other("\"1970-01-01T00:00:00.000Z\"")),
        ("Symbol('s')", other("Symbol(s)")),
        ("(function f() {})", other("function f() {}")),
        ("let o = {}; o.o = o; o", other("[object Object]")),
        (
            "({toJSON() { throw 1 }, toString() { return 'shown' }})",
            other("shown"),
        ),
    ] {
        assert_eq!(eval(source), expected, "{source}");
    }
}

#[test]
fn half_a_surrogate_pair_becomes_text_all_the_same() {
    let JsValue::String(text) = eval("'a\\ud800b'") else {
        panic!("not a string");
    };
    assert!(text.starts_with('a') && text.ends_with('b') && text.contains('\u{fffd}'));
}

#[test]
fn scripts_run_in_order_in_one_realm_with_their_arguments() {
    let sources = [
        "var sum = 0; let kept = scriptArgs;",
        "for (const text of kept) sum += Number(text)",
        "[sum, kept.length, Array.isArray(scriptArgs)]",
    ];
    assert_eq!(run(&sources, &["1", "2", "39"]), other("[42,3,true]"));
    assert_eq!(
        run(&["scriptArgs"], &["é\0", ""]),
        other(r#"["é\u0000",""]"#)
    );
    assert_eq!(run(&["'first'", ""], &[]), JsValue::Undefined);
    assert_eq!(run(&[], &["unused"]), JsValue::Undefined);
}

#[test]
fn what_is_thrown_comes_with_its_stack() {
    let thrown = eval("function inner() { throw new TypeError('why') }\ninner()");
    let text = expect_exception(thrown, "TypeError: why\n");
    assert!(text.contains("at inner (code[0]:1"), "{text}");
    let second = run(&["1", "missing()", "2"], &[]);
    let text = expect_exception(second, "ReferenceError: missing is not defined");
    assert!(text.contains("code[1]:1"), "{text}");
    expect_exception(eval("]"), "SyntaxError");
    assert_eq!(eval("throw 'plain'"), JsValue::Exception("plain".into()));
    assert_eq!(
        eval("throw {code: 7}"),
        JsValue::Exception("{\"code\":7}".into())
    );
    assert_eq!(eval("throw null"), JsValue::Exception("null".into()));
    assert_eq!(
        eval("throw undefined"),
        JsValue::Exception("undefined".into())
    );
}

#[test]
fn promises_are_followed() {
    for (source, expected) in [
        ("Promise.resolve('done')", string("done")),
        (
            "(async () => { let n = 0; for (let i = 0; i < 100; i++) n += await i; return n })()",
            other("4950"),
        ),
        (
            "var seen = 'no'; queueMicrotask(() => { seen = 'yes' }); ({get seen() { return seen }})",
            other(r#"{"seen":"yes"}"#),
        ),
    ] {
        assert_eq!(eval(source), expected, "{source}");
    }
    // A script is over when its jobs are; the next one sees what they did.
    let sources = ["var x; (async () => { await null; x = 'set' })()", "x"];
    assert_eq!(run(&sources, &[]), string("set"));
    let rejected = eval("(async () => { await null; throw new Error('late') })()");
    expect_exception(rejected, "Error: late\n");
    expect_exception(run(&["Promise.reject('early')", "1"], &[]), "early");
    expect_exception(
        eval("queueMicrotask(() => { throw 'in a job' })"),
        "in a job",
    );
    expect_exception(eval("new Promise(() => {})"), "nothing settles");
    expect_exception(eval("import('std')"), "");
}

#[test]
fn text_and_bytes_turn_into_one_another() {
    for (source, expected) in [
        (
            "new TextEncoder().encode('é😀')",
            JsValue::Bytes("é😀".into()),
        ),
        (
            "new TextEncoder().encode('\\ud800')",
            JsValue::Bytes("\u{fffd}".into()),
        ),
        ("new TextEncoder().encode()", JsValue::Bytes(vec![])),
        (
            "new TextDecoder().decode(new Uint8Array([0xc3, 0xa9, 0xff]))",
            string("é\u{fffd}"),
        ),
        (
            "new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 65]).buffer)",
            string("A"),
        ),
        (
            "new TextDecoder('utf8', {ignoreBOM: true}).decode(new Uint8Array([0xef, 0xbb, 0xbf]))",
            string("\u{feff}"),
        ),
        (
            "new TextDecoder().decode(new Uint8Array([65, 66, 67, 68]).subarray(1, 3))",
            string("BC"),
        ),
        (
            "new TextDecoder('UTF-8', {fatal: true}).decode(new Uint8Array([0xc3, 0xa9]))",
            string("é"),
        ),
        ("new TextDecoder().decode()", string("")),
        ("btoa('hello')", string("aGVsbG8=")),
        ("atob('aGVsbG8=')", string("hello")),
        ("new Uint8Array([1, 171]).toHex()", string("01ab")),
        ("Uint8Array.fromHex('01ab')", JsValue::Bytes(vec![1, 171])),
        ("new Uint8Array([1, 171]).toBase64()", string("Aas=")),
        ("console.log('dropped', {a: 1})", JsValue::Undefined),
    ] {
        assert_eq!(eval(source), expected, "{source}");
    }
    let fatal = eval("new TextDecoder('utf-8', {fatal: true}).decode(new Uint8Array([0xff]))");
    expect_exception(fatal, "TypeError");
    expect_exception(eval("new TextDecoder('latin1')"), "RangeError");
}

#[test]
fn the_language_is_a_current_one() {
    for (source, expected) in [
        (
            "class A { #x = 1; static { this.y = 2 } get x() { return this.#x } } [new A().x, A.y]",
            "[1,2]",
        ),
        (
            "[...'a1b22'.matchAll(/(?<n>\\d+)/g)].map((m) => m.groups.n)",
            r#"["1","22"]"#,
        ),
        (
            "Object.groupBy([1, 2, 3], (n) => n % 2 ? 'odd' : 'even')",
            r#"{"odd":[1,3],"even":[2]}"#,
        ),
        (
            "JSON.parse('{\"a\":{\"b\":[1e3]}}').a?.b?.at(-1) ?? 0",
            "1000",
        ),
        ("(0.1 + 0.2).toFixed(20)", ""),
        (
            "[3, 1, 2].toSorted().concat(2n ** 64n > 1n)",
            "[1,2,3,true]",
        ),
        ("new Date(Date.UTC(2024, 1, 29)).getTimezoneOffset()", "0"),
        ("Date.now() > 1.6e12", "true"),
    ] {
        let expected = match expected {
            "" => string("0.30000000000000004441"),
            text => other(text),
        };
        assert_eq!(eval(source), expected, "{source}");
    }
}

#[test]
fn bytecode_is_refused_before_anything_runs() {
    let engine = QuickJs::new().unwrap();
    let codes = [
        JsCode::Source("1".into()),
        JsCode::Bytecode(vec![0x43, 0x02]),
    ];
    let value = engine.evaluate(&codes, &[], bounds(LONG, MEMORY_BYTES, &Unshared));
    expect_exception(value, "code[1] is bytecode, which is refused");
    assert!(!engine.is_ready());
}

#[test]
fn there_is_nothing_but_the_language() {
    let names = "['std', 'os', 'process', 'require', 'fetch', 'WebAssembly', 'setTimeout', \
                 'bjson', 'print', 'load', 'XMLHttpRequest', 'Worker', 'Atomics']";
    let present = format!("{names}.filter((name) => name in globalThis)");
    assert_eq!(eval(&present), other("[]"));
}
