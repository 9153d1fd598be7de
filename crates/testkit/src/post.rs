//! Those who get notices: a fake mail server and a fake receiver of webhooks, on loopback ports.

mod mail;
mod receiver;
mod smtp;

pub use mail::Mail;
pub use receiver::{Hook, Receiver};
pub use smtp::MailServer;

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

/// Listens on a free loopback port, or on this one again.
async fn listen(again: Option<SocketAddr>) -> TcpListener {
    let address = again.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    TcpListener::bind(address).await.expect("a loopback port")
}
