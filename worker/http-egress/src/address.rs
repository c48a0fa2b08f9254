//! Which addresses lie on the public Internet.
//!
//! The tables follow IANA's registries of special-purpose addresses (RFC 6890 and its updates). For
//! IPv6 the rule is turned around: only global unicast, `2000::/3`, is public, less what was carved
//! out of it, so that a range assigned tomorrow is refused until somebody looks at it.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// To the public Internet.
    Public,
    /// To this machine, or to a network that people number by themselves: loopback, RFC 1918,
    /// carrier-grade NAT, unique-local. Only a development network has a use for it.
    Private,
    /// To nothing that a contract may ever want: link-local (where clouds keep the metadata of a
    /// machine), multicast, documentation, reserved, transition mechanisms.
    Forbidden,
}

const PRIVATE_V4: [Ipv4Net; 5] = [
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
];

const FORBIDDEN_V4: [Ipv4Net; 12] = [
    // "This network"; the unspecified address reaches loopback on many systems.
    v4([0, 0, 0, 0], 8),
    // Metadata of a machine at Alibaba, within carrier-grade NAT.
    v4([100, 100, 100, 200], 32),
    // Host agent and metadata of a machine at Azure, a public address by its number.
    v4([168, 63, 129, 16], 32),
    v4([169, 254, 0, 0], 16),
    // IETF protocol assignments, with metadata at Oracle.
    v4([192, 0, 0, 0], 24),
    // Documentation.
    v4([192, 0, 2, 0], 24),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    // Relays of 6to4, withdrawn.
    v4([192, 88, 99, 0], 24),
    // Benchmarks.
    v4([198, 18, 0, 0], 15),
    // Multicast.
    v4([224, 0, 0, 0], 4),
    // Reserved, and broadcast.
    v4([240, 0, 0, 0], 4),
];

const PRIVATE_V6: [Ipv6Net; 2] = [
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
];

/// Metadata of machines at Amazon and Google, within unique-local.
const FORBIDDEN_V6: [Ipv6Net; 2] = [
    v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254], 128),
    v6([0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254], 128),
];

const GLOBAL_UNICAST_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// What lies within global unicast and is not public.
const CARVED_OUT_V6: [Ipv6Net; 4] = [
    // IETF protocol assignments: Teredo, benchmarks, ORCHID.
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    // Documentation.
    v6([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    // 6to4, which would lead to any IPv4 address.
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
];

/// The well-known prefix of NAT64 (RFC 6052), which a network without IPv4 answers names with.
const NAT64: Ipv6Net = v6([0x0064, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const fn v4(octets: [u8; 4], length: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(segments: [u16; 8], length: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length)
}

/// Where `address` leads. An IPv4-mapped address (`::ffff:0:0/96`) is the IPv4 address it holds.
pub fn classify(address: IpAddr) -> AddressKind {
    match address.to_canonical() {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

/// Whether `network` holds `address`, or the IPv4 address that `address` leads to.
pub(crate) fn holds(network: &IpNet, address: IpAddr) -> bool {
    let canonical = address.to_canonical();
    let translated = match canonical {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => behind_nat64(address).map(IpAddr::V4),
    };
    network.contains(&canonical) || translated.is_some_and(|address| network.contains(&address))
}

fn classify_v4(address: Ipv4Addr) -> AddressKind {
    let within = |networks: &[Ipv4Net]| networks.iter().any(|network| network.contains(&address));
    if within(&FORBIDDEN_V4) {
        AddressKind::Forbidden
    } else if within(&PRIVATE_V4) {
        AddressKind::Private
    } else {
        AddressKind::Public
    }
}

fn classify_v6(address: Ipv6Addr) -> AddressKind {
    let within = |networks: &[Ipv6Net]| networks.iter().any(|network| network.contains(&address));
    if let Some(behind) = behind_nat64(address) {
        return match classify_v4(behind) {
            AddressKind::Public => AddressKind::Public,
            AddressKind::Private | AddressKind::Forbidden => AddressKind::Forbidden,
        };
    }
    if within(&FORBIDDEN_V6) {
        return AddressKind::Forbidden;
    }
    if within(&PRIVATE_V6) {
        return AddressKind::Private;
    }
    if GLOBAL_UNICAST_V6.contains(&address) && !within(&CARVED_OUT_V6) && !is_isatap(address) {
        AddressKind::Public
    } else {
        AddressKind::Forbidden
    }
}

fn behind_nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    NAT64.contains(&address).then(|| Ipv4Addr::new(a, b, c, d))
}

/// Whether the interface part is of ISATAP (RFC 5214), which tunnels to the IPv4 address it ends with.
fn is_isatap(address: Ipv6Addr) -> bool {
    let [.., flags, marker, _, _] = address.segments();
    marker == 0x5efe && flags & !0x0200 == 0
}
