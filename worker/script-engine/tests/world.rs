//! One engine for all tests, and short ways to ask it.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use contract_abi::script::{JsCode, JsValue};
use executor_api::{ScriptBounds, ScriptEngine, Turn, Unshared};
use script_engine::QuickJs;

/// Enough for every script that ends by itself, also on a busy machine.
pub const LONG: Duration = Duration::from_secs(120);
pub const MEMORY_BYTES: u64 = 64 * 1024 * 1024;

static ENGINE: LazyLock<QuickJs> = LazyLock::new(|| QuickJs::new().unwrap());

pub fn run_with(
    sources: &[&str],
    arguments: &[&str],
    time: Duration,
    memory_bytes_max: u64,
    turn: &dyn Turn,
) -> JsValue {
    // Compiling is no part of a script's time.
    if !ENGINE.is_ready() {
        ENGINE.evaluate(&[], &[], bounds(LONG, MEMORY_BYTES, &Unshared));
    }
    let codes: Vec<JsCode> = sources
        .iter()
        .map(|source| JsCode::Source((*source).into()))
        .collect();
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).into()).collect();
    ENGINE.evaluate(&codes, &arguments, bounds(time, memory_bytes_max, turn))
}

pub fn bounds(time: Duration, memory_bytes_max: u64, turn: &dyn Turn) -> ScriptBounds<'_> {
    ScriptBounds {
        deadline: Instant::now() + time,
        memory_bytes_max,
        turn,
    }
}

pub fn run(sources: &[&str], arguments: &[&str]) -> JsValue {
    run_with(sources, arguments, LONG, MEMORY_BYTES, &Unshared)
}

pub fn eval(source: &str) -> JsValue {
    run(&[source], &[])
}

pub fn string(text: &str) -> JsValue {
    JsValue::String(text.into())
}

pub fn other(text: &str) -> JsValue {
    JsValue::Other(text.into())
}

/// The exception's text; it must contain `part`.
#[track_caller]
pub fn expect_exception(value: JsValue, part: &str) -> String {
    match value {
        JsValue::Exception(text) if text.contains(part) => text,
        value => panic!("not an exception with {part:?}: {value:?}"),
    }
}
