//! What the statements of the figures answer.

use diesel::QueryableByName;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use domain::ledger::account::PlanName;
use domain::ledger::usage::{Outcome, RequestKind};
use domain::money::NanoUsd;
use domain::reports::{BucketFigures, CreditMoves, MoneySums, UsageSlice, UsageSums};
use uuid::Uuid;

use crate::error::{Corrupt, Place, Rest};

#[derive(QueryableByName)]
pub(super) struct FoldedTo {
    #[diesel(sql_type = Timestamptz)]
    pub folded_to: PgTimestamp,
}

#[derive(QueryableByName)]
pub(super) struct SliceRow {
    #[diesel(sql_type = Text)]
    pub model: String,
    #[diesel(sql_type = Text)]
    pub request_type: String,
    #[diesel(sql_type = Text)]
    pub plan_type: String,
    #[diesel(sql_type = Text)]
    pub outcome: String,
    #[diesel(sql_type = BigInt)]
    pub requests: i64,
    #[diesel(sql_type = BigInt)]
    pub credits: i64,
    #[diesel(sql_type = BigInt)]
    pub absorbed: i64,
    #[diesel(sql_type = BigInt)]
    pub cost: i64,
    #[diesel(sql_type = BigInt)]
    pub duration_ms: i64,
}

/// A user of rows, with a number if they have one.
#[derive(QueryableByName)]
pub(super) struct SpentRow {
    #[diesel(sql_type = SqlUuid)]
    pub user_id: Uuid,
    #[diesel(sql_type = Nullable<Integer>)]
    pub number: Option<i32>,
    #[diesel(sql_type = BigInt)]
    pub requests: i64,
    #[diesel(sql_type = BigInt)]
    pub credits: i64,
}

#[derive(QueryableByName)]
pub(super) struct SeenRow {
    #[diesel(sql_type = Integer)]
    pub bucket: i32,
    #[diesel(sql_type = SqlUuid)]
    pub user_id: Uuid,
    #[diesel(sql_type = Nullable<Integer>)]
    pub number: Option<i32>,
}

#[derive(QueryableByName)]
pub(super) struct CrowdRow {
    #[diesel(sql_type = Integer)]
    pub bucket: i32,
    #[diesel(sql_type = Timestamptz)]
    pub hour: PgTimestamp,
    #[diesel(sql_type = Binary)]
    pub users: Vec<u8>,
}

#[derive(QueryableByName)]
pub(super) struct PeopleRow {
    #[diesel(sql_type = Integer)]
    pub people: i32,
}

#[derive(QueryableByName)]
pub(super) struct NameRow {
    #[diesel(sql_type = Integer)]
    pub number: i32,
    #[diesel(sql_type = SqlUuid)]
    pub user_id: Uuid,
}

#[derive(QueryableByName)]
pub(super) struct SlotRow {
    #[diesel(sql_type = Integer)]
    pub slot: i32,
    #[diesel(sql_type = BigInt)]
    pub requests: i64,
}

#[derive(QueryableByName)]
pub(super) struct BucketRow {
    #[diesel(sql_type = Integer)]
    pub bucket: i32,
    #[diesel(sql_type = BigInt)]
    pub requests: i64,
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    #[diesel(sql_type = BigInt)]
    pub credits: i64,
    #[diesel(sql_type = BigInt)]
    pub cost: i64,
}

#[derive(QueryableByName)]
pub(super) struct MoneyRow {
    #[diesel(sql_type = Integer)]
    pub bucket: i32,
    #[diesel(sql_type = BigInt)]
    pub paid: i64,
    #[diesel(sql_type = BigInt)]
    pub returned: i64,
}

#[derive(QueryableByName)]
pub(super) struct MovesRow {
    #[diesel(sql_type = BigInt)]
    pub granted: i64,
    #[diesel(sql_type = BigInt)]
    pub sold: i64,
    #[diesel(sql_type = BigInt)]
    pub expired: i64,
    #[diesel(sql_type = BigInt)]
    pub clawed_back: i64,
    #[diesel(sql_type = BigInt)]
    pub adjusted: i64,
}

#[derive(QueryableByName)]
pub(super) struct CreditsRow {
    #[diesel(sql_type = BigInt)]
    pub credits: i64,
}

/// Where a sum stands: it has no row of its own.
pub(super) fn sums(table: &'static str) -> Place {
    Place::new(table, Uuid::nil(), Rest::Text("sums".to_owned()))
}

fn cost(at: &Place, stored: i64) -> Result<NanoUsd, Corrupt> {
    NanoUsd::new(stored).ok_or_else(|| at.corrupt("cost_nano_usd", "sums below zero"))
}

impl SliceRow {
    pub fn into_domain(self) -> Result<UsageSlice, Corrupt> {
        let at = sums("usage_hours");
        Ok(UsageSlice {
            kind: at.word("request_type", &self.request_type, RequestKind::from_word)?,
            outcome: at.word("outcome", &self.outcome, Outcome::from_word)?,
            sums: UsageSums {
                requests: self.requests.unsigned_abs(),
                credits: at.amount("credits", self.credits)?,
                absorbed: at.amount("absorbed", self.absorbed)?,
                cost: cost(&at, self.cost)?,
                duration_ms: self.duration_ms.unsigned_abs(),
            },
            model: self.model,
            plan: PlanName::new(self.plan_type),
        })
    }
}

impl BucketRow {
    pub fn fill(&self, place: &mut BucketFigures) -> Result<(), Corrupt> {
        let at = sums("usage_hours");
        place.requests = self.requests.unsigned_abs();
        place.failed = self.failed.unsigned_abs();
        place.credits = at.amount("credits", self.credits)?;
        place.cost = cost(&at, self.cost)?;
        Ok(())
    }
}

impl MoneyRow {
    pub fn sums(&self) -> MoneySums {
        MoneySums { paid_minor: self.paid, returned_minor: self.returned }
    }
}

impl MovesRow {
    pub fn read(&self) -> Result<CreditMoves, Corrupt> {
        let at = sums("credit_journal");
        let signed = |amount| at.signed("amount", amount);
        Ok(CreditMoves {
            granted: signed(self.granted)?,
            sold: signed(self.sold)?,
            expired: signed(self.expired)?,
            clawed_back: signed(self.clawed_back)?,
            adjusted: signed(self.adjusted)?,
        })
    }
}
