//! Lists and look-ups of what was bought, and whose turn it is to be looked up at the provider.

use std::future::Future;

use async_trait::async_trait;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use domain::billing::notice::Notice;
use domain::billing::profile::BillingProfile;
use domain::billing::purchase::Purchase;
use domain::billing::subscription::Subscription;
use domain::clock::{Span, Timestamp};
use domain::ids::UserId;
use domain::ports::Unavailable;
use domain::ports::billing::{PageEnd, PurchaseBook, PurchaseName};
use uuid::Uuid;

use super::{profile_columns, purchase_columns, subscription_columns, with_returns};
use crate::error::Corrupt;
use crate::rows::{NoticeRow, ProfileRow, PurchaseRow, SubscriptionRow, lane, stored_id, stored_time, time};
use crate::statement::Statement;
use crate::storable;
use crate::store::PostgresStore;

/// A purchase by one of its names. Found before it is sorted: an order by time must not lead the planner to walk
/// through all purchases by time. There is one; should there be more, the first one stands.
macro_rules! purchase_named {
    ($condition:literal) => {
        concat!(
            "
WITH p AS MATERIALIZED (SELECT * FROM purchases WHERE ",
            $condition,
            ")
SELECT ",
            purchase_columns!(),
            "
FROM p ",
            with_returns!(),
            "
ORDER BY p.created_at, p.id LIMIT 1"
        )
    };
}

const BY_ID: &str = purchase_named!("lane = $1 AND id = $2");
const BY_SESSION: &str = purchase_named!("session_id = $1");
const BY_INTENT: &str = purchase_named!("payment_intent_id = $1");
const BY_CHARGE: &str = purchase_named!("charge_id = $1");
const BY_INVOICE: &str = purchase_named!("invoice_id = $1");

/// A page of purchases. Names are compared as text, byte by byte, which is the order of the ids: so any text will
/// do as the end of a page.
macro_rules! page_of_purchases {
    ($condition:literal, $at:literal, $at_again:literal, $name:literal, $limit:literal) => {
        concat!(
            "
SELECT ",
            purchase_columns!(),
            "
FROM (
    SELECT * FROM purchases
    WHERE ",
            $condition,
            "created_at <= ",
            $at,
            " AND (created_at < ",
            $at_again,
            " OR id::text COLLATE \"C\" < ",
            $name,
            ")
    ORDER BY created_at DESC, id DESC LIMIT ",
            $limit,
            "
) p ",
            with_returns!(),
            "
ORDER BY p.created_at DESC, p.id DESC"
        )
    };
}

const OF_USER: &str = page_of_purchases!("lane = $1 AND user_id = $2 AND ", "$3", "$4", "$5", "$6");
const OF_ALL: &str = page_of_purchases!("", "$1", "$2", "$3", "$4");

const NOTICES: &str = "
SELECT n.user_id, n.kind, n.subject, n.plan, n.credits, n.amount_minor, n.balance, n.threshold, n.detail,
    n.created_at
FROM notices n
WHERE n.lane = $1 AND n.user_id = $2 AND n.audience = 'user' AND n.created_at <= $3
    AND (n.created_at < $4 OR (n.kind || ':' || n.subject) COLLATE \"C\" < $5)
ORDER BY n.created_at DESC, (n.kind || ':' || n.subject) COLLATE \"C\" DESC LIMIT $6";

const SUBSCRIPTION: &str = concat!(
    "
SELECT ",
    subscription_columns!(),
    "
FROM subscriptions s WHERE s.id = $1 ORDER BY s.lane, s.user_id LIMIT 1"
);

const SUBSCRIPTIONS: &str = concat!(
    "
SELECT ",
    subscription_columns!(),
    "
FROM subscriptions s WHERE s.lane = $1 AND s.user_id = $2 ORDER BY s.created_at, s.id COLLATE \"C\""
);

const PROFILE: &str = concat!(
    "
SELECT ",
    profile_columns!(),
    "
FROM billing_profiles b WHERE b.lane = $1 AND b.user_id = $2"
);

const CUSTOMER: &str = "
WITH b AS MATERIALIZED (SELECT * FROM billing_profiles WHERE customer_id = $1)
SELECT b.user_id FROM b ORDER BY b.lane, b.user_id LIMIT 1";

/// Takes what is due and moves it on, in one statement. What a commit or another claim has locked is left for the
/// next time: so a claim never waits, and nothing is given to two. The answer is the row as it was locked.
const CLAIM_LOOKUPS: &str = concat!(
    "
WITH p AS MATERIALIZED (
    SELECT * FROM purchases WHERE next_lookup <= $1 ORDER BY next_lookup LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
),
later AS (SELECT $3::timestamptz[] AS times),
claimed AS (
    UPDATE purchases c
    SET lookups = p.lookups + 1,
        next_lookup = later.times[least(p.lookups + 1, cardinality(later.times))]
    FROM p, later
    WHERE c.lane = p.lane AND c.user_id = p.user_id AND c.id = p.id
)
SELECT ",
    purchase_columns!(),
    "
FROM p ",
    with_returns!(),
    "
ORDER BY p.next_lookup, p.id"
);

/// In any order: those for whom no top-up is opened after all (their month is spent, say) must not stand in the way
/// of others for ever.
const LOW_ON_CREDITS: &str = "
SELECT b.user_id
FROM billing_profiles b
CROSS JOIN LATERAL (
    SELECT * FROM user_ai_credits a WHERE a.lane = b.lane AND a.user_id = b.user_id OFFSET 0
) a
WHERE b.top_up_enabled AND b.top_up_open IS NULL
    AND a.total_credits - a.used_credits - a.held_credits < b.top_up_threshold
ORDER BY random() LIMIT $1";

const OLDEST_OPEN: &str = "
SELECT min(created_at) AS at FROM purchases WHERE state IN ('created', 'processing')";

#[derive(diesel::QueryableByName)]
struct UserRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
}

impl UserRow {
    #[allow(clippy::unnecessary_wraps)]
    fn into_domain(self) -> Result<UserId, Corrupt> {
        Ok(UserId::from_bytes(self.user_id.into_bytes()))
    }
}

#[derive(diesel::QueryableByName)]
struct TimeRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    at: Option<PgTimestamp>,
}

