//! Where a request comes from: the client's address, and whether it came over TLS. Anybody can write forwarding
//! headers, so they are believed only from the proxies that the operator names.

use std::net::IpAddr;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpMessage, web};
use ipnet::IpNet;

use super::forwarded::{self, Hop};
use crate::wiring::App;

/// The most hops that are looked at.
const MOST_HOPS: usize = 32;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// Whether the client speaks TLS, with us or with a proxy that we believe.
    pub https: bool,
}

/// The origin of a request; found out once.
pub fn of(request: &ServiceRequest) -> Origin {
    if let Some(known) = request.extensions().get::<Origin>() {
        return *known;
    }
    let trusted = request.app_data::<web::Data<App>>().map(|app| app.trusted_proxies.as_slice());
    let peer = request.peer_addr().map(|peer| peer.ip());
    let origin = find(request.headers(), peer, request.app_config().secure(), trusted.unwrap_or_default());
    request.extensions_mut().insert(origin);
    origin
}

fn find(headers: &HeaderMap, peer: Option<IpAddr>, tls: bool, trusted: &[IpNet]) -> Origin {
    let Some(peer) = peer.map(|peer| peer.to_canonical()) else {
        return Origin { address: None, https: tls };
    };
    let direct = Origin { address: Some(peer), https: tls };
    if !is_in(trusted, peer) {
        return direct;
    }
    let (usual, standard) = (forwarded::x_forwarded(headers), forwarded::forwarded(headers));
    let [usual, standard] = [usual, standard].map(|hops| hops.map(|hops| client(&hops, peer, trusted)));
    let told = match (usual, standard) {
        // A proxy writes one of the two, and may pass the other one on as a client wrote it.
        (Some(usual), Some(standard)) if usual.0 != standard.0 => return direct,
        (Some(usual), Some(standard)) => (usual.0, usual.1.or(standard.1)),
        (Some(told), None) | (None, Some(told)) => told,
        (None, None) => return direct,
    };
    Origin { address: Some(told.0), https: told.1.unwrap_or(tls) }
}

/// From right to left: the first address that is no proxy of ours, as the proxy next to it tells it; and whether it
/// came to that proxy over TLS, if that was told.
fn client(hops: &[Hop], peer: IpAddr, trusted: &[IpNet]) -> (IpAddr, Option<bool>) {
    let (mut address, mut https) = (peer, None);
    for hop in hops.iter().rev().take(MOST_HOPS) {
        if !is_in(trusted, address) {
            break;
        }
        https = hop.https.or(https);
        match hop.address {
            Some(before) => address = before,
            None => break,
        }
    }
    (address, https)
}

fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn found(peer: &str, tls: bool, headers: &[(&'static str, &'static str)]) -> (String, bool) {
        let trusted =
            ["10.0.0.0/8", "2001:db8:aa::/48", "192.0.2.7/32"].map(|network| network.parse().unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let origin = find(&map, Some(peer.parse().unwrap()), tls, &trusted);
        (origin.address.unwrap().to_string(), origin.https)
    }

    #[test]
    fn strangers_are_not_believed() {
        let forged = [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=203.0.113.9;proto=https"),
        ];
        for headers in [&forged[..], &forged[..2], &forged[2..]] {
            assert_eq!(found("198.51.100.1", false, headers), ("198.51.100.1".to_owned(), false));
        }
        assert_eq!(found("198.51.100.1", true, &[]), ("198.51.100.1".to_owned(), true));
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_of_ours_is_the_client() {
        for (value, client) in [
            ("203.0.113.9", "203.0.113.9"),
            // What a client wrote itself stands to the left of what our proxy saw.
            ("1.2.3.4, 203.0.113.9", "203.0.113.9"),
            ("1.2.3.4, 203.0.113.9, 10.1.2.3, 192.0.2.7", "203.0.113.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            // Only proxies of ours: the first of them.
            ("10.1.2.3", "10.1.2.3"),
            // What no address is ends it: the proxy that told so.
            ("203.0.113.9, unknown", "10.0.0.1"),
            ("203.0.113.9, unknown, 10.9.9.9", "10.9.9.9"),
            ("", "10.0.0.1"),
            (",,,", "10.0.0.1"),
        ] {
            assert_eq!(found("10.0.0.1", false, &[("x-forwarded-for", value)]).0, client, "{value}");
        }
        // Several headers are one list.
        let parts = [
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-for", "10.2.2.2"),
        ];
        assert_eq!(found("10.0.0.1", false, &parts).0, "203.0.113.9");
        assert_eq!(found("::ffff:10.0.0.1", false, &parts).0, "203.0.113.9");
        assert_eq!(found("2001:db8:aa::5", false, &parts).0, "203.0.113.9");
    }

    #[test]
    fn the_standard_header_is_read_too() {
        for (value, client, https) in [
            ("for=203.0.113.9;proto=https", "203.0.113.9", true),
            ("For=\"[2001:db8::1]:4711\";Proto=HTTPS;by=10.0.0.1", "2001:db8::1", true),
            ("for=1.2.3.4;proto=https, for=203.0.113.9;proto=http", "203.0.113.9", false),
            ("for=203.0.113.9;proto=https, for=10.1.2.3;proto=http", "203.0.113.9", true),
            ("for=\"203.0.113.9\\:80, for=1.1.1.1\"", "10.0.0.1", false),
            ("for=_hidden;proto=https", "10.0.0.1", true),
            ("proto=https", "10.0.0.1", true),
        ] {
            let told = found("10.0.0.1", false, &[("forwarded", value)]);
            assert_eq!(told, (client.to_owned(), https), "{value}");
        }
    }

    #[test]
    fn two_headers_that_disagree_are_not_believed() {
        let both = |usual, standard| {
            [("x-forwarded-for", usual), ("x-forwarded-proto", "https"), ("forwarded", standard)]
        };
        let agree = both("203.0.113.9", "for=203.0.113.9");
        assert_eq!(found("10.0.0.1", false, &agree), ("203.0.113.9".to_owned(), true));
        let disagree = both("203.0.113.9", "for=1.2.3.4");
        assert_eq!(found("10.0.0.1", false, &disagree), ("10.0.0.1".to_owned(), false));
    }

    #[test]
    fn a_proxy_says_how_the_client_came() {
        for (value, https) in [("https", true), ("http", false), ("http, https", true), ("https,http", false)]
        {
            let headers = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", value)];
            assert_eq!(found("10.0.0.1", false, &headers).1, https, "{value}");
        }
        assert!(found("10.0.0.1", false, &[("x-forwarded-proto", "https")]).1, "without an address");
    }

    #[test]
    fn a_list_without_end_is_not_walked_to_its_end() {
        let many: &'static str =
            Box::leak(format!("203.0.113.9{}", ", 10.1.1.1".repeat(10_000)).into_boxed_str());
        assert_eq!(found("10.0.0.1", false, &[("x-forwarded-for", many)]).0, "10.1.1.1");
    }
}
