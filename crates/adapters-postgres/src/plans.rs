//! Tests of how a writer's statements are prepared and planned.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use group_commit::Commit;
use testkit::postgres::{TestDatabase, fresh_database};
use testkit::requests::api_keys::api_key;
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

/// The plan of a statement for these values, as `(1, 'a')`.
async fn plan(connection: &mut AsyncPgConnection, sql: &str, values: &str) -> String {
    connection.batch_execute(&format!("DEALLOCATE ALL; PREPARE it AS {sql}")).await.unwrap();
    let lines: Vec<PlanLine> =
        diesel::sql_query(format!("EXPLAIN EXECUTE it{values}")).load(connection).await.unwrap();
    lines.into_iter().map(|row| row.line).collect::<Vec<_>>().join("\n")
}

/// What is wrong with a plan: it must use these indexes and walk through no table.
fn wrong(sql: &str, plan: &str, indexes: &[&str]) -> Option<String> {
    let used =
        |index: &&str| plan.contains(&format!("using {index} ")) || plan.contains(&format!("on {index} "));
    let right = !plan.contains("Seq Scan") && indexes.iter().all(used);
    (!right).then(|| format!("{indexes:?}{sql}\n{plan}"))
}

#[tokio::test]
async fn lookups_use_the_right_index_even_on_tables_that_were_empty_when_they_were_planned() {
    let (_database, connector) = database().await;
    let mut connection = connector.connect(Purpose::Writing).await.unwrap();
    let mut all_wrong = Vec::new();
    let of_stores = crate::load::LOOKUPS.iter().copied().chain(crate::save::lookups());
    let of_keys = crate::api_keys::LOOKUPS.iter().copied();
    let lookups = of_stores.chain(of_keys).chain(crate::billing::lookups().copied());
    for (sql, indexes) in lookups {
        // A writer has one plan for all values.
        let values = vec!["NULL"; sql.matches('$').count()].join(", ");
        let plan = plan(&mut connection, sql, &format!("({values})")).await;
        all_wrong.extend(wrong(sql, &plan, indexes));
    }
    assert!(all_wrong.is_empty(), "{}", all_wrong.join("\n\n"));
}

/// What was bought by 5,000 users: four purchases each, a notice, a subscription; two API keys each; 5,000 events; and
/// what is personal.
const MUCH_IS_THERE: &str = "
CREATE TEMPORARY TABLE n AS SELECT i, i % 64 AS lane, md5(i::text)::uuid AS user_id,
    now() - i * interval '1 minute' AS at FROM generate_series(1, 5000) AS i;
INSERT INTO user_ai_credits (lane, user_id) SELECT lane, user_id FROM n;
INSERT INTO purchases (lane, user_id, id, kind, plan, credits, price_minor, currency, livemode, state, session_id,
    customer_id, payment_intent_id, charge_id, invoice_id, created_at, paid_at, next_lookup)
SELECT lane, user_id, gen_random_uuid(), 'pack', 'starter', 1, 1, 'brl', false,
    CASE WHEN i < 50 THEN 'created' ELSE 'paid' END, 'cs_' || i || '_' || k, 'cus_' || i, 'pi_' || i || '_' || k,
    'ch_' || i || '_' || k, 'in_' || i || '_' || k, at, CASE WHEN i < 50 THEN NULL ELSE at END,
    CASE WHEN i < 50 THEN at END
FROM n, generate_series(1, 4) AS k;
INSERT INTO purchase_returns (lane, user_id, purchase_id, kind, reference, amount_minor, state, as_of)
SELECT lane, user_id, id, 'manual', 'r', 1, 'lost', created_at FROM purchases;
INSERT INTO subscriptions (lane, user_id, id, purchase_id, plan, credits, price_minor, currency, status,
    cancel_at_period_end, ended, as_of, created_at)
SELECT lane, user_id, 'sub_' || i, user_id, 'starter', 1, 1, 'brl', 'active', false, false, at, at FROM n;
INSERT INTO billing_profiles (lane, user_id, customer_id, top_up_enabled)
SELECT lane, user_id, 'cus_' || i, CASE WHEN i < 50 THEN true END FROM n;
INSERT INTO notices (lane, user_id, kind, subject, audience, created_at)
SELECT lane, user_id, 'purchase_paid', 'p', 'user', at FROM n;
INSERT INTO outbox (lane, user_id, kind, subject, channel, state, next_try, created_at, closed_at)
SELECT lane, user_id, 'purchase_paid', 'p', c.channel, CASE WHEN i < 50 THEN 'waiting' ELSE 'sent' END, at, at,
    CASE WHEN i < 50 THEN NULL ELSE at END
