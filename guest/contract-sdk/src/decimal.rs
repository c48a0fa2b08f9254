//! Decimal numbers as integers: contracts have no floating point, and money should not have it anyway.
//!
//! A number with `places` decimal places is an `i128` that counts units of the last place: 12.5 with two
//! places is 1250.
//!
//! ```
//! use contract_sdk::decimal;
//!
//! assert_eq!(decimal::parse("12.5", 2), Ok(1250));
//! assert_eq!(decimal::parse("-1.25e3", 0), Ok(-1250));
//! assert_eq!(decimal::parse("0.019", 2), Ok(1)); // cut, not rounded
//! assert_eq!(decimal::format(1250, 2), "12.50");
//! ```

use alloc::string::{String, ToString as _};

/// Longest text that is read, bytes.
pub const TEXT_BYTES_MAX: usize = 128;
/// Most decimal places.
pub const PLACES_MAX: u32 = 38;
/// Largest exponent, either way.
const EXPONENT_MAX: i64 = 1_000;

/// Why a text is no decimal number here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum Error {
    /// It is not written as `-12.5e-3` is.
    Malformed,
    /// It does not fit into an `i128` with that many places.
    TooLarge,
}

/// Reads a number as JSON writes it, also with leading zeros or a plus sign. Digits beyond `places` are cut.
///
/// # Errors
/// [`Error`].
pub fn parse(text: &str, places: u32) -> Result<i128, Error> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::Malformed);
    }
    if places > PLACES_MAX {
        return Err(Error::TooLarge);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.as_bytes().first() {
        Some(b'-') => (true, &mantissa[1..]),
        Some(b'+') => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(Error::Malformed),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(Error::Malformed);
    }
    // The place of a digit, counted from the last that is kept.
    let mut place = whole.len() as i64 - 1 + exponent + i64::from(places);
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if place < 0 {
            break;
        }
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i128::from(digit - b'0')))
            .ok_or(Error::TooLarge)?;
        place -= 1;
    }
    while place >= 0 && value != 0 {
        value = value.checked_mul(10).ok_or(Error::TooLarge)?;
        place -= 1;
    }
    Ok(if negative { -value } else { value })
}

/// Writes a number so that [`parse`] reads it back, with all its places.
pub fn format(value: i128, places: u32) -> String {
    let mut digits = value.unsigned_abs().to_string();
    let places = places.min(PLACES_MAX) as usize;
    if places > 0 {
        while digits.len() <= places {
            digits.insert(0, '0');
        }
        digits.insert(digits.len() - places, '.');
    }
    if value < 0 {
        digits.insert(0, '-');
    }
    digits
}

fn parse_exponent(text: &str) -> Result<i64, Error> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::Malformed);
    }
    match text.parse() {
        Ok(exponent) if (-EXPONENT_MAX..=EXPONENT_MAX).contains(&exponent) => Ok(exponent),
        _ => Err(Error::TooLarge),
    }
}
