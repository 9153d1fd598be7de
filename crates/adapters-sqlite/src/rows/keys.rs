//! `idempotency_keys`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::ids::{IdempotencyKey, UserId};
use domain::ledger::command::{AnswerBody, StoredAnswer};
use domain::ledger::holds::KeyRecord;

use super::{Owner, stored_count};
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::idempotency_keys::{self, dsl};

const TABLE: &str = "idempotency_keys";

#[derive(Queryable, Selectable)]
#[diesel(table_name = idempotency_keys)]
struct KeyRow {
    hold_id: Cell,
    fingerprint: Cell,
    created_at: Cell,
    answer_body: Cell,
    answer_model: Cell,
    answer_tokens: Cell,
    answer_request_id: Cell,
    answer_charged: Cell,
    answer_remaining: Cell,
}

impl KeyRow {
    fn read(self, user: UserId, key: IdempotencyKey) -> Result<KeyRecord, Corrupt> {
        let name = Cell::Text(key.as_str().to_owned());
        let at = Place::of_row(TABLE, user, &name);
        Ok(KeyRecord {
            user,
            key,
            hold: at.id("hold_id", &self.hold_id)?,
            fingerprint: at.hash("fingerprint", &self.fingerprint)?,
            created_at: at.time("created_at", &self.created_at)?,
            answer: self.read_answer(&at)?,
        })
    }

    /// The kept answer: all of its columns or none.
    fn read_answer(self, at: &Place<'_>) -> Result<Option<StoredAnswer>, Corrupt> {
        if self.answer_body == Cell::Null {
            let others = [
                ("answer_model", self.answer_model),
                ("answer_tokens", self.answer_tokens),
                ("answer_request_id", self.answer_request_id),
                ("answer_charged", self.answer_charged),
                ("answer_remaining", self.answer_remaining),
            ];
            return match others.into_iter().find(|(_, cell)| *cell != Cell::Null) {
                Some((column, _)) => Err(at.corrupt(column, "empty, as answer_body is")),
                None => Ok(None),
            };
        }
        Ok(Some(StoredAnswer {
            answer: AnswerBody {
                body: at.bytes("answer_body", self.answer_body)?,
                model: at.text("answer_model", self.answer_model)?,
                tokens: at.tokens("answer_tokens", &self.answer_tokens)?,
                request_id: at.text("answer_request_id", self.answer_request_id)?,
            },
            charged: at.credits("answer_charged", &self.answer_charged)?,
            remaining: at.credits("answer_remaining", &self.answer_remaining)?,
        }))
    }
}

/// What `user` used `key` for, if it was used.
pub fn find(
    connection: &mut SqliteConnection,
    user: UserId,
    key: &IdempotencyKey,
) -> Result<Option<KeyRecord>, StoreError> {
    let owner = Owner::of(user);
    let row = dsl::idempotency_keys
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::key.eq(key.as_str()))
        .select(KeyRow::as_select())
        .get_result(connection)
        .optional()?;
    Ok(row.map(|row| row.read(user, key.clone())).transpose()?)
}

/// Up to `limit` keys of `user`, by key, after `after` if given.
pub fn page(
    connection: &mut SqliteConnection,
    user: UserId,
    after: Option<&IdempotencyKey>,
    limit: u32,
) -> Result<Vec<KeyRecord>, StoreError> {
    let owner = Owner::of(user);
    let rows: Vec<(Cell, KeyRow)> = dsl::idempotency_keys
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::key.gt(after.map_or("", IdempotencyKey::as_str)))
        .order(dsl::key)
        .limit(i64::from(limit))
        .select((dsl::key, KeyRow::as_select()))
        .load(connection)?;
    let record = |(key, row): (Cell, KeyRow)| {
        let at = Place::of_account(TABLE, user);
        let key = at.word("key", &key, "an idempotency key", |text| IdempotencyKey::parse(text).ok())?;
        row.read(user, key)
    };
    Ok(rows.into_iter().map(record).collect::<Result<_, Corrupt>>()?)
}

/// Adds a key, or replaces what it stood for. (`REPLACE` writes every column and, other than an upsert,
/// is prepared once.)
pub fn put(connection: &mut SqliteConnection, record: &KeyRecord) -> Result<(), StoreError> {
    let owner = Owner::of(record.user);
    let kept = record.answer.as_ref();
    let answer = kept.map(|kept| &kept.answer);
    diesel::replace_into(dsl::idempotency_keys)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::key.eq(record.key.as_str()),
            dsl::hold_id.eq(record.hold.to_string()),
            dsl::fingerprint.eq(record.fingerprint.as_slice()),
            dsl::created_at.eq(record.created_at.as_micros()),
            dsl::answer_body.eq(answer.map(|answer| answer.body.as_slice())),
            dsl::answer_model.eq(answer.map(|answer| answer.model.as_str())),
            dsl::answer_tokens.eq(answer.map(|answer| stored_count(answer.tokens.get()))),
            dsl::answer_request_id.eq(answer.map(|answer| answer.request_id.as_str())),
            dsl::answer_charged.eq(kept.map(|kept| kept.charged.get())),
            dsl::answer_remaining.eq(kept.map(|kept| kept.remaining.get())),
        ))
        .execute(connection)?;
    Ok(())
}
