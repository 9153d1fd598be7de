//! Loading what a batch that buys needs, under the locks of its accounts.
//!
//! Purchases are locked, too: whoever claims them to look them up at the provider holds no account's lock. That
//! claim never waits, so nothing can wait in a circle.

use std::collections::BTreeSet;

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use domain::ids::{IdempotencyKey, PurchaseId, UserId};
use domain::ledger::batch::{Loaded, Needs};
use futures_util::join;
use uuid::Uuid;

use super::{profile_columns, purchase_columns, subscription_columns, with_returns};
use crate::error::StoreError;
use crate::load::{keyed, of_users, some};
use crate::rows::{ProfileRow, PurchaseRow, SubscriptionRow, all, stored_id};
use crate::statement::Statement;

const PURCHASES: &str = concat!(
    "
SELECT ",
    purchase_columns!(),
    "
FROM unnest($1::smallint[], $2::uuid[], $3::uuid[]) AS n(lane, user_id, id)
CROSS JOIN LATERAL (
    SELECT * FROM purchases p WHERE p.lane = n.lane AND p.user_id = n.user_id AND p.id = n.id FOR NO KEY UPDATE
) p
",
    with_returns!()
);

const PURCHASES_OF_KEYS: &str = concat!(
    "
SELECT ",
    purchase_columns!(),
    "
FROM unnest($1::smallint[], $2::uuid[], $3::text[]) AS n(lane, user_id, key)
CROSS JOIN LATERAL (
    SELECT * FROM purchases p WHERE p.lane = n.lane AND p.user_id = n.user_id AND p.idempotency_key = n.key
    FOR NO KEY UPDATE
) p
",
    with_returns!()
);

const SUBSCRIPTIONS: &str = concat!(
    "
SELECT ",
    subscription_columns!(),
    "
FROM unnest($1::smallint[], $2::uuid[]) AS n(lane, user_id)
CROSS JOIN LATERAL (
    SELECT * FROM subscriptions s WHERE s.lane = n.lane AND s.user_id = n.user_id OFFSET 0
) s"
);

const PROFILES: &str = concat!(
    "
SELECT ",
    profile_columns!(),
    "
FROM unnest($1::smallint[], $2::uuid[]) AS n(lane, user_id)
CROSS JOIN LATERAL (
    SELECT * FROM billing_profiles b WHERE b.lane = n.lane AND b.user_id = n.user_id OFFSET 0
) b"
);

/// Reads purchases, subscriptions and profiles, each only where there is a need; the rest of the answer is empty.
pub(crate) async fn load(connection: &AsyncPgConnection, needs: &Needs) -> Result<Loaded, StoreError> {
    let (named, keyed, subscriptions, profiles) = join!(
        some(!needs.purchases.is_empty(), || of_ids(&needs.purchases).load::<PurchaseRow>(connection)),
        some(!needs.purchase_keys.is_empty(), || {
            of_keys(&needs.purchase_keys).load::<PurchaseRow>(connection)
        }),
        some(!needs.billing.is_empty(), || {
            of_users(SUBSCRIPTIONS, &needs.billing).load::<SubscriptionRow>(connection)
        }),
        some(!needs.billing.is_empty(), || of_users(PROFILES, &needs.billing).load::<ProfileRow>(connection)),
    );
    let mut purchases = all(named?, PurchaseRow::into_domain)?;
    purchases.extend(all(keyed?, PurchaseRow::into_domain)?);
    Ok(Loaded {
        purchases,
        subscriptions: all(subscriptions?, SubscriptionRow::into_domain)?,
        profiles: all(profiles?, ProfileRow::into_domain)?,
        ..Loaded::default()
    })
}

fn of_ids(purchases: &BTreeSet<(UserId, PurchaseId)>) -> Statement<'static> {
    keyed(PURCHASES, purchases.iter().map(|(user, _)| user))
        .column::<SqlUuid, Uuid>(purchases.iter().map(|(_, id)| stored_id(id.as_bytes())))
}

fn of_keys(keys: &BTreeSet<(UserId, IdempotencyKey)>) -> Statement<'_> {
    keyed(PURCHASES_OF_KEYS, keys.iter().map(|(user, _)| user))
        .column::<Text, &str>(keys.iter().map(|(_, key)| key.as_str()))
}

/// Every lookup with the indexes that its plan must use.
#[cfg(test)]
pub(super) const LOOKUPS: &[super::Lookup] = &[
    // Any index will do that starts with the user: a user has few purchases.
    (PURCHASES, &["purchase_returns_pkey"]),
    (PURCHASES_OF_KEYS, &["purchase_returns_pkey"]),
    (SUBSCRIPTIONS, &["subscriptions_pkey"]),
    (PROFILES, &["billing_profiles_pkey"]),
];