pub(crate) fn of_user(sql: &'static str, user: &UserId) -> Statement<'static> {
    Statement::new(sql).bind::<SmallInt, _>(lane(user)).bind::<SqlUuid, _>(stored_id(user.as_bytes()))
}

fn named(name: &PurchaseName) -> Statement<'static> {
    let by = |sql, text: &String| Statement::new(sql).bind::<Text, _>(text.clone());
    match name {
        PurchaseName::Id(id) => Statement::new(BY_ID)
            .bind::<SmallInt, _>(i16::from(id.lane().get()))
            .bind::<SqlUuid, _>(stored_id(id.as_bytes())),
        PurchaseName::Session(text) => by(BY_SESSION, text),
        PurchaseName::Intent(text) => by(BY_INTENT, text),
        PurchaseName::Charge(text) => by(BY_CHARGE, text),
        PurchaseName::Invoice(text) => by(BY_INVOICE, text),
    }
}

/// The last four parameters of a page.
fn up_to<'a>(page: Statement<'a>, before: Option<&PageEnd>, limit: u32) -> Statement<'a> {
    // No end is one behind the end of time.
    let (at, name) = before.map_or((PgTimestamp(i64::MAX), String::new()), |end| {
        (stored_time(storable::nearest(end.at)), storable::cleaned(&end.name).into_owned())
    });
    page.bind::<Timestamptz, _>(at)
        .bind::<Timestamptz, _>(at)
        .bind::<Text, _>(name)
        .bind::<BigInt, _>(i64::from(limit))
}

/// No text with a NUL is stored: nothing has that name.
fn is_nameless(name: &PurchaseName) -> bool {
    match name {
        PurchaseName::Id(_) => false,
        PurchaseName::Session(text)
        | PurchaseName::Intent(text)
        | PurchaseName::Charge(text)
        | PurchaseName::Invoice(text) => text.contains('\0'),
    }
}

async fn first<T>(
    found: impl Future<Output = Result<Vec<T>, Unavailable>>,
) -> Result<Option<T>, Unavailable> {
    Ok(found.await?.into_iter().next())
}

#[async_trait]
impl PurchaseBook for PostgresStore {
    async fn purchase(&self, name: PurchaseName) -> Result<Option<Purchase>, Unavailable> {
        if is_nameless(&name) {
            return Ok(None);
        }
        first(self.ask(|| named(&name), PurchaseRow::into_domain)).await
    }

    async fn subscription(&self, id: &str) -> Result<Option<Subscription>, Unavailable> {
        if id.contains('\0') {
            return Ok(None);
        }
        let statement = || Statement::new(SUBSCRIPTION).bind::<Text, _>(id.to_owned());
        first(self.ask(statement, SubscriptionRow::into_domain)).await
    }

