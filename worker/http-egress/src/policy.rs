//! What may be asked for, and where it may lead: everything that can be said of a URL or an address
//! without sending anything.

use crate::address::{AddressKind, classify, holds};
use contract_abi::http::HttpError;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use url::{Host, Url};

/// Longest URL, bytes, also of a redirect.
pub const URL_BYTES_MAX: usize = 8 * 1024;

/// Longest name and longest part of a name in the DNS, bytes (RFC 1035).
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// Ports where something else than HTTP listens that could take a request for its own protocol: the
/// list of "bad ports" in the Fetch standard. Mail is why it matters most.
const OTHER_PROTOCOLS: &[u16] = &[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
];

/// Where requests may go. The default is the public Internet and nothing else.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {
    /// **Insecure.** Lets contracts reach this machine and the networks around it. For networks of
    /// development. Link-local addresses, where clouds keep a machine's metadata, stay closed.
    pub insecure_allow_private_addresses: bool,
    /// Public addresses that are the operator's own and that contracts shall not reach.
    pub blocked_networks: Vec<IpNet>,
}

/// A URL that may be asked for, as far as can be said before its name is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    place: Place,
    port: u16,
}

/// The host of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A name, in ASCII, without a dot at its end.
    Name(String),
    /// An address; the policy allows it.
    Address(IpAddr),
}

/// An address that the policy allows, made by [`EgressPolicy::check_address`] alone. Connections are
/// opened to such an address and to nothing else, so what was checked is what is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedAddress(SocketAddr);

impl AllowedAddress {
    /// Address and port.
    pub fn socket_address(self) -> SocketAddr {
        self.0
    }
}

impl EgressPolicy {
    /// Whether connections to `address` are allowed.
    ///
    /// # Errors
    /// [`HttpError::NotAllowed`].
    pub fn check_address(&self, address: IpAddr, port: u16) -> Result<AllowedAddress, HttpError> {
        let allowed = match classify(address) {
            AddressKind::Public => true,
            AddressKind::Private => self.insecure_allow_private_addresses,
            AddressKind::Forbidden => false,
        };
        let blocked = self
            .blocked_networks
            .iter()
            .any(|network| holds(network, address));
        if allowed && !blocked {
            Ok(AllowedAddress(SocketAddr::new(
                address.to_canonical(),
                port,
            )))
        } else {
            Err(HttpError::NotAllowed)
        }
    }

    /// Whether `url` may be asked for, as far as can be said without resolving its name. Pure.
    ///
    /// # Errors
    /// - [`HttpError::InvalidUrl`]: no absolute URL of `http` or `https`; one with control characters,
    ///   blanks or credentials in it (a user before the `@` is how a URL lies about its host); one
    ///   longer than [`URL_BYTES_MAX`]; a host that is no name of the DNS.
    /// - [`HttpError::NotAllowed`]: an address that the policy does not allow, in whichever notation; a
    ///   name without a dot, which only a local network can know; a port of another protocol.
    pub fn check_url(&self, url: &str) -> Result<Target, HttpError> {
        let absolute = starts_with(url, "http://") || starts_with(url, "https://");
        let blank = url.bytes().any(|byte| byte <= b' ' || byte == 0x7f);
        if !absolute || blank || url.len() > URL_BYTES_MAX {
            return Err(HttpError::InvalidUrl);
        }
        self.check_parsed(Url::parse(url).map_err(|_| HttpError::InvalidUrl)?)
    }

    /// As [`Self::check_url`], of where a redirect from `base` leads to.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn check_redirect(
        &self,
        base: &Target,
        location: &str,
    ) -> Result<Target, HttpError> {
        if location.len() > URL_BYTES_MAX {
            return Err(HttpError::InvalidUrl);
        }
        let url = base.url.join(location);
        self.check_parsed(url.map_err(|_| HttpError::InvalidUrl)?)
    }

    fn check_parsed(&self, mut url: Url) -> Result<Target, HttpError> {
        let is_http = matches!(url.scheme(), "http" | "https");
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        // Escapes make a URL longer when it is parsed.
        if !is_http || has_credentials || url.as_str().len() > URL_BYTES_MAX {
            return Err(HttpError::InvalidUrl);
        }
        url.set_fragment(None);
        let port = url.port_or_known_default().ok_or(HttpError::InvalidUrl)?;
        if OTHER_PROTOCOLS.contains(&port) {
            return Err(HttpError::NotAllowed);
        }
        // The parser has turned every notation of an address into an address: decimal, octal,
        // hexadecimal, shortened, full-width digits, percent escapes, a dot at the end.
        let address = match url.host() {
            Some(Host::Domain(name)) => {
                let place = Place::Name(self.check_name(name)?);
                return Ok(Target { url, place, port });
            }
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            None => return Err(HttpError::InvalidUrl),
        };
        let allowed = self.check_address(address, port)?.socket_address();
        Ok(Target {
            url,
            place: Place::Address(allowed.ip()),
            port,
        })
    }

    fn check_name(&self, name: &str) -> Result<String, HttpError> {
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.len() > NAME_BYTES_MAX || !name.split('.').all(is_label) {
            return Err(HttpError::InvalidUrl);
        }
        if !name.contains('.') && !self.insecure_allow_private_addresses {
            return Err(HttpError::NotAllowed);
        }
        Ok(name.to_owned())
    }
}

impl Target {
    /// The host.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The port, also where the URL does not say it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether TLS is spoken.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Host, and the port unless it is the scheme's own: the value of `Host`.
    pub fn authority(&self) -> String {
        let host = match &self.place {
            Place::Name(name) => name.clone(),
            Place::Address(IpAddr::V4(address)) => address.to_string(),
            Place::Address(IpAddr::V6(address)) => format!("[{address}]"),
        };
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    /// Path and query: the target in the request line.
    pub fn path_and_query(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }

    /// Whether `other` has the same scheme, host and port.
    pub fn has_origin_of(&self, other: &Self) -> bool {
        self.is_https() == other.is_https() && self.place == other.place && self.port == other.port
    }
}

fn is_label(label: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty() && label.len() <= LABEL_BYTES_MAX && label.bytes().all(known)
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}