FROM n, (VALUES ('email'), ('webhook')) AS c(channel);
INSERT INTO credit_holds (lane, user_id, id, amount, state, request_type, idempotency_key, instance_id, tokens,
    tokens_span, day_number, created_at, expires_at, closed_at)
SELECT lane, user_id, gen_random_uuid(), 10, 'voided', 'assistant', 'k', user_id, 0, 0, 0, at, at, at FROM n;
INSERT INTO idempotency_keys (lane, user_id, key, hold_id, fingerprint, created_at)
SELECT lane, user_id, 'k' || k, user_id, '', at FROM n, generate_series(1, 4) AS k;
INSERT INTO ai_usage_content (lane, user_id, usage_id, request_content, response_content, created_at)
SELECT lane, user_id, gen_random_uuid(), 'q', 'a', at FROM n, generate_series(1, 4) AS k;
INSERT INTO credit_journal_notes (lane, user_id, seq, note) SELECT lane, user_id, 1, 'why' FROM n;
INSERT INTO alert_contacts (lane, user_id, email, language) SELECT lane, user_id, 'a@b.co', 'en' FROM n;
INSERT INTO account_suspensions (lane, user_id, source, actor, reason, since)
SELECT lane, user_id, 'admin', 'operator', 'why', at FROM n;
INSERT INTO api_keys (lane, user_id, id, name, prefix, secret_hash, scopes, created_at)
SELECT lane, user_id, gen_random_uuid(), 'n', 'p', sha256('x'), 'ai:use', at FROM n, generate_series(1, 2);
INSERT INTO audit_log (lane, id, user_id, at, actor, via, action, target)
SELECT lane, md5(i || 'a')::uuid, user_id, at, 'a', 'token', 'x', 'user:' || i FROM n;
INSERT INTO audit_reasons SELECT lane, md5(i || 'a')::uuid, 'why' FROM n;
INSERT INTO stripe_events (id, kind, livemode, created_at, received_at, body, state, next_try)
SELECT 'evt_' || i, 'invoice.paid', false, at, at, convert_to(repeat('x', 1500), 'UTF8'),
    CASE WHEN i < 50 THEN 'pending' ELSE 'done' END, at FROM n;
INSERT INTO stripe_cursor (id, read_to) VALUES (1, now());
ANALYZE";

#[tokio::test]
async fn readers_find_what_they_look_for_by_an_index_when_there_is_much() {
    let (_database, connector) = database().await;
    let mut connection = connector.connect(Purpose::Reading).await.unwrap();
    connection.batch_execute(MUCH_IS_THERE).await.unwrap();
    let mut all_wrong = Vec::new();
    let of_keys = crate::api_keys::LOOKUPS_OF_READERS.iter().copied();
    let erasing = crate::personal::ERASING.map(|sql| (sql, "(7, md5('7')::uuid, 10)", &[][..]));
    for (sql, values, indexes) in crate::billing::lookups_of_readers().copied().chain(of_keys).chain(erasing)
    {
        let plan = plan(&mut connection, sql, values).await;
        all_wrong.extend(wrong(sql, &plan, indexes));
    }
    assert!(all_wrong.is_empty(), "{}", all_wrong.join("\n\n"));
}

/// 40,000 requests in a month, with their sums, and what admins did.
const MUCH_HAPPENED: &str = "
CREATE TEMPORARY TABLE n AS SELECT i, i % 64 AS lane, md5((i % 500)::text)::uuid AS user_id,
    now() - (40000 - i) * interval '65 seconds' AS at FROM generate_series(1, 40000) AS i;
INSERT INTO ai_usage_log (lane, user_id, id, credits_used, tokens_used, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, cost_nano_usd, price_version, request_type, model, outcome, estimated,
    duration_ms, request_id, created_at, recorded_at)
