//! The document as it is served, and the page to read it.

use serde_json::Value;

use super::document::document;
use crate::cli::{api_server, text};
use crate::harness::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_and_printed_without_a_token_or_a_configuration() {
    let setup = Setup::sqlite();
    let mut bare = Setup::sqlite();
    bare.variables = [("APP_ENV".to_owned(), "production".to_owned())].into();
    let printed = api_server(&bare, &["openapi"]);
    assert!(printed.status.success(), "{}", text(&printed.stderr));
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let server = setup.with("CORS_ORIGINS", "https://app.example").start().await;
    let answer = server.get("/openapi.json").header("Origin", "https://app.example").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example");
    let served: Value = answer.json().await.unwrap();
    assert_eq!(served, printed);
    assert_eq!(served, document());
    assert_eq!(served["openapi"], "3.1.0");
    server.finish().await;
}

/// What a quoted attribute says, wherever it stands.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.split(start.as_str()).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_needs_nothing_from_elsewhere_and_lets_nothing_else_run() {
    let server = Setup::sqlite().start().await;
    let answer = server.get("/docs").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{policy}");
    let page = answer.text().await.unwrap();
    // Neither inline scripts and styles, which the policy would stop, nor addresses of others.
    assert!(!page.contains("://") && !page.contains("<style") && !page.contains(" style="), "{page}");
    assert_eq!(page.matches("<script").count(), page.matches("<script src=").count());
    let mut files = attributes(&page, "src");
    files.extend(attributes(&page, "href"));
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let answer = server.get(&format!("/{file}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{file}");
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let body = answer.bytes().await.unwrap();
        assert!(!body.is_empty(), "{file}");
        if kind.starts_with("text/css") {
            let style = String::from_utf8_lossy(&body).into_owned();
            let brought = style.split("url(").skip(1).map(|rest| rest.trim_start_matches(['"', '\'']));
            let elsewhere: Vec<&str> = brought.filter(|it| !it.starts_with("data:")).collect();
            assert!(elsewhere.is_empty() && !style.contains("@import"), "{file} brings {elsewhere:?}");
        }
    }
    let to_page = server.get("/docs/").send().await.unwrap();
    assert_eq!((to_page.status().as_u16(), to_page.url().path()), (200, "/docs"));
    for absent in ["index.html", "swagger-initializer.js", "..%2f..%2fCargo.toml", "x"] {
        assert_eq!(server.get(&format!("/docs/{absent}")).send().await.unwrap().status(), 404, "{absent}");
    }
    server.finish().await;
}
