//! What PHA counts in a vote.
//!
//! An account votes with all that is its own: what lies about, what is held from it (deposits, stakes behind
//! contracts, collateral), and what its shares of pools are worth. Money behind shares lies on accounts without keys and
//! votes for nobody else.
//!
//! A vote locks what it counts: the account's own money first, by a lock of `pallet-balances`, which lies over
//! holds as well, and for the rest its shares, which then are neither queued nor transferred. So nothing votes
//! twice, and nothing has to be taken out of a pool or from behind a contract to vote.

use core::marker::PhantomData;
use pallet_stake_pools::{ShareLocks, VotingPower};
use polkadot_sdk::{
    frame_support::traits::{
        BalanceStatus, Currency, ExistenceRequirement, Get, LockIdentifier, LockableCurrency,
        ReservableCurrency, SignedImbalance, WithdrawReasons,
        fungible::Inspect,
        tokens::{
            DepositConsequence, Fortitude, Preservation, Provenance, WithdrawConsequence,
        },
    },
    pallet_conviction_voting::{ClassLocksFor, Voting, VotingFor},
    sp_runtime::{DispatchError, DispatchResult},
};
use primitives::Balance;

/// What others have delegated to an account.
pub trait Delegated<AccountId> {
    /// The most PHA, not weighted by conviction, that was delegated to `who` on any one track.
    fn delegated(who: &AccountId) -> Balance;
}

/// What an account's votes keep locked.
pub trait Required<AccountId> {
    /// The most that a vote, a delegation or an old vote of `who` keeps, on any track.
    fn required(who: &AccountId) -> Balance;
}

/// `pallet-conviction-voting`, asked for both.
pub struct ConvictionVotes<T, Tracks>(PhantomData<(T, Tracks)>);

impl<T, Tracks> Delegated<T::AccountId> for ConvictionVotes<T, Tracks>
where
    T: polkadot_sdk::pallet_conviction_voting::Config,
    T::Currency: Currency<T::AccountId, Balance = Balance>,
    Tracks: Get<alloc::vec::Vec<polkadot_sdk::pallet_conviction_voting::ClassOf<T>>>,
{
    fn delegated(who: &T::AccountId) -> Balance {
        let on_track = |track| match VotingFor::<T>::get(who, track) {
            Voting::Casting(casting) => casting.delegations.capital,
            // Who delegates does not hold what others gave it before.
            Voting::Delegating(_) => 0,
        };
        Tracks::get().into_iter().map(on_track).max().unwrap_or(0)
    }
}

impl<T, Tracks> Required<T::AccountId> for ConvictionVotes<T, Tracks>
where
    T: polkadot_sdk::pallet_conviction_voting::Config,
    T::Currency: Currency<T::AccountId, Balance = Balance>,
{
    fn required(who: &T::AccountId) -> Balance {
        ClassLocksFor::<T>::get(who).iter().map(|(_, amount)| *amount).max().unwrap_or(0)
    }
}

/// The currency that votes are counted and locked in: `Money`, and shares of pools by `Shares`. `Locks` says what
/// votes require. For anything but balances and locks it is `Money`.
pub struct VotingCurrency<Money, Shares, Locks>(PhantomData<(Money, Shares, Locks)>);

impl<Money, Shares, Locks, AccountId> LockableCurrency<AccountId>
    for VotingCurrency<Money, Shares, Locks>
where
    Money: LockableCurrency<AccountId, Balance = Balance> + Inspect<AccountId, Balance = Balance>,
    Shares: VotingPower<AccountId> + ShareLocks<AccountId>,
    Locks: Required<AccountId>,
{
    type Moment = Money::Moment;
    type MaxLocks = Money::MaxLocks;

    fn set_lock(
        id: LockIdentifier,
        who: &AccountId,
        amount: Balance,
        reasons: WithdrawReasons,
    ) {
        let own = <Money as Currency<AccountId>>::total_balance(who).min(amount);
        Money::set_lock(id, who, own, reasons);
        let of_shares = amount.saturating_sub(own);
        if of_shares == 0 {
            Shares::unlock_shares(id, who);
            return;
        }
        // Shares may be worth less than when they voted (slashes), or round down by a unit: then all that is
        // left is locked.
        let lock = |worth| Shares::lock_shares(id, who, worth).is_ok();
        if !lock(of_shares) {
            lock(Shares::shares_value(who).min(of_shares));
        }
    }

    fn extend_lock(
        id: LockIdentifier,
        who: &AccountId,
        amount: Balance,
        reasons: WithdrawReasons,
    ) {
        // The lock of money and that of shares move together, so both are set anew from what is required.
        Self::set_lock(id, who, amount.max(Locks::required(who)), reasons);
    }

    fn remove_lock(id: LockIdentifier, who: &AccountId) {
        Money::remove_lock(id, who);
        Shares::unlock_shares(id, who);
    }
}

