//! API keys: their part of a batch, each statement only where there is something to read or to write, and looking
//! them up.

use async_trait::async_trait;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use domain::api_keys::ApiKey;
use domain::credits::Credits;
use domain::ids::{ApiKeyId, UserId};
use domain::ledger::api_keys::MOST_LIVE;
use domain::ledger::batch::Needs;
use domain::ledger::command::CreateApiKeyRequest;
use domain::ports::Unavailable;
use domain::ports::api_keys::{ApiKeyBook, ApiKeyCursor};
use domain::ports::identity::Scope;
use futures_util::join;
use uuid::Uuid;

use crate::error::StoreError;
use crate::load::{keyed as of_keys, of_users, some};
use crate::rows::{ApiKeyRow, all, lane, stored_id, stored_time};
use crate::save::{Bulk, keyed};
use crate::statement::Statement;
use crate::storable::{self, text, time};
use crate::store::PostgresStore;

/// The columns of a key under the name `k`.
macro_rules! api_key_columns {
    () => {
        "k.user_id, k.id, k.name, k.prefix, k.secret_hash, k.scopes, k.spend_cap, k.spent, k.created_at,
    k.expires_at, k.last_used_at, k.revoked_at"
    };
}

const NAMED: &str = concat!(
    "
SELECT ",
    api_key_columns!(),
    "
FROM unnest($1::smallint[], $2::uuid[], $3::uuid[]) AS n(lane, user_id, id)
CROSS JOIN LATERAL (
    SELECT * FROM api_keys k WHERE k.lane = n.lane AND k.id = n.id OFFSET 0
) k
WHERE k.user_id = n.user_id"
);

/// Those that never expire come first, then those that expire last: as many as there may be live ones.
const UNREVOKED: &str = concat!(
    "
SELECT ",
    api_key_columns!(),
    "
FROM unnest($1::smallint[], $2::uuid[]) AS n(lane, user_id)
CROSS JOIN LATERAL (
    SELECT * FROM api_keys k WHERE k.lane = n.lane AND k.user_id = n.user_id AND k.revoked_at IS NULL
    ORDER BY k.expires_at DESC LIMIT 100
) k"
);

/// The limit in [`UNREVOKED`].
const _: () = assert!(MOST_LIVE == 100);

const INSERT: &str = "
INSERT INTO api_keys (lane, user_id, id, name, prefix, secret_hash, scopes, spend_cap, spent, created_at,
    expires_at, last_used_at, revoked_at)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::text[],
    $8::bigint[], $9::bigint[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[],
    $13::timestamptz[])";

const UPDATE: &str = "
UPDATE api_keys k SET spent = n.spent, last_used_at = n.last_used, revoked_at = n.revoked
FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::timestamptz[])
    AS n(lane, user_id, id, spent, last_used, revoked)
WHERE k.lane = n.lane AND k.id = n.id";

const BY_ID: &str =
    concat!("\nSELECT ", api_key_columns!(), "\nFROM api_keys k WHERE k.lane = $1 AND k.id = $2");

const PAGE: &str = concat!(
    "
SELECT ",
    api_key_columns!(),
    "
FROM api_keys k
WHERE k.lane = $1 AND k.user_id = $2 AND k.created_at <= $3 AND (k.created_at < $4 OR k.id < $5)
ORDER BY k.created_at DESC, k.id DESC LIMIT $6"
);

/// Writes new keys.
pub(crate) static NEW: Bulk = Bulk::new("new API keys", &[INSERT]);
/// Writes what can change of keys.
pub(crate) static CHANGED: Bulk = Bulk::new("API keys", &[UPDATE]);

/// Reads the keys that `needs` says; nothing where it names none.
pub(crate) async fn load(connection: &AsyncPgConnection, needs: &Needs) -> Result<Vec<ApiKey>, StoreError> {
    let ids = &needs.api_keys;
    let named = || {
        of_keys(NAMED, ids.iter().map(|(user, _)| user))
            .column::<SqlUuid, Uuid>(ids.iter().map(|(_, id)| stored_id(id.as_bytes())))
    };
    let users = &needs.live_api_keys;
    let (named, unrevoked) = join!(
        some(!ids.is_empty(), || named().load::<ApiKeyRow>(connection)),
        some(!users.is_empty(), || of_users(UNREVOKED, users).load::<ApiKeyRow>(connection)),
    );
    let mut keys = all(named?, ApiKeyRow::into_domain)?;
    keys.extend(all(unrevoked?, ApiKeyRow::into_domain)?);
    Ok(keys)
}

