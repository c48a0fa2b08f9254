//! How long one judgement of the recorded quotes takes on this machine: median and worst of many.

use attestation::{AcceptedRoot, AttestationError, Collateral, Evidence, Policy, judge};
use std::time::{Duration, Instant};

const ROUNDS: usize = 201;

fn main() -> Result<(), AttestationError> {
    let sgx = (
        include_bytes!("../tests/samples/sgx_quote.bin").to_vec(),
        include_str!("../tests/samples/sgx_quote_collateral.json"),
        48 + 320,
    );
    let tdx = (
        include_bytes!("../tests/samples/tdx_quote.bin").to_vec(),
        include_str!("../tests/samples/tdx_quote_collateral.json"),
        48 + 520,
    );
    for (name, (quote, collateral, report_data_offset)) in [("SGX", sgx), ("TDX", tdx)] {
        let mut report_data = [0; 64];
        report_data.copy_from_slice(&quote[report_data_offset..report_data_offset + 64]);
        let evidence = Evidence {
            quote,
            collateral: Collateral::from_json(collateral)?,
        };
        let times = judge_times(&evidence, &report_data)?;
        println!(
            "{name}: median {:?}, worst {:?}",
            times[ROUNDS / 2],
            times[ROUNDS - 1]
        );
    }
    Ok(())
}

/// Sorted times of [`ROUNDS`] judgements, the day after the collateral was issued.
fn judge_times(
    evidence: &Evidence,
    report_data: &[u8; 64],
) -> Result<Vec<Duration>, AttestationError> {
    const JUNE_2025: u64 = 1_750_420_800;
    let roots = [AcceptedRoot::Intel];
    let policy = Policy {
        roots: &roots,
        allowed_measurements: None,
        tier_max: 5,
    };
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        judge(evidence, report_data, &policy, JUNE_2025)?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times)
}
