//! What operations cost: gas, deposits, and what callers are told of them.
//!
//! In a transaction the origin pays for gas and storage from its balance inside the cluster: gas up to
//! the limit is taken first and goes to the treasury as far as it was used; deposits are settled at
//! the end, and if the origin cannot pay them nothing is kept but the gas. In an estimate the same is
//! computed and reported, but nobody has to be able to pay it. Queries are free, and so is the gas of
//! what the system contract itself is the origin of: hooks, and changes of stakes.

use executor_api::{ExecutionError, Mode, StateUnavailable, StorageDeposit};
use primitives::{AccountId, Balance};

use crate::execution::Execution;
use crate::state::ClusterRecord;
use crate::stop::Stop;

/// The lowest bit that the gas shown to a caller keeps, in queries and estimates.
const GAS_BIT_MIN: u32 = 28;
/// The highest bit of gas.
const GAS_BIT_MAX: u32 = 63;
/// Leading bits of an amount that are shown.
const BITS_SHOWN: u32 = 9;
/// Bytes whose deposit is the least amount that shows.
const DEPOSIT_BYTES_SHOWN: Balance = 256;

/// Why an operation returned nothing: a stop, or something that already has its final form.
pub enum Refusal {
    Stop(Stop),
    Error(ExecutionError),
}

impl Refusal {
    pub fn into_error(self) -> Result<ExecutionError, StateUnavailable> {
        match self {
            Self::Stop(stop) => stop.into_error(),
            Self::Error(error) => Ok(error),
        }
    }
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// Takes the price of all gas that may be used from the origin.
pub fn take_gas(execution: &mut Execution, gas_limit: u64) -> Result<(), Refusal> {
    let price = execution.cluster.gas_price.saturating_mul(gas_limit.into());
    let origin = execution.context.origin;
    if price == 0 || origin == execution.system_contract().into() {
        return Ok(());
    }
    let rest = execution.balance(&origin)?.checked_sub(price);
    let rest = rest.ok_or(Refusal::Error(ExecutionError::BalanceTooLow))?;
    execution
        .overlay
        .set_balance(&origin, rest)
        .map_err(Stop::from)?;
    Ok(())
}

/// Gives the price of unused gas back to the origin, and that of used gas to the treasury.
pub fn pay_gas(execution: &mut Execution, gas_limit: u64, gas_used: u64) -> Result<(), Stop> {
    let price = execution.cluster.gas_price;
    let (origin, treasury) = (execution.context.origin, execution.cluster.treasury);
    if price == 0 || origin == execution.system_contract().into() {
        return Ok(());
    }
    let unused = gas_limit.saturating_sub(gas_used);
    for (account, gas) in [(origin, unused), (treasury, gas_limit - unused)] {
        let sum = execution
            .balance(&account)?
            .saturating_add(price.saturating_mul(gas.into()));
        execution.overlay.set_balance(&account, sum)?;
    }
    Ok(())
}

/// Lends the origin what it wants to transfer, so that an account without money can ask.
pub fn lend(execution: &mut Execution, value: Balance) -> Result<(), Stop> {
    if value == 0 {
        return Ok(());
    }
    let origin = execution.context.origin;
    let sum = execution.balance(&origin)?.saturating_add(value);
    Ok(execution.overlay.set_balance(&origin, sum)?)
}

/// Settles the deposits with `payer`.
pub fn settle(execution: &mut Execution, payer: &AccountId) -> Result<StorageDeposit, Refusal> {
    let deposit = execution.settle_deposits()?;
    charge_deposit(execution, payer, deposit)?;
    Ok(deposit)
}

/// Charges `payer`, or gives back to it, in a transaction.
pub fn charge_deposit(
    execution: &mut Execution,
    payer: &AccountId,
    deposit: StorageDeposit,
) -> Result<(), Refusal> {
    let limit = execution.context.storage_deposit_limit;
    match deposit {
        StorageDeposit::Charge(charge) if limit.is_some_and(|limit| charge > limit) => {
            return Err(Refusal::Error(ExecutionError::StorageDepositLimit));
        }
        StorageDeposit::Charge(0) | StorageDeposit::Refund(0) => return Ok(()),
        _ => {}
    }
    if execution.context.mode != Mode::Transaction {
        return Ok(());
    }
    let balance = execution.balance(payer)?;
    let balance = match deposit {
        StorageDeposit::Charge(charge) => balance.checked_sub(charge),
        StorageDeposit::Refund(refund) => Some(balance.saturating_add(refund)),
    };
    let balance = balance.ok_or(Refusal::Error(ExecutionError::BalanceTooLow))?;
    execution
        .overlay
        .set_balance(payer, balance)
        .map_err(Stop::from)?;
    Ok(())
}


/// Rounds up to the leading bits, so that gas tells little of what a contract did with secrets.
pub fn coarse_gas(gas: u64) -> u64 {
    let bit = (u64::BITS - gas.leading_zeros()).saturating_sub(BITS_SHOWN);
    gas | ((1 << bit.clamp(GAS_BIT_MIN, GAS_BIT_MAX)) - 1)
}

/// As [`coarse_gas`], for a deposit.
pub fn coarse_deposit(deposit: StorageDeposit, cluster: &ClusterRecord) -> StorageDeposit {
    let least = cluster.deposit_per_byte.saturating_mul(DEPOSIT_BYTES_SHOWN);
    let least = least.checked_ilog2().unwrap_or(0);
    let coarse = |amount: Balance| {
        let bit = (Balance::BITS - amount.leading_zeros()).saturating_sub(BITS_SHOWN);
        amount | ((1 << bit.max(least)) - 1)
    };
    match deposit {
        StorageDeposit::Charge(amount) => StorageDeposit::Charge(coarse(amount)),
        StorageDeposit::Refund(amount) => StorageDeposit::Refund(coarse(amount)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_is_shown_coarsely_and_never_too_low() {
        assert_eq!(coarse_gas(0), (1 << 28) - 1);
        assert_eq!(coarse_gas((1 << 40) + 1), (1 << 40) | ((1 << 32) - 1));
        assert_eq!(coarse_gas(u64::MAX), u64::MAX);
        for gas in (0..64).map(|bit| (1_u64 << bit) + 12_345) {
            assert!(coarse_gas(gas) >= gas);
        }
    }
}
