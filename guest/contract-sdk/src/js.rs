//! JavaScript in a query: for what is shorter in JavaScript, or is meant to be changed by its users.
//!
//! ```
//! use contract_sdk::js::{self, Value};
//!
//! let worker = contract_sdk::test::Worker::new();
//! worker.on_js(|_codes, arguments| Value::String(arguments.concat()));
//! let value = js::eval("scriptArgs.join('')", &["a", "b"]);
//! assert_eq!(value, Value::String("ab".into()));
//! ```
//!
//! Each evaluation has a fresh realm with the arguments in `scriptArgs` and nothing from outside: no network,
//! no clock, no files. In a transaction the result is an exception.

use alloc::string::String;
use alloc::vec::Vec;
use contract_abi::extension::Function;
use contract_abi::script::JsCode;

pub use contract_abi::script::JsValue as Value;

/// Evaluates `source` and gives the value of its last expression.
pub fn eval(source: &str, arguments: &[&str]) -> Value {
    eval_all(&[source], arguments)
}

/// Evaluates `sources` one after another in one realm and gives the value of the last: a library first, then
/// what uses it.
pub fn eval_all(sources: &[&str], arguments: &[&str]) -> Value {
    let codes: Vec<JsCode> = sources
        .iter()
        .map(|source| JsCode::Source(String::from(*source)))
        .collect();
    crate::host::call(Function::JsEval, &(codes, arguments))
}
