//! Which addresses may be called. Literal addresses in the URL are checked and, by our own resolver, every address that a
//! name resolves to. The connection is made to a checked address alone.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::HttpError;

/// What may be called besides public addresses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) allow_loopback: bool,
    pub(crate) allow_private: bool,
    /// Only the ports of HTTPS, besides any of this machine: nobody but a tenant has chosen the address.
    pub(crate) only_https_ports: bool,
}

/// The ports of HTTPS.
const HTTPS_PORTS: [u16; 2] = [443, 8443];

/// Which kind of network an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Public,
    Loopback,
    Private,
    /// Metadata servers, link-local, shared, translated, reserved. Blocked under every setting.
    Never,
}

impl Policy {
    fn allows(self, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => true,
            Reach::Loopback => self.allow_loopback,
            Reach::Private => self.allow_private,
            Reach::Never => false,
        }
    }

    /// Refuses a URL that cannot lead to an allowed address or would travel unencrypted.
    pub(crate) fn check(self, url: &Url) -> Result<(), HttpError> {
        let host = url.host().ok_or(HttpError::BadUrl("it has no host"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HttpError::BadUrl(
                "it carries credentials; pass them as a header",
            ));
        }
        let literal = match &host {
            Host::Ipv4(address) => Some(IpAddr::V4(*address)),
            Host::Ipv6(address) => Some(IpAddr::V6(*address)),
            Host::Domain(_) => None,
        };
        if literal.is_some_and(|address| !self.allows(address)) {
            return Err(HttpError::Blocked {
                host: host.to_string(),
            });
        }
        let is_here = literal.map(reach) == Some(Reach::Loopback)
            || matches!(host, Host::Domain(name) if self.allow_loopback && is_localhost(name));
        let port = url.port_or_known_default().unwrap_or_default();
        if self.only_https_ports && !is_here && !HTTPS_PORTS.contains(&port) {
            return Err(HttpError::BadUrl("its port is neither 443 nor 8443"));
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.may_be_plain(&host, literal) => Ok(()),
            "http" => Err(HttpError::BadUrl("only https is allowed")),
            _ => Err(HttpError::BadUrl("only http and https URLs can be called")),
        }
    }

    /// Plain HTTP is for this machine, or for a private network named by address.
    fn may_be_plain(self, host: &Host<&str>, literal: Option<IpAddr>) -> bool {
        match (literal.map(reach), host) {
            (Some(Reach::Loopback | Reach::Private), _) => true, // `allows` was asked before
            (None, Host::Domain(name)) => self.allow_loopback && is_localhost(name),
            _ => false,
        }
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
}

