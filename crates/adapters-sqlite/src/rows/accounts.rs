//! `user_ai_credits`.

use diesel::SqliteConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use domain::clock::{Day, Timestamp};
use domain::credits::Credits;
use domain::ids::UserId;
use domain::ledger::account::{Account, LimitState, PlanName};
use domain::ports::overview::{AccountCursor, AccountOrder};

use super::{Owner, met_one, stored_count};
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::user_ai_credits::{self, dsl};
use crate::statement::update;

const TABLE: &str = "user_ai_credits";

#[derive(Queryable, Selectable)]
#[diesel(table_name = user_ai_credits)]
struct AccountRow {
    total_credits: Cell,
    used_credits: Cell,
    held_credits: Cell,
    clawed_credits: Cell,
    last_grant: Cell,
    plan_type: Cell,
    renewal_date: Cell,
    plan_until: Cell,
    pack_plan: Cell,
    rate_requests_tat: Cell,
    rate_tokens_tat: Cell,
    day_number: Cell,
    day_used: Cell,
    day_held: Cell,
    alert_threshold: Cell,
    alert_armed: Cell,
    suspensions: Cell,
    seq: Cell,
    journal_hash: Cell,
    created_at: Cell,
    closed_at: Cell,
}

impl AccountRow {
    fn read(self, user: UserId) -> Result<Account, Corrupt> {
        let at = Place::of_account(TABLE, user);
        Ok(Account {
            user,
            total: at.credits("total_credits", &self.total_credits)?,
            used: at.credits("used_credits", &self.used_credits)?,
            held: at.credits("held_credits", &self.held_credits)?,
            clawed: at.credits("clawed_credits", &self.clawed_credits)?,
            last_grant: at.credits("last_grant", &self.last_grant)?,
            plan: PlanName::new(at.text("plan_type", self.plan_type)?),
            renewal: at.maybe("renewal_date", &self.renewal_date, Place::time)?,
            plan_until: at.maybe("plan_until", &self.plan_until, Place::time)?,
            pack_plan: PlanName::new(at.text("pack_plan", self.pack_plan)?),
            limits: LimitState {
                requests_tat: at.time("rate_requests_tat", &self.rate_requests_tat)?,
                tokens_tat: at.time("rate_tokens_tat", &self.rate_tokens_tat)?,
                day: day(&at, "day_number", &self.day_number)?,
                day_used: at.credits("day_used", &self.day_used)?,
                day_held: at.credits("day_held", &self.day_held)?,
            },
            alert_threshold: at.maybe("alert_threshold", &self.alert_threshold, Place::credits)?,
            alert_armed: at.flag("alert_armed", &self.alert_armed)?,
            suspensions: at.count("suspensions", &self.suspensions)?,
            seq: at.seq("seq", &self.seq)?,
            journal_hash: at.hash("journal_hash", &self.journal_hash)?,
            created_at: at.time("created_at", &self.created_at)?,
            closed_at: at.maybe("closed_at", &self.closed_at, Place::time)?,
        })
    }
}

/// A reporting day.
pub fn day(at: &Place<'_>, column: &'static str, cell: &Cell) -> Result<Day, Corrupt> {
    at.number(column, cell, "a day", |days| i32::try_from(days).ok().map(Day::from_days))
}

/// The account of `user`, if there is one.
pub fn find(connection: &mut SqliteConnection, user: UserId) -> Result<Option<Account>, StoreError> {
    let owner = Owner::of(user);
    let row = dsl::user_ai_credits
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .select(AccountRow::as_select())
        .get_result(connection)
        .optional()?;
    Ok(row.map(|row| row.read(user)).transpose()?)
}

/// Whether the account of `user` is closed.
pub fn is_closed(connection: &mut SqliteConnection, user: UserId) -> Result<bool, StoreError> {
    let owner = Owner::of(user);
    let found: Option<Cell> = dsl::user_ai_credits
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .select(dsl::closed_at)
        .get_result(connection)
        .optional()?;
    Ok(found.is_some_and(|closed_at| closed_at != Cell::Null))
}

