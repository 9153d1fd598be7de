//! What is personal: kept, shown to its owner, erased.

use async_trait::async_trait;
use diesel::data_types::PgTimestamp;
use diesel::prelude::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use domain::contact::{Contact, EmailAddress};
use domain::ids::{GrantId, HoldId, IdempotencyKey, UserId};
use domain::language::Language;
use domain::ledger::account::Suspension;
use domain::ledger::batch::Decided;
use domain::ledger::holds::KeyRecord;
use domain::ledger::lots::Lot;
use domain::ledger::usage::UsageContent;
use domain::ports::Unavailable;
use domain::ports::personal::{ERASED_AT_ONCE, PersonalData};
use futures_util::FutureExt;
use futures_util::future::join_all;
use uuid::Uuid;

use crate::billing::reads::of_user;
use crate::error::{Corrupt, Place, Rest, StoreError};
use crate::load::keyed;
use crate::rows::{KeyRow, LotRow, SuspensionRow, stored_id, time};
use crate::statement::Statement;
use crate::store::PostgresStore;
use crate::upkeep::{PURGE_BOUND, be_patient};

/// Each takes lane, user, and the most rows to touch; together they leave nothing personal behind. A new table with
/// something personal in it gets its line here, and in `adapters-sqlite`.
const ERASE: [&str; 11] = [
    "DELETE FROM ai_usage_content WHERE (lane, user_id, usage_id, created_at) IN (
        SELECT c.lane, c.user_id, c.usage_id, c.created_at FROM ai_usage_content c
        WHERE c.lane = $1 AND c.user_id = $2 LIMIT $3)",
    "DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
        SELECT k.ctid FROM idempotency_keys k WHERE k.lane = $1 AND k.user_id = $2 LIMIT $3))",
    "DELETE FROM credit_journal_notes WHERE ctid = ANY (ARRAY(
        SELECT n.ctid FROM credit_journal_notes n WHERE n.lane = $1 AND n.user_id = $2 LIMIT $3))",
    "DELETE FROM outbox WHERE ctid = ANY (ARRAY(
        SELECT o.ctid FROM outbox o
        JOIN notices n ON n.lane = o.lane AND n.user_id = o.user_id AND n.kind = o.kind AND n.subject = o.subject
        WHERE o.lane = $1 AND o.user_id = $2 AND n.audience = 'user' LIMIT $3))",
    "DELETE FROM notices WHERE ctid = ANY (ARRAY(
        SELECT n.ctid FROM notices n WHERE n.lane = $1 AND n.user_id = $2 AND n.audience = 'user'
            AND NOT EXISTS (
                SELECT FROM outbox o WHERE o.lane = n.lane AND o.user_id = n.user_id AND o.kind = n.kind
                    AND o.subject = n.subject
            )
        LIMIT $3))",
    "DELETE FROM alert_contacts WHERE ctid = ANY (ARRAY(
        SELECT c.ctid FROM alert_contacts c WHERE c.lane = $1 AND c.user_id = $2 LIMIT $3))",
    "UPDATE account_suspensions SET reason = '' WHERE ctid = ANY (ARRAY(
        SELECT s.ctid FROM account_suspensions s
        WHERE s.lane = $1 AND s.user_id = $2 AND s.reason <> '' LIMIT $3))",
    "UPDATE credit_holds SET idempotency_key = NULL WHERE ctid = ANY (ARRAY(
        SELECT h.ctid FROM credit_holds h
        WHERE h.lane = $1 AND h.user_id = $2 AND h.idempotency_key IS NOT NULL LIMIT $3))",
    "DELETE FROM audit_reasons WHERE ctid = ANY (ARRAY(
        SELECT r.ctid FROM audit_log a JOIN audit_reasons r ON r.lane = a.lane AND r.id = a.id
        WHERE a.lane = $1 AND a.user_id = $2 LIMIT $3))",
    "UPDATE api_keys SET name = '' WHERE ctid = ANY (ARRAY(
        SELECT k.ctid FROM api_keys k WHERE k.lane = $1 AND k.user_id = $2 AND k.name <> '' LIMIT $3))",
    "UPDATE purchases SET idempotency_key = NULL, fingerprint = NULL WHERE ctid = ANY (ARRAY(
        SELECT p.ctid FROM purchases p
        WHERE p.lane = $1 AND p.user_id = $2 AND p.idempotency_key IS NOT NULL LIMIT $3))",
];