/// Says which addresses a name has. Its answers are checked, whoever gives them.
#[async_trait]
pub trait Names: fmt::Debug + Send + Sync {
    /// The addresses of a name, as they are now.
    ///
    /// # Errors
    /// Whatever kept it from being looked up.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own look-up.
#[derive(Debug)]
pub(crate) struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Resolves names to the addresses that the policy allows. The connection is made to one of these, so that a name which
/// changes its addresses in between changes nothing.
pub(crate) struct Resolver {
    pub(crate) policy: Policy,
    pub(crate) names: Arc<dyn Names>,
}

impl Resolver {
    /// Refuses a URL that does not lead to allowed addresses alone, as its name is resolved now.
    pub(crate) async fn check(&self, url: &Url) -> Result<(), HttpError> {
        self.policy.check(url)?;
        let Some(Host::Domain(name)) = url.host() else {
            return Ok(());
        };
        let found = self.names.addresses(name).await.unwrap_or_default();
        if found.is_empty() {
            return Err(HttpError::BadUrl("its name has no address now"));
        }
        if found.into_iter().all(|address| self.policy.allows(address)) {
            Ok(())
        } else {
            Err(HttpError::Blocked {
                host: name.to_owned(),
            })
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, names) = (self.policy, self.names.clone());
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await?;
            // Plain HTTP was allowed because `localhost` is this machine, so it must resolve to it.
            let only_loopback = is_localhost(name.as_str());
            let is_allowed =
                |ip: IpAddr| policy.allows(ip) && (!only_loopback || reach(ip) == Reach::Loopback);
            let was_found = !found.is_empty();
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| is_allowed(*address))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if allowed.is_empty() && was_found {
                return Err(BlockedAddress.into());
            }
            if allowed.is_empty() {
                return Err(
                    io::Error::new(io::ErrorKind::NotFound, "the name has no address").into(),
                );
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name resolves to an address that must not be called")]
pub(crate) struct BlockedAddress;

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

/// Source: IANA IPv4 Special-Purpose Address Registry.
fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127, ..] => Reach::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Reach::Private,
        [0, ..]                                                    // this network
        | [100, 64..=127, ..]                                      // carrier-grade NAT
        | [169, 254, ..]                                           // link-local and metadata servers
        | [192, 0, 0 | 2, _] | [192, 88, 99, _]                    // protocol assignments, examples, 6to4 relays
        | [198, 18..=19, ..] | [198, 51, 100, _] | [203, 0, 113, _] // benchmarks, examples
        | [224..=255, ..] => Reach::Never,                             // multicast, reserved, broadcast
        _ => Reach::Public,
    }
}

