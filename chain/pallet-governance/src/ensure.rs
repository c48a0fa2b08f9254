//! Who may propose, and who may spend how much.

use crate::{Origin, votes::Delegated};
use core::marker::PhantomData;
use pallet_stake_pools::VotingPower;
use polkadot_sdk::{
    frame_support::traits::{EnsureOrigin, EnsureOriginWithArg, Get, OriginTrait},
    frame_system::RawOrigin,
};
use primitives::{Balance, units::PHA};

/// Most that [`Origin::SmallSpender`] may take from the treasury at once.
pub const SMALL_SPEND_MAX: Balance = 10_000 * PHA;
/// Most that [`Origin::MediumSpender`] may take from the treasury at once.
pub const MEDIUM_SPEND_MAX: Balance = 100_000 * PHA;

/// Lets accounts propose that have at least `Threshold` of voting power, or to whom others have delegated what
/// is missing: those who have little propose together by delegating to one of them, or as a multisig.
///
/// `Power` says what an account has itself, `Votes` what was delegated to it.
pub struct EnsureProposer<Power, Votes, Threshold>(PhantomData<(Power, Votes, Threshold)>);

impl<O, Arg, Power, Votes, Threshold> EnsureOriginWithArg<O, Arg>
    for EnsureProposer<Power, Votes, Threshold>
where
    O: OriginTrait,
    O::AccountId: Clone,
    Power: VotingPower<O::AccountId>,
    Votes: Delegated<O::AccountId>,
    Threshold: Get<Balance>,
{
    type Success = O::AccountId;

    fn try_origin(origin: O, _: &Arg) -> Result<O::AccountId, O> {
        let Some(who) = origin.as_signer().cloned() else {
            return Err(origin);
        };
        let own = Power::voting_power(&who);
        let threshold = Threshold::get();
        // What was delegated is looked at only where it is needed: it is a read for each track.
        if own >= threshold || own.saturating_add(Votes::delegated(&who)) >= threshold {
            Ok(who)
        } else {
            Err(origin)
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn try_successful_origin(_: &Arg) -> Result<O, ()> {
        // Benchmarks give their accounts money first.
        Err(())
    }
}

/// Makes a type for each origin that lets it, and root, do what is guarded with it.
macro_rules! speakers {
    ($($(#[$doc:meta])* $name:ident = $origin:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl<O> EnsureOrigin<O> for $name
        where
            O: OriginTrait + From<Origin> + From<RawOrigin<O::AccountId>>,
            Result<Origin, O>: From<O>,
            Result<RawOrigin<O::AccountId>, O>: From<O>,
        {
            type Success = ();

            fn try_origin(origin: O) -> Result<(), O> {
                let origin = match Result::<RawOrigin<O::AccountId>, O>::from(origin) {
                    Ok(RawOrigin::Root) => return Ok(()),
                    Ok(other) => return Err(other.into()),
                    Err(origin) => origin,
                };
                match Result::<Origin, O>::from(origin) {
                    Ok(Origin::$origin) => Ok(()),
                    Ok(other) => Err(other.into()),
                    Err(origin) => Err(origin),
                }
            }

            #[cfg(feature = "runtime-benchmarks")]
            fn try_successful_origin() -> Result<O, ()> {
                Ok(Origin::$origin.into())
            }
        }
    )*};
}

speakers! {
    /// Lets [`Origin::WhitelistedCaller`] and root.
    EnsureWhitelisted = WhitelistedCaller;
    /// Lets [`Origin::Attestation`] and root.
    EnsureAttestation = Attestation;
    /// Lets [`Origin::Economy`] and root.
    EnsureEconomy = Economy;
    /// Lets [`Origin::Gatekeepers`] and root.
    EnsureGatekeepers = Gatekeepers;
    /// Lets [`Origin::Clusters`] and root.
    EnsureClusters = Clusters;
    /// Lets [`Origin::Treasurer`] and root.
    EnsureTreasurer = Treasurer;
    /// Lets [`Origin::ReferendumCanceller`] and root.
    EnsureCanceller = ReferendumCanceller;
    /// Lets [`Origin::ReferendumKiller`] and root.
    EnsureKiller = ReferendumKiller;
}

/// Lets the spenders of the treasury spend, each up to its bound.
pub struct EnsureSpender<O>(PhantomData<O>);

impl<O> EnsureOrigin<O> for EnsureSpender<O>
where
    O: OriginTrait + From<Origin> + From<RawOrigin<O::AccountId>>,
    Result<Origin, O>: From<O>,
    Result<RawOrigin<O::AccountId>, O>: From<O>,
{
    type Success = Balance;

    fn try_origin(origin: O) -> Result<Balance, O> {
        let origin = match Result::<RawOrigin<O::AccountId>, O>::from(origin) {
            Ok(RawOrigin::Root) => return Ok(Balance::MAX),
            Ok(other) => return Err(other.into()),
            Err(origin) => origin,
        };
        match Result::<Origin, O>::from(origin) {
            Ok(Origin::Treasurer) => Ok(Balance::MAX),
            Ok(Origin::MediumSpender) => Ok(MEDIUM_SPEND_MAX),
            Ok(Origin::SmallSpender) => Ok(SMALL_SPEND_MAX),
            Ok(other) => Err(other.into()),
            Err(origin) => Err(origin),
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn try_successful_origin() -> Result<O, ()> {
        Ok(Origin::Treasurer.into())
    }
}
