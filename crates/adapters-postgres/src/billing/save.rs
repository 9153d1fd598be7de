//! Storing what was decided of buying: a bulk statement for each table that changes.

use diesel::data_types::PgTimestamp;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use domain::billing::notice::Notice;
use domain::billing::offer::Offer;
use domain::billing::profile::{BillingProfile, TopUp};
use domain::billing::purchase::{Names, Purchase, Return};
use domain::billing::revenue::RevenueEntry;
use domain::billing::subscription::Subscription;
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ledger::account::PlanName;
use domain::ledger::batch::Decided;
use domain::ledger::command::KeyedRequest;
use futures_util::future::join_all;
use uuid::Uuid;

use crate::error::StoreError;
use crate::load::keyed;
use crate::rows::{stored_id, stored_time};
use crate::statement::Statement;

const UPDATE_PURCHASES: &str = "
UPDATE purchases p SET state = n.state, session_id = n.session, customer_id = n.customer,
    payment_intent_id = n.intent, charge_id = n.charge, invoice_id = n.invoice,
    subscription_id = n.subscription, url = n.url, payment_method = n.method, period_end = n.period_end,
    refunded_minor = n.refunded, refunded_as_of = n.refunded_as_of, fault = n.fault, idempotency_key = n.key,
    fingerprint = n.fingerprint, expires_at = n.expires, paid_at = n.paid, lookups = n.lookups,
    next_lookup = n.next_lookup
FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::bigint[], $15::timestamptz[],
    $16::text[], $17::text[], $18::bytea[], $19::timestamptz[], $20::timestamptz[], $21::bigint[],
    $22::timestamptz[])
    AS n(lane, user_id, id, state, session, customer, intent, charge, invoice, subscription, url, method,
    period_end, refunded, refunded_as_of, fault, key, fingerprint, expires, paid, lookups, next_lookup)
WHERE p.lane = n.lane AND p.user_id = n.user_id AND p.id = n.id";

const INSERT_PURCHASES: &str = "
INSERT INTO purchases (lane, user_id, id, state, session_id, customer_id, payment_intent_id, charge_id,
    invoice_id, subscription_id, url, payment_method, period_end, refunded_minor, refunded_as_of, fault,
    idempotency_key, fingerprint, expires_at, paid_at, lookups, next_lookup, kind, plan, credits, price_minor,
    currency, expires_after_days, livemode, created_at)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::bigint[],
    $15::timestamptz[], $16::text[], $17::text[], $18::bytea[], $19::timestamptz[], $20::timestamptz[],
    $21::bigint[], $22::timestamptz[], $23::text[], $24::text[], $25::bigint[], $26::bigint[], $27::text[],
    $28::bigint[], $29::boolean[], $30::timestamptz[])";

const UPSERT_RETURNS: &str = "
INSERT INTO purchase_returns (lane, user_id, purchase_id, kind, reference, amount_minor, state, as_of)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::text[],
    $8::timestamptz[])
ON CONFLICT (lane, user_id, purchase_id, kind, reference) DO UPDATE SET amount_minor = excluded.amount_minor,
    state = excluded.state, as_of = excluded.as_of";

const UPSERT_SUBSCRIPTIONS: &str = "
INSERT INTO subscriptions (lane, user_id, id, purchase_id, plan, credits, price_minor, currency,
    expires_after_days, status, cancel_at_period_end, ended, paid_until, as_of, created_at)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[],
    $8::text[], $9::bigint[], $10::text[], $11::boolean[], $12::boolean[], $13::timestamptz[],
    $14::timestamptz[], $15::timestamptz[])
ON CONFLICT (lane, user_id, id) DO UPDATE SET purchase_id = excluded.purchase_id, plan = excluded.plan,
    credits = excluded.credits, price_minor = excluded.price_minor, currency = excluded.currency,
    expires_after_days = excluded.expires_after_days, status = excluded.status,
    cancel_at_period_end = excluded.cancel_at_period_end, ended = excluded.ended,
    paid_until = excluded.paid_until, as_of = excluded.as_of, created_at = excluded.created_at";

const UPSERT_PROFILES: &str = "
INSERT INTO billing_profiles (lane, user_id, customer_id, top_up_enabled, top_up_threshold, top_up_plan,
    top_up_cap_minor, top_up_open, top_up_declines, top_up_month, top_up_month_minor)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::boolean[], $5::bigint[], $6::text[],
    $7::bigint[], $8::uuid[], $9::bigint[], $10::bigint[], $11::bigint[])
