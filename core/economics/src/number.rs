//! 64.64 fixed point, and exact products of balances.
//!
//! Multiplication and division round down. Nothing here panics: what does not fit is `None` or, in
//! the `saturating` forms, [`Fixed::MAX`].

use crate::Error;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use fixed::types::U64F64;
use primitives::{Balance, units::PHA};
use scale_info::TypeInfo;

/// An unsigned number with 64 bits before and 64 after the point. In SCALE it is its bits, a
/// `u128`; amounts of PHA are in whole PHA.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Fixed(u128);

impl Fixed {
    /// 0.
    pub const ZERO: Self = Self(0);
    /// 1.
    pub const ONE: Self = Self(1 << 64);
    /// Just below 2^64.
    pub const MAX: Self = Self(u128::MAX);

    /// The number with these bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Its bits.
    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// A whole number.
    pub const fn from_int(whole: u64) -> Self {
        Self((whole as u128) << 64)
    }

    /// A constant written in decimals. It is for constants: a text that is no number does not
    /// compile.
    pub(crate) const fn lit(text: &str) -> Self {
        Self(U64F64::lit(text).to_bits())
    }

    /// An amount of PHA, rounded down.
    ///
    /// # Errors
    /// [`Error::Overflow`] from 2^64 PHA, which is more than can exist.
    pub fn from_balance(amount: Balance) -> Result<Self, Error> {
        mul_div(amount, Self::ONE.0, PHA, Rounding::Down)
            .map(Self)
            .ok_or(Error::Overflow)
    }

    /// As an amount of PHA, rounded down. Every number fits.
    pub fn to_balance(self) -> Balance {
        // At most 2^64 · 10^12, so the fallback is never used.
        mul_div(self.0, PHA, Self::ONE.0, Rounding::Down).unwrap_or(0)
    }

    /// The part before the point.
    pub const fn whole(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// The sum.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// The difference.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// The product.
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        self.inner().checked_mul(other.inner()).map(Self::wrap)
    }

    /// The product with a whole number, exact.
    pub const fn checked_mul_int(self, times: u64) -> Option<Self> {
        match self.0.checked_mul(times as u128) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// The quotient.
    pub fn checked_div(self, by: Self) -> Option<Self> {
        self.inner().checked_div(by.inner()).map(Self::wrap)
    }

    /// The sum, or the largest number.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The product, or the largest number.
    pub fn saturating_mul(self, other: Self) -> Self {
        self.checked_mul(other).unwrap_or(Self::MAX)
    }

    /// The product with a whole number, or the largest number.
    pub const fn saturating_mul_int(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times as u128))
    }

    /// The square root, rounded down to 32 bits after the point: the published test vectors are
    /// exact with this root, and with no finer one.
    pub const fn sqrt(self) -> Self {
        Self(self.0.isqrt() << 32)
    }

    /// The power, or the largest number; at most 32 squarings.
    pub fn saturating_pow(self, exponent: u32) -> Self {
        Affine {
            factor: self,
            offset: Self::ZERO,
        }
        .repeated(exponent)
        .factor
    }

    const fn inner(self) -> U64F64 {
        U64F64::from_bits(self.0)
    }

    const fn wrap(inner: U64F64) -> Self {
        Self(inner.to_bits())
    }
}

/// Reads decimals, such as `0.75`, rounded to the nearest number.
impl core::str::FromStr for Fixed {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse::<U64F64>()
            .map(Self::wrap)
            .map_err(|_| Error::InvalidParameters)
    }
}

impl core::fmt::Display for Fixed {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.inner().fmt(formatter)
    }
}

impl core::fmt::Debug for Fixed {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, formatter)
    }
}

/// Parts per million, from none to all.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Permill(u32);

impl Permill {
    /// The whole.
    pub const ONE: Self = Self(1_000_000);

    /// So many parts, at most a million.
    pub const fn from_parts(parts: u32) -> Self {
        if parts > Self::ONE.0 {
            Self::ONE
        } else {
            Self(parts)
        }
    }

    /// How many parts.
    pub const fn parts(self) -> u32 {
        self.0
    }

    /// This part of an amount, rounded down.
    pub fn of(self, amount: Balance) -> Balance {
        // What was decoded may hold more than a million parts; nobody takes more than all.
        let parts = self.0.min(Self::ONE.0);
        mul_div(amount, parts.into(), Self::ONE.0.into(), Rounding::Down).unwrap_or(amount)
    }
}

/// Where a quotient goes that is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the smaller number.
    Down,
    /// To the larger number.
    Up,
}

/// `a · b / c` with an exact product; `None` when it does not fit or `c` is 0.
pub fn mul_div(a: u128, b: u128, c: u128, rounding: Rounding) -> Option<u128> {
    let (quotient, remainder) = match a.checked_mul(b) {
        Some(product) => (product.checked_div(c)?, product.checked_rem(c)?),
        None => {
            let (high, low) = widening_mul(a, b);
            div_wide(high, low, c)?
        }
    };
    match rounding {
        Rounding::Up if remainder > 0 => quotient.checked_add(1),
        _ => Some(quotient),
    }
}

/// The product's upper and lower half.
const fn widening_mul(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let low = a_low * b_low;
    let middle = a_high * b_low + (low >> 64);
    // At most (2^64 − 1)² + 2 · (2^64 − 1), which is 2^128 − 1.
    let carried = a_low * b_high + (middle & LOW);
    (
        a_high * b_high + (middle >> 64) + (carried >> 64),
        (carried << 64) | (low & LOW),
    )
}

