//! Looking on: figures.

use std::net::SocketAddr;

use super::Env;

/// `METRICS_ADDR`: an address and a port of this machine, not the server's own.
pub(super) fn metrics(env: &mut Env) -> Option<SocketAddr> {
    let text = env.text("METRICS_ADDR")?;
    let address = text.parse().ok();
    if address.is_none() {
        env.fault(format!("METRICS_ADDR: `{text}` is not an IP address and a port, such as 127.0.0.1:9464"));
    }
    address
}
