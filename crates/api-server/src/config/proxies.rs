//! Proxies in front of the server.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Env;

/// `TRUSTED_PROXIES`: addresses and networks whose forwarding headers are believed.
pub(super) fn trusted(env: &mut Env) -> Vec<IpNet> {
    let listed = env.text("TRUSTED_PROXIES").unwrap_or_default();
    let mut trusted = Vec::new();
    for part in listed.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)) {
            Ok(network) => trusted.push(network),
            Err(_) => env.fault(format!(
                "TRUSTED_PROXIES: `{part}` is neither an IP address nor a network, such as 10.0.0.0/8"
            )),
        }
    }
    trusted
}
