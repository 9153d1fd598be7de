//! Clients that can be made, and clients that cannot.

use std::process::Command;

use adapters_openai::{OpenAi, OpenAiConfig, SetupError, Timeouts};

use crate::ask::{KEY, config};

#[test]
fn timeouts_default_to_5_60_30_and_300_seconds() {
    let Timeouts { connect, first_byte, idle, total } = Timeouts::default();
    assert_eq!([connect, first_byte, idle, total].map(|time| time.as_secs()), [5, 60, 30, 300]);
}

#[test]
fn an_address_that_cannot_be_used_is_refused() {
    for base_url in [
        "ftp://example.com",
        "mailto:a@example.com",
        "http://name:word@example.com",
        "http://name@example.com",
    ] {
        assert!(matches!(OpenAi::new(&config(base_url)), Err(SetupError::BaseUrl(_))), "{base_url}");
    }
    for base_url in ["https://api.openai.com/v1", "http://127.0.0.1:11434/v1/"] {
        assert!(OpenAi::new(&config(base_url)).is_ok(), "{base_url}");
    }
}

#[test]
fn a_key_that_no_header_carries_is_refused() {
    for key in ["sk-1\n", "sk\r\nx-evil: 1", "sk\0"] {
        let config = OpenAiConfig { api_key: key.into(), ..config("http://localhost") };
        assert_eq!(OpenAi::new(&config).err(), Some(SetupError::Key));
    }
}

#[test]
fn the_key_is_never_printed() {
    let config = config("https://api.openai.com/v1");
    let client = OpenAi::new(&config).expect("a client");
    assert!(!format!("{config:?} {config:#?} {client:?} {client:#?}").contains(KEY));
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
    let outcome = OpenAi::new(&config("https://api.openai.com/v1"));
    assert!(matches!(outcome, Err(SetupError::Client(_))), "{outcome:?}");
}
