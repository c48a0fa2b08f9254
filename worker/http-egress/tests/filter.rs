//! Which addresses and URLs are let through, and that what was checked is what is reached.

use crate::support::*;
use contract_abi::http::HttpError::{self, InvalidUrl, NotAllowed};
use http_egress::{
    AddressKind::{self, Forbidden, Private, Public},
    Egress, EgressConfig, EgressPolicy, Place, URL_BYTES_MAX, classify,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

#[test]
fn addresses_are_of_the_kind_that_the_registries_say() {
    let table: &[(AddressKind, &[&str])] = &[
        (
            Public,
            &[
                "1.1.1.1",
                "8.8.8.8",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.0",
                "169.253.255.255",
                "169.255.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.167.255.255",
                "192.169.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "223.255.255.255",
                "2606:4700:4700::1111",
                "2a00:1450:4001:81b::200e",
                "2001:200::1",
                "2001:4860:4860::8888",
            ],
        ),
        (
            Private,
            &[
                "10.0.0.0",
                "10.255.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "127.0.0.1",
                "127.255.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "192.168.0.0",
                "192.168.255.255",
                "::1",
                "fc00::1",
                "fd12:3456:789a::1",
                "fdff:ffff::1",
            ],
        ),
        (
            Forbidden,
            &[
                "0.0.0.0",
                "0.255.255.255",
                "169.254.0.0",
                "169.254.169.254",
                "169.254.255.255",
                "192.0.0.1",
                "192.0.0.192",
                "192.0.2.1",
                "192.88.99.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.1",
                "203.0.113.1",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "247.255.255.255",
                "248.0.0.0",
                "255.255.255.255",
                "100.100.100.200",
                "168.63.129.16",
                "::",
                "fe80::1",
                "febf::1",
                "fec0::1",
                "ff02::1",
                "100::1",
                "2001::1",
                "2001:2::1",
                "2001:10::1",
                "2001:20::1",
                "2001:db8::1",
                "2002::1",
                "2002:7f00:1::1",
                "2002:808:808::1",
                "3fff::1",
                "4000::1",
                "5f00::1",
                "fd00:ec2::254",
                "fd20:ce::254",
            ],
        ),
    ];
    for (kind, addresses) in table {
        for text in *addresses {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(classify(address), *kind, "{text}");
        }
    }
}

#[test]
fn ipv4_inside_of_ipv6_is_seen_through() {
    for (text, kind) in [
        // Mapped: it is that address.
        ("::ffff:8.8.8.8", Public),
        ("::ffff:127.0.0.1", Private),
        ("::ffff:10.0.0.1", Private),
        ("::ffff:169.254.169.254", Forbidden),
        ("::ffff:0.0.0.0", Forbidden),
        // NAT64: it leads to that address, in the network of the translator.
        ("64:ff9b::8.8.8.8", Public),
        ("64:ff9b::127.0.0.1", Forbidden),
        ("64:ff9b::10.0.0.1", Forbidden),
        ("64:ff9b::169.254.169.254", Forbidden),
        // Never for the Internet: NAT64 of local use, compatible, translated, ISATAP, Teredo.
        ("64:ff9b:1::8.8.8.8", Forbidden),
        ("::8.8.8.8", Forbidden),
        ("::127.0.0.1", Forbidden),
        ("::ffff:0:8.8.8.8", Forbidden),
        ("::ffff:0:127.0.0.1", Forbidden),
        ("2a00:1450::5efe:10.0.0.1", Forbidden),
        ("2a00:1450::200:5efe:10.0.0.1", Forbidden),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Forbidden),
    ] {
        let address: IpAddr = text.parse().unwrap();
        assert_eq!(classify(address), kind, "{text}");
    }
}

#[test]
fn private_addresses_need_the_switch_of_a_development_network() {
    let strict = EgressPolicy::default();
    let open = config().policy;
    for (text, strictly, openly) in [
        ("8.8.8.8", true, true),
        ("127.0.0.1", false, true),
        ("::1", false, true),
        ("192.168.1.1", false, true),
        ("169.254.169.254", false, false),
        ("fe80::1", false, false),
        ("fd00:ec2::254", false, false),
        ("0.0.0.0", false, false),
        ("::", false, false),
    ] {
        let address: IpAddr = text.parse().unwrap();
        assert_eq!(
            strict.check_address(address, 80).is_ok(),
            strictly,
            "{text}"
        );
        assert_eq!(open.check_address(address, 80).is_ok(), openly, "{text}");
    }
}

#[test]
fn an_operator_blocks_networks_in_every_notation() {
    let policy = EgressPolicy {
        blocked_networks: vec![
            "8.8.8.0/24".parse().unwrap(),
            "2606:4700::/32".parse().unwrap(),
        ],
        ..EgressPolicy::default()
    };
    for (text, allowed) in [
        ("8.8.8.8", false),
        ("::ffff:8.8.8.8", false),
        ("64:ff9b::8.8.8.8", false),
        ("8.8.9.8", true),
        ("2606:4700::1", false),
        ("2606:4701::1", true),
    ] {
        let address: IpAddr = text.parse().unwrap();
        assert_eq!(policy.check_address(address, 80).is_ok(), allowed, "{text}");
    }
}

