//! Clients and readers that can be made, and those that cannot.

use std::process::Command;
use std::sync::Arc;

use adapters_stripe::{
    API_BASE, API_VERSION, Retries, SecretError, SetupError, Stripe, StripeConfig, StripeEvents, Timeouts,
};
use secrecy::SecretString;

use crate::fixtures::{KEY, SECRET, Stopped, client, config, events};

fn made(config: &StripeConfig) -> Result<Stripe, SetupError> {
    Stripe::new(config, Arc::new(Stopped))
}

#[test]
fn a_request_may_take_30_seconds_and_is_sent_3_times_at_most() {
    let config = StripeConfig::new(API_BASE.parse().expect("an address"), KEY.into());
    let Timeouts { connect, total } = config.timeouts;
    assert_eq!([connect, total].map(|time| time.as_secs()), [5, 30]);
    let Retries { attempts, pause } = config.retries;
    assert_eq!((attempts, pause.as_millis()), (3, 500));
    assert_eq!(config.api_version, API_VERSION);
}

#[test]
fn an_address_that_cannot_be_used_is_refused() {
    for base_url in [
        "ftp://example.com",
        "mailto:a@example.com",
        "http://name:word@example.com",
        "http://name@example.com",
        "http://example.com/?a=b",
    ] {
        assert!(matches!(made(&config(base_url)), Err(SetupError::BaseUrl(_))), "{base_url}");
    }
    for base_url in [API_BASE, "http://127.0.0.1:12111/", "http://127.0.0.1:8420/stripe"] {
        assert!(made(&config(base_url)).is_ok(), "{base_url}");
    }
}

#[test]
fn a_key_that_no_header_carries_is_refused() {
    for key in ["", "sk_test_1\n", "sk\r\nx-evil: 1", "sk\0"] {
        let config = StripeConfig { secret_key: key.into(), ..config(API_BASE) };
        assert_eq!(made(&config).err(), Some(SetupError::Key), "{key:?}");
    }
    let config = StripeConfig { api_version: "2026\n".into(), ..config(API_BASE) };
    assert_eq!(made(&config).err(), Some(SetupError::Version));
}

#[test]
fn key_and_secrets_are_never_printed() {
    let (config, events) = (config(API_BASE), events());
    let client = client(&config);
    let printed = format!("{config:?} {config:#?} {client:?} {client:#?} {events:?} {events:#?}");
    assert!(!printed.contains(KEY) && !printed.contains(SECRET));
    assert!(!printed.contains("51ABCDEF") && !printed.contains("test_secret"));
}

#[test]
fn a_webhook_secret_must_look_like_one() {
    for secret in
        ["", " ", "whsec_", "whsec_12 34567", "secret_0123456789", "whsec_0123456789\n", " whsec_0123456789"]
    {
        let secret = SecretString::from(secret);
        assert_eq!(StripeEvents::new(secret.clone(), None).err(), Some(SecretError));
        assert_eq!(StripeEvents::new(SECRET.into(), Some(secret)).err(), Some(SecretError));
    }
    assert!(StripeEvents::new(SECRET.into(), Some("whsec_12345678".into())).is_ok());
}

/// Certificates are looked up in the environment, which only a process of its own can change safely.
#[test]
fn without_ca_certificates_there_is_an_error_and_no_panic() {
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "setup::in_a_process_without_certificates", "--ignored"])
        .env("SSL_CERT_FILE", "/nonexistent/certificates.pem")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .expect("a process");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

#[test]
#[ignore = "run by the test above"]
fn in_a_process_without_certificates() {
    let outcome = made(&config(API_BASE));
    assert!(matches!(outcome, Err(SetupError::Client(_))), "{outcome:?}");
}
