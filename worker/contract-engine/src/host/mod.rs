//! The host functions: what a contract may import.
//!
//! Grouped by what they touch. Each charges fuel before it works, checks every pointer against the
//! contract's memory, and changes nothing when it fails. Names and signatures are those of ink! and
//! pallet-contracts; ink! 3 imports `seal_NAME` where later versions import `NAME`, so both exist.

mod calls;
mod context;
mod crypto;
mod guest;
mod legacy;
mod output;
mod storage;

use std::collections::BTreeSet;

use wasmtime::{Caller, Linker};

use crate::frame::Frame;
use crate::pink;

pub use guest::Guest;

/// What host functions return to contracts.
pub mod code {
    /// It was done.
    pub const SUCCESS: u32 = 0;
    /// The called contract trapped or ran out of gas.
    pub const CALLEE_TRAPPED: u32 = 1;
    /// The called contract asked to undo what it did.
    pub const CALLEE_REVERTED: u32 = 2;
    /// There is nothing under this key.
    pub const KEY_NOT_FOUND: u32 = 3;
    /// The balance is too low.
    pub const TRANSFER_FAILED: u32 = 5;
    /// There is no such code.
    pub const CODE_NOT_FOUND: u32 = 7;
    /// There is no such contract.
    pub const NOT_CALLABLE: u32 = 8;
    /// The chain's calls are not offered to contracts.
    pub const CALL_RUNTIME_FAILED: u32 = 10;
    /// The signature gives no key.
    pub const ECDSA_RECOVERY_FAILED: u32 = 11;
    /// The signature is wrong.
    pub const SR25519_VERIFY_FAILED: u32 = 12;
    /// Instead of a pointer: no output wanted. Instead of a size: there was nothing.
    pub const SENTINEL: u32 = u32::MAX;
}

