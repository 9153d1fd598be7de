//! Which addresses an event may be sent to.
//!
//! The endpoint is the operator's setting, but its name may come to mean another machine: one that must not be asked,
//! such as the cloud's metadata service or a database in the same network. So names are resolved here, each time, and a
//! connection is made to an address that was looked at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Where events may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Egress {
    /// To public addresses.
    Public,
    /// And to this machine: in development.
    PublicAndLoopback,
}

impl Egress {
    /// Whether an address may be asked.
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::PublicAndLoopback => is_public(address) || is_loopback(address),
        }
    }
}

/// This machine, also where IPv6 says it in IPv4's words.
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether an address is one of the internet's, and of a single machine. What stands for an IPv4 address inside of an
/// IPv6 one counts as that.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    let special = matches!(
        (a, b, c, d),
        // "This network", private, loopback, link-local (with the metadata service), multicast, reserved, broadcast.
        (0 | 10 | 127 | 224..=255, ..)
            | (172, 16..=31, ..)
            | (192, 168, ..)
            | (169, 254, ..)
            // Carrier-grade NAT, where some clouds have their metadata service.
            | (100, 64..=127, ..)
            // Protocol assignments, examples, 6to4 relays, benchmarks.
            | (192, 0, 0 | 2, _)
            | (192, 88, 99, _)
            | (198, 18 | 19, ..)
            | (198, 51, 100, _)
            | (203, 0, 113, _)
            // Azure's own services for its machines, at a public address.
            | (168, 63, 129, 16)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Only 2000::/3 is given out. Of that, not: Teredo and other protocol assignments, examples.
    let given_out = (0x2000..=0x3fff).contains(&first);
    let special = matches!((first, second), (0x2001, 0..=0x01ff | 0x0db8) | (0x3fff, 0..=0x0fff));
    given_out && !special
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible, translated (NAT64), 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

/// Resolves names to addresses that may be asked. A name with none is an error; of several, the others are left out.
pub(crate) struct Resolver {
    pub egress: Egress,
}

/// A name that leads nowhere that may be asked.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name leads to no address that events may be sent to")]
struct NowhereToGo;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.egress;
        Box::pin(async move {
            // The port is set by whoever connects.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| egress.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NowhereToGo.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        Egress::Public.allows(text.parse().unwrap())
    }

    #[test]
    fn addresses_of_the_internet_are_allowed() {
        for address in
            ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1"]
        {
            assert!(public(address), "{address}");
            assert!(public(&format!("::ffff:{address}")), "{address}, mapped");
        }
        for address in
            ["2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "64:ff9b::8.8.8.8", "2002:808:808::1"]
        {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn addresses_of_this_machine_its_network_and_its_cloud_are_refused() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
        ] {
            assert!(!public(address), "{address}");
            for dressed in [
                format!("::ffff:{address}"),
                format!("::{address}"),
                format!("64:ff9b::{address}"),
                format!("::ffff:0:{address}"),
            ] {
                assert!(!public(&dressed), "{dressed}");
            }
        }
        for address in [
            "::",
            "::1",
            "fe80::1",
            "fe80::a9fe:a9fe",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "100::1",
            "64:ff9b:1::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn this_machine_is_allowed_in_development_and_nothing_else_of_the_kind() {
        let development = |text: &str| Egress::PublicAndLoopback.allows(text.parse().unwrap());
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "1.1.1.1"] {
            assert!(development(address), "{address}");
        }
        for address in ["10.0.0.1", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0"] {
            assert!(!development(address), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_resolved() {
        use std::str::FromStr;
        let resolve = |egress| Resolver { egress }.resolve(Name::from_str("localhost").unwrap());
        let refused = resolve(Egress::Public).await.err().expect("refused").to_string();
        assert!(refused.contains("no address that events may be sent to"), "{refused}");
        assert!(resolve(Egress::PublicAndLoopback).await.is_ok());
    }
}
