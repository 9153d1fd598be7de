//! The playground: in development only.

use super::browser::Browser;
use crate::harness::{Setup, read};

#[tokio::test(flavor = "multi_thread")]
async fn a_developer_gets_the_demo_users_token_from_the_page_and_from_nowhere_else() {
    let server = Setup::sqlite().start().await;
    let browser = Browser::new(&server);
    let page = browser.see("/").await;
    assert!(
        page.has("id=\"sign-in\"") && page.header("content-security-policy").contains("connect-src 'self'")
    );
    let made = browser.send("/playground/token", &[]).await;
    assert_eq!(made.status, 200, "{}", made.html);
    let made: serde_json::Value = serde_json::from_str(&made.html).unwrap();
    let credits = server.get("/api/user/ai-credits").bearer_auth(made["token"].as_str().unwrap());
    let (status, _) = read(credits.send().await.unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(browser.send_from("cross-site", "/playground/token", &[]).await.status, 403);
    assert_eq!(server.post("/playground/token").send().await.unwrap().status(), 403);
    let back = browser.send("/playground/look", &[("language", "pt-BR"), ("theme", "light")]).await;
    assert_eq!(back.leads_to(), "/");
    assert!(browser.see("/").await.has("<html lang=\"pt-BR\" data-theme=\"light\">"));
    assert_eq!(browser.send_from("cross-site", "/playground/look", &[]).await.status, 403);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn production_has_no_playground_and_secure_cookies() {
    let setup = Setup::sqlite()
        .with("APP_ENV", "production")
        .with("OPENAI_API_KEY", "sk-abc")
        .with("FRONTEND_URL", "https://app.test");
    let server = setup.start().await;
    let browser = Browser::new(&server);
    assert_eq!(browser.get("/").await.status, 404);
    assert_eq!(browser.send("/playground/token", &[]).await.status, 404);
    let login = browser.see("/admin/login").await;
    assert!(!login.has("demo-admin"));
    let signed_in = browser.sign_in(&crate::harness::token("boss", "admin")).await;
    assert!(signed_in.header("set-cookie").contains("Secure"), "{}", signed_in.header("set-cookie"));
    server.finish().await;
}
