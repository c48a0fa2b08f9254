//! The pink chain extension: what a contract on a worker may do that one on a chain may not.
//!
//! The identifier is extension ‖ function, 16 bits each; pink is extension 0. Arguments are SCALE, one
//! after another; so is the result. Where a function has a *status*, that is what the call returns, and
//! there is output only if it is 0. All other failures trap, with the number that the original gives
//! them: *pink error 0*, no such extension; *1*, no such function; *2*, the output does not fit into
//! the contract's buffer, which in ink! has 16 KiB.
//!
//! In a transaction, and in an estimate of one, what would differ between workers is replaced: sr25519
//! signatures and random bytes are empty, the worker's key and time are zero, HTTP does not answer, the
//! cache is written to after the transaction and never read, scripts do not run, there is no quote.

mod cache;
mod facts;
mod keys;
mod web;

use codec::Encode;
use contract_abi::extension::{Function, PINK};
use zeroize::Zeroizing;

use crate::host::{Guest, code::SUCCESS};
use crate::limits::INPUT_BYTES_MAX;
use crate::stop::Stop;

/// What a function gives: output, or a status other than 0.
enum Given {
    Output(Zeroizing<Vec<u8>>),
    Status(u32),
}

/// A result as output.
fn output(value: &impl Encode) -> Given {
    Given::Output(Zeroizing::new(value.encode()))
}

/// Calls a function of the extension.
pub fn call(
    guest: &mut Guest<'_>,
    id: u32,
    input: u32,
    len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Stop> {
    let (extension, function) = ((id >> 16) as u16, id as u16);
    if extension != PINK {
        let text = format!("there is no chain extension {extension} (pink error 0)");
        return Err(Stop::trap(text));
    }
    let function = Function::from_id(function).ok_or_else(|| {
        Stop::trap(format!(
            "there is no function {function} in the pink extension (pink error 1)"
        ))
    })?;
    // Arguments may be secret keys.
    let input = Zeroizing::new(guest.read(input, len, INPUT_BYTES_MAX, "the arguments")?);
    match run(guest, function, &input)? {
        Given::Status(status) => Ok(status),
        Given::Output(output) => {
            let capacity = u32::from_le_bytes(guest.read_array(out_len)?);
            if output.len() > capacity as usize {
                return Err(Stop::trap(format!(
                    "the output of {function:?} has {} bytes, the contract's buffer has {capacity} \
                     (pink error 2)",
                    output.len()
                )));
            }
            guest.write_output(out, out_len, &output)?;
            Ok(SUCCESS)
        }
    }
}

fn run(guest: &mut Guest<'_>, function: Function, input: &[u8]) -> Result<Given, Stop> {
    Ok(match function {
        Function::HttpRequest => output(&web::http_request(guest, input)?),
        Function::Sign => output(&keys::sign(guest, input)?),
        Function::Verify => output(&keys::verify(guest, input)?),
        Function::DeriveSr25519Key => output(&keys::derive_sr25519_key(guest, input)?),
        Function::GetPublicKey => output(&keys::get_public_key(guest, input)?),
        Function::CacheSet => match cache::set(guest, input)? {
            SUCCESS => output(&()),
            status => Given::Status(status),
        },
        Function::CacheSetExpiration => output(&cache::set_expiration(guest, input)?),
        Function::CacheGet => output(&cache::get(guest, input)?),
        Function::CacheRemove => output(&cache::remove(guest, input)?),
        Function::Log => output(&facts::log(guest, input)?),
        Function::GetRandom => output(&keys::getrandom(guest, input)?),
        Function::IsInTransaction => output(&facts::is_in_transaction(guest, input)?),
        Function::EcdsaSignPrehashed => output(&keys::ecdsa_sign_prehashed(guest, input)?),
        Function::EcdsaVerifyPrehashed => output(&keys::ecdsa_verify_prehashed(guest, input)?),
        Function::SystemContractId => output(&facts::system_contract_id(guest, input)?),
        Function::BalanceOf => output(&facts::balance_of(guest, input)?),
        Function::WorkerPubkey => output(&facts::worker_pubkey(guest, input)?),
        Function::UntrustedMillisSinceUnixEpoch => output(&facts::untrusted_millis(guest, input)?),
        Function::CodeExists => output(&facts::code_exists(guest, input)?),
        Function::ImportLatestSystemCode => facts::import_latest_system_code(guest, input)?,
        Function::RuntimeVersion => output(&facts::runtime_version(guest, input)?),
        Function::BatchHttpRequest => match web::batch_http_request(guest, input)? {
            Ok(responses) => output(&responses),
            Err(error) => Given::Status(error.status()),
        },
        Function::CurrentEventChainHead => output(&facts::event_chain_head(guest, input)?),
        Function::JsEval => output(&web::js_eval(guest, input)?),
        Function::WorkerSgxQuote => output(&facts::worker_quote(guest, input)?),
    })
}
