//! Measures calls of contracts, each with a fresh instance, on one thread, beside wasmi and native code.
//!
//! The getter reads four bytes of its input and one storage value, and returns it; that is what the
//! getter of an ink! contract does. The kernels compute. All are measured in turns in one process;
//! each number is the median over the rounds. Nothing here fails for being slow.

mod contracts;
mod peers;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use contract_engine::{Engine, EngineConfig, code_hash, contract_id};
use executor_api::{Capabilities, Context, Executor, Mode, Operation, StateUnavailable, StateView};
use primitives::{AccountId, ClusterId, ContractId, UnixMillis, WorkerId};

use contracts::{GETTER, KERNELS, Kernel};

/// Calls of the getter in a round, by ours and by the peers.
const CALLS: u32 = 2_000;
const PEER_CALLS: u32 = 400;
/// Rounds, in each of which everything has its turn.
const ROUNDS: usize = 31;
/// Bars: of the design, and of what a first version of the engine reached.
const CALL_US_MAX: f64 = 3.0;
const FASTER_THAN_TRANSLATING_MIN: f64 = 10.0;
const FASTER_THAN_KEPT_MIN: f64 = 2.0;
const NATIVE_RATIO_MAX: f64 = 1.3;
const FASTER_COMPUTE_MIN: f64 = 12.0;
const FIB_NATIVE_RATIO_MAX: f64 = 2.5;
const FASTER_COMPUTE_FIRST_MIN: f64 = 6.0;

#[derive(Default)]
struct State(std::collections::BTreeMap<Vec<u8>, Vec<u8>>);

impl StateView for State {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        Ok(self.0.get(key).cloned())
    }
}

struct Worker;

impl Capabilities for Worker {
    fn derive_sr25519_key(&self, _: &ContractId, _: &[u8]) -> [u8; 64] {
        [0; 64]
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
    fn worker(&self) -> WorkerId {
        WorkerId::default()
    }
    fn untrusted_now_ms(&self) -> UnixMillis {
        0
    }
}

type Failure = Box<dyn std::error::Error>;

/// Runs `operation`, keeps what it changes, and returns what the contract returned.
fn run(
    engine: &Engine,
    state: &mut State,
    mode: Mode,
    operation: &Operation,
) -> Result<Vec<u8>, Failure> {
    let context = Context {
        mode,
        cluster: ClusterId::default(),
        origin: AccountId::default(),
        block_number: 1,
        now_ms: 1,
        gas_limit: 0,
        storage_deposit_limit: None,
        nonce: None,
    };
    let outcome = engine.execute(state, &Worker, &context, operation)?;
    let returned = outcome.result?;
    for (key, value) in outcome.changes {
        match value {
            Some(value) => state.0.insert(key, value),
            None => state.0.remove(&key),
        };
    }
    Ok(returned.data)
}

/// Uploads and instantiates `code`; the call that gives `input` to the contract.
fn deploy(
    engine: &Engine,
    state: &mut State,
    code: Vec<u8>,
    input: Vec<u8>,
) -> Result<Operation, Failure> {
    let code_hash = code_hash(&code);
    let contract = contract_id(
        &AccountId::default(),
        &code_hash,
        &ClusterId::default(),
        b"",
    );
    let instantiate = Operation::Instantiate {
        contract,
        code_hash,
        input: Vec::new(),
        salt: Vec::new(),
        value: 0,
    };
    for operation in [Operation::UploadCode { code }, instantiate] {
        run(engine, state, Mode::Transaction, &operation)?;
    }
    Ok(Operation::Call {
        contract,
        input,
        value: 0,
    })
}

/// Microseconds that one of `times` runs takes, each of which must return `expected`.
fn time_us(
    times: u32,
    expected: &[u8],
    mut run: impl FnMut() -> Result<Vec<u8>, Failure>,
) -> Result<f64, Failure> {
    let start = Instant::now();
    for _ in 0..times {
        if black_box(run()?) != expected {
            return Err("a call returned something else than expected".into());
        }
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(times))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Medians of the columns of `rounds`.
fn medians<const N: usize>(rounds: &[[f64; N]]) -> [f64; N] {
    std::array::from_fn(|column| median(rounds.iter().map(|round| round[column]).collect()))
}

fn row(name: &str, us: f64, ours_us: f64) {
    println!("{name:<44} {us:>11.2} {:>9.2}", us / ours_us);
}

fn bar(what: &str, value: f64, bar: f64, at_most: bool) {
    let reached = if at_most { value <= bar } else { value >= bar };
    let sign = if at_most { "<=" } else { ">=" };
    let verdict = if reached { "reached" } else { "MISSED" };
    println!("{what:<44} {value:>11.2} {sign:>4} {bar:<5} {verdict}");
}

/// Ours, wasmi translating for each call, wasmi with the module kept; microseconds.
fn measure_getter(engine: &Engine, state: &mut State, text: &str) -> Result<[f64; 3], Failure> {
    const VALUE: [u8; 4] = 42_u32.to_le_bytes();
    let code = wat::parse_str(text)?;
    let input = vec![1, 2, 3, 4];
    let call = deploy(engine, state, code.clone(), input.clone())?;
    let storage = Arc::new(peers::Storage::from([(vec![0; 4], VALUE.to_vec())]));
    let kept = peers::Kept::new(&code)?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push([
            time_us(CALLS, &VALUE, || run(engine, state, Mode::Query, &call))?,
            time_us(PEER_CALLS, &VALUE, || {
                Ok(peers::translate_and_call(&code, &storage, &input)?)
            })?,
            time_us(PEER_CALLS, &VALUE, || Ok(kept.call(&storage, &input)?))?,
        ]);
    }
    Ok(medians(&rounds))
}

/// Ours, wasmi, native; microseconds. Both engines with fuel.
fn measure_kernel(
    engine: &Engine,
    state: &mut State,
    kernel: &Kernel,
) -> Result<[f64; 3], Failure> {
    let code = wat::parse_str(kernel.code())?;
    let input = kernel.size.to_le_bytes().to_vec();
    let call = deploy(engine, state, code.clone(), input.clone())?;
    let storage = Arc::default();
    let kept = peers::Kept::new(&code)?;
    let expected = (kernel.native)(kernel.size).to_le_bytes();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push([
            time_us(3, &expected, || run(engine, state, Mode::Query, &call))?,
            time_us(1, &expected, || Ok(kept.call(&storage, &input)?))?,
            time_us(3, &expected, || {
                Ok((kernel.native)(black_box(kernel.size))
                    .to_le_bytes()
                    .to_vec())
            })?,
        ]);
    }
    Ok(medians(&rounds))
}

