//! Units of money.

use crate::Balance;

/// One PHA: 10^12 of the smallest unit.
pub const PHA: Balance = 1_000_000_000_000;

/// The least balance an account may have: 0.01 PHA.
pub const EXISTENTIAL_DEPOSIT: Balance = PHA / 100;

/// Address prefix (SS58) of the network's accounts.
pub const SS58_PREFIX: u16 = 30;

/// Decimal places of a PHA.
const DECIMALS: usize = 12;

/// Reads an amount of PHA, such as `12` or `0.5`; at most 12 decimal places.
///
/// # Errors
/// A text for people when it is no amount, or more than a balance can be.
pub fn parse_pha(text: &str) -> Result<Balance, alloc::string::String> {
    let refused = |why: &str| alloc::format!("{text:?} is no amount of PHA: {why}");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.is_empty() || text.ends_with('.') {
        return Err(refused("write it like 12 or 0.5"));
    }
    if part.len() > DECIMALS {
        return Err(refused("it has more than 12 decimal places"));
    }
    let too_much = || refused("it is more than there can be");
    let whole: Balance = whole.parse().map_err(|_| too_much())?;
    let part = part.bytes().zip((0..DECIMALS as u32).rev()).fold(0, |sum, (digit, place)| {
        sum + Balance::from(digit - b'0') * 10u128.pow(place)
    });
    whole.checked_mul(PHA).and_then(|whole| whole.checked_add(part)).ok_or_else(too_much)
}

/// An amount of PHA as people write it, without zeros at the end.
pub fn to_pha(amount: Balance) -> alloc::string::String {
    let (whole, part) = (amount / PHA, amount % PHA);
    if part == 0 {
        return alloc::format!("{whole}");
    }
    let part = alloc::format!("{part:012}");
    alloc::format!("{whole}.{}", part.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written() {
        for (text, amount) in [
            ("0", 0),
            ("12", 12 * PHA),
            ("0.5", PHA / 2),
            ("0.000000000001", 1),
            ("1000000000.25", 1_000_000_000 * PHA + PHA / 4),
        ] {
            assert_eq!(parse_pha(text), Ok(amount));
            assert_eq!(to_pha(amount), text);
        }
        for wrong in [
            "", ".", ".5", "1.", "-1", "1e3", "1,5", "0x1", "0.0000000000001",
            "999999999999999999999999999999999999999", "1.2.3",
        ] {
            assert!(parse_pha(wrong).is_err(), "{wrong}");
        }
    }
}
