//! What the pallet of sessions (`pallet-computation`) and the pallet of pools (`pallet-stake-pools`) ask of
//! each other. Neither knows the other; the runtime ties them together.
//!
//! A *session* is one worker's work for one pool, known by an account without a key. The pool holds the
//! money, all of it; the session pallet only says how much of it is at stake, earned or lost.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

use polkadot_sdk::sp_runtime::DispatchError;
use primitives::{Balance, WorkerId};

/// What has become of a stake when its worker has cooled down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StakeReturn {
    /// What was put up.
    pub stake: Balance,
    /// What is lost of it for good, because the worker was off line; at most `stake`. What proven faults
    /// cost was taken when they were proven ([`SessionEvents::on_slashed`]) and is no part of `stake`.
    pub slashed: Balance,
}

/// Sessions, as pools see them. Implemented by `pallet-computation`.
///
/// Every function refuses without any effect.
pub trait Sessions<AccountId> {
    /// Ties a registered worker with a benchmark to a session, which begins to exist by it.
    ///
    /// # Errors
    /// When the worker is unknown, has no benchmark, or is tied to another session.
    fn bind(session: &AccountId, worker: &WorkerId) -> Result<(), DispatchError>;

    /// Undoes [`Sessions::bind`].
    ///
    /// # Errors
    /// When the session computes or cools down.
    fn unbind(session: &AccountId) -> Result<(), DispatchError>;

    /// Begins to compute, with so much at stake.
    ///
    /// # Errors
    /// When the session is not ready, or the stake is below or above what its worker's benchmark allows.
    fn start(session: &AccountId, stake: Balance) -> Result<(), DispatchError>;

    /// Ends computing; the stake cools down.
    ///
    /// # Errors
    /// When the session does not compute, or was paid in this block: then it may in the next.
    fn stop(session: &AccountId) -> Result<(), DispatchError>;

    /// Goes on with a greater stake, at once.
    ///
    /// # Errors
    /// When the session does not compute, is unresponsive, or was paid in this block; when a slash waits for
    /// it; or `stake` is not greater than what it has, or too great.
    fn restart(session: &AccountId, stake: Balance) -> Result<(), DispatchError>;

    /// Gives a stake back that has cooled down.
    ///
    /// # Errors
    /// When there is none, it still cools down, or a slash waits for it.
    fn reclaim(session: &AccountId) -> Result<StakeReturn, DispatchError>;

    /// What a session has at stake, computing or cooling down; 0 otherwise.
    fn stake(session: &AccountId) -> Balance;

    /// Whether the session computes.
    fn is_computing(session: &AccountId) -> bool;

    /// The account that operates a worker, if it is registered with one.
    fn operator(worker: &WorkerId) -> Option<AccountId>;
}

/// What pools are told. Implemented by `pallet-stake-pools`.
pub trait SessionEvents<AccountId> {
    /// A session has earned `amount`, which lies on the account [`SessionEvents::reward_account`] already.
    fn on_reward(session: &AccountId, amount: Balance);

    /// A session's worker went without its pool: the operator has taken it, or it was banned. Its stake,
    /// if there is any, cools down.
    fn on_unbound(session: &AccountId, worker: &WorkerId);

    /// So much of a session's stake is lost, now and for good. The pool moves the money to `beneficiary`
    /// (who proved the fault) and the treasury as it is told; it is its own money.
    fn on_slashed(session: &AccountId, to_treasury: Balance, beneficiary: Option<(AccountId, Balance)>);

    /// Where rewards are paid to before [`SessionEvents::on_reward`]; it belongs to the session's pool.
    fn reward_account(session: &AccountId) -> Option<AccountId>;
}