impl<Money, Shares, Locks, AccountId> Inspect<AccountId> for VotingCurrency<Money, Shares, Locks>
where
    Money: Inspect<AccountId, Balance = Balance>,
    Shares: VotingPower<AccountId>,
{
    type Balance = Balance;

    fn total_issuance() -> Balance {
        Money::total_issuance()
    }

    fn active_issuance() -> Balance {
        Money::active_issuance()
    }

    fn minimum_balance() -> Balance {
        Money::minimum_balance()
    }

    fn total_balance(who: &AccountId) -> Balance {
        Money::total_balance(who).saturating_add(Shares::shares_value(who))
    }

    fn balance(who: &AccountId) -> Balance {
        Money::balance(who)
    }

    fn reducible_balance(who: &AccountId, keep: Preservation, force: Fortitude) -> Balance {
        Money::reducible_balance(who, keep, force)
    }

    fn can_deposit(who: &AccountId, amount: Balance, origin: Provenance) -> DepositConsequence {
        Money::can_deposit(who, amount, origin)
    }

    fn can_withdraw(who: &AccountId, amount: Balance) -> WithdrawConsequence<Balance> {
        Money::can_withdraw(who, amount)
    }
}

impl<Money, Shares, Locks, AccountId> Currency<AccountId> for VotingCurrency<Money, Shares, Locks>
where
    Money: Currency<AccountId, Balance = Balance>,
    Shares: VotingPower<AccountId>,
{
    type Balance = Balance;
    type PositiveImbalance = Money::PositiveImbalance;
    type NegativeImbalance = Money::NegativeImbalance;

    fn total_balance(who: &AccountId) -> Balance {
        Money::total_balance(who).saturating_add(Shares::shares_value(who))
    }

    fn can_slash(who: &AccountId, value: Balance) -> bool {
        Money::can_slash(who, value)
    }

    fn total_issuance() -> Balance {
        Money::total_issuance()
    }

    fn active_issuance() -> Balance {
        Money::active_issuance()
    }

    fn deactivate(amount: Balance) {
        Money::deactivate(amount);
    }

    fn reactivate(amount: Balance) {
        Money::reactivate(amount);
    }

    fn minimum_balance() -> Balance {
        Money::minimum_balance()
    }

    fn burn(amount: Balance) -> Self::PositiveImbalance {
        Money::burn(amount)
    }

    fn issue(amount: Balance) -> Self::NegativeImbalance {
        Money::issue(amount)
    }

    fn free_balance(who: &AccountId) -> Balance {
        Money::free_balance(who)
    }

    fn ensure_can_withdraw(
        who: &AccountId,
        amount: Balance,
        reasons: WithdrawReasons,
        new_balance: Balance,
    ) -> DispatchResult {
        Money::ensure_can_withdraw(who, amount, reasons, new_balance)
    }

    fn transfer(
        from: &AccountId,
        to: &AccountId,
        value: Balance,
        existence: ExistenceRequirement,
    ) -> DispatchResult {
        Money::transfer(from, to, value, existence)
    }

    fn slash(who: &AccountId, value: Balance) -> (Self::NegativeImbalance, Balance) {
        Money::slash(who, value)
    }

    fn deposit_into_existing(
        who: &AccountId,
        value: Balance,
    ) -> Result<Self::PositiveImbalance, DispatchError> {
        Money::deposit_into_existing(who, value)
    }

    fn deposit_creating(who: &AccountId, value: Balance) -> Self::PositiveImbalance {
        Money::deposit_creating(who, value)
    }

    fn withdraw(
        who: &AccountId,
        value: Balance,
        reasons: WithdrawReasons,
        existence: ExistenceRequirement,
    ) -> Result<Self::NegativeImbalance, DispatchError> {
        Money::withdraw(who, value, reasons, existence)
    }

    fn make_free_balance_be(
        who: &AccountId,
        balance: Balance,
    ) -> SignedImbalance<Balance, Self::PositiveImbalance> {
        Money::make_free_balance_be(who, balance)
    }
}

impl<Money, Shares, Locks, AccountId> ReservableCurrency<AccountId>
    for VotingCurrency<Money, Shares, Locks>
where
    Money: ReservableCurrency<AccountId, Balance = Balance>,
    Shares: VotingPower<AccountId>,
{
    fn can_reserve(who: &AccountId, value: Balance) -> bool {
        Money::can_reserve(who, value)
    }

    fn slash_reserved(who: &AccountId, value: Balance) -> (Self::NegativeImbalance, Balance) {
        Money::slash_reserved(who, value)
    }

    fn reserved_balance(who: &AccountId) -> Balance {
        Money::reserved_balance(who)
    }

    fn reserve(who: &AccountId, value: Balance) -> DispatchResult {
        Money::reserve(who, value)
    }

    fn unreserve(who: &AccountId, value: Balance) -> Balance {
        Money::unreserve(who, value)
    }

    fn repatriate_reserved(
        from: &AccountId,
        to: &AccountId,
        value: Balance,
        status: BalanceStatus,
    ) -> Result<Balance, DispatchError> {
        Money::repatriate_reserved(from, to, value, status)
    }
}