/// Source: IANA IPv6 Special-Purpose Address Registry. Addresses that carry an IPv4 address (mapped, compatible,
/// 6to4, Teredo, NAT64) are all blocked, because where they lead is decided elsewhere.
fn reach_v6(address: Ipv6Addr) -> Reach {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Loopback,
        [0xfd00, 0x0ec2, ..] => Reach::Never,       // metadata servers of AWS
        [0xfc00..=0xfdff, ..] => Reach::Private,    // unique local
        [0x2001, 0..=0x01ff, ..]                    // protocol assignments with Teredo
        | [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] // examples
        | [0x2002, ..] => Reach::Never,             // 6to4
        [0x2000..=0x3fff, ..] => Reach::Public,     // the only block of global unicast
        _ => Reach::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSED: Policy = Policy {
        allow_loopback: false,
        allow_private: false,
        only_https_ports: false,
    };
    const OPEN: Policy = Policy {
        allow_loopback: true,
        allow_private: true,
        ..CLOSED
    };
    const TENANTS: Policy = Policy {
        only_https_ports: true,
        ..CLOSED
    };

    #[test]
    fn addresses_are_sorted_by_what_they_reach() {
        let table: &[(&str, Reach)] = &[
            ("1.1.1.1", Reach::Public),
            ("8.8.8.8", Reach::Public),
            ("172.15.255.255", Reach::Public),
            ("172.32.0.1", Reach::Public),
            ("100.63.255.255", Reach::Public),
            ("100.128.0.1", Reach::Public),
            ("223.255.255.255", Reach::Public),
            ("127.0.0.1", Reach::Loopback),
            ("127.255.255.254", Reach::Loopback),
            ("10.0.0.1", Reach::Private),
            ("172.16.0.1", Reach::Private),
            ("172.31.255.255", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("0.0.0.0", Reach::Never),
            ("0.1.2.3", Reach::Never),
            ("100.64.0.1", Reach::Never),
            ("169.254.169.254", Reach::Never),
            ("192.0.0.170", Reach::Never),
            ("192.0.2.1", Reach::Never),
            ("192.88.99.1", Reach::Never),
            ("198.18.0.1", Reach::Never),
            ("198.51.100.7", Reach::Never),
            ("203.0.113.9", Reach::Never),
            ("224.0.0.1", Reach::Never),
            ("240.0.0.1", Reach::Never),
            ("255.255.255.255", Reach::Never),
            ("2606:4700:4700::1111", Reach::Public),
            ("2a00:1450::1", Reach::Public),
            ("::1", Reach::Loopback),
            ("fd12:3456::1", Reach::Private),
            ("fc00::1", Reach::Private),
            ("fd00:ec2::254", Reach::Never),
            ("::", Reach::Never),
            ("::127.0.0.1", Reach::Never),
            ("::ffff:127.0.0.1", Reach::Never),
            ("::ffff:8.8.8.8", Reach::Never),
            ("64:ff9b::7f00:1", Reach::Never),
            ("64:ff9b:1::1", Reach::Never),
            ("100::1", Reach::Never),
            ("2001::1", Reach::Never),
            ("2001:db8::1", Reach::Never),
            ("2002:7f00:1::", Reach::Never),
            ("3fff::1", Reach::Never),
            ("fe80::1", Reach::Never),
            ("fec0::1", Reach::Never),
            ("ff02::1", Reach::Never),
        ];
        for (address, expected) in table {
            assert_eq!(reach(address.parse().unwrap()), *expected, "{address}");
        }
    }

    #[test]
    fn a_forbidden_address_is_blocked_in_any_notation() {
        for url in [
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://10.1.2.3/",
            "https://169.254.169.254/computeMetadata/v1/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://[fd00:ec2::254]/",
            "http://127.0.0.1/",
            "https://0251.0376.0251.0376/",
            "https://2852039166/",
            "https://0xa9fea9fe/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[2002:a9fe:a9fe::]/",
            "https://[fe80::1]/",
            "https://192.168.0.10/",
            "https://100.64.0.1/",
        ] {
            for policy in [CLOSED, TENANTS] {
                let answer = policy.check(&url.parse().unwrap());
                assert!(
                    matches!(answer, Err(HttpError::Blocked { .. })),
                    "{url}: {answer:?}"
                );
            }
        }
    }

    #[test]
    fn metadata_servers_stay_blocked_under_every_setting() {
        for url in [
            "https://169.254.169.254/",
            "https://[fd00:ec2::254]/",
            "https://[::ffff:127.0.0.1]/",
            "https://0.0.0.0/",
        ] {
            assert!(
                matches!(
                    OPEN.check(&url.parse().unwrap()),
                    Err(HttpError::Blocked { .. })
                ),
                "{url}"
            );
        }
    }

    #[test]
    fn a_tenant_chooses_no_port_but_those_of_https() {
        for (url, is_allowed) in [
            ("https://crm.example.com/leads", true),
            ("https://crm.example.com:8443/leads", true),
            ("https://crm.example.com:22/", false),
            ("https://crm.example.com:6379/", false),
            ("https://8.8.8.8:25/", false),
            ("http://crm.example.com/", false),
        ] {
            let answer = TENANTS.check(&url.parse().unwrap());
            assert_eq!(answer.is_ok(), is_allowed, "{url}: {answer:?}");
        }
        let demo = Policy {
            allow_loopback: true,
            ..TENANTS
        };
        for url in ["http://127.0.0.1:4000/", "http://localhost:4000/"] {
            assert!(demo.check(&url.parse().unwrap()).is_ok(), "{url}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_and_private_addresses_only() {
        for url in [
            "http://localhost:8080/",
            "http://LOCALHOST./",
            "http://127.0.0.1:1/",
            "http://[::1]/",
            "http://10.0.0.1/",
            "https://example.com/",
        ] {
            assert!(OPEN.check(&url.parse().unwrap()).is_ok(), "{url}");
        }
        for url in [
            "http://example.com/",
            "http://8.8.8.8/",
            "ftp://example.com/",
            "https://ann:pw@example.com/",
            "http://localhost.example.com/",
        ] {
            assert!(
                matches!(OPEN.check(&url.parse().unwrap()), Err(HttpError::BadUrl(_))),
                "{url}"
            );
        }
        assert!(matches!(
            CLOSED.check(&"http://localhost/".parse().unwrap()),
            Err(HttpError::BadUrl(_))
        ));
    }
}
