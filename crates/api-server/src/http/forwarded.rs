//! Forwarding headers, as proxies write them.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What a proxy tells of whoever it got a request from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// The address, where it tells one.
    pub address: Option<IpAddr>,
    /// Whether the request came over TLS, where it tells that.
    pub https: Option<bool>,
}

/// `X-Forwarded-For` and `X-Forwarded-Proto`, from left to right. Proxies write one protocol for the whole way; where
/// there are several, the last one is our own proxy's.
pub fn x_forwarded(headers: &HeaderMap) -> Option<Vec<Hop>> {
    let https = headers
        .get_all(X_FORWARDED_PROTO)
        .last()
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.rsplit(',').next())
        .map(|word| word.trim().eq_ignore_ascii_case("https"));
    let mut hops = Vec::new();
    for value in headers.get_all(X_FORWARDED_FOR) {
        let parts = value.to_str().unwrap_or("unreadable").split(',').map(str::trim);
        hops.extend(parts.filter(|part| !part.is_empty()).map(|part| Hop { address: address(part), https }));
    }
    if hops.is_empty() && https.is_some() {
        hops.push(Hop { address: None, https });
    }
    (!hops.is_empty()).then_some(hops)
}

/// `Forwarded` (RFC 7239), from left to right.
pub fn forwarded(headers: &HeaderMap) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    for value in headers.get_all(FORWARDED) {
        for element in split(value.to_str().unwrap_or("unreadable"), ',') {
            let mut hop = Hop::default();
            for pair in split(&element, ';') {
                let Some((name, value)) = pair.split_once('=') else { continue };
                let value = unquoted(value.trim());
                match name.trim().to_ascii_lowercase().as_str() {
                    "for" => hop.address = address(&value),
                    "proto" => hop.https = Some(value.eq_ignore_ascii_case("https")),
                    _ => {}
                }
            }
            hops.push(hop);
        }
    }
    (!hops.is_empty()).then_some(hops)
}

/// An address with or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// The parts between separators that stand outside quotation marks; empty ones are left out.
fn split(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for char in text.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if char == separator && !quoted => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(char);
    }
    parts.push(part);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn unquoted(text: &str) -> String {
    let Some(inside) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut escaped = false;
    inside
        .chars()
        .filter(|char| {
            let skip = *char == '\\' && !escaped;
            escaped = skip;
            !skip
        })
        .collect()
}
