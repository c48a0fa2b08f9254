//! Just enough DER to write certificates and revocation lists, the same bytes each time.

pub(crate) const OID_COMMON_NAME: &[u64] = &[2, 5, 4, 3];
pub(crate) const OID_ORGANIZATION: &[u64] = &[2, 5, 4, 10];
pub(crate) const OID_EC_PUBLIC_KEY: &[u64] = &[1, 2, 840, 10045, 2, 1];
pub(crate) const OID_P256: &[u64] = &[1, 2, 840, 10045, 3, 1, 7];
pub(crate) const OID_ECDSA_SHA256: &[u64] = &[1, 2, 840, 10045, 4, 3, 2];
pub(crate) const OID_KEY_USAGE: &[u64] = &[2, 5, 29, 15];
pub(crate) const OID_BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];
pub(crate) const OID_CRL_NUMBER: &[u64] = &[2, 5, 29, 20];

/// One value: tag, length, content.
pub(crate) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=0x7f => out.push(short as u8),
        long => {
            let bytes = long.to_be_bytes();
            let skip = bytes.iter().take_while(|byte| **byte == 0).count();
            out.push(0x80 | (bytes.len() - skip) as u8);
            out.extend(&bytes[skip..]);
        }
    }
    out.extend(content);
    out
}

pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    value(0x30, &parts.concat())
}

pub(crate) fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    value(0x31, &parts.concat())
}

/// An explicitly tagged value of the surrounding structure.
pub(crate) fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    value(0xa0 | number, content)
}

/// A non-negative integer from big-endian bytes.
pub(crate) fn integer(big_endian: &[u8]) -> Vec<u8> {
    let skip = big_endian.iter().take_while(|byte| **byte == 0).count();
    let digits = &big_endian[skip..];
    let mut content = Vec::new();
    if digits.first().is_none_or(|first| first & 0x80 != 0) {
        content.push(0);
    }
    content.extend(digits);
    value(0x02, &content)
}

pub(crate) fn enumerated(number: u8) -> Vec<u8> {
    value(0x0a, &[number])
}

pub(crate) fn boolean_true() -> Vec<u8> {
    value(0x01, &[0xff])
}

pub(crate) fn octets(content: &[u8]) -> Vec<u8> {
    value(0x04, content)
}

/// A bit string of whole bytes.
pub(crate) fn bits(content: &[u8]) -> Vec<u8> {
    bits_unused(0, content)
}

pub(crate) fn bits_unused(unused: u8, content: &[u8]) -> Vec<u8> {
    value(0x03, &[&[unused], content].concat())
}

pub(crate) fn utf8(text: &str) -> Vec<u8> {
    value(0x0c, text.as_bytes())
}

pub(crate) fn object_id(arcs: &[u64]) -> Vec<u8> {
    let mut content = Vec::new();
    let first = arcs[0] * 40 + arcs[1];
    for arc in std::iter::once(&first).chain(&arcs[2..]) {
        let groups = (1..10)
            .find(|groups| arc >> (7 * groups) == 0)
            .unwrap_or(10);
        for group in (0..groups).rev() {
            let more = if group == 0 { 0 } else { 0x80 };
            content.push((arc >> (7 * group)) as u8 & 0x7f | more);
        }
    }
    value(0x06, &content)
}

/// A time, `unix_seconds` at most in the year 9999; two-digit years before 2050, as X.509 demands.
pub(crate) fn time(unix_seconds: u64) -> Vec<u8> {
    let time = date(unix_seconds);
    if unix_seconds < YEAR_2050 {
        value(0x17, time.format("%y%m%d%H%M%SZ").to_string().as_bytes())
    } else {
        value(0x18, time.format("%Y%m%d%H%M%SZ").to_string().as_bytes())
    }
}

/// 2050-01-01T00:00:00Z.
const YEAR_2050: u64 = 2_524_608_000;
/// 9999-12-31T23:59:59Z, the last time that the formats can say.
const LAST_SECOND: u64 = 253_402_300_799;

/// A time as a calendar date; times past the year 9999 become its last second.
pub(crate) fn date(unix_seconds: u64) -> chrono::DateTime<chrono::Utc> {
    let seconds = unix_seconds.min(LAST_SECOND) as i64;
    chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_the_encoding_rules() {
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0x7f]), [2, 1, 0x7f]);
        assert_eq!(value(4, &[7; 200])[..3], [4, 0x81, 200]);
        assert_eq!(value(4, &[7; 300])[..4], [4, 0x82, 1, 44]);
        let ecdsa_with_sha256 = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
        assert_eq!(object_id(OID_ECDSA_SHA256), ecdsa_with_sha256);
        assert_eq!(time(0), value(0x17, b"700101000000Z"));
        assert_eq!(time(YEAR_2050), value(0x18, b"20500101000000Z"));
        assert_eq!(time(u64::MAX), value(0x18, b"99991231235959Z"));
    }
}