fn id(row: &ApiKey) -> Uuid {
    stored_id(row.id.as_bytes())
}

/// The columns of [`NEW`].
pub(crate) fn new<'a>(statement: Statement<'a>, rows: &'a [ApiKey]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
        .column::<SqlUuid, Uuid>(rows.iter().map(id))
        .column::<Text, &str>(rows.iter().map(|row| row.name.as_str()))
        .column::<Text, &str>(rows.iter().map(|row| row.prefix.as_str()))
        .column::<Binary, &[u8]>(rows.iter().map(|row| row.secret.as_bytes().as_slice()))
        .column::<Text, String>(rows.iter().map(|row| Scope::join(&row.scopes)))
        .column::<Nullable<BigInt>, Option<i64>>(rows.iter().map(|row| row.spend_cap.map(Credits::get)))
        .column::<BigInt, i64>(rows.iter().map(|row| row.spent.get()))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.created_at)))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.expires_at.map(stored_time)),
        )
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.last_used_at.map(stored_time)),
        )
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.revoked_at.map(stored_time)),
        )
}

/// The columns of [`CHANGED`].
pub(crate) fn changed<'a>(statement: Statement<'a>, rows: &'a [ApiKey]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
        .column::<SqlUuid, Uuid>(rows.iter().map(id))
        .column::<BigInt, i64>(rows.iter().map(|row| row.spent.get()))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.last_used_at.map(stored_time)),
        )
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.revoked_at.map(stored_time)),
        )
}

/// Refuses keys with texts or times that no column can hold.
pub(crate) fn check(request: &CreateApiKeyRequest) -> Result<(), StoreError> {
    text("name", &request.name)?;
    text("prefix", &request.prefix)?;
    request.expires_at.map_or(Ok(()), |at| time("expires_at", at))
}

#[async_trait]
impl ApiKeyBook for PostgresStore {
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Unavailable> {
        let by_id = || {
            Statement::new(BY_ID)
                .bind::<SmallInt, _>(i16::from(id.lane().get()))
                .bind::<SqlUuid, _>(stored_id(id.as_bytes()))
        };
        Ok(self.ask(by_id, ApiKeyRow::into_domain).await?.into_iter().next())
    }

    async fn api_keys(
        &self,
        user: UserId,
        before: Option<ApiKeyCursor>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Unavailable> {
        // No end is one behind the end of time.
        let (at, id) = before.map_or((PgTimestamp(i64::MAX), Uuid::nil()), |end| {
            (stored_time(storable::nearest(end.at)), stored_id(end.id.as_bytes()))
        });
        let page = || {
            Statement::new(PAGE)
                .bind::<SmallInt, _>(lane(&user))
                .bind::<SqlUuid, _>(stored_id(user.as_bytes()))
                .bind::<Timestamptz, _>(at)
                .bind::<Timestamptz, _>(at)
                .bind::<SqlUuid, _>(id)
                .bind::<BigInt, _>(i64::from(limit))
        };
        self.ask(page, ApiKeyRow::into_domain).await
    }
}

/// Every lookup of the writers, with the indexes that its plan must use.
#[cfg(test)]
pub(crate) const LOOKUPS: &[(&str, &[&str])] =
    &[(NAMED, &["api_keys_pkey"]), (UNREVOKED, &["api_keys_unrevoked"])];

/// Every lookup of the readers, with values to plan it for, and the indexes that its plan must use.
#[cfg(test)]
pub(crate) const LOOKUPS_OF_READERS: &[(&str, &str, &[&str])] = &[
    (BY_ID, "(7, md5('7')::uuid)", &["api_keys_pkey"]),
    (
        PAGE,
        "(7, md5('7')::uuid, 'infinity', 'infinity', '00000000-0000-0000-0000-000000000000', 50)",
        &["api_keys_of_user"],
    ),
];
