//! What faults cost.
//!
//! Being off line costs value, block by block ([`decay`](crate::decay), level 1); what that means
//! for the stake is settled when the worker stops. A proven fault costs stake at once (levels 2 to
//! 4).

use crate::{Error, Fixed, Permill, Rounding, mul_div};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitives::Balance;
use scale_info::TypeInfo;

/// How bad a proven fault is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Fault {
    /// Level 2: 1 %.
    Slight,
    /// Level 3: 10 %, such as a wrong state root.
    Grave,
    /// Level 4: everything, such as provable misbehaviour of a gatekeeper.
    Malicious,
}

impl Fault {
    /// The part of value and stake that it costs.
    pub const fn part(self) -> Permill {
        Permill::from_parts(match self {
            Self::Slight => 10_000,
            Self::Grave => 100_000,
            Self::Malicious => 1_000_000,
        })
    }
}

/// What becomes of a stake when its worker stops. Both together are the stake.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct StakeReturn {
    /// Goes back to the pool, after the cool-down.
    pub returned: Balance,
    /// Is lost to the pool.
    pub slashed: Balance,
}

/// S · min(V / Ve, 1) · κ, but no more is lost than what slashing has taken off the value.
///
/// Payments can bring a value below Ve as well, namely at the cap; the published formula alone
/// would make an honest worker pay for that. As there, growth before and after a slash makes up for
/// it.
pub(crate) fn return_stake(
    stake: Balance,
    ve: Fixed,
    v: Fixed,
    lost: Fixed,
    kappa: Fixed,
) -> Result<StakeReturn, Error> {
    let loss = ve.saturating_sub(v).min(lost);
    let kept = ve.saturating_sub(loss);
    let scale = |amount, by: Fixed, of: Fixed| match of {
        Fixed::ZERO => Some(amount),
        _ => mul_div(amount, by.to_bits(), of.to_bits(), Rounding::Down),
    };
    let returned = scale(stake, kept, ve)
        .and_then(|kept| scale(kept, kappa.min(Fixed::ONE), Fixed::ONE))
        .ok_or(Error::Overflow)?;
    Ok(StakeReturn {
        returned,
        slashed: stake.saturating_sub(returned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use primitives::units::PHA;

    #[test]
    fn stakes_are_returned() {
        let check = |v: u64, lost: u64, kappa, returned| {
            let stake = 2_000 * PHA;
            let result = return_stake(
                stake,
                Fixed::from_int(3_000),
                Fixed::from_int(v),
                Fixed::from_int(lost),
                kappa,
            );
            assert_eq!(
                result,
                Ok(StakeReturn {
                    returned,
                    slashed: stake - returned
                })
            );
        };
        check(3_000, 0, Fixed::ONE, 2_000 * PHA);
        check(2_700, 300, Fixed::ONE, 1_800 * PHA);
        // Grown before it was slashed.
        check(3_100, 300, Fixed::ONE, 2_000 * PHA);
        // Low because it was paid.
        check(2_700, 0, Fixed::ONE, 2_000 * PHA);
        check(2_700, 30, Fixed::ONE, 1_980 * PHA);
        check(0, 3_000, Fixed::ONE, 0);
        check(3_000, 0, Fixed::lit("0.5"), 1_000 * PHA);
    }
}
