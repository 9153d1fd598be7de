//! What the pages show.

use std::time::{Duration, Instant};

use serde_json::json;

use super::browser::Browser;
use crate::harness::{Setup, next_key, token};

const PAGES: [&str; 8] = [
    "/admin",
    "/admin?range=24h",
    "/admin?range=30d&by=hour",
    "/admin/users",
    "/admin/requests",
    "/admin/purchases",
    "/admin/notices",
    "/admin/audit",
];

#[tokio::test(flavor = "multi_thread")]
async fn empty_books_have_pages_with_zeros_and_kind_words() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let browser = Browser::admin(&server).await;
        for path in PAGES {
            let page = browser.see(path).await;
            assert!(!page.has("NaN") && !page.has("inf"), "{path}");
        }
        let front = browser.see("/admin").await;
        assert!(
            front.has("R$\u{a0}0.00") && front.has("US$\u{a0}0.00") && front.has("Nothing in this period")
        );
        assert!(browser.see("/admin/users").await.has("No accounts yet"));
        for tab in ["", "journal", "usage", "purchases", "notices", "audit"] {
            let page = browser.see(&format!("/admin/users/nobody?tab={tab}")).await;
            assert!(page.has("never had credits"), "{}", page.html);
        }
        assert!(browser.see("/admin/health").await.has("Ready"));
        assert_eq!(browser.get("/admin/nothing").await.status, 404);
        assert_eq!(browser.get("/admin/users/x/explode").await.status, 404);
        assert_eq!(browser.get("/admin/purchases/x/refund").await.status, 404);
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_users_did_is_seen() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.user(1000).await;
        let id = adapters_jwt::user_id(&user.sub).to_string();
        for _ in 0..2 {
            assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
        }
        let browser = Browser::admin(&server).await;
        let front = browser.see("/admin").await;
        assert!(front.has("assistant") && front.has(&format!("/admin/users/{id}")), "{}", front.html);
        assert!(front.has("data-value=\"2\""), "two requests stand in a chart: {}", front.html);
        for (path, text) in [
            ("/admin/users?order=used", id.as_str()),
            ("/admin/users?order=balance", "980"),
            ("/admin/requests?outcome=settled", "answered"),
            ("/admin/audit?action=credits.grant", "teste"),
            ("/admin/audit?action=account.suspend", "Nothing matches"),
            ("/admin/requests?outcome=abandoned", "Nothing matches"),
        ] {
            let page = browser.see(path).await;
            assert!(page.has(text), "{text} on {path}: {}", page.html);
        }
        for (tab, text) in
            [("", "given by an admin"), ("journal", "−10"), ("usage", "assistant"), ("audit", "gave credits")]
        {
            let page = browser.see(&format!("/admin/users/{id}?tab={tab}")).await;
            assert!(page.has(text), "{text} on {tab}: {}", page.html);
        }
        let found = browser.get(&format!("/admin/search?q={}", user.sub)).await;
        assert_eq!((found.status, found.leads_to()), (303, format!("/admin/users/{id}").as_str()));
        assert!(browser.see("/admin/search?q=nobody").await.has("Nothing by the name of"));
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_where_its_page_ends() {
    let server = Setup::sqlite().start().await;
    let user = server.user(10_000).await;
    for _ in 0..30 {
        assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
    }
    let browser = Browser::admin(&server).await;
    let user_page = format!("/admin/users/{}", adapters_jwt::user_id(&user.sub));
    for path in ["/admin/requests?outcome=settled".to_owned(), format!("{user_page}?tab=journal")] {
        let first = browser.see(&path).await;
        assert_eq!(
            first.html.matches("<td class=\"nowrap\"").count() / if path.contains("tab") { 1 } else { 3 },
            25
        );
        let next = first.html.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
        let next = next.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
        let second = browser.see(&next).await;
        assert!(second.has("From the start") && !second.has("rel=\"next\""), "{next}: {}", second.html);
    }
    assert_eq!(browser.get("/admin/requests?cursor=nonsense").await.status, 200);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_stays_text() {
    let server = Setup::sqlite().start().await;
    let evil = "<script>alert('x')</script>\"'&";
    let user = server.stranger();
    for (what, body) in
        [("credits", json!({ "amount": 50, "reason": evil })), ("suspend", json!({ "reason": evil }))]
    {
        let path = format!("/api/admin/users/{}/{what}", user.sub);
        let request =
            server.post(&path).bearer_auth(token("boss", "admin")).header("Idempotency-Key", next_key());
        assert!(request.json(&body).send().await.unwrap().status().is_success());
    }
    let browser = Browser::admin(&server).await;
    let encoded = "%3Cscript%3Ealert('x')%3C%2Fscript%3E%22";
    let user_page = format!("/admin/users/{}", user.sub);
    for path in [
        user_page.clone(),
        format!("{user_page}?tab=journal"),
        format!("{user_page}?tab=audit"),
        "/admin/audit".to_owned(),
        format!("/admin/audit?actor={encoded}&user={encoded}&action={encoded}"),
        format!("/admin/requests?model={encoded}&user={encoded}"),
        format!("/admin/users?order={encoded}&cursor={encoded}"),
        format!("/admin/search?q={encoded}"),
        format!("/admin?from={encoded}&to={encoded}"),
        format!("/admin/login?next={encoded}"),
        format!("/admin/users/{encoded}"),
    ] {
        let page = browser.see(&path).await;
        assert!(!page.has("<script>") && !page.has("alert('x')"), "{path}: {}", page.html);
    }
    assert!(browser.see(&user_page).await.has("&#60;script&#62;"), "it is shown, as text");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_are_proven_on_demand() {
    let server = Setup::sqlite().start().await;
    server.user(100).await;
    let browser = Browser::admin(&server).await;
    let page = browser.see("/admin/health").await;
    assert!(page.has("has not verified the books"));
    let begun = browser.submit(&page, "/admin/health/proof", &[]).await;
    assert_eq!((begun.status, begun.leads_to()), (303, "/admin/health#proof"));
    let patience = Instant::now() + Duration::from_secs(30);
    while !browser.see("/admin/health").await.has("everything adds up") {
        assert!(Instant::now() < patience, "{}", browser.see("/admin/health").await.html);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_on_a_page() {
    let server = Setup::sqlite().with("RATE_LIMIT_IP_RPM", "5").start().await;
    let browser = Browser::new(&server);
    let mut page = browser.get("/admin/login").await;
    for _ in 0..10 {
        page = browser.get("/admin/login").await;
    }
    assert_eq!(page.status, 429);
    assert!(page.has("Too many requests") && !page.header("retry-after").is_empty(), "{}", page.html);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_there_as_csv_for_who_is_signed_in() {
    let server = Setup::sqlite().start().await;
    let user = server.user(100).await;
    assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
    let stranger = Browser::new(&server);
    let admin = Browser::admin(&server).await;
    for (file, text) in [
        ("usage.csv", "settled"),
        ("usage.csv?outcome=abandoned", "created_at,id,user_id"),
        ("journal.csv", "grant"),
        ("purchases.csv", "created_at,id,user_id"),
        ("audit.csv?action=credits.grant", "teste"),
    ] {
        let path = format!("/admin/export/{file}");
        assert_eq!(stranger.get(&path).await.status, 303, "{file}");
        let table = admin.see(&path).await;
        assert!(table.header("content-type").starts_with("text/csv"), "{file}");
        assert!(table.has(text), "{text} in {file}: {}", table.html);
    }
    assert!(!admin.see("/admin/export/usage.csv?outcome=abandoned").await.has("settled"));
    let list = admin.see("/admin/requests?outcome=settled&model=gpt-4o-mini").await;
    assert!(list.has("/admin/export/usage.csv?outcome=settled&#38;model=gpt-4o-mini"), "{}", list.html);
    assert_eq!(admin.get("/admin/export/secrets.csv").await.status, 404);
    // A filter that makes no sense shows nothing, and not everything.
    let long = "x".repeat(300);
    assert_eq!(admin.get("/admin/requests?outcome=nonsense").await.status, 400);
    assert_eq!(admin.get(&format!("/admin/audit?user={long}")).await.status, 404);
    server.finish().await;
}
