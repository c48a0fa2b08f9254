//! How good a platform is: the confidence level of the original network, 1 best to 5 worst.

use alloc::string::String;
use dcap_qvl::TcbStatus;

/// The best tier: up to date, nothing to configure.
pub const TIER_BEST: u8 = 1;
/// The worst tier that a judgement gives: known holes, firmware out of date.
pub const TIER_WORST: u8 = 5;

/// Intel advisories that do not lower a tier: mitigated in every build this network may list.
pub const ADVISORY_WHITE_LIST: [&str; 4] = [
    "INTEL-SA-00334",
    "INTEL-SA-00219",
    "INTEL-SA-00381",
    "INTEL-SA-00389",
];

/// Tier by status and open advisories; `None` for what no policy may accept.
///
/// An advisory outside the white list makes a tier better than 4 into 4. A TD that should be
/// relaunched was launched on out-of-date firmware, so it counts as out of date.
pub(crate) fn tier(status: TcbStatus, advisory_ids: &[String]) -> Option<u8> {
    let by_status = match status {
        TcbStatus::UpToDate => 1,
        TcbStatus::SWHardeningNeeded => 2,
        TcbStatus::ConfigurationNeeded | TcbStatus::ConfigurationAndSWHardeningNeeded => 3,
        TcbStatus::OutOfDate
        | TcbStatus::OutOfDateConfigurationNeeded
        | TcbStatus::TDRelaunchAdvised
        | TcbStatus::TDRelaunchAdvisedConfigurationNeeded => 5,
        TcbStatus::Revoked => return None,
    };
    let listed = |id: &String| ADVISORY_WHITE_LIST.contains(&id.as_str());
    Some(if advisory_ids.iter().all(listed) {
        by_status
    } else {
        by_status.max(4)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn tiers_follow_status_and_advisories() {
        let listed = ["INTEL-SA-00334".to_string()];
        let unlisted = ["INTEL-SA-00334".to_string(), "INTEL-SA-00615".to_string()];
        let check = |status, clean, known, unknown| {
            assert_eq!(tier(status, &[]), clean, "{status}");
            assert_eq!(tier(status, &listed), known, "{status}");
            assert_eq!(tier(status, &unlisted), unknown, "{status}");
        };
        check(TcbStatus::UpToDate, Some(1), Some(1), Some(4));
        check(TcbStatus::SWHardeningNeeded, Some(2), Some(2), Some(4));
        check(TcbStatus::ConfigurationNeeded, Some(3), Some(3), Some(4));
        check(
            TcbStatus::ConfigurationAndSWHardeningNeeded,
            Some(3),
            Some(3),
            Some(4),
        );
        check(TcbStatus::OutOfDate, Some(5), Some(5), Some(5));
        check(
            TcbStatus::OutOfDateConfigurationNeeded,
            Some(5),
            Some(5),
            Some(5),
        );
        check(TcbStatus::TDRelaunchAdvised, Some(5), Some(5), Some(5));
        check(TcbStatus::Revoked, None, None, None);
    }
}
