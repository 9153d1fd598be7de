//! The seed's endpoints, as its client calls them.

use serde_json::{Value, json};

use crate::harness::{Setup, read};

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_asks_is_charged_and_sees_why() {
    let server = Setup::sqlite().start().await;
    let user = server.user(100).await;

    let (status, answer) = read(server.ask(&user, "Como posso economizar?").send().await.unwrap()).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["response"].as_str().unwrap().starts_with("[simulado]"));
    assert_eq!((&answer["creditsUsed"], &answer["creditsRemaining"]), (&json!(10), &json!(90)));
    assert!(answer["tokensUsed"].as_u64().unwrap() > 100);
    assert_eq!(answer["model"], "gpt-4o-mini");
    assert!(["text", "suggestion", "insight"].contains(&answer["type"].as_str().unwrap()));

    let credits = server.credits(&user).await;
    assert_eq!(
        credits,
        json!({
            "total_credits": 100, "used_credits": 10, "available_credits": 90, "held_credits": 0,
            "owed_credits": 0, "plan_type": "free", "renewal_date": null, "low_balance_threshold": 10,
        })
    );

    let history = server.get("/api/user/ai-credits/history").bearer_auth(&user.token).send().await.unwrap();
    let (_, history) = read(history).await;
    let kinds: Vec<_> = history["data"].as_array().unwrap().iter().map(|line| &line["kind"]).collect();
    assert_eq!(kinds, ["use", "grant"]);
    assert_eq!(history["data"][0]["balance_after"], 90);

    let usage = server.get("/api/user/ai-usage").bearer_auth(&user.token).send().await.unwrap();
    let (_, usage) = read(usage).await;
    assert_eq!(usage["data"][0]["request_id"], answer["requestId"]);
    assert_eq!(usage["data"][0]["tokens_used"], answer["tokensUsed"]);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_react_client_may_send_fields_of_its_own() {
    let server = Setup::sqlite().start().await;
    let user = server.user(100).await;
    let body = json!({
        "message": "E o saldo?",
        "systemData": {
            "totalIncome": 5000.5, "totalExpense": 3200, "balance": 1800.5,
            "pendingTransactions": 3, "accountsCount": 2, "theme": "dark", "balanceLabel": null,
        },
        "conversationHistory": [
            { "id": "1", "role": "user", "content": "Oi", "timestamp": "2026-01-01T00:00:00Z" },
            { "id": "2", "role": "assistant", "content": "Olá!", "timestamp": 1, "type": "text" },
        ],
        "userId": "someone-else",
    });
    let answer = server.post("/api/ai-assistant").bearer_auth(&user.token).json(&body).send().await.unwrap();
    assert_eq!(answer.headers()["x-credits-charged"], "10");
    assert_eq!(answer.headers()["x-credits-remaining"], "90");
    let (status, answer) = read(answer).await;
    assert_eq!(status, 200, "{answer}");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn insights_cost_at_least_fifty_and_stay_a_string() {
    let server = Setup::sqlite().start().await;
    let user = server.user(100).await;
    let ask = |analysis: Value| {
        server.post("/api/ai-insights").bearer_auth(&user.token).json(&json!({ "analysis": analysis })).send()
    };
    let figures = json!({
        "totalIncome": 1000, "totalExpense": 1200.5, "balance": -200.5,
        "topExpenses": [{ "description": "Aluguel", "amount": 800 }], "topIncomes": [],
        "monthlyTrend": [{ "month": "2026-01", "income": 1000, "expense": 900 }],
    });
    let (status, answer) = read(ask(figures).await.unwrap()).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["insights"].is_string());
    assert_eq!((&answer["creditsUsed"], &answer["creditsRemaining"]), (&json!(50), &json!(50)));

    let (status, answer) = read(ask(json!({ "totalIncome": "mil" })).await.unwrap()).await;
    assert_eq!(status, 422);
    let pointers: Vec<_> =
        answer["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(pointers, ["/analysis/totalIncome", "/analysis/totalExpense", "/analysis/balance"]);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credit_check_says_what_the_seed_says() {
    let server = Setup::sqlite().start().await;
    let stranger = server.stranger();
    let (status, body) = read(server.ask(&stranger, "Oi").send().await.unwrap()).await;
    assert_eq!(status, 402);
    assert_eq!(body["error"], "Sem créditos");
    assert_eq!(body["message"], "Você não tem créditos de IA. Adquira um plano.");
    assert_eq!((&body["available_credits"], &body["code"]), (&json!(0), &json!("no_credits")));
    // Nobody is written down for asking.
    assert_eq!(server.stores.statements.account(adapters_jwt::user_id(&stranger.sub), now()).await, Ok(None));
    assert_eq!(server.credits(&stranger).await["plan_type"], "free");

    let poor = server.user(3).await;
    let (status, body) = read(server.ask(&poor, "Oi").send().await.unwrap()).await;
    assert_eq!(status, 402);
    assert_eq!(body["error"], "Créditos insuficientes");
    assert_eq!(body["message"], "Você tem apenas 3 créditos.");
    assert_eq!((&body["available_credits"], &body["required_credits"]), (&json!(3), &json!(10)));
    assert_eq!(body["code"], "insufficient_credits");

    let english = server.ask(&poor, "Oi").header("Accept-Language", "en-US,en;q=0.9").send().await.unwrap();
    let (_, body) = read(english).await;
    assert_eq!(body["message"], "You have only 3 credits.");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_credits_are_enough_for_an_answer() {
    let server = Setup::sqlite().start().await;
    let user = server.user(12).await;
    let (status, answer) = read(server.ask(&user, "Oi").send().await.unwrap()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["creditsRemaining"], 2);
    let (status, _) = read(server.ask(&user, "Oi").send().await.unwrap()).await;
    assert_eq!(status, 402);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_their_cursors_to_the_end() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.user(1000).await;
        for _ in 0..5 {
            assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
        }
        for (path, key, total) in
            [("/api/user/ai-usage", "id", 5), ("/api/user/ai-credits/history", "seq", 6)]
        {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let url = format!("{path}?limit=2&cursor={cursor}");
                let (_, page) = read(server.get(&url).bearer_auth(&user.token).send().await.unwrap()).await;
                seen.extend(page["data"].as_array().unwrap().iter().map(|line| line[key].to_string()));
                if page["has_more"] == false {
                    assert_eq!(page["next_cursor"], Value::Null);
                    break;
                }
                cursor = page["next_cursor"].as_str().unwrap().to_owned();
            }
            assert_eq!(seen.len(), total, "{seen:?}");
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), total);
        }
        for bad in ["limit=0", "limit=101", "limit=x", "cursor=zzz", "cursor=1_2"] {
            let answer =
                server.get(&format!("/api/user/ai-usage?{bad}")).bearer_auth(&user.token).send().await;
            assert_eq!(answer.unwrap().status(), 422, "{bad}");
        }
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_of_the_frontend_may_call_and_others_may_not() {
    let server = Setup::sqlite().with("FRONTEND_URL", "https://app.test/x").start().await;
    for (origin, allowed) in [("https://app.test", true), ("https://evil.test", false)] {
        let preflight = server
            .client
            .request(reqwest::Method::OPTIONS, format!("{}/api/ai-assistant", server.url))
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type,idempotency-key")
            .send()
            .await
            .unwrap();
        assert_eq!(preflight.headers().contains_key("access-control-allow-origin"), allowed, "{origin}");
        let error = server.get("/api/user/ai-credits").header("Origin", origin).send().await.unwrap();
        assert_eq!(error.headers().contains_key("access-control-allow-origin"), allowed, "{origin}");
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_named_and_guarded() {
    let server = Setup::sqlite().start().await;
    for path in ["/livez", "/readyz", "/nowhere", "/api/user/ai-credits"] {
        let answer = server.get(path).header("X-Request-Id", "abc-1").send().await.unwrap();
        assert_eq!(answer.headers()["x-request-id"], "abc-1");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
    let odd = server.get("/livez").header("X-Request-Id", "a b{}").send().await.unwrap();
    assert_ne!(odd.headers()["x-request-id"], "a b{}");
    let (_, ready) = read(server.get("/readyz").send().await.unwrap()).await;
    assert_eq!(ready["status"], "ready");
    server.finish().await;
}

fn now() -> domain::clock::Timestamp {
    api_server::clock::to_timestamp(chrono::Utc::now())
}
