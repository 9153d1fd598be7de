//! Tables for spreadsheets.

use domain::ids::UserId;
use domain::ports::ledger::HoldOutcome;
use futures_util::future::join_all;
use serde_json::json;
use testkit::requests::{At, GrantExt, SettleExt, grant, hold, settle};

use crate::harness::{Server, Setup, next_key, token};

/// Header and lines.
async fn table(server: &Server, path: &str) -> (String, Vec<Vec<String>>) {
    let answer = server.get(path).bearer_auth(token("boss", "admin")).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-type").starts_with("text/csv; charset=utf-8"));
    let name = path.rsplit('/').next().unwrap().split('?').next().unwrap();
    assert_eq!(header("content-disposition"), format!("attachment; filename=\"{name}\""));
    let text = answer.text().await.unwrap();
    assert!(text.ends_with("\r\n"));
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let columns = reader.headers().unwrap().iter().collect::<Vec<_>>().join(",");
    let lines = reader.records().map(|line| line.unwrap().iter().map(str::to_owned).collect());
    (columns, lines.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_have_a_line_for_each_thing_and_no_formula() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.user(100).await;
        assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
        let wild = "=HYPERLINK(\"http://evil.test\"), \"x\"\nend";
        let given = server
            .post(&format!("/api/admin/users/{}/credits", user.sub))
            .bearer_auth(token("boss", "admin"))
            .header("Idempotency-Key", next_key())
            .json(&json!({ "amount": -5, "reason": wild }));
        assert_eq!(given.send().await.unwrap().status(), 201);

        let (columns, usage) = table(&server, "/api/admin/usage.csv").await;
        assert!(columns.starts_with("created_at,id,user_id,request_type,model"), "{columns}");
        assert_eq!((usage.len(), usage[0][7].as_str()), (1, "10"));
        let (columns, journal) = table(&server, "/api/admin/journal.csv").await;
        assert!(columns.starts_with("user_id,seq,created_at"), "{columns}");
        let amounts: Vec<_> = journal.iter().map(|line| line[4].as_str()).collect();
        assert_eq!(amounts, ["100", "-10", "-5"], "numbers stay numbers");
        assert_eq!(journal[2][8], format!("'{wild}"));
        let (_, log) = table(&server, "/api/admin/audit.csv?action=credits.adjust").await;
        assert_eq!((log.len(), log[0][7].as_str()), (1, format!("'{wild}").as_str()));
        assert!(log[0][8].starts_with("{\"total_credits\":100"));
        let (columns, purchases) = table(&server, "/api/admin/purchases.csv").await;
        assert!(columns.starts_with("created_at,id,user_id"), "{columns}");
        assert!(purchases.is_empty());

        let (_, none) = table(&server, "/api/admin/journal.csv?to=2020-01-01").await;
        assert!(none.is_empty());
        let (_, own) = table(&server, &format!("/api/admin/usage.csv?user={}", user.sub)).await;
        assert_eq!(own, usage);
        let wrong = server.get("/api/admin/usage.csv?from=x&outcome=y").bearer_auth(token("boss", "admin"));
        assert_eq!(wrong.send().await.unwrap().status(), 422);
        server.finish().await;
    }
}

/// More lines than are read at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_table_comes_whole_and_in_order() {
    const LINES: i64 = 2500;
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = UserId::from_bytes([9; 16]);
        let ledger = &server.stores.ledger;
        ledger.grant(grant(user, "p").of(1_000_000)).await.unwrap();
        for start in (0..LINES).step_by(250) {
            join_all((start..start + 250).map(async |secs| {
                let HoldOutcome::Held(held) = ledger.hold(hold(user).at(secs)).await.unwrap() else {
                    panic!("a replay")
                };
                ledger.settle(settle(user, held.hold).charge(1).at(secs)).await.unwrap();
            }))
            .await;
        }
        let (_, usage) = table(&server, "/api/admin/usage.csv").await;
        assert_eq!(i64::try_from(usage.len()).unwrap(), LINES);
        assert!(usage.windows(2).all(|pair| pair[0][0] > pair[1][0]), "newest first");
        let (_, journal) = table(&server, "/api/admin/journal.csv").await;
        let numbers: Vec<i64> = journal.iter().map(|line| line[1].parse().unwrap()).collect();
        assert_eq!(numbers, (1..=LINES + 1).collect::<Vec<_>>());
        let (_, part) =
            table(&server, "/api/admin/usage.csv?from=2026-01-01T00:20:00Z&to=2026-01-01T00:40:00Z").await;
        assert_eq!(part.len(), 1200);
        server.finish().await;
    }
}
