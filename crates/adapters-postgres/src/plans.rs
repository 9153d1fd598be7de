//! Tests of how a writer's statements are prepared and planned.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use group_commit::Commit;
use testkit::postgres::{TestDatabase, fresh_database};
use testkit::requests::{HoldExt, SettleExt, grant, hold, settle, user};

use crate::connect::{Connector, Purpose};
use crate::writer::LedgerWriter;
use domain::ledger::command::Command;

#[derive(QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = Text)]
    #[diesel(column_name = "QUERY PLAN")]
    line: String,
}

#[derive(QueryableByName)]
struct Prepared {
    #[diesel(sql_type = Text)]
    statement: String,
    #[diesel(sql_type = BigInt)]
    times: i64,
    #[diesel(sql_type = BigInt)]
    custom_plans: i64,
}

async fn database() -> (TestDatabase, Connector) {
    let database = fresh_database(async |url| crate::migrate(&url).await).await;
    let connector = Connector::new(&database.url).unwrap();
    (database, connector)
}

/// The plan that a writer uses for a statement, whatever its parameters.
async fn plan(connection: &mut AsyncPgConnection, sql: &str) -> String {
    let parameters = vec!["NULL"; sql.matches('$').count()].join(", ");
    connection.batch_execute(&format!("DEALLOCATE ALL; PREPARE it AS {sql}")).await.unwrap();
    let lines: Vec<PlanLine> =
        diesel::sql_query(format!("EXPLAIN EXECUTE it({parameters})")).load(connection).await.unwrap();
    lines.into_iter().map(|row| row.line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn lookups_use_the_right_index_even_on_tables_that_were_empty_when_they_were_planned() {
    let (_database, connector) = database().await;
    let mut connection = connector.connect(Purpose::Writing).await.unwrap();
    let mut wrong = Vec::new();
    for (sql, indexes) in crate::load::LOOKUPS.iter().copied().chain(crate::save::lookups()) {
        let plan = plan(&mut connection, sql).await;
        let used = |index: &&str| plan.contains(&format!("using {index} "));
        if plan.contains("Seq Scan") || !indexes.iter().all(used) {
            wrong.push(format!("{indexes:?}{sql}\n{plan}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test]
async fn a_writer_prepares_each_statement_once() {
    let (_database, connector) = database().await;
    let mut writer = LedgerWriter::new(connector);
    writer.commit(&[Command::Grant(grant(user(1), "p"))]).await.unwrap();
    for round in 0..10 {
        let held = hold(user(1)).keyed(&format!("key-{round}"));
        let settled = settle(user(1), held.id).charge(1).answered(&format!("key-{round}"), "body");
        for command in [Command::Hold(held), Command::Settle(settled)] {
            for answer in writer.commit(&[command]).await.unwrap() {
                answer.unwrap();
            }
        }
    }
    let mut connection = writer.into_connection().unwrap();
    let prepared: Vec<Prepared> = diesel::sql_query(
        "SELECT statement, count(*) AS times, sum(custom_plans)::bigint AS custom_plans
         FROM pg_prepared_statements WHERE statement LIKE '%unnest%' GROUP BY statement",
    )
    .load(&mut connection)
    .await
    .unwrap();
    assert!(prepared.len() > 6, "only {} statements are kept", prepared.len());
    for row in prepared {
        assert_eq!((row.times, row.custom_plans), (1, 0), "{}", row.statement);
    }
}