ON CONFLICT (lane, user_id) DO UPDATE SET customer_id = excluded.customer_id,
    top_up_enabled = excluded.top_up_enabled, top_up_threshold = excluded.top_up_threshold,
    top_up_plan = excluded.top_up_plan, top_up_cap_minor = excluded.top_up_cap_minor,
    top_up_open = excluded.top_up_open, top_up_declines = excluded.top_up_declines,
    top_up_month = excluded.top_up_month, top_up_month_minor = excluded.top_up_month_minor";

/// What is told already stays as it is, and goes out no second time even if its rows of the outbox are gone. A new
/// notice goes out by each channel, and is due at once.
const TELL: &str = "
WITH told AS (
    INSERT INTO notices (lane, user_id, kind, subject, audience, plan, credits, amount_minor, balance, threshold,
        detail, created_at)
    SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
        $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::timestamptz[])
    ON CONFLICT (lane, user_id, kind, subject) DO NOTHING
    RETURNING lane, user_id, kind, subject, created_at
)
INSERT INTO outbox (lane, user_id, kind, subject, channel, state, next_try, created_at)
SELECT t.lane, t.user_id, t.kind, t.subject, c.channel, 'waiting', t.created_at, t.created_at
FROM told t CROSS JOIN (VALUES ('email'), ('webhook')) AS c(channel)
ON CONFLICT (lane, user_id, kind, subject, channel) DO NOTHING";

/// What moved at the same time as before is added to that.
const BOOK_REVENUE: &str = "
INSERT INTO revenue_entries AS e (lane, user_id, purchase_id, kind, at, minor, livemode)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::bigint[],
    $7::boolean[])
ON CONFLICT (lane, user_id, purchase_id, kind, at) DO UPDATE SET minor = e.minor + excluded.minor";

/// A write with its name, and how many rows it must meet where that is known.
type Write<'d> = (&'static str, Option<usize>, Statement<'d>);

/// Writes what was bought or told, in the transaction that `connection` is in. The statements share a round
/// trip; all are waited for, so that the error is that of the first that failed, and their counts are checked.
pub(crate) async fn save(connection: &AsyncPgConnection, decided: &Decided) -> Result<(), StoreError> {
    let mut expected = Vec::new();
    let mut running = Vec::new();
    for (what, count, write) in writes(decided) {
        expected.push((what, count));
        running.push(write.execute(connection));
    }
    for ((what, count), written) in expected.into_iter().zip(join_all(running).await) {
        let written = written?;
        if count.is_some_and(|count| written != count) {
            return Err(StoreError::Miscounted(what));
        }
    }
    Ok(())
}

/// What is to be written, in this order; nothing when nothing was bought or told.
fn writes(decided: &Decided) -> Vec<Write<'_>> {
    fn all<'d, T>(
        writes: &mut Vec<Write<'d>>,
        what: &'static str,
        rows: &[T],
        write: fn(&[T]) -> Statement<'d>,
    ) {
        if !rows.is_empty() {
            writes.push((what, Some(rows.len()), write(rows)));
        }
    }
    let mut writes = Vec::new();
    // A key that an old purchase gives up may be a new one's in the same commit.
    let changed: Vec<&Purchase> = decided.changed_purchases.iter().collect();
    let new: Vec<&Purchase> = decided.new_purchases.iter().collect();
    all(&mut writes, "changed purchases", &changed, changed_purchases);
    all(&mut writes, "new purchases", &new, new_purchases);
    let returns: Vec<(&Purchase, &Return)> = changed
        .iter()
        .chain(&new)
        .flat_map(|purchase| purchase.returns.iter().map(|each| (*purchase, each)))
        .collect();
    all(&mut writes, "returns", &returns, self::returns);
    let subscriptions: Vec<&Subscription> = decided.subscriptions.iter().collect();
    all(&mut writes, "subscriptions", &subscriptions, self::subscriptions);
    let profiles: Vec<&BillingProfile> = decided.profiles.iter().collect();
    all(&mut writes, "billing profiles", &profiles, self::profiles);
    let revenue: Vec<&RevenueEntry> = decided.revenue.iter().collect();
    all(&mut writes, "revenue", &revenue, self::revenue);
    if !decided.notices.is_empty() {
        writes.push(("notices", None, notices(&decided.notices)));
    }
    writes
}

