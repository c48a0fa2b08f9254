//! What to do about a pallet's refusal, in words.

/// Pallet and error, and what the caller can do.
const REMEDIES: &[(&str, &str)] = &[
    ("PhalaStakePoolv2::PoolDoesNotExist", "there is no such pool: see phat pool list"),
    ("PhalaStakePoolv2::PoolTypeNotMatch", "that is the other kind of pool: vaults are under phat vault, stake pools under phat pool"),
    ("PhalaStakePoolv2::UnauthorizedPoolOwner", "only the pool's owner may do this: name that account with --as"),
    ("PhalaStakePoolv2::UnauthorizedOperator", "the pool's owner must also operate the worker: register it with the owner's key (--operator-key-file)"),
    ("PhalaStakePoolv2::WorkerNotRegistered", "the worker is not registered, or names no operator: start it and wait until phat worker list shows it"),
    ("PhalaStakePoolv2::WorkerExists", "the worker belongs to this pool already: start it with phat worker start"),
    ("PhalaStakePoolv2::WorkerInAnotherPool", "the worker belongs to another pool: take it out there first with phat worker unbind"),
    ("PhalaStakePoolv2::WorkerDoesNotExist", "the worker does not belong to this pool: add it with phat worker bind"),
    ("PhalaStakePoolv2::WorkerIsNotReady", "something is at stake for the worker: stop it, wait until it has cooled down, and reclaim it"),
    ("PhalaStakePoolv2::WorkersExceedLimit", "a pool has at most 200 workers: make another one"),
    ("PhalaStakePoolv2::WorkerAlreadyStopped", "the worker does not compute: start it with phat worker start"),
    ("PhalaStakePoolv2::InadequateCapacity", "the cap is below what the pool is worth: set a higher one"),
    ("PhalaStakePoolv2::StakeExceedsCapacity", "the pool would be worth more than its cap: give less, or another pool"),
    ("PhalaStakePoolv2::InsufficientContribution", "too little: give more"),
    ("PhalaStakePoolv2::InsufficientBalance", "the account has not so much PHA"),
    ("PhalaStakePoolv2::InsufficientFreeStake", "the pool has not so much free money: phat pool show tells how much; delegate to it first"),
    ("PhalaStakePoolv2::CannotRestartWithLessStake", "name more than is at stake now; to lower it, stop the worker and start it again"),
    ("PhalaStakePoolv2::WithdrawQueueNotEmpty", "somebody waits to leave the pool, so no worker gets money: wait until they are paid"),
    ("PhalaStakePoolv2::WithdrawQueueFull", "the queue is full: ask for a thousandth of the pool or more, or later"),
    ("PhalaStakePoolv2::TooManyRequests", "four of your requests wait already: cancel them, or wait"),
    ("PhalaStakePoolv2::InvalidShareToWithdraw", "more shares than may be withdrawn: some are locked by a vote, or there are fewer, or the rest would be dust"),
    ("PhalaStakePoolv2::InvalidShareToTransfer", "more shares than may be given away: queued and locked ones stay"),
    ("PhalaStakePoolv2::TooManyPools", "an account has shares of at most 16 pools: leave one first"),
    ("PhalaStakePoolv2::PoolBankrupt", "the pool has lost everything, and takes money again after its next reward"),
    ("PhalaStakePoolv2::NoRewardToClaim", "no commission waits to be claimed"),
    ("PhalaStakePoolv2::NoEnoughShareToClaim", "the vault's owner has not gained so many shares: see phat vault show"),
    ("PhalaStakePoolv2::CommissionNotChanged", "the commission is that already"),
    ("PhalaStakePoolv2::VaultIsLocked", "the vault was late to pay who leaves: it takes and invests nothing until its queue is empty"),
    ("PhalaStakePoolv2::NotInContributeWhitelist", "the pool takes money only from accounts that its owner names: ask the owner, or choose another"),
    ("PhalaStakePoolv2::AlreadyInContributeWhitelist", "the account is on the list already"),
    ("PhalaStakePoolv2::ExceedWhitelistMaxLen", "the list is full: take somebody off it"),
    ("PhalaStakePoolv2::NoWhitelistCreated", "the account is not on the list"),
    ("PhalaStakePoolv2::ExceedMaxDescriptionLen", "a description has at most 4400 bytes"),
    ("PhalaComputation::BadSender", "only the operator of the worker may do this: name that account with --as"),
    ("PhalaComputation::WorkerNotRegistered", "the worker's registration has lapsed, or its build is allowed no more: phat worker doctor tells which"),
    ("PhalaComputation::DuplicateBoundSession", "the pool's session for this worker still exists: reclaim its stake first"),
    ("PhalaComputation::DuplicateBoundWorker", "the worker is bound to a session of another pool: unbind it there first"),
    ("PhalaComputation::BenchmarkMissing", "the worker has told no benchmark yet: it takes about a minute after its start; see phat worker score"),
    ("PhalaComputation::BenchmarkTooOld", "the worker's benchmark is too old: restart the worker, it measures at its start"),
    ("PhalaComputation::SessionNotFound", "the worker is bound to no pool: phat worker bind"),
    ("PhalaComputation::SessionNotBound", "the worker is bound to no pool: phat worker bind"),
    ("PhalaComputation::WorkerNotBound", "the worker is bound to no pool: phat worker bind"),
    ("PhalaComputation::WorkerNotReady", "the session computes or cools down already: phat worker doctor tells which"),
    ("PhalaComputation::WorkerNotComputing", "the session does not compute: phat worker start"),
    ("PhalaComputation::WorkerUnresponsive", "the worker has not answered its challenge: bring it back first; phat worker doctor tells why"),
    ("PhalaComputation::WorkerCoolingDown", "the worker left another pool whose stake still cools down: wait until it has"),
    ("PhalaComputation::CoolDownNotReady", "the stake still cools down: phat worker doctor tells until when"),
    ("PhalaComputation::BenchmarkTooLow", "the worker's score is below the least that may mine: give it more or faster processors"),
    ("PhalaComputation::InsufficientStake", "below the least stake for the worker's score: phat worker score tells how much it takes"),
    ("PhalaComputation::TooMuchStake", "above the most stake for the worker's score: phat worker score tells how much it may be"),
    ("PhalaComputation::StakeNotGreater", "name more than is at stake now"),
    ("PhalaComputation::TryNextBlock", "the session was settled in this very block: try again"),
    ("PhalaComputation::NothingOwed", "nothing is owed to the session"),
    ("PhalaComputation::SubsidyPoolEmpty", "the subsidy pool has nothing to pay with; what is owed stays recorded"),
    ("PhalaComputation::SlashPending", "a slash waits for the session: it is executed or cancelled first"),
    ("PhalaPhatContracts::WorkerNotActive", "the worker's registration has lapsed, or its build is allowed no more: phat worker doctor tells which"),
];

