//! Accounts, everybody's requests, and who may look at them.

use serde_json::{Value, json};

use crate::harness::{Server, Setup, read, token};

async fn get(server: &Server, path: &str) -> (u16, Value) {
    read(server.get(path).bearer_auth(token("boss", "admin")).send().await.unwrap()).await
}

async fn rows(server: &Server, path: &str) -> Vec<Value> {
    let (status, body) = get(server, path).await;
    assert_eq!(status, 200, "{path}: {body}");
    body["data"].as_array().unwrap().clone()
}

/// All pages of a list, two lines at a time.
async fn all(server: &Server, path: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    let mut cursor = String::new();
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let (status, body) = get(server, &format!("{path}{sign}limit=2&cursor={cursor}")).await;
        assert_eq!(status, 200, "{body}");
        lines.extend(body["data"].as_array().unwrap().iter().cloned());
        match body["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return lines,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_listed_sorted_and_found() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let mut users = Vec::new();
        for credits in [300, 100, 500, 200, 400] {
            users.push(server.user(credits).await);
        }
        for _ in 0..2 {
            assert_eq!(server.ask(&users[1], "Oi").send().await.unwrap().status(), 200);
        }
        let balances = async |sort: &str| {
            let lines = all(&server, &format!("/api/admin/users?sort={sort}")).await;
            lines.iter().map(|line| line["available_credits"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(balances("newest").await, [400, 200, 500, 80, 300]);
        assert_eq!(balances("balance").await, [500, 400, 300, 200, 80]);
        assert_eq!(balances("used").await[0], 80);

        let found = rows(&server, &format!("/api/admin/users?search={}", users[2].sub)).await;
        assert_eq!((found.len(), &found[0]["total_credits"]), (1, &json!(500)));
        let id = found[0]["user_id"].as_str().unwrap();
        assert_eq!(rows(&server, &format!("/api/admin/users?search={id}")).await, found);
        assert!(rows(&server, "/api/admin/users?search=nobody").await.is_empty());
        let (status, body) = get(&server, "/api/admin/users?sort=size&limit=0&cursor=x").await;
        assert_eq!((status, body["errors"].as_array().unwrap().len()), (422, 3), "{body}");
        // A filter by a variable that is not set is not taken for no filter; the first page may say that it is.
        for filter in [
            "usage?user=",
            "usage?model=",
            "usage?from=",
            "usage.csv?user=",
            "audit?action=",
            "users?search=",
        ] {
            let (status, body) = get(&server, &format!("/api/admin/{filter}")).await;
            assert_eq!((status, body["errors"].as_array().unwrap().len()), (422, 1), "{filter}: {body}");
        }
        assert_eq!(rows(&server, "/api/admin/users?cursor=").await.len(), 5);
        // Not every store can hold it.
        for act in ["suspend", "resume"] {
            let asked =
                server.post(&format!("/api/admin/users/{id}/{act}")).bearer_auth(token("boss", "admin"));
            let (status, body) = read(asked.json(&json!({ "reason": "a\0b" })).send().await.unwrap()).await;
            assert_eq!((status, &body["errors"][0]["pointer"]), (422, &json!("/reason")), "{body}");
        }
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_shown_with_its_lots_reasons_and_lists() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.user(100).await;
        assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
        let path = format!("/api/admin/users/{}", user.sub);
        let suspended = server
            .post(&format!("{path}/suspend"))
            .bearer_auth(token("boss", "admin"))
            .json(&json!({ "reason": "investigação" }));
        assert_eq!(suspended.send().await.unwrap().status(), 200);

        let (status, sheet) = get(&server, &path).await;
        assert_eq!(status, 200, "{sheet}");
        assert_eq!((&sheet["available_credits"], &sheet["suspended"]), (&json!(90), &json!(true)));
        assert_eq!(sheet["suspensions"][0]["reason"], "investigação");
        assert_eq!((&sheet["lots"][0]["amount"], &sheet["lots"][0]["remaining"]), (&json!(100), &json!(90)));
        assert_eq!((&sheet["open_holds"], &sheet["last_usage"]["credits_used"]), (&json!(0), &json!(10)));
        assert_eq!(sheet["last_usage"]["plan_type"], "free");

        let journal = all(&server, &format!("{path}/journal")).await;
        assert_eq!((journal.len(), &journal[1]["note"]), (2, &json!("teste")));
        assert!(journal[1]["actor"].as_str().unwrap().starts_with("admin:"));
        let usage = all(&server, &format!("{path}/usage")).await;
        assert_eq!(usage, [sheet["last_usage"].clone()]);
        assert!(usage[0]["cost"].as_str().unwrap().starts_with("0.0"));
        assert!(all(&server, &format!("{path}/purchases")).await.is_empty());
        assert_eq!(get(&server, "/api/admin/users/nobody").await.0, 404);
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybodys_requests_are_listed_and_filtered() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let (first, second) = (server.user(100).await, server.user(100).await);
        for user in [&first, &second, &first] {
            assert_eq!(server.ask(user, "Oi").send().await.unwrap().status(), 200);
        }
        let path = "/api/admin/usage";
        let latest = all(&server, path).await;
        assert_eq!(latest.len(), 3);
        assert_eq!(latest[0]["user_id"], latest[2]["user_id"]);
        assert!(latest[0]["created_at"].as_str() > latest[2]["created_at"].as_str());
        let count = async |query: &str| all(&server, &format!("{path}?{query}")).await.len();
        assert_eq!(count(&format!("user={}", second.sub)).await, 1);
        assert_eq!(count("outcome=settled&model=gpt-4o-mini").await, 3);
        assert_eq!(count("outcome=unknown").await, 0);
        assert_eq!(count("model=gpt-5").await, 0);
        assert_eq!(count("to=2020-01-01").await, 0);
        assert_eq!(get(&server, &format!("{path}?outcome=good")).await.0, 422);
        server.finish().await;
    }
}

/// Admins look; users do not, and strangers do not even learn what there is.
#[tokio::test(flavor = "multi_thread")]
async fn only_admins_look_at_everybody() {
    let server = Setup::sqlite().start().await;
    let user = server.stranger();
    for path in [
        "ai-analytics",
        "ai-analytics/series",
        "usage",
        "usage.csv",
        "journal.csv",
        "purchases",
        "purchases.csv",
        "audit",
        "audit.csv",
        "notices",
        "users",
        "users/x",
        "users/x/journal",
        "users/x/usage",
        "users/x/purchases",
    ] {
        let path = format!("/api/admin/{path}");
        assert_eq!(server.get(&path).send().await.unwrap().status(), 401, "{path}");
        assert_eq!(server.get(&path).bearer_auth(&user.token).send().await.unwrap().status(), 403, "{path}");
        let allowed = server.get(&path).bearer_auth(token("boss", "admin")).send().await.unwrap().status();
        assert!([200, 404].contains(&allowed.as_u16()), "{path}: {allowed}");
        let written = server.post(&path).bearer_auth(token("boss", "admin")).send().await.unwrap().status();
        assert_eq!(written, 405, "{path}");
    }
    server.finish().await;
}