const ADD_ERASURES: &str = "
INSERT INTO erasures (lane, user_id) SELECT * FROM unnest($1::smallint[], $2::uuid[])
ON CONFLICT (lane, user_id) DO NOTHING";

const REMOVE_ERASURE: &str = "DELETE FROM erasures WHERE lane = $1 AND user_id = $2";

const TO_ERASE: &str = "SELECT user_id FROM erasures ORDER BY lane, user_id LIMIT $1";

const UPSERT_CONTACTS: &str = "
INSERT INTO alert_contacts (lane, user_id, email, language)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[])
ON CONFLICT (lane, user_id) DO UPDATE SET email = excluded.email, language = excluded.language";

const IS_CLOSED: &str = "
SELECT a.closed_at IS NOT NULL AS closed FROM user_ai_credits a WHERE a.lane = $1 AND a.user_id = $2";

const CONTACT: &str = "
SELECT c.user_id, c.email, c.language FROM alert_contacts c WHERE c.lane = $1 AND c.user_id = $2";

const SUSPENSIONS: &str = "
SELECT s.user_id, s.source, s.actor, s.reason, s.since FROM account_suspensions s
WHERE s.lane = $1 AND s.user_id = $2 ORDER BY s.source COLLATE \"C\"";

const LOTS: &str = "
SELECT g.user_id, g.id, g.source, g.source_ref, g.parent_id, g.amount, g.remaining, g.expired, g.clawed,
    g.clawed_at, g.created_at, g.expires_at
FROM credit_grants g WHERE g.lane = $1 AND g.user_id = $2 AND g.id > $3 ORDER BY g.id LIMIT $4";

const TEXTS: &str = "
SELECT c.user_id, c.usage_id, c.request_content, c.response_content, c.created_at
FROM ai_usage_content c WHERE c.lane = $1 AND c.user_id = $2 AND c.usage_id > $3 ORDER BY c.usage_id LIMIT $4";

const KEYS: &str = "
SELECT k.user_id, k.key, k.hold_id, k.fingerprint, k.created_at, k.answer_body, k.answer_model, k.answer_tokens,
    k.answer_request_id, k.answer_charged, k.answer_remaining
FROM idempotency_keys k WHERE k.lane = $1 AND k.user_id = $2 AND k.key COLLATE \"C\" > $3
ORDER BY k.key COLLATE \"C\" LIMIT $4";

#[derive(QueryableByName)]
struct ClosedRow {
    #[diesel(sql_type = Bool)]
    closed: bool,
}

#[derive(QueryableByName)]
struct UserRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
}

#[derive(QueryableByName)]
struct ContactRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Text)]
    language: String,
}

impl ContactRow {
    fn into_domain(self) -> Result<Contact, Corrupt> {
        let at = Place::new("alert_contacts", self.user_id, Rest::Nothing);
        // What is wrong with an address is not said: it would show it.
        let parse = |text: String| {
            text.parse::<EmailAddress>().map_err(|_| at.corrupt("email", "is no e-mail address"))
        };
        let language = Language::from_tag(&self.language)
            .ok_or_else(|| at.corrupt("language", format!("is the unknown word {:?}", self.language)))?;
        let user = UserId::from_bytes(self.user_id.into_bytes());
        Ok(Contact { user, email: self.email.map(parse).transpose()?, language })
    }
}

#[derive(QueryableByName)]
struct TextsRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    usage_id: Uuid,
    #[diesel(sql_type = Text)]
    request_content: String,
    #[diesel(sql_type = Text)]
    response_content: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: PgTimestamp,
}

impl TextsRow {
    fn into_domain(self) -> UsageContent {
        UsageContent {
            hold: HoldId::from_bytes(self.usage_id.into_bytes()),
            user: UserId::from_bytes(self.user_id.into_bytes()),
            at: time(self.created_at),
            request: self.request_content,
            response: self.response_content,
        }
    }
}