/// Quotient and remainder, bit by bit; `None` when the quotient does not fit.
const fn div_wide(high: u128, low: u128, by: u128) -> Option<(u128, u128)> {
    if high >= by {
        return None;
    }
    let (mut remainder, mut quotient) = (high, low);
    let mut bit = 0;
    while bit < 128 {
        let carry = remainder >> 127;
        remainder = (remainder << 1) | (quotient >> 127);
        quotient <<= 1;
        if carry == 1 || remainder >= by {
            remainder = remainder.wrapping_sub(by);
            quotient |= 1;
        }
        bit += 1;
    }
    Some((quotient, remainder))
}

/// The map `x → factor · x + offset`; what a block does to a worker's value. It saturates, so that
/// a map that only grows stays one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Affine {
    pub factor: Fixed,
    pub offset: Fixed,
}

impl Affine {
    const IDENTITY: Self = Self {
        factor: Fixed::ONE,
        offset: Fixed::ZERO,
    };

    pub fn apply(self, x: Fixed) -> Fixed {
        self.factor.saturating_mul(x).saturating_add(self.offset)
    }

    /// First this map, then that one.
    fn then(self, next: Self) -> Self {
        Self {
            factor: next.factor.saturating_mul(self.factor),
            offset: next.apply(self.offset),
        }
    }

    /// The map applied `2^k` times, for each `k` below `levels`.
    pub fn doublings(self, levels: usize) -> [Self; 32] {
        let mut maps = [self; 32];
        for k in 1..levels.min(maps.len()) {
            maps[k] = maps[k - 1].then(maps[k - 1]);
        }
        maps
    }

    /// The map applied so many times.
    pub fn repeated(self, mut times: u32) -> Self {
        let (mut result, mut square) = (Self::IDENTITY, self);
        while times > 0 {
            if times & 1 == 1 {
                result = result.then(square);
            }
            times >>= 1;
            if times > 0 {
                square = square.then(square);
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn balances_and_numbers_meet_at_one_pha() {
        assert_eq!(Fixed::from_balance(PHA), Ok(Fixed::ONE));
        assert_eq!(Fixed::from_int(3).to_balance(), 3 * PHA);
        assert_eq!(Fixed::from_balance(u128::MAX), Err(Error::Overflow));
        assert_eq!(Fixed::MAX.to_balance(), (PHA << 64) - 1);
    }

    #[test]
    fn in_scale_a_number_is_its_bits() {
        assert_eq!(Fixed::from_int(3).encode(), (3u128 << 64).encode());
        assert_eq!(Fixed::lit("0.75").to_bits(), 3 << 62);
        assert_eq!(Fixed::MAX.whole(), u64::MAX);
    }

    #[test]
    fn decimals_are_read_as_constants_are() {
        for (text, number) in [
            ("0.75", Ok(Fixed::lit("0.75"))),
            ("1.000000666600231", Ok(Fixed::lit("1.000000666600231"))),
            ("30000", Ok(Fixed::from_int(30_000))),
            ("-1", Err(Error::InvalidParameters)),
            ("1/2", Err(Error::InvalidParameters)),
            ("", Err(Error::InvalidParameters)),
        ] {
            assert_eq!(text.parse::<Fixed>(), number, "{text}");
        }
    }

    #[test]
    fn parts_are_never_more_than_all() {
        assert_eq!(Permill::from_parts(2_000_000), Permill::ONE);
        assert_eq!(Permill(u32::MAX).of(7), 7);
        assert_eq!(Permill::from_parts(200_000).of(u128::MAX), u128::MAX / 5);
    }

    #[test]
    fn powers_saturate() {
        assert_eq!(
            Fixed::from_int(2).saturating_pow(63),
            Fixed::from_int(1 << 63)
        );
        assert_eq!(Fixed::from_int(2).saturating_pow(64), Fixed::MAX);
        assert_eq!(Fixed::lit("1.0001").saturating_pow(u32::MAX), Fixed::MAX);
        assert_eq!(Fixed::lit("0.9").saturating_pow(u32::MAX), Fixed::ZERO);
        assert_eq!(Fixed::MAX.saturating_pow(0), Fixed::ONE);
    }

    proptest! {
        #[test]
        fn a_product_divided_by_a_factor_is_the_other(a: u128, b: u128) {
            if b > 0 {
                prop_assert_eq!(mul_div(a, b, b, Rounding::Down), Some(a));
                prop_assert_eq!(mul_div(b, a, b, Rounding::Up), Some(a));
            }
        }

        #[test]
        fn rounding_up_and_down_are_neighbours(a: u128, b: u128, c in 1..u128::MAX) {
            let (down, up) = (mul_div(a, b, c, Rounding::Down), mul_div(a, b, c, Rounding::Up));
            if let (Some(down), Some(up)) = (down, up) {
                prop_assert!(up - down <= 1);
            }
            // Undone, a quotient rounded down is no more than what was divided.
            if let Some(down) = down && let Some(back) = mul_div(down, c, b.max(1), Rounding::Down) {
                prop_assert!(back <= a);
            }
        }

        #[test]
        fn repeating_is_doing_it_again(
            x in 0u64..30_000, times in 0u32..300, growth in 0u128..1 << 50, offset in 0u128..1 << 50,
        ) {
            let map = Affine {
                factor: Fixed::from_bits(Fixed::ONE.to_bits() + growth),
                offset: Fixed::from_bits(offset),
            };
            let start = Fixed::from_int(x);
            let slow = (0..times).fold(start, |x, _| map.apply(x));
            let fast = map.repeated(times).apply(start);
            let difference = slow.to_bits().abs_diff(fast.to_bits());
            // An unknown last bit per step, multiplied by the value.
            prop_assert!(difference <= u128::from(times + 1) * (u128::from(x) + 2), "{difference}");
        }
    }
}
