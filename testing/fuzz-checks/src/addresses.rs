//! Where a contract's HTTP may lead.

use std::net::IpAddr;

use http_egress::{AddressKind, EgressPolicy, Place, classify};

/// Whether a resolver may take a name for a number, and so for an address that nobody checked: the last
/// part is decimal, or hexadecimal after `0x` (WHATWG URL, "ends in a number").
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    decimal || hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// An address is judged the same in each of its notations, and no URL leads past the judgement.
pub fn addresses(data: &[u8]) {
    let policy = EgressPolicy::default();
    if let Some((bytes, _)) = data.split_first_chunk::<16>() {
        let address = IpAddr::from(*bytes);
        check(&policy, &format!("http://[{address}]/"));
    }
    if let Some((bytes, _)) = data.split_first_chunk::<4>() {
        let address = IpAddr::from(*bytes);
        let number = u32::from_be_bytes(*bytes);
        let is_public = classify(address) == AddressKind::Public;
        for host in [address.to_string(), number.to_string(), format!("0x{number:x}"), format!("0{number:o}")] {
            let url = format!("https://{host}/");
            assert_eq!(policy.check_url(&url).is_ok(), is_public, "{url}");
            check(&policy, &url);
        }
    }
    let text = String::from_utf8_lossy(data);
    check(&policy, &text);
    check(&policy, &format!("http://{text}"));
    check(&policy, &format!("https://{text}/path"));
}

fn check(policy: &EgressPolicy, url: &str) {
    let Ok(target) = policy.check_url(url) else {
        return;
    };
    match target.place() {
        Place::Address(address) => assert_eq!(classify(*address), AddressKind::Public, "{url}"),
        Place::Name(name) => assert!(!ends_in_a_number(name) && name.contains('.'), "{url}: {name}"),
    }
    let scheme = if target.is_https() { "https" } else { "http" };
    let (authority, path) = (target.authority(), target.path_and_query());
    // What is put into a request's head: one line each, and the same when it is read again.
    assert!(authority.bytes().chain(path.bytes()).all(|byte| byte.is_ascii_graphic()), "{url}");
    let again = policy.check_url(&format!("{scheme}://{authority}{path}"));
    assert_eq!(again.as_ref().map(|again| again.place()), Ok(target.place()), "{url}");
    assert_eq!(again.map(|again| again.authority()), Ok(authority), "{url}");
}
