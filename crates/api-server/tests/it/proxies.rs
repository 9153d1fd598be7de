//! Behind a proxy: whose word on the client's address counts.

use reqwest::header::HeaderMap;

use crate::harness::{Server, Setup};

/// The statuses of as many requests with these headers.
async fn statuses<const N: usize>(server: &Server, headers: &[(&'static str, &str)]) -> [u16; N] {
    let mut statuses = [0; N];
    for status in &mut statuses {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        *status = server.get("/api/user/ai-credits").headers(map).send().await.unwrap().status().as_u16();
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn without_trusted_proxies_nobody_can_change_his_address() {
    let server = Setup::sqlite().with("RATE_LIMIT_IP_RPM", "2").start().await;
    assert_eq!(statuses(&server, &[("x-forwarded-for", "203.0.113.1")]).await, [401]);
    assert_eq!(statuses(&server, &[("forwarded", "for=203.0.113.2")]).await, [401]);
    assert_eq!(statuses(&server, &[("x-forwarded-for", "203.0.113.3")]).await, [429]);
    let answer = server.get("/livez").header("x-forwarded-proto", "https").send().await.unwrap();
    assert!(!answer.headers().contains_key("strict-transport-security"));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_client_has_its_own_limit() {
    let server = Setup::sqlite()
        .with("RATE_LIMIT_IP_RPM", "2")
        .with("TRUSTED_PROXIES", "127.0.0.0/8, ::1")
        .start()
        .await;
    let (one, two) = ([("x-forwarded-for", "203.0.113.1")], [("x-forwarded-for", "203.0.113.2")]);
    assert_eq!(statuses(&server, &one).await, [401, 401, 429]);
    assert_eq!(statuses(&server, &two).await, [401, 401, 429]);
    // What the client wrote itself stands to the left of what the proxy saw, and gives it no other address.
    for forged in ["198.51.100.7, 203.0.113.1", "127.0.0.1, 203.0.113.1", "unknown, 203.0.113.1"] {
        assert_eq!(statuses(&server, &[("x-forwarded-for", forged)]).await, [429], "{forged}");
    }
    // Nor does a second header that the proxy passed on as it came: both are void, and the proxy's own address counts.
    let both = [("x-forwarded-for", "203.0.113.1"), ("forwarded", "for=198.51.100.7")];
    assert_eq!(statuses(&server, &both).await, [401, 401, 429]);
    assert_eq!(statuses(&server, &[("forwarded", "for=203.0.113.3;proto=https")]).await, [401, 401, 429]);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_that_speaks_tls_is_as_good_as_speaking_it() {
    let server = Setup::sqlite().with("TRUSTED_PROXIES", "127.0.0.1").start().await;
    for (name, value, https) in [
        ("x-forwarded-proto", "https", true),
        ("x-forwarded-proto", "http", false),
        ("forwarded", "for=203.0.113.1;proto=https", true),
        ("x-unknown", "https", false),
    ] {
        let answer = server.get("/livez").header(name, value).send().await.unwrap();
        assert_eq!(answer.headers().contains_key("strict-transport-security"), https, "{name}: {value}");
    }
    server.finish().await;
}
