//! What clients see of the domain's things.

use domain::ledger::account::AccountView;
use domain::ledger::journal::JournalEntry;
use domain::ledger::usage::UsageRecord;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::rfc3339;
use crate::openapi::words;

/// An account's credits.
#[derive(Serialize, ToSchema)]
#[schema(as = Credits)]
pub struct CreditsBody {
    /// Granted, less expired, less taken back.
    total_credits: i64,
    /// Charged for AI requests.
    used_credits: i64,
    /// What can be spent now.
    available_credits: i64,
    /// Set aside for requests that are running.
    held_credits: i64,
    /// Taken back after they were spent.
    owed_credits: i64,
    /// The plan in force; `free` without one.
    plan_type: String,
    /// When the plan renews or ends.
    #[schema(format = DateTime)]
    renewal_date: Option<String>,
    /// Below it, there is a notice.
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
#[derive(Serialize, ToSchema)]
#[schema(as = AdminCredits)]
pub struct AdminCreditsBody {
    #[serde(flatten)]
    credits: CreditsBody,
    #[schema(format = "uuid")]
    user_id: String,
    /// Whether it may not spend.
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

/// An entry of the journal.
#[derive(Serialize, ToSchema)]
#[schema(as = JournalEntry)]
pub struct EntryBody {
    /// Its number: 1, 2, 3 and so on.
    seq: u64,
    #[schema(value_type = words::EntryKind)]
    kind: &'static str,
    /// Credits that came, or went when negative.
    amount: i64,
    /// What the account had after it.
    balance_after: i64,
    /// What caused it: `hold:...`, `purchase:...`, `manual:...` and the like.
    source: String,
    #[schema(format = DateTime)]
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

/// An AI request.
// What the provider charges us is not the user's to see.
#[derive(Serialize, ToSchema)]
#[schema(as = Usage)]
pub struct UsageBody {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(value_type = words::RequestKind)]
    request_type: &'static str,
    model: String,
    credits_used: i64,
    /// Input and output together.
    tokens_used: u64,
    input_tokens: u64,
    /// The part of the input that the provider remembered.
    cached_input_tokens: u64,
    output_tokens: u64,
    /// The part of the output that is not shown.
    reasoning_tokens: u64,
    #[schema(value_type = words::Outcome)]
    outcome: &'static str,
    /// Whether the tokens were counted by us, because the provider did not say.
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
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    data: Vec<T>,
    /// Whether there are older ones.
    has_more: bool,
    /// The `cursor` of the next page.
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