/// Up to `limit` users of a lane, by id, after `after`.
pub fn users_of_lane(
    connection: &mut SqliteConnection,
    lane: i64,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<UserId>, StoreError> {
    let after = after.map_or_else(String::new, |user| user.to_string());
    let ids: Vec<Cell> = dsl::user_ai_credits
        .filter(dsl::lane.eq(lane).and(dsl::user_id.gt(after)))
        .order(dsl::user_id)
        .limit(i64::from(limit))
        .select(dsl::user_id)
        .load(connection)?;
    let parsed = ids.iter().map(|id| match id {
        Cell::Text(text) => text.parse().map_err(|_| not_a_user(lane, id)),
        _ => Err(not_a_user(lane, id)),
    });
    Ok(parsed.collect::<Result<_, _>>()?)
}

/// Up to `limit` accounts in an order and then by id, highest first, behind `before` if given.
pub fn page(
    connection: &mut SqliteConnection,
    order: AccountOrder,
    before: Option<AccountCursor>,
    limit: u32,
) -> Result<Vec<Account>, StoreError> {
    // What is compared is written out: an index is taken only for its very columns.
    let (key, user) = before.map_or((i64::MAX, "~".to_owned()), |end| (end.key, end.user.to_string()));
    let sorted_by = match order {
        AccountOrder::Newest => "created_at",
        AccountOrder::MostUsed => "used_credits",
        AccountOrder::HighestBalance => "total_credits - used_credits",
    };
    let rows: Vec<(i64, Cell, AccountRow)> = dsl::user_ai_credits
        .filter(
            sql::<Bool>(&format!("({sorted_by}, user_id) < ("))
                .bind::<BigInt, _>(key)
                .sql(", ")
                .bind::<Text, _>(user)
                .sql(")"),
        )
        .order((sql::<BigInt>(sorted_by).desc(), dsl::user_id.desc()))
        .limit(i64::from(limit))
        .select((dsl::lane, dsl::user_id, AccountRow::as_select()))
        .load(connection)?;
    let accounts = rows.into_iter().map(|(lane, id, row)| {
        let user = match &id {
            Cell::Text(text) => text.parse().ok(),
            _ => None,
        };
        row.read(user.ok_or_else(|| not_a_user(lane, &id))?)
    });
    Ok(accounts.collect::<Result<_, _>>()?)
}

/// The error that the id of a row itself cannot be read.
pub fn not_a_user(lane: i64, id: &Cell) -> Corrupt {
    Corrupt { table: TABLE, key: format!("lane {lane}, user {id}"), column: "user_id", expected: "a UUID" }
}

/// Adds an account.
pub fn insert(
    connection: &mut SqliteConnection,
    account: &Account,
    updated_at: Timestamp,
) -> Result<(), StoreError> {
    let owner = Owner::of(account.user);
    diesel::insert_into(dsl::user_ai_credits)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::total_credits.eq(account.total.get()),
            dsl::used_credits.eq(account.used.get()),
            dsl::held_credits.eq(account.held.get()),
            dsl::clawed_credits.eq(account.clawed.get()),
            dsl::last_grant.eq(account.last_grant.get()),
            dsl::plan_type.eq(account.plan.as_str()),
            dsl::renewal_date.eq(account.renewal.map(Timestamp::as_micros)),
            dsl::plan_until.eq(account.plan_until.map(Timestamp::as_micros)),
            dsl::pack_plan.eq(account.pack_plan.as_str()),
            dsl::rate_requests_tat.eq(account.limits.requests_tat.as_micros()),
            dsl::rate_tokens_tat.eq(account.limits.tokens_tat.as_micros()),
            dsl::day_number.eq(i64::from(account.limits.day.as_days())),
            dsl::day_used.eq(account.limits.day_used.get()),
            dsl::day_held.eq(account.limits.day_held.get()),
            dsl::alert_threshold.eq(account.alert_threshold.map(Credits::get)),
            dsl::alert_armed.eq(account.alert_armed),
            dsl::suspensions.eq(i64::from(account.suspensions)),
            dsl::seq.eq(stored_count(account.seq)),
            dsl::journal_hash.eq(account.journal_hash.as_slice()),
            dsl::created_at.eq(account.created_at.as_micros()),
            dsl::updated_at.eq(updated_at.as_micros()),
            dsl::closed_at.eq(account.closed_at.map(Timestamp::as_micros)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Writes an account that was read in this transaction.
pub fn save(
    connection: &mut SqliteConnection,
    account: &Account,
    updated_at: Timestamp,
) -> Result<(), StoreError> {
    let owner = Owner::of(account.user);
    let rows = update(
        &dsl::user_ai_credits,
        (
            dsl::total_credits.eq(account.total.get()),
            dsl::used_credits.eq(account.used.get()),
            dsl::held_credits.eq(account.held.get()),
            dsl::clawed_credits.eq(account.clawed.get()),
            dsl::last_grant.eq(account.last_grant.get()),
            dsl::plan_type.eq(account.plan.as_str().to_owned()),
            dsl::renewal_date.eq(account.renewal.map(Timestamp::as_micros)),
            dsl::plan_until.eq(account.plan_until.map(Timestamp::as_micros)),
            dsl::pack_plan.eq(account.pack_plan.as_str().to_owned()),
            dsl::rate_requests_tat.eq(account.limits.requests_tat.as_micros()),
            dsl::rate_tokens_tat.eq(account.limits.tokens_tat.as_micros()),
            dsl::day_number.eq(i64::from(account.limits.day.as_days())),
            dsl::day_used.eq(account.limits.day_used.get()),
            dsl::day_held.eq(account.limits.day_held.get()),
            dsl::alert_threshold.eq(account.alert_threshold.map(Credits::get)),
            dsl::alert_armed.eq(account.alert_armed),
            dsl::suspensions.eq(i64::from(account.suspensions)),
            dsl::seq.eq(stored_count(account.seq)),
            dsl::journal_hash.eq(account.journal_hash.to_vec()),
            dsl::updated_at.eq(updated_at.as_micros()),
            dsl::closed_at.eq(account.closed_at.map(Timestamp::as_micros)),
        ),
        dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)),
    )
    .execute(connection)?;
    met_one(TABLE, rows)
}