/// Erases what is personal of accounts that were closed, and writes contacts, in the transaction that `connection` is
/// in.
pub(crate) async fn save(connection: &AsyncPgConnection, decided: &Decided) -> Result<(), StoreError> {
    for user in &decided.closed {
        erase(connection, user, i64::from(ERASED_AT_ONCE)).await?;
    }
    if !decided.closed.is_empty() {
        keyed(ADD_ERASURES, decided.closed.iter()).execute(connection).await?;
    }
    if !decided.contacts.is_empty() {
        let rows = &decided.contacts;
        let written = keyed(UPSERT_CONTACTS, rows.iter().map(|row| &row.user))
            .column::<Nullable<Text>, _>(rows.iter().map(|row| row.email.as_ref().map(EmailAddress::as_str)))
            .column::<Text, _>(rows.iter().map(|row| row.language.tag()))
            .execute(connection)
            .await?;
        if written != rows.len() {
            return Err(StoreError::Miscounted("contacts"));
        }
    }
    Ok(())
}

/// Erases up to `most` rows of each table.
async fn erase(connection: &AsyncPgConnection, user: &UserId, most: i64) -> Result<(), StoreError> {
    let statements = ERASE.map(|sql| of_user(sql, user).bind::<BigInt, _>(most).execute(connection));
    join_all(statements).await.into_iter().try_for_each(|erased| Ok(erased.map(drop)?))
}

#[async_trait]
impl PersonalData for PostgresStore {
    async fn is_closed(&self, user: UserId) -> Result<bool, Unavailable> {
        let closed = self.ask(|| of_user(IS_CLOSED, &user), |row: ClosedRow| Ok(row.closed)).await?;
        Ok(closed.into_iter().next().unwrap_or_default())
    }

    async fn contact(&self, user: UserId) -> Result<Contact, Unavailable> {
        let found = self.ask(|| of_user(CONTACT, &user), ContactRow::into_domain).await?;
        Ok(found.into_iter().next().unwrap_or_else(|| Contact::of_newcomer(user)))
    }

    async fn suspensions(&self, user: UserId) -> Result<Vec<Suspension>, Unavailable> {
        self.ask(|| of_user(SUSPENSIONS, &user), |row: SuspensionRow| Ok(row.into_domain())).await
    }

    async fn lots(&self, user: UserId, after: Option<GrantId>, limit: u32) -> Result<Vec<Lot>, Unavailable> {
        let after = after.map_or_else(Uuid::nil, |id| stored_id(id.as_bytes()));
        let lots = || of_user(LOTS, &user).bind::<SqlUuid, _>(after).bind::<BigInt, _>(i64::from(limit));
        self.ask(lots, LotRow::into_domain).await
    }

    async fn texts(
        &self,
        user: UserId,
        after: Option<HoldId>,
        limit: u32,
    ) -> Result<Vec<UsageContent>, Unavailable> {
        let after = after.map_or_else(Uuid::nil, |id| stored_id(id.as_bytes()));
        let texts = || of_user(TEXTS, &user).bind::<SqlUuid, _>(after).bind::<BigInt, _>(i64::from(limit));
        self.ask(texts, |row: TextsRow| Ok(row.into_domain())).await
    }

    async fn keys(
        &self,
        user: UserId,
        after: Option<IdempotencyKey>,
        limit: u32,
    ) -> Result<Vec<KeyRecord>, Unavailable> {
        let after = after.as_ref().map_or("", IdempotencyKey::as_str);
        let keys =
            || of_user(KEYS, &user).bind::<Text, _>(after.to_owned()).bind::<BigInt, _>(i64::from(limit));
        self.ask(keys, KeyRow::into_domain).await
    }

    async fn to_erase(&self, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        let some = || Statement::new(TO_ERASE).bind::<BigInt, _>(i64::from(limit));
        self.ask(some, |row: UserRow| Ok(UserId::from_bytes(row.user_id.into_bytes()))).await
    }

    async fn erase_rest(&self, user: UserId) -> Result<(), Unavailable> {
        if !self.is_closed(user).await? {
            return Ok(());
        }
        self.read(PURGE_BOUND, move |connection| {
            async move {
                connection
                    .transaction(async |connection| {
                        be_patient(connection).await?;
                        erase(connection, &user, i64::MAX).await?;
                        of_user(REMOVE_ERASURE, &user).execute(connection).await?;
                        Ok(())
                    })
                    .await
            }
            .boxed()
        })
        .await
    }
}

#[cfg(test)]
pub(crate) const ERASING: [&str; 11] = ERASE;
