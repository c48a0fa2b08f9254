//! The queue of those who wait for their stake.
//!
//! A request waits while its pool's stake is in workers. It is served from the front as stake
//! becomes free ([`Pool::withdraw`]); when it has waited longer than the grace period and neither
//! free stake nor what cooling workers release covers it, anybody may have workers stopped.
//! [`examine`] says how much must be released, so that no more workers are stopped than needed.

use crate::pool::{Pool, Shares};
use primitives::Balance;

/// Seconds since the Unix epoch.
pub type UnixSeconds = u64;

/// A request in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Shares to withdraw.
    pub shares: Shares,
    /// When it was made.
    pub made: UnixSeconds,
}

/// How long a request may wait, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// While stake must be released for it.
    pub grace: UnixSeconds,
    /// In any case; for vaults.
    pub most: Option<UnixSeconds>,
}

impl Patience {
    /// A stake pool's: 7 days.
    pub const STAKE_POOL: Self = Self {
        grace: 7 * 24 * 3600,
        most: None,
    };
    /// A vault's: 7 days, and 21 in any case.
    pub const VAULT: Self = Self {
        most: Some(21 * 24 * 3600),
        ..Self::STAKE_POOL
    };
}

/// What a pool can pay with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funds {
    /// Free now.
    pub free: Balance,
    /// Will be free when cooling workers, or a vault's own requests, are done.
    pub releasing: Balance,
}

/// What is to be done for the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody has waited too long.
    Patient,
    /// Somebody has: so much more stake must be released.
    Release(Balance),
    /// Somebody has waited longest of all, although funds would do.
    Overdue,
}

/// Examines a queue from the front. Requests behind one that is not covered are counted as long as
/// they have waited too long as well; the walk ends with the first that has not.
pub fn examine(
    queue: impl IntoIterator<Item = Request>,
    pool: &Pool,
    funds: Funds,
    patience: Patience,
    now: UnixSeconds,
) -> Verdict {
    let funds = funds.free.saturating_add(funds.releasing);
    let (mut needed, mut overdue) = (0u128, false);
    let mut release = 0;
    for request in queue {
        let age = now.saturating_sub(request.made);
        overdue |= patience.most.is_some_and(|most| age > most);
        // Shares that the pool does not have are worth nothing.
        needed = needed.saturating_add(pool.value_of(request.shares).unwrap_or(0));
        if needed > funds {
            if age <= patience.grace {
                break;
            }
            release = needed - funds;
        }
    }
    match (release, overdue) {
        (0, false) => Verdict::Patient,
        (0, true) => Verdict::Overdue,
        (release, _) => Verdict::Release(release),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use primitives::units::PHA;

    const DAY: u64 = 24 * 3600;

    fn check(queue: &[(u128, u64)], funds: u128, patience: Patience, expect: Verdict) {
        let mut pool = Pool::default();
        pool.deposit(1_000 * PHA).unwrap();
        let queue = queue.iter().map(|&(shares, age)| Request {
            shares: Shares(shares * PHA),
            made: 100 * DAY - age * DAY,
        });
        let funds = Funds {
            free: funds * PHA / 2,
            releasing: funds * PHA / 2,
        };
        assert_eq!(examine(queue, &pool, funds, patience, 100 * DAY), expect);
    }

    #[test]
    fn queues() {
        let pool = Patience::STAKE_POOL;
        check(&[], 0, pool, Verdict::Patient);
        check(&[(100, 30)], 100, pool, Verdict::Patient);
        check(&[(100, 7)], 0, pool, Verdict::Patient);
        check(&[(100, 8)], 40, pool, Verdict::Release(60 * PHA));
        check(
            &[(100, 9), (50, 8), (200, 1)],
            40,
            pool,
            Verdict::Release(110 * PHA),
        );
        check(&[(100, 9), (50, 1)], 100, pool, Verdict::Patient);
        check(&[(100, 22)], 100, Patience::VAULT, Verdict::Overdue);
        check(
            &[(100, 22)],
            90,
            Patience::VAULT,
            Verdict::Release(10 * PHA),
        );
        check(&[(100, 21)], 100, Patience::VAULT, Verdict::Patient);
    }
}
