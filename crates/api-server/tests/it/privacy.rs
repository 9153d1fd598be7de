//! Everything that is kept of a user, for them to have; leaving; and how long texts are kept.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use testkit::post::MailServer;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use domain::clock::Timestamp;
use domain::ids::{HoldId, IdSource, InstanceId};
use domain::ledger::command::{AnswerBody, Content, HoldRequest, SettleRequest};

use crate::billing::shop::{Shop, selling};
use crate::gateway::chat;
use crate::harness::{SECRET, Server, Setup, User, eventually, next_key, on_both_stores, read, token};

/// The end of time, for counting texts.
const LATER: Timestamp = Timestamp::from_micros(200_000_000_000_000_000);

/// More than a page of an export.
const QUESTIONS: usize = 103;

async fn close(server: &Server, user: &User, query: &str) -> (u16, Value) {
    let url = format!("{}/api/user{query}", server.url);
    read(server.client.delete(url).bearer_auth(&user.token).send().await.unwrap()).await
}

async fn export(server: &Server, user: &User) -> Response {
    server.get("/api/user/export").bearer_auth(&user.token).send().await.unwrap()
}

/// Everything that a user can ask for, with a body that is all right.
fn user_endpoints() -> Vec<(Method, &'static str, Value)> {
    let top_up = json!({ "enabled": false, "threshold": 10, "plan_id": "starter", "monthly_cap_minor": 100 });
    vec![
        (Method::POST, "/api/ai-assistant", json!({ "message": "Oi" })),
        (
            Method::POST,
            "/api/ai-insights",
            json!({ "analysis": {
            "totalIncome": 1, "totalExpense": 1, "balance": 0, "topExpenses": [], "topIncomes": [], "monthlyTrend": [],
        } }),
        ),
        (Method::GET, "/api/user/ai-credits", Value::Null),
        (Method::GET, "/api/user/ai-credits/history", Value::Null),
        (Method::GET, "/api/user/ai-usage", Value::Null),
        (Method::GET, "/api/user/alerts", Value::Null),
        (Method::PUT, "/api/user/alerts", json!({})),
        (Method::GET, "/api/user/notifications", Value::Null),
        (Method::GET, "/api/user/export", Value::Null),
        (Method::GET, "/api/user/api-keys", Value::Null),
        (Method::POST, "/api/user/api-keys", json!({ "name": "x" })),
        (Method::DELETE, "/api/user/api-keys/0190b4c0-0000-7000-8000-000000000000", Value::Null),
        (Method::POST, "/v1/chat/completions", chat(json!({}))),
        (Method::POST, "/v1/chat/completions", chat(json!({ "stream": true }))),
        (Method::POST, "/v1/responses", json!({ "model": "gpt-4o-mini", "input": "Oi" })),
        (Method::POST, "/v1/embeddings", json!({ "model": "text-embedding-3-small", "input": "Oi" })),
        (Method::GET, "/v1/models", Value::Null),
        (Method::GET, "/v1/models/gpt-4o-mini", Value::Null),
        (Method::GET, "/api/billing/plans", Value::Null),
        (Method::POST, "/api/billing/create-checkout-session", json!({ "planId": "starter" })),
        (Method::GET, "/api/billing/checkout-sessions/cs_1", Value::Null),
        (Method::POST, "/api/billing/portal-session", json!({})),
        (Method::GET, "/api/billing/auto-top-up", Value::Null),
        (Method::PUT, "/api/billing/auto-top-up", top_up),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_closed_for_good_and_every_endpoint_says_so() {
    on_both_stores(async |setup| {
        let server = setup.start().await;
        let user = server.user(100).await;
        assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
        let (status, problem) = close(&server, &user, "").await;
        assert_eq!((status, &problem["code"]), (409, &json!("credits_remaining")));
        assert_eq!(problem["available_credits"], 90);
        assert!(problem["message"].as_str().unwrap().contains("90"), "{problem}");
        assert_eq!(close(&server, &user, "?forfeit=perhaps").await.0, 422);
        assert_eq!(server.credits(&user).await["available_credits"], 90);

        let (_, program) = server.key(&user, json!({ "name": "caixa", "scopes": ["ai:use"] })).await;
        for (status, who) in [(403, &program), (204, &user), (204, &user)] {
            assert_eq!(close(&server, who, "?forfeit=true").await.0, status, "done again, it is done");
        }
        assert_eq!(server.look(&program.token).await.0, 401);
        for (method, path, body) in user_endpoints() {
            let request = server.client.request(method.clone(), format!("{}{path}", server.url));
            let answer = request.bearer_auth(&user.token).json(&body).send().await.unwrap();
            let (status, problem) = read(answer).await;
            let code = problem.pointer("/error/code").unwrap_or(&problem["code"]);
            assert_eq!((status, code), (403, &json!("account_closed")), "{method} {path}: {problem}");
        }
        // What admins see, and what they can still do.
        let (status, gift) = read(server.move_credits(&user, 5, &next_key()).await).await;
        assert_eq!((status, &gift["code"]), (403, &json!("account_closed")));
        let suspended = server
            .post(&format!("/api/admin/users/{}/suspend", user.sub))
            .bearer_auth(token("boss", "admin"))
            .json(&json!({ "reason": "x" }));
        let (status, seen) = read(suspended.send().await.unwrap()).await;
        assert_eq!(
            (status, &seen["available_credits"], &seen["total_credits"]),
            (200, &json!(0), &json!(10))
        );
        assert!(seen["closed_at"].is_string(), "{seen}");
        let page = server
            .get(&format!("/admin/users/{}", user.sub))
            .header("Cookie", format!("saldo_admin={}", token("boss", "admin")))
            .header("Accept-Language", "en");
        let page = page.send().await.unwrap().text().await.unwrap();
        assert!(page.contains("Account closed") && !page.contains("/give\""), "{page}");
        let other = server.user(10).await;
        assert_eq!(server.credits(&other).await["available_credits"], 10);
        server.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_credits_leaves_without_a_question_and_so_does_one_who_was_never_seen() {
    let server = Setup::sqlite().start().await;
    let (stranger, poor) = (server.stranger(), server.user(10).await);
    assert_eq!(server.ask(&poor, "Oi").send().await.unwrap().status(), 200);
    for user in [&stranger, &poor] {
        assert_eq!(close(&server, user, "").await.0, 204);
        let answer = server.ask(user, "Oi").send().await.unwrap();
        assert_eq!(read(answer).await.1["code"], "account_closed");
    }
    let now = api_server::clock::to_timestamp(chrono::Utc::now());
    let config = adapters_jwt::Hs256Config::new(SECRET);
    let reading = adapters_jwt::issue(&config, "reader", None, Some("credits:read"), now, 60).unwrap();
    let reader = User { token: reading, sub: "reader".to_owned() };
    assert_eq!(close(&server, &reader, "").await.1["code"], "forbidden");
    assert_eq!(export(&server, &reader).await.status(), 403);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_request_keeps_the_account_open() {
    let provider = MockServer::start().await;
    let answer = json!({
        "choices": [{ "message": { "role": "assistant", "content": "ok" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 200, "completion_tokens": 2 },
    });
    let slow = ResponseTemplate::new(200).set_body_json(answer).set_delay(Duration::from_millis(700));
    Mock::given(method("POST")).respond_with(slow).mount(&provider).await;
    let server = Setup::sqlite()
        .with("OPENAI_BASE_URL", &format!("{}/v1", provider.uri()))
        .with("OPENAI_API_KEY", "sk-test")
        .start()
        .await;
    let user = server.user(100).await;
    let asking = tokio::spawn(server.ask(&user, "Oi").send());
    eventually("a hold", async || (server.credits(&user).await["held_credits"] != 0).then_some(())).await;
    let (status, problem) = close(&server, &user, "?forfeit=true").await;
    assert_eq!((status, &problem["code"]), (409, &json!("requests_running")));
    assert_eq!(asking.await.unwrap().unwrap().status(), 200);
    assert_eq!(close(&server, &user, "?forfeit=true").await.0, 204);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_cancelled_first_and_a_payment_that_comes_later_is_not_lost() {
    on_both_stores(async |setup| {
        let mail = MailServer::start().await;
        let stripe = testkit::stripe::FakeStripe::start().await;
        let server = selling(setup, &stripe)
            .with("STRIPE_RECONCILE_SECONDS", "3600")
            .with("SMTP_URL", &mail.url())
            .with("MAIL_FROM", "no-reply@saldo.test")
            .with("ADMIN_EMAIL", "admin@saldo.test")
            .start()
            .await;
        let shop = Shop { stripe, server };
        let user = shop.server.stranger();
        let session = shop.session(&user, "starter", "subscription").await;
        shop.deliver(&shop.stripe.subscribe(&session).await).await;
        shop.until_available(&user, 5000).await;
        let (status, problem) = close(&shop.server, &user, "?forfeit=true").await;
        assert_eq!((status, &problem["code"]), (409, &json!("subscription_renews")));
        let subscription = shop.stripe.object(&session).await["subscription"].as_str().unwrap().to_owned();
        let cancelled = shop.stripe.cancel_at_period_end(&subscription).await;
        shop.deliver(&cancelled).await;
        shop.until_worked_off(&cancelled).await;

        let late = shop.session(&user, "starter", "payment").await;
        assert_eq!(close(&shop.server, &user, "").await.1["code"], "credits_remaining");
        assert_eq!(close(&shop.server, &user, "?forfeit=true").await.0, 204);
        let paid = shop.stripe.pay_by_card(&late).await;
        shop.deliver(&paid).await;
        shop.until_worked_off(&paid).await;
        let bought = shop.admin_purchases(&user).await;
        let row = bought.iter().find(|row| row["session_id"] == late.as_str()).unwrap();
        assert_eq!((&row["status"], &row["credits_granted"]), (&json!("paid"), &json!(true)));
        let answer = shop.server.ask(&user, "Oi").send().await.unwrap();
        assert_eq!(read(answer).await.1["code"], "account_closed", "nobody can spend it");
        let letters = eventually("the admin's letter", async || {
            Some(mail.letters()).filter(|letters| !letters.is_empty())
        });
        let letters = letters.await;
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].to, ["admin@saldo.test"]);
        let subject = letters[0].header("Subject").unwrap();
        assert_eq!(subject, "[Saldo] Pagamento para uma conta encerrada");
        let (status, refunded) = shop.refund(row, json!({ "reason": "closed" })).await;
        assert_eq!(status, 200, "{refunded}");
        shop.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_everything_and_nothing_of_others() {
    on_both_stores(async |setup| {
        let server = setup.start().await;
        let (user, other) = (server.user(5000).await, server.user(100).await);
        let question = |number| format!("pergunta número {number}");
        for number in 0..QUESTIONS {
            let request =
                server.ask(&user, &question(number)).header("Idempotency-Key", format!("k-{number:03}"));
            assert_eq!(request.send().await.unwrap().status(), 200);
        }
        assert_eq!(server.ask(&other, "segredo de outra pessoa").send().await.unwrap().status(), 200);
        let wanted = json!({ "low_balance_threshold": 4990, "email": "maria@example.com", "language": "en" });
        let url = format!("{}/api/user/alerts", server.url);
        let set = server.client.put(url).bearer_auth(&user.token).json(&wanted).send().await.unwrap();
        assert_eq!(set.status(), 200);
        let order = json!({ "planId": "starter" });
        let bought =
            server.post("/api/billing/create-checkout-session").bearer_auth(&user.token).json(&order).send();
        assert_eq!(bought.await.unwrap().status(), 200);
        let suspended = server
            .post(&format!("/api/admin/users/{}/suspend", user.sub))
            .bearer_auth(token("boss", "admin"))
            .json(&json!({ "reason": "em análise" }));
        assert_eq!(suspended.send().await.unwrap().status(), 200);

        let (_, program) = server.key(&user, json!({ "name": "caixa" })).await;
        assert_eq!(export(&server, &program).await.status(), 403, "not with a key");

        let answer = export(&server, &user).await;
        assert_eq!(answer.status(), 200);
        let id = adapters_jwt::user_id(&user.sub).to_string();
        let attached = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert_eq!(attached, format!("attachment; filename=\"saldo-{id}.json\""));
        let text = answer.text().await.unwrap();
        assert!(!text.contains("segredo de outra pessoa") && !text.contains(&program.token));
        let all: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&all["format"], &all["version"], &all["user_id"]),
            (&json!("saldo-export"), &json!(1), &json!(id))
        );
        let left = 5000 - 10 * i64::try_from(QUESTIONS).unwrap();
        assert_eq!(all["account"]["available_credits"], left);
        assert_eq!(
            (&all["alerts"]["email"], &all["alerts"]["language"]),
            (&json!("maria@example.com"), &json!("en"))
        );
        assert_eq!(all["lots"].as_array().unwrap().len(), 1);
        assert_eq!(all["lots"][0]["remaining"], left);
        let journal = all["journal"].as_array().unwrap();
        assert_eq!(journal.len(), QUESTIONS + 1);
        assert_eq!(
            (&journal[QUESTIONS]["note"], &journal[QUESTIONS]["actor"]),
            (&json!("teste"), &json!("admin"))
        );
        assert_eq!(all["usage"].as_array().unwrap().len(), QUESTIONS);
        let texts = all["texts"].as_array().unwrap();
        assert_eq!(texts.len(), QUESTIONS);
        for number in 0..QUESTIONS {
            let asked =
                texts.iter().filter(|row| row["request"].as_str().unwrap().contains(&question(number)));
            assert!(asked.count() >= 1, "{number}");
        }
        let keys = all["idempotency_keys"].as_array().unwrap();
        assert_eq!(keys.len(), QUESTIONS);
        assert!(keys[7]["key"] == "k-007" && keys[7]["answer"].is_string(), "{}", keys[7]);
        assert_eq!(all["purchases"][0]["plan_id"], "starter");
        assert_eq!(all["suspensions"][0]["reason"], "em análise");
        assert_eq!(all["api_keys"][0]["name"], "caixa");
        let acts = all["audit_log"].as_array().unwrap();
        let acts: Vec<_> = acts.iter().map(|act| (&act["action"], &act["reason"])).collect();
        assert_eq!(
            acts,
            [
                (&json!("api_key.create"), &Value::Null),
                (&json!("account.suspend"), &json!("em análise")),
                (&json!("alerts.set"), &Value::Null),
                (&json!("credits.grant"), &json!("teste"))
            ]
        );
        assert_eq!(all["subscriptions"], json!([]));
        assert_eq!(all["notifications"], json!([]));
        server.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_nothing_is_a_document_too() {
    let server = Setup::sqlite().start().await;
    let user = server.stranger();
    let (status, all) = read(export(&server, &user).await).await;
    assert_eq!(status, 200);
    for section in
        ["lots", "journal", "usage", "texts", "idempotency_keys", "purchases", "api_keys", "notifications"]
    {
        assert_eq!(all[section], json!([]), "{section}");
    }
    assert_eq!(all["account"]["plan_type"], "free");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_retention_of_zero_nothing_is_stored() {
    on_both_stores(async |setup| {
        let server = setup.with("CONTENT_RETENTION_DAYS", "0").start().await;
        let user = server.user(100).await;
        let ask = || server.ask(&user, "Oi").header("Idempotency-Key", "k").send();
        assert_eq!(ask().await.unwrap().status(), 200);
        assert_eq!(server.stores.books.content_older_than(LATER).await, Ok(0));
        let (status, again) = read(ask().await.unwrap()).await;
        assert_eq!((status, &again["code"]), (409, &json!("idempotency_answer_not_kept")));
        let (_, all) = read(export(&server, &user).await).await;
        assert_eq!((&all["texts"], &all["idempotency_keys"][0]["answer"]), (&json!([]), &Value::Null));
        assert_eq!(all["usage"].as_array().unwrap().len(), 1);
        server.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_and_answers_are_gone_when_their_time_is_over() {
    on_both_stores(async |setup| {
        let server = setup.start().await;
        let user = server.user(1000).await;
        assert_eq!(server.ask(&user, "pergunta nova").send().await.unwrap().status(), 200);
        settle_long_ago(&server, &user, 31).await;
        settle_long_ago(&server, &user, 29).await;
        assert_eq!(server.stores.books.content_older_than(LATER).await, Ok(3));
        // The next server purges as it starts.
        let next = server.stop_only().await.with("CONTENT_RETENTION_DAYS", "30").start().await;
        let left = eventually("the purge", async || {
            let left = next.stores.books.content_older_than(LATER).await.unwrap();
            (left < 3).then_some(left)
        });
        assert_eq!(left.await, 2);
        let id = adapters_jwt::user_id(&user.sub);
        let texts = next.stores.personal.texts(id, None, 10).await.unwrap();
        assert!(texts.iter().all(|text| text.request != "pergunta de 31 dias"), "{texts:?}");
        assert!(texts.iter().any(|text| text.request == "pergunta de 29 dias"), "{texts:?}");
        eventually("the purge of keys", async || {
            next.stores.personal.keys(id, None, 10).await.unwrap().is_empty().then_some(())
        })
        .await;
        next.finish().await;
    })
    .await;
}

/// A request that was answered so many days ago, with its texts and its answer kept.
async fn settle_long_ago(server: &Server, user: &User, days: u32) {
    let user = adapters_jwt::user_id(&user.sub);
    let clock = api_server::clock::SystemClock { zone: chrono_tz::UTC };
    let mut now = domain::clock::Clock::now(&clock);
    now.at = now.at.before(domain::clock::Span::from_secs(days * 86_400));
    let unique = api_server::clock::UuidSource.unique();
    let id = HoldId::for_user(&user, unique);
    let key = domain::ids::IdempotencyKey::parse(&format!("old-{days}")).unwrap();
    let hold = HoldRequest {
        id,
        key: Some(domain::ledger::command::KeyedRequest { key: key.clone(), fingerprint: [1; 32] }),
        instance: InstanceId::from_bytes([9; 16]),
        expires_at: now.at.after(domain::ledger::holds::HOLD_LIFETIME),
        now,
        ..testkit::requests::hold(user)
    };
    server.stores.ledger.hold(hold).await.unwrap();
    let text = format!("pergunta de {days} dias");
    let settle = SettleRequest {
        key: Some(key),
        answer: Some(AnswerBody { body: text.clone().into_bytes(), ..testkit::requests::answer("") }),
        content: Some(Content { request: text, response: "resposta".to_owned() }),
        now,
        ..testkit::requests::settle(user, id)
    };
    server.stores.ledger.settle(settle).await.unwrap();
}