fn check(url: &str, expected: Result<&str, HttpError>) {
    let target = EgressPolicy::default().check_url(url);
    let authority = target.as_ref().map(|target| target.authority());
    assert_eq!(
        authority.as_deref().map_err(|error| **error),
        expected,
        "{url}"
    );
}

#[test]
fn urls_that_may_be_asked_for() {
    check("http://example.com", Ok("example.com"));
    check("HTTPS://Example.COM:443/a?b#c", Ok("example.com"));
    check("https://example.com.:8443/", Ok("example.com:8443"));
    check("http://8.8.8.8/", Ok("8.8.8.8"));
    check(
        "http://[2606:4700:4700::1111]:8080/",
        Ok("[2606:4700:4700::1111]:8080"),
    );
    check("http://[::ffff:808:808]/", Ok("8.8.8.8"));
    check("https://bücher.example/", Ok("xn--bcher-kva.example"));
    check("https://a_b.example/", Ok("a_b.example"));
}

#[test]
fn urls_that_are_none() {
    for url in [
        "",
        "http",
        "http:",
        "http://",
        "http:/example.com",
        "http:example.com",
        "//example.com",
        "example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "data:text/plain,x",
        "javascript:1",
        "sidevm://00/",
        "unix:/run/docker.sock",
        "gopher://example.com",
        "http://example.com:99999/",
        "http://exam ple.com/",
        " http://example.com",
        "http://example.com\r\nhost:x/",
        "http://example.com/\r\nx: y",
        "http://example.com/\t",
        "http://example.com/\0",
        "http://user@example.com/",
        "http://user:word@example.com/",
        "http://:word@example.com/",
        "http://8.8.8.8@127.0.0.1/",
        "http://a..example/",
        "http://.example/",
        "http://example.com%00.example/",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://a!b.example/",
        "http://256.256.256.256/",
        "http://1.2.3.4.5/",
        "http://0x100000000/",
    ] {
        check(url, Err(InvalidUrl));
    }
    check(
        &format!("http://example.com/{}", "x".repeat(URL_BYTES_MAX)),
        Err(InvalidUrl),
    );
    // It grows above the bound when it is escaped.
    check(
        &format!("http://example.com/{}", "ü".repeat(URL_BYTES_MAX / 3)),
        Err(InvalidUrl),
    );
    check(
        &format!("http://{}.example/", "x".repeat(64)),
        Err(InvalidUrl),
    );
    check(
        &format!("http://{}example/", "x.".repeat(125)),
        Err(InvalidUrl),
    );
}

#[test]
fn addresses_are_recognised_in_every_notation() {
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0X7F.0.0.0x1",
        "017700000001",
        "0177.0.0.01",
        "0",
        "0x",
        "0.0.0.0",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "10.0.0.1",
        "0xa9fea9fe",
        "2852039166",
        "169.254.169.254",
        "0251.0376.0251.0376",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        // And names that only the machine or its network knows.
        "localhost",
        "LOCALHOST",
        "localhost.",
        "metadata",
        "kubernetes",
    ] {
        check(&format!("http://{host}/"), Err(NotAllowed));
        check(&format!("https://{host}:8443/x"), Err(NotAllowed));
    }
}

#[test]
fn ports_of_other_protocols_are_closed() {
    for port in [
        0, 21, 22, 25, 53, 110, 143, 465, 587, 2049, 5060, 6000, 6667, 6697, 10080,
    ] {
        check(&format!("http://example.com:{port}/"), Err(NotAllowed));
    }
    for port in [81, 3000, 8080, 9944] {
        let authority = format!("example.com:{port}");
        check(&format!("http://{authority}/"), Ok(&authority));
    }
}

#[test]
fn a_target_says_what_is_asked_of_whom() {
    let target =
        EgressPolicy::default().check_url("http://Example.com./a b".trim_end_matches(" b"));
    let target = target.unwrap();
    assert_eq!(target.place(), &Place::Name("example.com".to_owned()));
    assert_eq!((target.port(), target.is_https()), (80, false));
    assert_eq!(target.path_and_query(), "/a");
    let target = EgressPolicy::default()
        .check_url("https://example.com?q=1#f")
        .unwrap();
    assert_eq!((target.port(), target.path_and_query()), (443, "/?q=1"));
}

