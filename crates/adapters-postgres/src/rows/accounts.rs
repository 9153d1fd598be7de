//! `user_ai_credits` and `account_suspensions`.

use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::prelude::{Queryable, QueryableByName, Selectable};
use domain::clock::Day;
use domain::ids::UserId;
use domain::ledger::account::{Account, Actor, LimitState, PlanName, Suspension, SuspensionSource};
use uuid::Uuid;

use super::time;
use crate::error::{Corrupt, Place, Rest};
use crate::schema::{account_suspensions, user_ai_credits};

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = user_ai_credits, check_for_backend(Pg))]
pub(crate) struct AccountRow {
    user_id: Uuid,
    total_credits: i64,
    used_credits: i64,
    held_credits: i64,
    clawed_credits: i64,
    last_grant: i64,
    plan_type: String,
    renewal_date: Option<PgTimestamp>,
    plan_until: Option<PgTimestamp>,
    pack_plan: String,
    rate_requests_tat: PgTimestamp,
    rate_tokens_tat: PgTimestamp,
    day_number: i32,
    day_used: i64,
    day_held: i64,
    alert_threshold: Option<i64>,
    alert_armed: bool,
    suspensions: i32,
    seq: i64,
    journal_hash: Vec<u8>,
    created_at: PgTimestamp,
    closed_at: Option<PgTimestamp>,
}

impl AccountRow {
    pub fn into_domain(self) -> Result<Account, Corrupt> {
        let at = Place::new("user_ai_credits", self.user_id, Rest::Nothing);
        Ok(Account {
            user: at.user(),
            total: at.signed("total_credits", self.total_credits)?,
            used: at.amount("used_credits", self.used_credits)?,
            held: at.amount("held_credits", self.held_credits)?,
            clawed: at.amount("clawed_credits", self.clawed_credits)?,
            last_grant: at.amount("last_grant", self.last_grant)?,
            plan: PlanName::new(self.plan_type),
            renewal: self.renewal_date.map(time),
            plan_until: self.plan_until.map(time),
            pack_plan: PlanName::new(self.pack_plan),
            limits: LimitState {
                requests_tat: time(self.rate_requests_tat),
                tokens_tat: time(self.rate_tokens_tat),
                day: Day::from_days(self.day_number),
                day_used: at.amount("day_used", self.day_used)?,
                day_held: at.amount("day_held", self.day_held)?,
            },
            alert_threshold: self
                .alert_threshold
                .map(|threshold| at.signed("alert_threshold", threshold))
                .transpose()?,
            alert_armed: self.alert_armed,
            suspensions: u32::try_from(self.suspensions)
                .map_err(|_| at.corrupt("suspensions", format!("is {}, below zero", self.suspensions)))?,
            seq: at.count("seq", self.seq)?,
            journal_hash: at.hash("journal_hash", self.journal_hash)?,
            created_at: time(self.created_at),
            closed_at: self.closed_at.map(time),
        })
    }
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = account_suspensions, check_for_backend(Pg))]
pub(crate) struct SuspensionRow {
    user_id: Uuid,
    source: String,
    actor: String,
    reason: String,
    since: PgTimestamp,
}

impl SuspensionRow {
    /// Any text and any time will do: there is no corrupt one.
    pub fn into_domain(self) -> Suspension {
        Suspension {
            user: UserId::from_bytes(self.user_id.into_bytes()),
            source: SuspensionSource::stored(self.source),
            actor: Actor::stored(self.actor),
            reason: self.reason,
            since: time(self.since),
        }
    }
}