fn main() -> Result<(), Failure> {
    let engine = Engine::new(&EngineConfig::default())?;
    let mut state = State::default();
    let nobody = AccountId::default();
    let set_up = Operation::SetUpCluster {
        owner: nobody,
        gas_price: 0,
        deposit_per_item: 0,
        deposit_per_byte: 0,
        treasury: nobody,
    };
    run(&engine, &mut state, Mode::Transaction, &set_up)?;

    println!("{:<44} {:>11} {:>9}", "what", "us", "/ ours");
    let [ours, translated, kept] = measure_getter(&engine, &mut state, GETTER)?;
    row("getter: ours, fresh instance", ours, ours);
    row("getter: wasmi, translated for each call", translated, ours);
    row("getter: wasmi, module kept", kept, ours);
    let large = contracts::large_getter();
    let [large_ours, large_translated, large_kept] = measure_getter(&engine, &mut state, &large)?;
    row("getter of 34 KB: ours", large_ours, large_ours);
    row(
        "getter of 34 KB: wasmi, translated",
        large_translated,
        large_ours,
    );
    row("getter of 34 KB: wasmi, kept", large_kept, large_ours);
    // Logarithms of the ratios, summed: for geometric means.
    let (mut to_native, mut to_wasmi, mut fib_to_native) = (0.0, 0.0, 0.0);
    for kernel in &KERNELS {
        let [ours, wasmi, native] = measure_kernel(&engine, &mut state, kernel)?;
        row(&format!("{}: ours, fuel", kernel.name), ours, ours);
        row(&format!("{}: wasmi, fuel", kernel.name), wasmi, ours);
        row(&format!("{}: native", kernel.name), native, ours);
        if kernel.name == KERNELS[0].name {
            fib_to_native = ours / native;
        }
        to_native += (ours / native).ln();
        to_wasmi += (wasmi / ours).ln();
    }
    let mean = |sum: f64| (sum / KERNELS.len() as f64).exp();

    println!("\n{:<44} {:>11} {:>9}", "bar", "measured", "bar");
    bar("call with a fresh instance, us", ours, CALL_US_MAX, true);
    let ratio = large_translated / large_ours;
    bar(
        "getter of 34 KB: wasmi translating / ours",
        ratio,
        FASTER_THAN_TRANSLATING_MIN,
        false,
    );
    bar(
        "getter of 34 KB: wasmi kept / ours",
        large_kept / large_ours,
        FASTER_THAN_KEPT_MIN,
        false,
    );
    bar(
        "compute: ours / native, geometric mean",
        mean(to_native),
        NATIVE_RATIO_MAX,
        true,
    );
    bar(
        "compute: wasmi / ours, geometric mean",
        mean(to_wasmi),
        FASTER_COMPUTE_MIN,
        false,
    );
    bar(
        "compute: wasmi / ours, least",
        mean(to_wasmi),
        FASTER_COMPUTE_FIRST_MIN,
        false,
    );
    bar(
        "fib(27): ours / native",
        fib_to_native,
        FIB_NATIVE_RATIO_MAX,
        true,
    );
    Ok(())
}