    async fn subscriptions(&self, user: UserId) -> Result<Vec<Subscription>, Unavailable> {
        self.ask(|| of_user(SUBSCRIPTIONS, &user), SubscriptionRow::into_domain).await
    }

    async fn profile(&self, user: UserId) -> Result<BillingProfile, Unavailable> {
        let found = first(self.ask(|| of_user(PROFILE, &user), ProfileRow::into_domain)).await?;
        Ok(found.unwrap_or_else(|| BillingProfile::of_newcomer(user)))
    }

    async fn user_of_customer(&self, customer: &str) -> Result<Option<UserId>, Unavailable> {
        if customer.contains('\0') {
            return Ok(None);
        }
        let statement = || Statement::new(CUSTOMER).bind::<Text, _>(customer.to_owned());
        first(self.ask(statement, UserRow::into_domain)).await
    }

    async fn purchases(
        &self,
        user: Option<UserId>,
        before: Option<PageEnd>,
        limit: u32,
    ) -> Result<Vec<Purchase>, Unavailable> {
        let page = || match &user {
            Some(user) => up_to(of_user(OF_USER, user), before.as_ref(), limit),
            None => up_to(Statement::new(OF_ALL), before.as_ref(), limit),
        };
        self.ask(page, PurchaseRow::into_domain).await
    }

    async fn notices(
        &self,
        user: UserId,
        before: Option<PageEnd>,
        limit: u32,
    ) -> Result<Vec<Notice>, Unavailable> {
        let page = || up_to(of_user(NOTICES, &user), before.as_ref(), limit);
        self.ask(page, NoticeRow::into_domain).await
    }

    async fn claim_lookups(
        &self,
        now: Timestamp,
        waits: &[Span],
        limit: u32,
    ) -> Result<Vec<Purchase>, Unavailable> {
        storable::time("now", now)?;
        let mut later: Vec<Timestamp> = waits.iter().map(|wait| now.after(*wait)).collect();
        if later.is_empty() {
            later.push(now);
        }
        later.iter().try_for_each(|at| storable::time("waits", *at))?;
        let claim = || {
            Statement::new(CLAIM_LOOKUPS)
                .bind::<Timestamptz, _>(stored_time(now))
                .bind::<BigInt, _>(i64::from(limit))
                .column::<Timestamptz, PgTimestamp>(later.iter().map(|at| stored_time(*at)))
        };
        self.ask(claim, PurchaseRow::into_domain).await
    }

    async fn low_on_credits(&self, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        let statement = || Statement::new(LOW_ON_CREDITS).bind::<BigInt, _>(i64::from(limit));
        self.ask(statement, UserRow::into_domain).await
    }

    async fn oldest_open(&self) -> Result<Option<Timestamp>, Unavailable> {
        let found = first(self.ask(|| Statement::new(OLDEST_OPEN), |row: TimeRow| Ok(row.at.map(time))));
        Ok(found.await?.flatten())
    }
}

/// Every lookup with values to plan it for, and the indexes that its plan must use.
#[cfg(test)]
pub(super) const LOOKUPS: &[super::ReaderLookup] = &[
    (BY_ID, "(7, md5('7')::uuid)", &["purchases_id", "purchase_returns_pkey"]),
    (BY_SESSION, "('cs_7_1')", &["purchases_session"]),
    (BY_INTENT, "('pi_7_1')", &["purchases_intent"]),
    (BY_CHARGE, "('ch_7_1')", &["purchases_charge"]),
    (BY_INVOICE, "('in_7_1')", &["purchases_invoice"]),
    // Any index will do that starts with the user.
    (OF_USER, "(7, md5('7')::uuid, 'infinity', 'infinity', '', 50)", &["purchase_returns_pkey"]),
    (OF_ALL, "('infinity', 'infinity', '', 50)", &["purchases_created_at"]),
    (NOTICES, "(7, md5('7')::uuid, 'infinity', 'infinity', '', 50)", &[]),
    (SUBSCRIPTION, "('sub_7')", &["subscriptions_id"]),
    (SUBSCRIPTIONS, "(7, md5('7')::uuid)", &["subscriptions_pkey"]),
    (PROFILE, "(7, md5('7')::uuid)", &["billing_profiles_pkey"]),
    (CUSTOMER, "('cus_7')", &["billing_profiles_customer"]),
    (CLAIM_LOOKUPS, "(now(), 20, ARRAY[now()])", &["purchases_lookup"]),
    (LOW_ON_CREDITS, "(20)", &["billing_profiles_top_up", "user_ai_credits_pkey"]),
    (OLDEST_OPEN, "", &["purchases_open"]),
];