/// Registers every function and returns their names as (module, name).
pub fn register(
    linker: &mut Linker<Frame>,
    #[cfg(feature = "oracle")] interpreted: &mut crate::oracle::Functions,
) -> wasmtime::Result<BTreeSet<(String, String)>> {
    let mut names = BTreeSet::new();
    macro_rules! host {
        ($($module:ident . $name:ident ($($arg:ident: $ty:ty),*) -> $result:ty = $function:path;)*) => {$(
            // ink! 3 has the prefix; `seal_return` itself has it in all versions.
            for name in [stringify!($name).to_owned(), format!("seal_{}", stringify!($name))] {
                linker.func_wrap(
                    stringify!($module),
                    &name,
                    |caller: Caller<'_, Frame>, $($arg: $ty),*| -> wasmtime::Result<$result> {
                        Ok($function(&mut Guest::new(caller)?, $($arg),*)?)
                    },
                )?;
                #[cfg(feature = "oracle")]
                interpreted.func_wrap(
                    stringify!($module),
                    &name,
                    |caller: wasmi::Caller<'_, Frame>, $($arg: $ty),*| {
                        let mut guest = Guest::new(caller).map_err(wasmi::Error::host)?;
                        $function(&mut guest, $($arg),*).map_err(wasmi::Error::host)
                    },
                )?;
                names.insert((stringify!($module).to_owned(), name));
            }
        )*};
    }
    host! {
        seal0.get_storage(key: u32, out: u32, out_len: u32) -> u32 = storage::get_fixed;
        seal1.get_storage(key: u32, key_len: u32, out: u32, out_len: u32) -> u32 = storage::get;
        seal0.set_storage(key: u32, value: u32, len: u32) -> () = storage::set_fixed_v0;
        seal1.set_storage(key: u32, value: u32, len: u32) -> u32 = storage::set_fixed;
        seal2.set_storage(key: u32, key_len: u32, value: u32, len: u32) -> u32 = storage::set;
        seal0.clear_storage(key: u32) -> () = storage::clear_fixed;
        seal1.clear_storage(key: u32, key_len: u32) -> u32 = storage::clear;
        seal0.contains_storage(key: u32) -> u32 = storage::contains_fixed;
        seal1.contains_storage(key: u32, key_len: u32) -> u32 = storage::contains;
        seal0.take_storage(key: u32, key_len: u32, out: u32, out_len: u32) -> u32 = storage::take;

        seal0.input(out: u32, out_len: u32) -> () = context::input;
        seal0.caller(out: u32, out_len: u32) -> () = context::caller;
        seal0.address(out: u32, out_len: u32) -> () = context::address;
        seal0.balance(out: u32, out_len: u32) -> () = context::balance;
        seal0.value_transferred(out: u32, out_len: u32) -> () = context::value_transferred;
        seal0.minimum_balance(out: u32, out_len: u32) -> () = context::minimum_balance;
        seal0.block_number(out: u32, out_len: u32) -> () = context::block_number;
        seal0.now(out: u32, out_len: u32) -> () = context::now;
        seal0.gas_left(out: u32, out_len: u32) -> () = context::gas_left;
        seal1.gas_left(out: u32, out_len: u32) -> () = context::gas_left_weight;
        seal0.weight_to_fee(gas: u64, out: u32, out_len: u32) -> () = context::weight_to_fee;
        seal1.weight_to_fee(time: u64, size: u64, out: u32, out_len: u32) -> ()
            = context::weight_to_fee_two_parts;
        seal0.is_contract(account: u32) -> u32 = context::is_contract;
        seal0.code_hash(account: u32, out: u32, out_len: u32) -> u32 = context::code_hash;
        seal0.own_code_hash(out: u32, out_len: u32) -> () = context::own_code_hash;
        seal0.caller_is_origin() -> u32 = context::caller_is_origin;
        seal0.caller_is_root() -> u32 = context::caller_is_root;
        seal0.reentrance_count() -> u32 = context::reentrance_count;
        seal0.account_reentrance_count(account: u32) -> u32 = context::account_reentrance_count;

        seal0.hash_sha2_256(input: u32, len: u32, out: u32) -> () = crypto::sha2_256;
        seal0.hash_keccak_256(input: u32, len: u32, out: u32) -> () = crypto::keccak_256;
        seal0.hash_blake2_256(input: u32, len: u32, out: u32) -> () = crypto::blake2_256;
        seal0.hash_blake2_128(input: u32, len: u32, out: u32) -> () = crypto::blake2_128;
        seal0.ecdsa_recover(signature: u32, hash: u32, out: u32) -> u32 = crypto::ecdsa_recover;
        seal0.ecdsa_to_eth_address(public: u32, out: u32) -> u32 = crypto::ecdsa_to_eth_address;
        seal0.sr25519_verify(signature: u32, public: u32, len: u32, message: u32) -> u32
            = crypto::sr25519_verify;

        seal0.deposit_event(topics: u32, topics_len: u32, data: u32, len: u32) -> ()
            = output::deposit_event;
        seal0.debug_message(text: u32, len: u32) -> u32 = output::debug_message;

        seal0.transfer(to: u32, to_len: u32, value: u32, value_len: u32) -> u32 = calls::transfer;
        seal0.call(
            callee: u32, callee_len: u32, gas: u64, value: u32, value_len: u32, input: u32,
            len: u32, out: u32, out_len: u32
        ) -> u32 = calls::call_v0;
        seal1.call(
            flags: u32, callee: u32, gas: u64, value: u32, input: u32, len: u32, out: u32,
            out_len: u32
        ) -> u32 = calls::call_v1;
        seal2.call(
            flags: u32, callee: u32, time: u64, size: u64, deposit: u32, value: u32, input: u32,
            len: u32, out: u32, out_len: u32
        ) -> u32 = calls::call_v2;
        seal0.delegate_call(
            flags: u32, code: u32, input: u32, len: u32, out: u32, out_len: u32
        ) -> u32 = calls::delegate_call;
        seal0.instantiate(
            code: u32, code_len: u32, gas: u64, value: u32, value_len: u32, input: u32, len: u32,
            address: u32, address_len: u32, out: u32, out_len: u32, salt: u32, salt_len: u32
        ) -> u32 = calls::instantiate_v0;
        seal1.instantiate(
            code: u32, gas: u64, value: u32, input: u32, len: u32, address: u32, address_len: u32,
            out: u32, out_len: u32, salt: u32, salt_len: u32
        ) -> u32 = calls::instantiate_v1;
        seal2.instantiate(
            code: u32, time: u64, size: u64, deposit: u32, value: u32, input: u32, len: u32,
            address: u32, address_len: u32, out: u32, out_len: u32, salt: u32, salt_len: u32
        ) -> u32 = calls::instantiate_v2;
        seal0.terminate(to: u32, to_len: u32) -> () = calls::terminate_v0;
        seal1.terminate(to: u32) -> () = calls::terminate_v1;
        seal0.set_code_hash(code: u32) -> u32 = calls::set_code_hash;
        seal0.call_runtime(call: u32, len: u32) -> u32 = calls::call_runtime;
        seal0.instantiation_nonce() -> u64 = calls::instantiation_nonce;
        seal0.lock_delegate_dependency(code: u32) -> () = calls::lock_delegate_dependency;
        seal0.unlock_delegate_dependency(code: u32) -> () = calls::unlock_delegate_dependency;

        seal0.random(subject: u32, len: u32, out: u32, out_len: u32) -> () = legacy::random;
        seal1.random(subject: u32, len: u32, out: u32, out_len: u32) -> ()
            = legacy::random_since;
        seal0.tombstone_deposit(out: u32, out_len: u32) -> () = legacy::tombstone_deposit;
        seal0.rent_allowance(out: u32, out_len: u32) -> () = legacy::rent_allowance;
        seal0.set_rent_allowance(value: u32, len: u32) -> () = legacy::set_rent_allowance_v0;
        seal1.set_rent_allowance(value: u32) -> () = legacy::set_rent_allowance;
        seal0.restore_to(
            to: u32, to_len: u32, code: u32, code_len: u32, rent: u32, rent_len: u32, delta: u32,
            count: u32
        ) -> () = legacy::restore_to_v0;
        seal1.restore_to(to: u32, code: u32, rent: u32, delta: u32, count: u32) -> ()
            = legacy::restore_to;
        seal0.xcm_execute(message: u32, len: u32) -> u32 = legacy::xcm_execute;
        seal0.xcm_send(to: u32, message: u32, len: u32, out: u32) -> u32 = legacy::xcm_send;

        seal0.call_chain_extension(id: u32, input: u32, len: u32, out: u32, out_len: u32) -> u32
            = pink::call;
    }
    let returns = |caller: Caller<'_, Frame>, flags: u32, data: u32, len: u32| {
        Ok(output::seal_return(
            &mut Guest::new(caller)?,
            flags,
            data,
            len,
        )?)
    };
    linker.func_wrap("seal0", "seal_return", returns)?;
    #[cfg(feature = "oracle")]
    interpreted.func_wrap(
        "seal0",
        "seal_return",
        |caller: wasmi::Caller<'_, Frame>, flags: u32, data: u32, len: u32| {
            let mut guest = Guest::new(caller).map_err(wasmi::Error::host)?;
            output::seal_return(&mut guest, flags, data, len).map_err(wasmi::Error::host)
        },
    )?;
    names.insert(("seal0".into(), "seal_return".into()));
    Ok(names)
}
