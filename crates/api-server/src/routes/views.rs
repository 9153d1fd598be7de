//! What clients see of the domain's things.

use domain::ledger::account::AccountView;
use domain::ledger::journal::JournalEntry;
use domain::ledger::usage::UsageRecord;
use serde::Serialize;

use crate::clock::rfc3339;

/// `GET /api/user/ai-credits`.
#[derive(Serialize)]
pub struct CreditsBody {
    total_credits: i64,
    used_credits: i64,
    available_credits: i64,
    held_credits: i64,
    owed_credits: i64,
    plan_type: String,
    renewal_date: Option<String>,
    low_balance_threshold: i64,
}

impl From<&AccountView> for CreditsBody {
    fn from(view: &AccountView) -> Self {
        let sums = view.balances;
        Self {
            total_credits: sums.total.get(),
            used_credits: sums.used.get(),
            available_credits: sums.available.get(),
            held_credits: sums.held.get(),
            owed_credits: sums.owed.get(),
            plan_type: view.plan.as_str().to_owned(),
            renewal_date: view.renewal.map(rfc3339),
            low_balance_threshold: view.low_balance_threshold.get(),
        }
    }
}

/// What an admin sees of an account.
#[derive(Serialize)]
pub struct AdminCreditsBody {
    #[serde(flatten)]
    credits: CreditsBody,
    user_id: String,
    suspended: bool,
    closed_at: Option<String>,
}

impl AdminCreditsBody {
    /// Of an account.
    pub fn of(user: domain::ids::UserId, view: &AccountView) -> Self {
        let (user_id, closed_at) = (user.to_string(), view.closed_at.map(rfc3339));
        Self { credits: view.into(), user_id, suspended: view.suspended, closed_at }
    }
}

/// One line of `GET /api/user/ai-credits/history`.
#[derive(Serialize)]
pub struct EntryBody {
    seq: u64,
    kind: &'static str,
    amount: i64,
    balance_after: i64,
    source: String,
    created_at: String,
}

impl From<&JournalEntry> for EntryBody {
    fn from(entry: &JournalEntry) -> Self {
        Self {
            seq: entry.seq,
            kind: entry.kind.as_str(),
            amount: entry.amount.get(),
            balance_after: entry.balance_after.get(),
            source: entry.source.clone(),
            created_at: rfc3339(entry.at),
        }
    }
}

/// One line of `GET /api/user/ai-usage`. What the provider charges us is not the user's to see.
#[derive(Serialize)]
pub struct UsageBody {
    id: String,
    created_at: String,
    request_type: &'static str,
    model: String,
    credits_used: i64,
    tokens_used: u64,
    input_tokens: u64,
    cached_input_tokens: u64,
    output_tokens: u64,
    reasoning_tokens: u64,
    outcome: &'static str,
    estimated: bool,
    duration_ms: i64,
    request_id: String,
}

impl From<&UsageRecord> for UsageBody {
    fn from(row: &UsageRecord) -> Self {
        let facts = &row.facts;
        Self {
            id: row.hold.to_string(),
            created_at: rfc3339(row.at),
            request_type: facts.kind.as_str(),
            model: facts.model.clone(),
            credits_used: row.credits.get(),
            tokens_used: facts.tokens.total().get(),
            input_tokens: facts.tokens.input.get(),
            cached_input_tokens: facts.tokens.cached_input.get(),
            output_tokens: facts.tokens.output.get(),
            reasoning_tokens: facts.tokens.reasoning.get(),
            outcome: row.outcome.as_str(),
            estimated: facts.estimated,
            duration_ms: facts.duration.as_millis(),
            request_id: facts.request_id.clone(),
        }
    }
}

/// A page of a list, newest first.
#[derive(Serialize)]
pub struct Page<T> {
    data: Vec<T>,
    has_more: bool,
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of at most `limit` of the `rows`, of which one more than that was asked for.
    pub fn cut<R>(
        mut rows: Vec<R>,
        limit: u32,
        line: impl Fn(&R) -> T,
        cursor: impl Fn(&R) -> String,
    ) -> Self {
        let limit = limit as usize;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| has_more).map(cursor);
        Self { data: rows.iter().map(line).collect(), has_more, next_cursor }
    }
}
