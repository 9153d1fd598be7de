//! Who did what.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::cli::api_server;
use crate::harness::{Server, Setup, next_key, read, token};

async fn audit(server: &Server, query: &str) -> Vec<Value> {
    let path = format!("/api/admin/audit{query}");
    let (status, body) =
        read(server.get(&path).bearer_auth(token("boss", "admin")).send().await.unwrap()).await;
    assert_eq!(status, 200, "{path}: {body}");
    body["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_admin_does_is_in_the_log_once_with_what_it_changed() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.stranger();
        let key = next_key();
        for _ in 0..2 {
            assert_eq!(server.move_credits(&user, 100, &key).await.status(), 201);
        }
        assert_eq!(server.move_credits(&user, -30, &next_key()).await.status(), 201);
        assert_eq!(server.move_credits(&user, -900, &next_key()).await.status(), 409);
        for act in ["suspend", "suspend", "resume"] {
            let path = format!("/api/admin/users/{}/{act}", user.sub);
            let request =
                server.post(&path).bearer_auth(token("boss", "admin")).header("X-Request-Id", "req-7");
            let done = request.json(&json!({ "reason": "=investigação" })).send().await.unwrap();
            assert_eq!(done.status(), 200);
        }
        let log = audit(&server, "").await;
        let actions: Vec<_> = log.iter().map(|it| it["action"].as_str().unwrap()).collect();
        let all =
            ["account.resume", "account.suspend", "credits.adjust", "credits.grant", "catalogue.change"];
        assert_eq!(actions, all);
        let given = &log[3];
        let id = given["user_id"].as_str().unwrap();
        assert_eq!(given["target"], format!("user:{id}"));
        assert_eq!((&given["reason"], &given["idempotency_key"]), (&json!("teste"), &json!(key)));
        assert_eq!((&given["via"], &given["before"]["total_credits"]), (&json!("token"), &json!(0)));
        assert_eq!(given["after"]["available_credits"], 100);
        assert_eq!((&log[1]["request_id"], &log[1]["reason"]), (&json!("req-7"), &json!("=investigação")));
        assert_eq!(log[1]["after"], json!({ "suspensions": ["admin"] }));
        assert_eq!(log[0]["after"], json!({ "suspensions": [] }));

        for (query, count) in [
            ("?action=credits.grant".to_owned(), 1),
            (format!("?user={}", user.sub), 4),
            (format!("?target=user:{id}&action=account.resume"), 1),
            ("?actor=the-admin".to_owned(), 2),
            ("?actor=boss".to_owned(), 2),
            (format!("?actor={}", log[3]["actor"].as_str().unwrap()), 2),
            ("?actor=operator".to_owned(), 0),
            ("?to=2020-01-01".to_owned(), 0),
            ("?limit=3".to_owned(), 3),
        ] {
            assert_eq!(audit(&server, &query).await.len(), count, "{query}");
        }
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_does_at_the_command_line_is_in_the_log() {
    let setup = Setup::sqlite();
    let given =
        api_server(&setup, &["credits", "grant", "maria", "250", "--reason", "boas-vindas", "--key", "k1"]);
    assert!(given.status.success());
    let server = setup.start().await;
    let log = audit(&server, "?actor=operator").await;
    assert_eq!(log.len(), 1);
    assert_eq!((&log[0]["via"], &log[0]["reason"]), (&json!("command_line"), &json!("boas-vindas")));
    assert_eq!((&log[0]["request_id"], &log[0]["idempotency_key"]), (&Value::Null, &json!("k1")));
    server.finish().await;
}

/// Keys and settings, whoever changes them; what is personal about them stays out.
#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_a_key_or_a_setting_is_in_the_log() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.user(100).await;
        let own = |request: RequestBuilder| request.bearer_auth(&user.token);
        let wish = json!({ "name": "meu robô", "spend_cap": 50 });
        let made = own(server.post("/api/user/api-keys")).json(&wish).send().await.unwrap();
        let id = read(made).await.1["id"].as_str().unwrap().to_owned();
        let key = format!("{}/api/user/api-keys/{id}", server.url);
        let alerts = format!("{}/api/user/alerts", server.url);
        let top_up = format!("{}/api/billing/auto-top-up", server.url);
        let off =
            json!({ "enabled": false, "threshold": 5, "plan_id": "starter", "monthly_cap_minor": 9000 });
        let told = json!({ "low_balance_threshold": 7, "email": "maria@example.com", "language": "en" });
        for (request, status) in [
            (server.client.delete(&key), 204),
            (server.client.delete(&key), 204),
            (server.client.put(&alerts).json(&told), 200),
            (server.client.put(&top_up).json(&off), 200),
            (server.client.delete(format!("{}/api/user?forfeit=true", server.url)), 204),
        ] {
            assert_eq!(own(request).send().await.unwrap().status(), status);
        }
        let log = audit(&server, &format!("?user={}", user.sub)).await;
        let actions: Vec<_> = log.iter().map(|it| it["action"].as_str().unwrap()).collect();
        let all = ["account.close", "auto_top_up.set", "alerts.set", "api_key.revoke", "api_key.create"];
        assert_eq!(actions[..5], all);
        let (created, revoked) = (&log[4], &log[3]);
        assert_eq!(created["target"], format!("api_key:{id}"));
        assert_eq!((&created["before"], &created["via"]), (&Value::Null, &json!("token")));
        assert_eq!(created["actor"], format!("user:{}", created["user_id"].as_str().unwrap()));
        assert_eq!(created["after"]["spend_cap"], 50);
        assert_eq!((&revoked["before"], &revoked["after"]["revoked"]), (&created["after"], &json!(true)));
        let set = json!({ "low_balance_threshold": 7, "email": true, "language": "en" });
        assert_eq!((&log[2]["before"], &log[2]["after"]), (&json!({ "low_balance_threshold": null }), &set));
        assert_eq!(log[1]["after"], off);
        assert_eq!((&log[0]["before"]["closed"], &log[0]["after"]["closed"]), (&json!(false), &json!(true)));
        let text = json!(log).to_string();
        assert!(!text.contains("robô") && !text.contains("maria@"), "{text}");
        server.finish().await;
    }
}