/// What to do about a refusal, if it is one that is known.
fn remedy(text: &str) -> Option<&'static str> {
    REMEDIES.iter().find(|(error, _)| ends_with_name(text, error)).map(|(_, remedy)| *remedy)
}

/// Whether the text names this error, and not one that only begins alike.
fn ends_with_name(text: &str, name: &str) -> bool {
    text.split(name).skip(1).any(|rest| {
        !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_')
    })
}

/// The words that help, with the pallet's own name of the error behind them.
pub(crate) fn with_remedy(text: String) -> String {
    let refused = REFUSALS.iter().find(|(words, _)| text.contains(words));
    match remedy(&text).or(refused.map(|(_, remedy)| *remedy)) {
        Some(remedy) => format!("{remedy} ({text})"),
        None => text,
    }
}

/// What a node says of a transaction that it does not even take, and what the sender can do.
const REFUSALS: &[(&str, &str)] = &[
    ("ancient birth block", "the node still catches up with the chain: try again when it has"),
    ("Inability to pay some fees", "the account has not enough PHA for the fee"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_words_and_by_its_name() {
        let text = "Pallet error: PhalaComputation::InsufficientStake".to_owned();
        let told = with_remedy(text.clone());
        assert!(told.starts_with("below the least stake"), "{told}");
        assert!(told.ends_with(&format!("({text})")));
        let early = "Invalid transaction: Transaction has an ancient birth block".to_owned();
        assert!(with_remedy(early).starts_with("the node still catches up"));
        let unknown = "Pallet error: Balances::Frozen".to_owned();
        assert_eq!(with_remedy(unknown.clone()), unknown);
    }

    #[test]
    fn a_longer_name_is_another_error() {
        assert_eq!(remedy("PhalaComputation::WorkerNotBoundary"), None);
        assert!(remedy("PhalaComputation::WorkerNotBound").is_some());
        assert!(remedy("PhalaComputation::WorkerNotBound.").is_some());
    }
}
