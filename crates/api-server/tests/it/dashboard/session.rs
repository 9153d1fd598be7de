//! Signing in, and what ties forms to a session.

use adapters_jwt::{Hs256Config, issue};
use api_server::clock::to_timestamp;
use chrono::Utc;

use super::browser::Browser;
use crate::harness::{SECRET, Setup, token};

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_signs_in_with_a_token_and_out_again() {
    let server = Setup::sqlite().start().await;
    let browser = Browser::new(&server);
    let first = browser.get("/admin/users?order=used").await;
    assert_eq!((first.status, first.leads_to()), (303, "/admin/login?next=%2Fadmin%2Fusers%3Forder%3Dused"));
    let login = browser.see(first.leads_to()).await;
    let admin = token("boss", "admin");
    let signed_in = browser.submit(&login, "/admin/login", &[("token", &admin)]).await;
    assert_eq!((signed_in.status, signed_in.leads_to()), (303, "/admin/users?order=used"));
    let cookie = signed_in.header("set-cookie");
    for part in [&format!("saldo_admin={admin};"), "HttpOnly", "SameSite=Strict", "Path=/admin"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "not in development: there is no TLS");
    let page = browser.see("/admin/users").await;
    let out = browser.submit(&page, "/admin/logout", &[]).await;
    assert_eq!((out.status, out.leads_to()), (303, "/admin/login"));
    assert_eq!(browser.cookie("saldo_admin"), None);
    assert_eq!(browser.get("/admin").await.status, 303);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_gets_in() {
    let server = Setup::sqlite().start().await;
    let browser = Browser::new(&server);
    let now = to_timestamp(Utc::now());
    let past = domain::clock::Timestamp::from_micros(now.as_micros() - 7_200_000_000);
    let expired = issue(&Hs256Config::new(SECRET), "boss", Some("admin"), None, past, 3600).unwrap();
    let long = "x".repeat(5000);
    for (text, status) in [
        ("", 401),
        ("nonsense", 401),
        (expired.as_str(), 401),
        (long.as_str(), 401),
        (token("somebody", "user").as_str(), 403),
    ] {
        let page = browser.sign_in(text).await;
        assert_eq!(page.status, status, "{text}");
        assert!(page.has("role=\"alert\""), "{}", page.html);
        assert!(text.is_empty() || !page.has(text), "the token is not shown again");
        assert_eq!(browser.cookie("saldo_admin"), None);
    }
    // A cookie that holds no good token leads to the login, and is taken back.
    browser.set_cookie("saldo_admin", &expired);
    let page = browser.get("/admin/health").await;
    assert_eq!((page.status, page.leads_to()), (303, "/admin/login?next=%2Fadmin%2Fhealth&over=1"));
    assert_eq!(browser.cookie("saldo_admin"), None);
    browser.set_cookie("saldo_admin", &token("somebody", "user"));
    assert_eq!(browser.get("/admin").await.status, 403);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_with_an_admin_scope_signs_in_too() {
    let server = Setup::sqlite().start().await;
    let made = server
        .post("/api/user/api-keys")
        .bearer_auth(token("boss", "admin"))
        .json(&serde_json::json!({ "name": "painel", "scopes": ["admin:read"] }))
        .send()
        .await
        .unwrap();
    let made: serde_json::Value = made.json().await.unwrap();
    let browser = Browser::new(&server);
    let page = browser.sign_in(made["key"].as_str().unwrap_or_else(|| panic!("{made}"))).await;
    assert_eq!(page.status, 303, "{}", page.html);
    let user = browser.see("/admin/users/somebody").await;
    assert!(user.has("read only") && !user.has("/give"), "{}", user.html);
    // Whoever may only read finds no form, and one that was made up is refused.
    assert_eq!(browser.get("/admin/users/somebody/give").await.status, 403);
    let form = user.field("/admin/logout", "form");
    let fields = [("form", form.as_str()), ("amount", "5"), ("reason", "x"), ("step", "act")];
    assert_eq!(browser.send("/admin/users/somebody/give", &fields).await.status, 403);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_or_another_session_does_nothing() {
    let server = Setup::sqlite().start().await;
    let user = server.stranger();
    let path = format!("/admin/users/{}/give", adapters_jwt::user_id(&user.sub));
    let browser = Browser::admin(&server).await;
    let page = browser.see(&path).await;
    let form = page.field(&path, "form");
    let fields = |form: &'static str| [("form", form), ("amount", "5"), ("reason", "x"), ("step", "act")];
    let good = [("form", form.as_str()), ("amount", "5"), ("reason", "x"), ("step", "act")];
    for site in ["cross-site", "same-site", "none"] {
        assert_eq!(browser.send_from(site, &path, &good).await.status, 403, "{site}");
    }
    let other = Browser::new(&server);
    other.sign_in(&token("another-boss", "admin")).await;
    let page = other.see(&path).await;
    let others = page.field(&path, "form");
    let stolen = [("form", others.as_str()), ("amount", "5"), ("reason", "x"), ("step", "act")];
    assert_eq!(browser.send(&path, &stolen).await.status, 403);
    for wrong in ["", "00", "zz", "é", &"0".repeat(64)] {
        let wrong: &'static str = Box::leak(wrong.to_owned().into_boxed_str());
        let page = browser.send(&path, &fields(wrong)).await;
        assert_eq!(page.status, 403, "{wrong}");
        assert!(
            page.header("content-type").starts_with("text/html") && page.has("another session"),
            "{}",
            page.html
        );
    }
    // Without any sign of where it comes from, a form is refused too.
    let bare = server.post(&path).header("Cookie", format!("saldo_admin={}", token("boss", "admin")));
    assert_eq!(bare.form(&good).send().await.unwrap().status(), 403);
    for path in ["/admin/login", "/admin/logout", "/admin/look", "/admin/health/proof"] {
        assert_eq!(browser.send_from("cross-site", path, &good).await.status, 403, "{path}");
        assert_eq!(browser.send(path, &fields("00")).await.status, 403, "{path}");
    }
    assert_eq!(server.credits(&user).await["total_credits"], 0);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_keeps_scripts_and_other_sites_out() {
    let server = Setup::sqlite().start().await;
    let browser = Browser::admin(&server).await;
    for path in ["/admin", "/admin/login", "/admin/users", "/admin/nothing-here"] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"),
            "{path}: {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert!(!page.has(" style=") && !page.has("<style") && !page.has(" onclick"), "{path}");
        assert_eq!(page.html.matches("<script").count(), 1, "{path}: only ours, by its address");
    }
    let page = browser.see("/admin").await;
    let style = page.html.split("href=\"/assets/dashboard-").nth(1).unwrap().split('"').next().unwrap();
    let asset = browser.see(&format!("/assets/dashboard-{style}")).await;
    assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(asset.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(browser.get("/assets/dashboard-000000000000.css").await.status, 404);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn languages_and_themes_are_kept() {
    let server = Setup::sqlite().start().await;
    let browser = Browser::admin(&server).await;
    let english = browser.see("/admin/users").await;
    assert!(english.has("<html lang=\"en\" data-theme=\"system\">") && english.has("Highest balance"));
    let chosen = [("language", "pt-BR"), ("theme", "dark"), ("here", "/admin/users?order=used")];
    let back = browser.submit(&english, "/admin/look", &chosen).await;
    assert_eq!((back.status, back.leads_to()), (303, "/admin/users?order=used"));
    let page = browser.see("/admin/users").await;
    assert!(page.has("<html lang=\"pt-BR\" data-theme=\"dark\">") && page.has("Maior saldo"));
    let page = browser.submit(&page, "/admin/look", &[("theme", "\"><b>"), ("here", "//evil.test")]).await;
    assert_eq!(page.leads_to(), "/admin");
    assert!(browser.see("/admin").await.has("data-theme=\"dark\""));
    server.finish().await;
}
