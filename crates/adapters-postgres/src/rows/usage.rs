//! `ai_usage_log`.

use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::prelude::{Queryable, QueryableByName, Selectable};
use domain::ids::HoldId;
use domain::ledger::account::PlanName;
use domain::ledger::usage::{Outcome, RequestKind, UsageFacts, UsageRecord};
use domain::money::NanoUsd;
use domain::tokens::TokenUsage;
use uuid::Uuid;

use super::time;
use crate::error::{Corrupt, Place, Rest};
use crate::schema::ai_usage_log;

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = ai_usage_log, check_for_backend(Pg))]
pub(crate) struct UsageRow {
    user_id: Uuid,
    id: Uuid,
    credits_used: i64,
    absorbed_credits: i64,
    input_tokens: i64,
    cached_input_tokens: i64,
    output_tokens: i64,
    reasoning_tokens: i64,
    cost_nano_usd: i64,
    price_version: String,
    request_type: String,
    model: String,
    outcome: String,
    estimated: bool,
    duration_ms: i64,
    request_id: String,
    created_at: PgTimestamp,
    plan_type: String,
}

impl UsageRow {
    pub fn into_domain(self) -> Result<UsageRecord, Corrupt> {
        let at = Place::new("ai_usage_log", self.user_id, Rest::Id(self.id));
        let negative = || at.corrupt("cost_nano_usd", format!("is {}, below zero", self.cost_nano_usd));
        Ok(UsageRecord {
            hold: HoldId::from_bytes(self.id.into_bytes()),
            user: at.user(),
            plan: PlanName::new(self.plan_type),
            at: time(self.created_at),
            outcome: at.word("outcome", &self.outcome, Outcome::from_word)?,
            credits: at.amount("credits_used", self.credits_used)?,
            absorbed: at.amount("absorbed_credits", self.absorbed_credits)?,
            facts: UsageFacts {
                kind: at.word("request_type", &self.request_type, RequestKind::from_word)?,
                model: self.model,
                tokens: TokenUsage {
                    input: at.tokens("input_tokens", self.input_tokens)?,
                    cached_input: at.tokens("cached_input_tokens", self.cached_input_tokens)?,
                    output: at.tokens("output_tokens", self.output_tokens)?,
                    reasoning: at.tokens("reasoning_tokens", self.reasoning_tokens)?,
                },
                cost: NanoUsd::new(self.cost_nano_usd).ok_or_else(negative)?,
                price_version: self.price_version,
                duration: at.millis("duration_ms", self.duration_ms)?,
                estimated: self.estimated,
                request_id: self.request_id,
            },
        })
    }
}
