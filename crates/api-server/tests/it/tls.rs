//! TLS in the process: a certificate made here, replaced while the server runs, and refused where it is wrong.

use std::fs;
use std::time::{Duration, Instant};

use rcgen::generate_simple_self_signed;
use reqwest::{Certificate, Client};

use crate::harness::{Setup, token};
use crate::process::{command, start_as};

/// A certificate and its key, in PEM.
struct Made {
    certificate: String,
    key: String,
}

fn make() -> Made {
    let made = generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    Made { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

impl Made {
    fn write(&self, setup: &Setup) {
        fs::write(setup.path("cert.pem"), &self.certificate).unwrap();
        fs::write(setup.path("key.pem"), &self.key).unwrap();
    }

    /// A client that believes this certificate and no other, and opens a connection for each request.
    fn client(&self) -> Client {
        let certificate = Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        Client::builder().tls_certs_only([certificate]).pool_max_idle_per_host(0).build().unwrap()
    }
}

fn with_files(setup: Setup) -> Setup {
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| setup.path(name).display().to_string());
    setup.with("TLS_CERT_FILE", &certificate).with("TLS_KEY_FILE", &key)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_speaks_tls_and_promises_to_go_on() {
    let made = make();
    let setup = with_files(Setup::sqlite());
    made.write(&setup);
    let mut server = setup.start().await;
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    assert!(server.get("/livez").send().await.is_err(), "nobody vouches for this certificate");
    server.client = made.client();
    let answer = server.get("/livez").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_11));
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    let user = server.user(100).await;
    assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
    // Plain HTTP gets no answer at this port.
    let plain = server.url.replace("https://", "http://");
    assert!(Client::new().get(format!("{plain}/livez")).send().await.is_err());
    server.finish().await;

    let server = Setup::sqlite().start().await;
    let answer = server.get("/livez").send().await.unwrap();
    assert!(!answer.headers().contains_key("strict-transport-security"), "nobody here speaks TLS");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_at_sighup_and_a_wrong_one_changes_nothing() {
    let (first, second) = (make(), make());
    let setup = with_files(Setup::sqlite());
    first.write(&setup);
    let server = start_as(&setup, &mut command(&setup, &[]));
    let speaks = async |made: &Made| made.client().get(format!("{}/livez", server.url)).send().await.is_ok();
    assert!(speaks(&first).await && !speaks(&second).await);

    fs::write(setup.path("key.pem"), &second.key).unwrap();
    server.signal("HUP");
    until("the fault is told", || server.log().contains("is not the key of TLS_CERT_FILE")).await;
    assert!(speaks(&first).await && !speaks(&second).await);

    // A connection that stands is not disturbed.
    let kept =
        Client::builder().tls_certs_only([Certificate::from_pem(first.certificate.as_bytes()).unwrap()]);
    let kept = kept.build().unwrap();
    assert_eq!(kept.get(format!("{}/livez", server.url)).send().await.unwrap().status(), 200);
    second.write(&setup);
    server.signal("HUP");
    until("the new one is in force", || server.log().contains("the certificate was read anew")).await;
    assert!(speaks(&second).await && !speaks(&first).await);
    let credits = kept.get(format!("{}/api/user/ai-credits", server.url)).bearer_auth(token("maria", "user"));
    assert_eq!(credits.send().await.unwrap().status(), 200);
    drop(kept);
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
}

#[test]
fn a_certificate_that_makes_no_sense_is_a_fault_at_start() {
    let (first, second) = (make(), make());
    let setup = with_files(Setup::sqlite());
    let said = |setup: &Setup, arguments: &[&str]| {
        let output = command(setup, arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, told) = said(&setup, &["serve"]);
    assert!(code == Some(1) && told.contains("TLS_CERT_FILE") && told.contains("cert.pem"), "{told}");
    Made { certificate: first.certificate.clone(), key: second.key }.write(&setup);
    let (code, told) = said(&setup, &["serve"]);
    assert!(code == Some(1) && told.contains("is not the key of TLS_CERT_FILE"), "{told}");
    assert!(!told.contains("PRIVATE"), "{told}");
    // Commands that serve nobody do not ask for it.
    assert_eq!(said(&setup, &["migrate"]).0, Some(0));
    first.write(&setup);
    let mut half = setup;
    half.variables.remove("TLS_KEY_FILE");
    let (code, told) = said(&half, &["serve"]);
    assert!(code == Some(1) && told.contains("TLS_KEY_FILE is missing"), "{told}");
}

async fn until(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not in a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
