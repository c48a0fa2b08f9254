//! Time.
//!
//! The host's clock is for queries, and the host may lie about it. Where a wrong clock would harm, use the
//! block: `self.env().block_timestamp()` is the time of the final block that the call sees, in queries and
//! transactions alike, as the chain's validators agreed on it.
//!
//! ```
//! let worker = contract_sdk::test::Worker::new();
//! worker.set_time_ms(1_700_000_000_000);
//! assert_eq!(contract_sdk::time::untrusted_now_ms(), Some(1_700_000_000_000));
//! worker.enter_transaction();
//! assert_eq!(contract_sdk::time::untrusted_now_ms(), None);
//! ```

use contract_abi::extension::Function;

/// The host's clock, milliseconds since the Unix epoch; `None` in a transaction.
pub fn untrusted_now_ms() -> Option<u64> {
    let now: u64 = crate::host::call(Function::UntrustedMillisSinceUnixEpoch, &());
    (now != 0).then_some(now)
}

/// A calendar time in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utc {
    /// Year of the common era.
    pub year: u32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
}

impl Utc {
    /// The calendar time of `ms` since the Unix epoch; the end of the year 9999 for everything later.
    ///
    /// ```
    /// let utc = contract_sdk::time::Utc::from_ms(951_827_696_000);
    /// assert_eq!((utc.year, utc.month, utc.day), (2000, 2, 29));
    /// assert_eq!((utc.hour, utc.minute, utc.second), (12, 34, 56));
    /// ```
    pub fn from_ms(ms: u64) -> Self {
        /// 9999-12-31T23:59:59.
        const LAST: u64 = 253_402_300_799;
        let seconds = (ms / 1000).min(LAST);
        let (days, rest) = ((seconds / 86_400) as u32, (seconds % 86_400) as u32);
        // Years that begin in March: the leap day is a year's last. Day 0 is the 1st of March of year 0.
        let days = days.wrapping_add(719_468);
        let (era, day) = (days / 146_097, days % 146_097);
        let year_of_era = day
            .wrapping_sub(day / 1_460)
            .wrapping_add(day / 36_524)
            .wrapping_sub(day / 146_096)
            / 365;
        let day_of_year = day.wrapping_sub(
            year_of_era
                .wrapping_mul(365)
                .wrapping_add(year_of_era / 4)
                .wrapping_sub(year_of_era / 100),
        );
        let months = day_of_year.wrapping_mul(5).wrapping_add(2) / 153;
        let first = months.wrapping_mul(153).wrapping_add(2) / 5;
        let month = if months < 10 { months.wrapping_add(3) } else { months.wrapping_sub(9) };
        let year = year_of_era.wrapping_add(era.wrapping_mul(400));
        Self {
            year: if month <= 2 { year.wrapping_add(1) } else { year },
            month,
            day: day_of_year.wrapping_sub(first).wrapping_add(1),
            hour: rest / 3_600,
            minute: rest / 60 % 60,
            second: rest % 60,
        }
    }
}
