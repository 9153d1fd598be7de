//! `billing_profiles`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use domain::billing::profile::{BillingProfile, TopUp, TopUpSettings};
use domain::ids::UserId;
use domain::ledger::account::PlanName;

use super::Owner;
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::billing_profiles::{self, dsl};

const TABLE: &str = "billing_profiles";

/// Users whose credits are low, to be topped up. In no order: some cannot be topped up for weeks (their
/// month's cap is reached), and the same ones must not fill the limit time and again.
const LOW: &str = "
    SELECT p.lane, p.user_id
    FROM billing_profiles AS p INDEXED BY billing_profiles_top_up
    LEFT JOIN user_ai_credits AS a ON a.lane = p.lane AND a.user_id = p.user_id
    WHERE p.top_up_enabled AND p.top_up_open IS NULL
      AND coalesce(a.total_credits - a.used_credits - a.held_credits, 0) < p.top_up_threshold
    ORDER BY random()
    LIMIT ?";

#[derive(Queryable, Selectable)]
#[diesel(table_name = billing_profiles)]
struct ProfileRow {
    customer_id: Cell,
    top_up_enabled: Cell,
    top_up_threshold: Cell,
    top_up_plan: Cell,
    top_up_cap_minor: Cell,
    top_up_open: Cell,
    top_up_declines: Cell,
    top_up_month: Cell,
    top_up_month_minor: Cell,
}

impl ProfileRow {
    fn read(self, user: UserId) -> Result<BillingProfile, Corrupt> {
        let at = Place::of_account(TABLE, user);
        let customer = at.maybe_text("customer_id", self.customer_id.clone())?;
        Ok(BillingProfile { user, customer, top_up: self.read_top_up(&at)? })
    }

    /// Automatic top-up: all of its columns or none; but for the one that is open, which there may not be.
    fn read_top_up(self, at: &Place<'_>) -> Result<Option<TopUp>, Corrupt> {
        if self.top_up_enabled == Cell::Null {
            let others = [
                ("top_up_threshold", self.top_up_threshold),
                ("top_up_plan", self.top_up_plan),
                ("top_up_cap_minor", self.top_up_cap_minor),
                ("top_up_open", self.top_up_open),
                ("top_up_declines", self.top_up_declines),
                ("top_up_month", self.top_up_month),
                ("top_up_month_minor", self.top_up_month_minor),
            ];
            return match others.into_iter().find(|(_, cell)| *cell != Cell::Null) {
                Some((column, _)) => Err(at.corrupt(column, "empty, as top_up_enabled is")),
                None => Ok(None),
            };
        }
        Ok(Some(TopUp {
            settings: TopUpSettings {
                enabled: at.flag("top_up_enabled", &self.top_up_enabled)?,
                threshold: at.credits("top_up_threshold", &self.top_up_threshold)?,
                plan: PlanName::new(at.text("top_up_plan", self.top_up_plan)?),
                monthly_cap_minor: at.minor("top_up_cap_minor", &self.top_up_cap_minor)?,
            },
            open: at.maybe("top_up_open", &self.top_up_open, Place::id)?,
            declines: at.count("top_up_declines", &self.top_up_declines)?,
            month: at.number("top_up_month", &self.top_up_month, "a month", Some)?,
            month_minor: at.minor("top_up_month_minor", &self.top_up_month_minor)?,
        }))
    }
}

#[derive(QueryableByName)]
struct UserRow {
    #[diesel(sql_type = BigInt)]
    lane: i64,
    #[diesel(sql_type = Text)]
    user_id: Cell,
}

impl UserRow {
    fn read(&self) -> Result<UserId, Corrupt> {
        let name = Cell::Text(format!("lane {}, user {}", self.lane, self.user_id));
        Place::apart(TABLE, &name).id("user_id", &self.user_id)
    }
}

/// The profile of `user`, if there is one.
pub fn find(connection: &mut SqliteConnection, user: UserId) -> Result<Option<BillingProfile>, StoreError> {
    let owner = Owner::of(user);
    let row = dsl::billing_profiles
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .select(ProfileRow::as_select())
        .get_result(connection)
        .optional()?;
    Ok(row.map(|row| row.read(user)).transpose()?)
}

/// The user whose customer at the provider that is.
pub fn user_of(connection: &mut SqliteConnection, customer: &str) -> Result<Option<UserId>, StoreError> {
    let row: Option<(i64, Cell)> = dsl::billing_profiles
        .filter(dsl::customer_id.eq(customer))
        .select((dsl::lane, dsl::user_id))
        .first(connection)
        .optional()?;
    Ok(row.map(|(lane, user_id)| UserRow { lane, user_id }.read()).transpose()?)
}

/// Up to `limit` users for whom automatic top-up is on, none is under way, and whose credits are below
/// their threshold. A row that cannot be read is logged and left out: the others must not wait for it.
pub fn low_on_credits(connection: &mut SqliteConnection, limit: u32) -> Result<Vec<UserId>, StoreError> {
    let rows: Vec<UserRow> = sql_query(LOW).bind::<BigInt, _>(i64::from(limit)).load(connection)?;
    let logged = |row: &UserRow| {
        row.read().inspect_err(|corrupt| tracing::error!(%corrupt, "left out of the top-ups")).ok()
    };
    Ok(rows.iter().filter_map(logged).collect())
}

/// Adds a profile, or replaces it.
pub fn put(connection: &mut SqliteConnection, profile: &BillingProfile) -> Result<(), StoreError> {
    let owner = Owner::of(profile.user);
    let top_up = profile.top_up.as_ref();
    let settings = top_up.map(|it| &it.settings);
    diesel::replace_into(dsl::billing_profiles)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::customer_id.eq(profile.customer.as_deref()),
            dsl::top_up_enabled.eq(settings.map(|it| it.enabled)),
            dsl::top_up_threshold.eq(settings.map(|it| it.threshold.get())),
            dsl::top_up_plan.eq(settings.map(|it| it.plan.as_str())),
            dsl::top_up_cap_minor.eq(settings.map(|it| it.monthly_cap_minor)),
            dsl::top_up_open.eq(top_up.and_then(|it| it.open).map(|id| id.to_string())),
            dsl::top_up_declines.eq(top_up.map(|it| i64::from(it.declines))),
            dsl::top_up_month.eq(top_up.map(|it| it.month)),
            dsl::top_up_month_minor.eq(top_up.map(|it| it.month_minor)),
        ))
        .execute(connection)?;
    Ok(())
}