#[test]
fn by_default_nothing_local_is_reached() {
    let reached = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reached);
    let peer = serve(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let egress = Egress::new(EgressConfig {
        resolver: Answers::new(&[&[
            LOOPBACK,
            "10.0.0.1".parse().unwrap(),
            "::ffff:127.0.0.1".parse().unwrap(),
            "fe80::1".parse().unwrap(),
        ]]),
        ..EgressConfig::default()
    })
    .unwrap();
    assert_eq!(fetch(&egress, get(url(peer, "/"))), Err(NotAllowed));
    let named = format!("http://internal.example:{}/", peer.port());
    assert_eq!(fetch(&egress, get(named)), Err(NotAllowed));
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

/// Two peers on one port of two addresses; the second one is blocked.
fn open_and_blocked() -> (u16, EgressPolicy, Arc<AtomicUsize>) {
    let open = serve_text(ok("open"));
    let reached = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reached);
    serve_at(
        SocketAddr::new(LOOPBACK_TWO, open.port()),
        move |mut stream| {
            counter.fetch_add(1, Ordering::SeqCst);
            send(&mut stream, ok("blocked").as_bytes());
        },
    );
    let policy = EgressPolicy {
        insecure_allow_private_addresses: true,
        blocked_networks: vec!["127.0.0.2/32".parse().unwrap()],
    };
    (open.port(), policy, reached)
}

#[test]
fn a_name_that_changes_between_check_and_connection_changes_nothing() {
    let (port, policy, reached) = open_and_blocked();
    let resolver = Answers::new(&[&[LOOPBACK], &[LOOPBACK_TWO]]);
    let egress = Egress::new(EgressConfig {
        policy,
        resolver: resolver.clone(),
        ..EgressConfig::default()
    })
    .unwrap();
    let request = || get(format!("http://changing.example:{port}/"));
    assert_eq!(fetch(&egress, request()).unwrap().body, b"open");
    assert_eq!(resolver.asked(), 1);
    // The next request asks anew, and is refused.
    assert_eq!(fetch(&egress, request()), Err(NotAllowed));
    assert_eq!(resolver.asked(), 2);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[test]
fn of_many_addresses_only_the_allowed_ones_are_tried() {
    let (port, policy, reached) = open_and_blocked();
    let egress = Egress::new(EgressConfig {
        policy,
        resolver: Answers::new(&[&[LOOPBACK_TWO, LOOPBACK, LOOPBACK_TWO]]),
        ..EgressConfig::default()
    })
    .unwrap();
    let named = format!("http://many.example:{port}/");
    assert_eq!(fetch(&egress, get(named)).unwrap().body, b"open");
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[test]
fn an_address_that_refuses_is_followed_by_the_next() {
    let peer = serve_text(ok("second"));
    // Nobody listens on the same port of the first.
    let egress = Egress::new(EgressConfig {
        resolver: Answers::new(&[&[LOOPBACK_TWO, LOOPBACK]]),
        ..config()
    })
    .unwrap();
    let named = format!("http://two.example:{}/", peer.port());
    assert_eq!(fetch(&egress, get(named)).unwrap().body, b"second");
}

/// Strings of pieces that URLs are made of, from a seed; the same in each run.
fn strange_urls(count: usize) -> impl Iterator<Item = String> {
    const PIECES: [&str; 40] = [
        "http://",
        "https://",
        "http:",
        "//",
        "/",
        "\\",
        "@",
        ":",
        ".",
        "..",
        "?",
        "#",
        "%00",
        "%2e",
        "%31",
        "[",
        "]",
        "::1",
        "::ffff:",
        "127.0.0.1",
        "0x7f",
        "017",
        "2130706433",
        "1",
        "0",
        "255",
        "localhost",
        "example.com",
        "a",
        "xn--",
        "ü",
        "。",
        "１",
        "\u{ad}",
        ":80",
        ":65536",
        " ",
        "\t",
        "\r\n",
        "ß",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    (0..count).map(move |_| {
        let start = PIECES[next() % 2];
        let rest = (0..next() % 8).map(|_| PIECES[next() % PIECES.len()]);
        std::iter::once(start).chain(rest).collect()
    })
}

#[test]
fn a_url_that_passes_means_one_thing_only() {
    let policy = EgressPolicy::default();
    let mut passed = 0;
    for url in strange_urls(100_000) {
        let Ok(target) = policy.check_url(&url) else {
            continue;
        };
        passed += 1;
        let (authority, path) = (target.authority(), target.path_and_query());
        if let Place::Address(address) = target.place() {
            assert_eq!(classify(*address), Public, "{url}");
        }
        let printable = |text: &str| text.bytes().all(|byte| (0x21..0x7f).contains(&byte));
        assert!(
            printable(&authority) && printable(path) && path.starts_with('/'),
            "{url}"
        );
        assert!(
            !authority.contains(['@', '/', '\\', '?', '#', '%']),
            "{url}"
        );
        // What is sent, read as a URL again, is the same target.
        let scheme = if target.is_https() { "https" } else { "http" };
        let again = policy
            .check_url(&format!("{scheme}://{authority}{path}"))
            .unwrap();
        assert!(again.has_origin_of(&target), "{url}");
        assert_eq!(again.path_and_query(), path, "{url}");
    }
    assert!(passed > 1000, "{passed}");
}
