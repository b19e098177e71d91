//! The address that a request came from.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use http::{HeaderMap, HeaderName};

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that a request came from, as a request extension: that of the nearest hop or, behind trusted proxies, the
/// one that the outermost of them saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr(pub IpAddr);

impl ClientAddr {
    /// Every proxy appends the address that it saw to the header. So of `trusted_proxies` proxies the last entries count;
    /// the client may have written anything before them. If the header is missing, too short or holds no address, the
    /// hop itself is the client.
    pub(crate) fn of(hop: SocketAddr, headers: &HeaderMap, trusted_proxies: u8) -> Self {
        let forwarded = usize::from(trusted_proxies)
            .checked_sub(1)
            .and_then(|proxies_between| {
                headers
                    .get_all(&FORWARDED_FOR)
                    .iter()
                    .rev()
                    .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','))
                    .nth(proxies_between)
            })
            .and_then(|entry| address(std::str::from_utf8(entry).ok()?.trim()));
        Self(forwarded.unwrap_or(hop.ip()))
    }

    /// The network that it counts as.
    pub fn network(self) -> Network {
        Network::of(self.0)
    }
}

/// An entry of the header: an address, some proxies add a port.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(entry);
    bare.parse().ok().or_else(|| {
        entry
            .parse()
            .ok()
            .map(|with_port: SocketAddr| with_port.ip())
    })
}

/// What counts as one client: an IPv4 address, or an IPv6 /64, because whoever has one of its addresses has them all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// What is written as a network is shown, or as one of its addresses.
    pub fn parse(text: &str) -> Option<Self> {
        let network = match text.strip_suffix("/64") {
            Some(network) => network.parse().map(IpAddr::V6).ok()?,
            None => text.parse().ok()?,
        };
        Some(Self::of(network))
    }

    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// `192.0.2.1` or `2001:db8::/64`.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(lines: &[&str], trusted_proxies: u8) -> String {
        let hop = "198.51.100.9:4000".parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        ClientAddr::of(hop, &headers, trusted_proxies).0.to_string()
    }

    const HOP: &str = "198.51.100.9";

    #[test]
    fn without_trusted_proxies_the_header_is_ignored() {
        assert_eq!(client(&["192.0.2.1"], 0), HOP);
    }

    #[test]
    fn behind_proxies_only_what_they_wrote_counts() {
        let spoofed = ["203.0.113.66, 192.0.2.1"];
        assert_eq!(client(&spoofed, 1), "192.0.2.1");
        assert_eq!(client(&["203.0.113.66", "192.0.2.1"], 1), "192.0.2.1");
        assert_eq!(
            client(&["203.0.113.66, 192.0.2.1, 10.0.0.7"], 2),
            "192.0.2.1"
        );
        assert_eq!(
            client(&["203.0.113.66,192.0.2.1", "10.0.0.7"], 2),
            "192.0.2.1"
        );
    }

    #[test]
    fn addresses_are_read_in_the_forms_that_proxies_write() {
        for (entry, address) in [
            ("192.0.2.1:8080", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
        ] {
            assert_eq!(client(&[entry], 1), address);
        }
    }

    #[test]
    fn without_a_usable_header_the_hop_is_the_client() {
        for lines in [
            &[][..],
            &[""],
            &["unknown"],
            &["192.0.2.1, "],
            &["192.0.2.1, _x"],
        ] {
            assert_eq!(client(lines, 1), HOP, "{lines:?}");
        }
        assert_eq!(client(&["192.0.2.1"], 2), HOP);
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1:2:3"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("2001:db8::1").to_string(), "2001:db8::/64");
        assert_eq!(network("192.0.2.1").to_string(), "192.0.2.1");
    }
}