/// Key and changeable columns: the first 22 parameters of both statements.
fn purchases<'d>(sql: &'static str, rows: &[&'d Purchase]) -> Statement<'d> {
    fn name<'d>(rows: &[&'d Purchase], part: fn(&Names) -> Option<&str>) -> Vec<Option<&'d str>> {
        rows.iter().map(|row| part(&row.names)).collect()
    }
    keyed(sql, rows.iter().map(|row| &row.user))
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.id.as_bytes())))
        .column::<Text, &str>(rows.iter().map(|row| row.progress.as_str()))
        .column::<Nullable<Text>, _>(name(rows, |names| names.session.as_deref()))
        .column::<Nullable<Text>, _>(name(rows, |names| names.customer.as_deref()))
        .column::<Nullable<Text>, _>(name(rows, |names| names.intent.as_deref()))
        .column::<Nullable<Text>, _>(name(rows, |names| names.charge.as_deref()))
        .column::<Nullable<Text>, _>(name(rows, |names| names.invoice.as_deref()))
        .column::<Nullable<Text>, _>(name(rows, |names| names.subscription.as_deref()))
        .column::<Nullable<Text>, Option<&'d str>>(rows.iter().map(|row| row.url.as_deref()))
        .column::<Nullable<Text>, Option<&'d str>>(rows.iter().map(|row| row.method.as_deref()))
        .column::<Nullable<Timestamptz>, _>(rows.iter().map(|row| maybe_time(row.period_end)))
        .column::<BigInt, i64>(rows.iter().map(|row| row.refunded_minor))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.refunded_as_of)))
        .column::<Nullable<Text>, Option<&'d str>>(rows.iter().map(|row| row.fault.as_deref()))
        .column::<Nullable<Text>, Option<&'d str>>(
            rows.iter().map(|row| row.key.as_ref().map(|KeyedRequest { key, .. }| key.as_str())),
        )
        .column::<Nullable<Binary>, Option<&'d [u8]>>(
            rows.iter().map(|row| row.key.as_ref().map(|keyed| keyed.fingerprint.as_slice())),
        )
        .column::<Nullable<Timestamptz>, _>(rows.iter().map(|row| maybe_time(row.expires_at)))
        .column::<Nullable<Timestamptz>, _>(rows.iter().map(|row| maybe_time(row.paid_at)))
        .column::<BigInt, i64>(rows.iter().map(|row| i64::from(row.lookups)))
        .column::<Nullable<Timestamptz>, _>(rows.iter().map(|row| maybe_time(row.next_lookup)))
}

fn changed_purchases<'d>(rows: &[&'d Purchase]) -> Statement<'d> {
    purchases(UPDATE_PURCHASES, rows)
}

fn new_purchases<'d>(rows: &[&'d Purchase]) -> Statement<'d> {
    purchases(INSERT_PURCHASES, rows)
        .column::<Text, &str>(rows.iter().map(|row| row.kind.as_str()))
        .column::<Text, &'d str>(rows.iter().map(|row| row.offer.plan.as_str()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.offer.credits.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.offer.price.minor()))
        .column::<Text, &str>(rows.iter().map(|row| currency(&row.offer)))
        .column::<Nullable<BigInt>, _>(rows.iter().map(|row| row.offer.expires_after_days.map(i64::from)))
        .column::<Bool, bool>(rows.iter().map(|row| row.livemode))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.created_at)))
}

fn returns<'d>(rows: &[(&'d Purchase, &'d Return)]) -> Statement<'d> {
    keyed(UPSERT_RETURNS, rows.iter().map(|(purchase, _)| &purchase.user))
        .column::<SqlUuid, Uuid>(rows.iter().map(|(purchase, _)| stored_id(purchase.id.as_bytes())))
        .column::<Text, &str>(rows.iter().map(|(_, row)| row.kind.as_str()))
        .column::<Text, &'d str>(rows.iter().map(|(_, row)| row.reference.as_str()))
        .column::<BigInt, i64>(rows.iter().map(|(_, row)| row.minor))
        .column::<Text, &str>(rows.iter().map(|(_, row)| row.state.as_str()))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|(_, row)| stored_time(row.as_of)))
}