/// One entry for each catalogue that came into force, however often and by however many servers it was read.
#[tokio::test(flavor = "multi_thread")]
async fn another_catalogue_is_in_the_log_with_the_one_before() {
    let setup = Setup::sqlite().start().await.stop_only().await;
    let setup = setup.start().await.stop_only().await;
    let cheaper = include_str!("../../../../../catalog.toml").replace("usd_brl = \"", "usd_brl = \"1");
    let file = setup.path("catalog.toml");
    std::fs::write(&file, cheaper).unwrap();
    let server = setup.with("CATALOG_FILE", file.to_str().unwrap()).start().await;
    let log = audit(&server, "?action=catalogue.change").await;
    assert_eq!(log.len(), 2);
    assert_eq!((&log[1]["before"], &log[0]["before"]), (&Value::Null, &log[1]["after"]));
    assert_ne!(log[0]["before"]["usd_brl_e4"], log[0]["after"]["usd_brl_e4"]);
    assert_eq!((&log[0]["actor"], &log[0]["via"]), (&json!("system"), &json!("start")));
    let starter = log[0]["after"]["plans"][0].as_str().unwrap();
    assert!(starter.starts_with("starter: 5000 credits for 2900 brl"), "{starter}");
    server.finish().await;
}

/// An admin's API key says which key it was.
#[tokio::test(flavor = "multi_thread")]
async fn an_act_by_an_api_key_names_the_key() {
    let server = Setup::sqlite().start().await;
    let wish = json!({ "name": "scripts", "scopes": ["admin:read", "admin:write"] });
    let made = server.post("/api/user/api-keys").bearer_auth(token("boss", "admin")).json(&wish);
    let (status, key) = read(made.send().await.unwrap()).await;
    assert_eq!(status, 201, "{key}");
    let given = server
        .post("/api/admin/users/maria/credits")
        .bearer_auth(key["key"].as_str().unwrap())
        .header("Idempotency-Key", next_key())
        .json(&json!({ "amount": 5, "reason": "script" }));
    assert_eq!(given.send().await.unwrap().status(), 201);
    let log = audit(&server, "?action=credits.grant").await;
    assert_eq!(log[0]["via"], format!("api_key:{}", key["id"].as_str().unwrap()));
    server.finish().await;
}
