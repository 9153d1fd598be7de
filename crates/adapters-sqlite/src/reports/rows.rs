//! What the statements of the figures answer.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use domain::credits::Credits;
use domain::ledger::account::PlanName;
use domain::ledger::usage::{Outcome, RequestKind};
use domain::money::NanoUsd;
use domain::reports::{BucketFigures, CreditMoves, MoneySums, UsageSlice, UsageSums};

use crate::cell::{Cell, Place};
use crate::error::Corrupt;

#[derive(QueryableByName)]
pub struct SliceRow {
    #[diesel(sql_type = Text)]
    model: Cell,
    #[diesel(sql_type = Text)]
    request_type: Cell,
    #[diesel(sql_type = Text)]
    plan_type: Cell,
    #[diesel(sql_type = Text)]
    outcome: Cell,
    #[diesel(sql_type = BigInt)]
    requests: i64,
    #[diesel(sql_type = BigInt)]
    credits: i64,
    #[diesel(sql_type = BigInt)]
    absorbed: i64,
    #[diesel(sql_type = BigInt)]
    cost: i64,
    #[diesel(sql_type = BigInt)]
    duration_ms: i64,
}

#[derive(QueryableByName)]
pub struct SlotRow {
    #[diesel(sql_type = BigInt)]
    pub slot: i64,
    #[diesel(sql_type = BigInt)]
    pub requests: i64,
}

#[derive(QueryableByName)]
pub struct BucketRow {
    #[diesel(sql_type = BigInt)]
    pub bucket: i64,
    #[diesel(sql_type = BigInt)]
    requests: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    credits: i64,
    #[diesel(sql_type = BigInt)]
    cost: i64,
}

#[derive(QueryableByName)]
pub struct MoneyRow {
    #[diesel(sql_type = BigInt)]
    pub bucket: i64,
    #[diesel(sql_type = BigInt)]
    paid: i64,
    #[diesel(sql_type = BigInt)]
    returned: i64,
}

#[derive(QueryableByName)]
pub struct MovesRow {
    #[diesel(sql_type = BigInt)]
    granted: i64,
    #[diesel(sql_type = BigInt)]
    sold: i64,
    #[diesel(sql_type = BigInt)]
    expired: i64,
    #[diesel(sql_type = BigInt)]
    clawed_back: i64,
    #[diesel(sql_type = BigInt)]
    adjusted: i64,
}

#[derive(QueryableByName)]
pub struct CreditsRow {
    #[diesel(sql_type = BigInt)]
    credits: i64,
}

/// What stands in place of a key in an error about a sum.
static SUM: Cell = Cell::Null;

pub fn sum(table: &'static str) -> Place<'static> {
    Place::apart(table, &SUM)
}

fn credits(table: &'static str, column: &'static str, amount: i64) -> Result<Credits, Corrupt> {
    sum(table).credits(column, &Cell::Integer(amount))
}

fn cost(nanos: i64) -> Result<NanoUsd, Corrupt> {
    sum("usage_hours").number("cost_nano_usd", &Cell::Integer(nanos), "a cost", NanoUsd::new)
}

impl SliceRow {
    pub fn read(self) -> Result<UsageSlice, Corrupt> {
        let at = sum("usage_hours");
        Ok(UsageSlice {
            model: at.text("model", self.model)?,
            kind: at.word("request_type", &self.request_type, "a request type", RequestKind::from_word)?,
            plan: PlanName::new(at.text("plan_type", self.plan_type)?),
            outcome: at.word("outcome", &self.outcome, "an outcome", Outcome::from_word)?,
            sums: UsageSums {
                requests: self.requests.unsigned_abs(),
                credits: credits("usage_hours", "credits", self.credits)?,
                absorbed: credits("usage_hours", "absorbed", self.absorbed)?,
                cost: cost(self.cost)?,
                duration_ms: self.duration_ms.unsigned_abs(),
            },
        })
    }
}

impl BucketRow {
    pub fn fill(&self, figures: &mut BucketFigures) -> Result<(), Corrupt> {
        figures.requests = self.requests.unsigned_abs();
        figures.failed = self.failed.unsigned_abs();
        figures.credits = credits("usage_hours", "credits", self.credits)?;
        figures.cost = cost(self.cost)?;
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
        let amount = |amount| credits("credit_journal", "amount", amount);
        Ok(CreditMoves {
            granted: amount(self.granted)?,
            sold: amount(self.sold)?,
            expired: amount(self.expired)?,
            clawed_back: amount(self.clawed_back)?,
            adjusted: amount(self.adjusted)?,
        })
    }
}

impl CreditsRow {
    pub fn read(&self) -> Result<Credits, Corrupt> {
        credits("user_ai_credits", "total_credits", self.credits)
    }
}