fn subscriptions<'d>(rows: &[&'d Subscription]) -> Statement<'d> {
    keyed(UPSERT_SUBSCRIPTIONS, rows.iter().map(|row| &row.user))
        .column::<Text, &'d str>(rows.iter().map(|row| row.id.as_str()))
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.purchase.as_bytes())))
        .column::<Text, &'d str>(rows.iter().map(|row| row.offer.plan.as_str()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.offer.credits.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.offer.price.minor()))
        .column::<Text, &str>(rows.iter().map(|row| currency(&row.offer)))
        .column::<Nullable<BigInt>, _>(rows.iter().map(|row| row.offer.expires_after_days.map(i64::from)))
        .column::<Text, &'d str>(rows.iter().map(|row| row.status.as_str()))
        .column::<Bool, bool>(rows.iter().map(|row| row.cancel_at_period_end))
        .column::<Bool, bool>(rows.iter().map(|row| row.ended))
        .column::<Nullable<Timestamptz>, _>(rows.iter().map(|row| maybe_time(row.paid_until)))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.as_of)))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.created_at)))
}

fn profiles<'d>(rows: &[&'d BillingProfile]) -> Statement<'d> {
    fn part<'d, T>(rows: &[&'d BillingProfile], part: fn(&'d TopUp) -> T) -> Vec<Option<T>> {
        rows.iter().map(|row| row.top_up.as_ref().map(part)).collect()
    }
    keyed(UPSERT_PROFILES, rows.iter().map(|row| &row.user))
        .column::<Nullable<Text>, Option<&'d str>>(rows.iter().map(|row| row.customer.as_deref()))
        .column::<Nullable<Bool>, _>(part(rows, |it| it.settings.enabled))
        .column::<Nullable<BigInt>, _>(part(rows, |it| it.settings.threshold.get()))
        .column::<Nullable<Text>, Option<&'d str>>(part(rows, |it| it.settings.plan.as_str()))
        .column::<Nullable<BigInt>, _>(part(rows, |it| it.settings.monthly_cap_minor))
        .column::<Nullable<SqlUuid>, Option<Uuid>>(
            part(rows, |it| it.open.map(|id| stored_id(id.as_bytes()))).into_iter().map(Option::flatten),
        )
        .column::<Nullable<BigInt>, _>(part(rows, |it| i64::from(it.declines)))
        .column::<Nullable<BigInt>, _>(part(rows, |it| it.month))
        .column::<Nullable<BigInt>, _>(part(rows, |it| it.month_minor))
}

fn revenue<'d>(rows: &[&'d RevenueEntry]) -> Statement<'d> {
    keyed(BOOK_REVENUE, rows.iter().map(|row| &row.user))
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.purchase.as_bytes())))
        .column::<Text, &str>(rows.iter().map(|row| row.kind.as_str()))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.at)))
        .column::<BigInt, i64>(rows.iter().map(|row| row.minor))
        .column::<Bool, bool>(rows.iter().map(|row| row.livemode))
}

/// Notices with their deliveries.
pub(crate) fn notices(rows: &[Notice]) -> Statement<'_> {
    keyed(TELL, rows.iter().map(|row| &row.user))
        .column::<Text, &str>(rows.iter().map(|row| row.kind.as_str()))
        .column::<Text, &str>(rows.iter().map(|row| row.subject.as_str()))
        .column::<Text, &str>(rows.iter().map(|row| row.kind.audience().as_str()))
        .column::<Nullable<Text>, Option<&str>>(
            rows.iter().map(|row| row.details.plan.as_ref().map(PlanName::as_str)),
        )
        .column::<Nullable<BigInt>, _>(rows.iter().map(|row| row.details.credits.map(Credits::get)))
        .column::<Nullable<BigInt>, _>(rows.iter().map(|row| row.details.minor))
        .column::<Nullable<BigInt>, _>(rows.iter().map(|row| row.details.balance.map(Credits::get)))
        .column::<Nullable<BigInt>, _>(rows.iter().map(|row| row.details.threshold.map(Credits::get)))
        .column::<Nullable<Text>, Option<&str>>(rows.iter().map(|row| row.details.text.as_deref()))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.at)))
}

fn currency(offer: &Offer) -> &'static str {
    offer.price.currency().as_str()
}

fn maybe_time(at: Option<Timestamp>) -> Option<PgTimestamp> {
    at.map(stored_time)
}

/// Every statement that looks rows up; any index will do that starts with the user.
#[cfg(test)]
pub(super) const LOOKUPS: &[super::Lookup] = &[(UPDATE_PURCHASES, &[])];