SELECT lane, user_id, md5(i::text)::uuid, 1, 1, 1, 0, 0, 0, 0, 'v', 'assistant', 'm', 'settled', false, 1, 'r', at, at
FROM n ORDER BY i;
INSERT INTO usage_hours SELECT date_trunc('hour', at), 'm' || k, 'assistant', 'free', 'settled', 1, 1, 0, 0, 1
FROM n, generate_series(1, 5) AS k GROUP BY 1, 2;
INSERT INTO usage_latency SELECT date_trunc('hour', at), k, 1 FROM n, generate_series(1, 9) AS k GROUP BY 1, 2;
INSERT INTO usage_crowds SELECT date_trunc('hour', at), '\\x01' FROM n GROUP BY 1;
INSERT INTO usage_people SELECT i % 64, md5(i::text)::uuid, i FROM generate_series(0, 40000) AS i;
INSERT INTO credit_journal (lane, user_id, seq, kind, amount, balance_after, source, actor, created_at, hash)
SELECT lane, user_id, i, CASE WHEN i % 50 = 0 THEN 'grant' ELSE 'use' END, 1, 1, 's' || i, 'a', at, '' FROM n
ORDER BY i;
INSERT INTO credit_journal_notes SELECT lane, user_id, i, 'x' FROM n;
INSERT INTO revenue_entries SELECT lane, user_id, md5(i::text)::uuid, 'paid', at, 1, true FROM n;
INSERT INTO notices (lane, user_id, kind, subject, audience, created_at)
SELECT lane, user_id, 'purchase_paid', 'p' || i, 'user', at FROM n;
INSERT INTO audit_log (lane, id, user_id, at, actor, via, action, target)
SELECT lane, md5(i::text)::uuid, user_id, at, 'a', 'token', 'x', 'user:' || i FROM n;
INSERT INTO audit_reasons SELECT lane, md5(i::text)::uuid, 'x' FROM n;
ANALYZE";

#[tokio::test]
async fn what_admins_see_is_found_by_an_index_when_much_happened() {
    let (_database, connector) = database().await;
    let mut connection = connector.connect(Purpose::Reading).await.unwrap();
    connection.batch_execute(MUCH_HAPPENED).await.unwrap();
    // Outside of the transaction of the rows: pages of theirs that are not summarised would all be read.
    connection.batch_execute("VACUUM").await.unwrap();
    let mut all_wrong = Vec::new();
    let lookups = crate::reports::LOOKUPS.iter().chain(crate::audit::LOOKUPS).chain(crate::overview::LOOKUPS);
    for (sql, values, indexes) in lookups {
        let plan = plan(&mut connection, sql, values).await;
        all_wrong.extend(wrong(sql, &plan, indexes));
    }
    assert!(all_wrong.is_empty(), "{}", all_wrong.join("\n\n"));
}

#[tokio::test]
async fn a_writer_prepares_each_statement_once() {
    let (_database, connector) = database().await;
    let mut writer = LedgerWriter::new(connector);
    let key = api_key(user(1));
    let api_key = key.id;
    let begin = [Command::Grant(grant(user(1), "p")), Command::CreateApiKey(Box::new(key))];
    writer.commit(&begin).await.unwrap();
    for round in 0..10 {
        let held = hold(user(1)).keyed(&format!("key-{round}")).under(api_key);
        let settled =
            settle(user(1), held.id).charge(1).answered(&format!("key-{round}"), "body").under(api_key);
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

#[tokio::test]
async fn a_batch_that_names_no_api_key_runs_no_statement_of_keys() {
    let (_database, connector) = database().await;
    let mut writer = LedgerWriter::new(connector);
    let held = hold(user(1)).keyed("k");
    let settled = settle(user(1), held.id).answered("k", "body");
    for command in [Command::Grant(grant(user(1), "p")), Command::Hold(held), Command::Settle(settled)] {
        for answer in writer.commit(&[command]).await.unwrap() {
            answer.unwrap();
        }
    }
    let mut connection = writer.into_connection().unwrap();
    let of_keys: Vec<Prepared> = diesel::sql_query(
        "SELECT statement, 1::bigint AS times, 0::bigint AS custom_plans
         FROM pg_prepared_statements WHERE statement LIKE '%unnest%' AND statement LIKE '%api_keys%'
             AND statement NOT LIKE '%pg_prepared_statements%'",
    )
    .load(&mut connection)
    .await
    .unwrap();
    assert!(of_keys.is_empty(), "{}", of_keys[0].statement);
}
