//! `api_keys`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::api_keys::{ApiKey, SecretHash};
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ids::{ApiKeyId, UserId};
use domain::ledger::api_keys::MOST_LIVE;
use domain::ports::api_keys::ApiKeyCursor;
use domain::ports::identity::Scope;

use super::{Owner, met_one};
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::api_keys::{self, dsl};
use crate::statement::update;

const TABLE: &str = "api_keys";

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
struct ApiKeyRow {
    user_id: Cell,
    id: Cell,
    name: Cell,
    prefix: Cell,
    secret_hash: Cell,
    scopes: Cell,
    spend_cap: Cell,
    spent: Cell,
    created_at: Cell,
    expires_at: Cell,
    last_used_at: Cell,
    revoked_at: Cell,
}

impl ApiKeyRow {
    fn read(self) -> Result<ApiKey, Corrupt> {
        let user = Place::apart(TABLE, &self.id).id("user_id", &self.user_id)?;
        let at = Place::of_row(TABLE, user, &self.id);
        Ok(ApiKey {
            id: at.id("id", &self.id)?,
            user,
            name: at.text("name", self.name)?,
            prefix: at.text("prefix", self.prefix)?,
            secret: SecretHash::stored(at.hash("secret_hash", &self.secret_hash)?),
            scopes: at.word("scopes", &self.scopes, "a list of scopes", Scope::split)?,
            spend_cap: at.maybe("spend_cap", &self.spend_cap, Place::credits)?,
            spent: at.credits("spent", &self.spent)?,
            created_at: at.time("created_at", &self.created_at)?,
            expires_at: at.maybe("expires_at", &self.expires_at, Place::time)?,
            last_used_at: at.maybe("last_used_at", &self.last_used_at, Place::time)?,
            revoked_at: at.maybe("revoked_at", &self.revoked_at, Place::time)?,
        })
    }
}

fn read_all(rows: Vec<ApiKeyRow>) -> Result<Vec<ApiKey>, StoreError> {
    Ok(rows.into_iter().map(ApiKeyRow::read).collect::<Result<_, _>>()?)
}

/// The key with this id, whosever it is.
pub fn find(connection: &mut SqliteConnection, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    let row = dsl::api_keys
        .filter(dsl::lane.eq(i64::from(id.lane().get())).and(dsl::id.eq(id.to_string())))
        .select(ApiKeyRow::as_select())
        .get_result(connection)
        .optional()?;
    Ok(row.map(ApiKeyRow::read).transpose()?)
}

/// The key of `user` with this id.
pub fn of_user(
    connection: &mut SqliteConnection,
    user: UserId,
    id: ApiKeyId,
) -> Result<Option<ApiKey>, StoreError> {
    Ok(find(connection, id)?.filter(|key| key.user == user))
}

/// Of the keys of `user` that are not revoked, at least the [`MOST_LIVE`] that expire last.
pub fn unrevoked(connection: &mut SqliteConnection, user: UserId) -> Result<Vec<ApiKey>, StoreError> {
    let most = i64::try_from(MOST_LIVE).unwrap_or(i64::MAX);
    let owner = || {
        let owner = Owner::of(user);
        dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)).and(dsl::revoked_at.is_null())
    };
    let mut rows: Vec<ApiKeyRow> = dsl::api_keys
        .filter(owner().and(dsl::expires_at.is_null()))
        .limit(most)
        .select(ApiKeyRow::as_select())
        .load(connection)?;
    let ending: Vec<ApiKeyRow> = dsl::api_keys
        .filter(owner().and(dsl::expires_at.is_not_null()))
        .order(dsl::expires_at.desc())
        .limit(most)
        .select(ApiKeyRow::as_select())
        .load(connection)?;
    rows.extend(ending);
    read_all(rows)
}

/// All keys that `user` ever had.
pub fn all(connection: &mut SqliteConnection, user: UserId) -> Result<Vec<ApiKey>, StoreError> {
    let owner = Owner::of(user);
    let rows = dsl::api_keys
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .select(ApiKeyRow::as_select())
        .load(connection)?;
    read_all(rows)
}

/// Up to `limit` keys of `user`, newest first by time and then by id, older than `before` if given.
pub fn page(
    connection: &mut SqliteConnection,
    user: UserId,
    before: Option<ApiKeyCursor>,
    limit: u32,
) -> Result<Vec<ApiKey>, StoreError> {
    let owner = Owner::of(user);
    let of_user = dsl::api_keys
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .order((dsl::created_at.desc(), dsl::id.desc()))
        .limit(i64::from(limit))
        .select(ApiKeyRow::as_select());
    read_all(match before {
        None => of_user.load(connection)?,
        Some(ApiKeyCursor { at, id }) => {
            let at = at.as_micros();
            let older = dsl::created_at.lt(at).or(dsl::id.lt(id.to_string()));
            of_user.filter(dsl::created_at.le(at)).filter(older).load(connection)?
        }
    })
}

/// Adds a key.
pub fn insert(connection: &mut SqliteConnection, key: &ApiKey) -> Result<(), StoreError> {
    let owner = Owner::of(key.user);
    diesel::insert_into(dsl::api_keys)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::id.eq(key.id.to_string()),
            dsl::name.eq(key.name.as_str()),
            dsl::prefix.eq(key.prefix.as_str()),
            dsl::secret_hash.eq(key.secret.as_bytes().as_slice()),
            dsl::scopes.eq(Scope::join(&key.scopes)),
            dsl::spend_cap.eq(key.spend_cap.map(Credits::get)),
            dsl::spent.eq(key.spent.get()),
            dsl::created_at.eq(key.created_at.as_micros()),
            dsl::expires_at.eq(key.expires_at.map(Timestamp::as_micros)),
            dsl::last_used_at.eq(key.last_used_at.map(Timestamp::as_micros)),
            dsl::revoked_at.eq(key.revoked_at.map(Timestamp::as_micros)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Writes what can change of a key that was read in this transaction.
pub fn save(connection: &mut SqliteConnection, key: &ApiKey) -> Result<(), StoreError> {
    let rows = update(
        &dsl::api_keys,
        (
            dsl::spent.eq(key.spent.get()),
            dsl::last_used_at.eq(key.last_used_at.map(Timestamp::as_micros)),
            dsl::revoked_at.eq(key.revoked_at.map(Timestamp::as_micros)),
        ),
        dsl::lane.eq(i64::from(key.id.lane().get())).and(dsl::id.eq(key.id.to_string())),
    )
    .execute(connection)?;
    met_one(TABLE, rows)
}
