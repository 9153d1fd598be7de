//! Usage: one row for each AI request that ended, charged or not.

use crate::clock::{Span, Timestamp};
use crate::credits::Credits;
use crate::ids::{HoldId, UserId};
use crate::ledger::account::PlanName;
use crate::money::NanoUsd;
use crate::tokens::TokenUsage;

/// What kind of AI request it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// `POST /api/ai-assistant`.
    Assistant,
    /// `POST /api/ai-insights`.
    Insights,
    /// `POST /v1/chat/completions`.
    ChatCompletions,
    /// `POST /v1/responses`.
    Responses,
    /// `POST /v1/embeddings`.
    Embeddings,
}

impl RequestKind {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Assistant, Self::Insights, Self::ChatCompletions, Self::Responses, Self::Embeddings];

    /// The word that stores and clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assistant => "assistant",
            Self::Insights => "insights",
            Self::ChatCompletions => "chat_completions",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
        }
    }

    /// The kind that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// How an AI request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Answered and charged.
    Settled,
    /// The provider failed or could not be reached; free.
    UpstreamFailed,
    /// The provider answered without output; free.
    NoOutput,
    /// The provider's answer could not be read; free.
    Unusable,
    /// No answer in time, so what the provider did is unknown; free.
    Unknown,
    /// The provider failed after a part of the answer was delivered; free, but for accounts that meet this often.
    BrokenOff,
    /// The request was given up before it was settled; free.
    Abandoned,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 7] = [
        Self::Settled,
        Self::UpstreamFailed,
        Self::NoOutput,
        Self::Unusable,
        Self::Unknown,
        Self::BrokenOff,
        Self::Abandoned,
    ];

    /// The word that stores and clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::UpstreamFailed => "upstream_failed",
            Self::NoOutput => "no_output",
            Self::Unusable => "unusable",
            Self::Unknown => "unknown",
            Self::BrokenOff => "broken_off",
            Self::Abandoned => "abandoned",
        }
    }

    /// The outcome that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// What a request used, as far as it is known when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageFacts {
    /// What kind of request.
    pub kind: RequestKind,
    /// The model that was asked, as the catalogue names it.
    pub model: String,
    /// Tokens by kind.
    pub tokens: TokenUsage,
    /// What the provider charges for it.
    pub cost: NanoUsd,
    /// Which price that was: the model's `valid_from` day.
    pub price_version: String,
    /// From hold to end.
    pub duration: Span,
    /// Whether the tokens were counted by us, for want of the provider's figure.
    pub estimated: bool,
    /// The id that the answer carried.
    pub request_id: String,
}

/// One row of `ai_usage_log`. Its id is the hold's: a request has at most one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRecord {
    /// The hold that paid for it.
    pub hold: HoldId,
    /// Who asked.
    pub user: UserId,
    /// The plan in force when it ended.
    pub plan: PlanName,
    /// When it ended.
    pub at: Timestamp,
    /// What it used.
    pub facts: UsageFacts,
    /// How it ended.
    pub outcome: Outcome,
    /// What was charged.
    pub credits: Credits,
    /// What the request came to above the hold; borne by the house.
    pub absorbed: Credits,
}

/// The texts of a request: kept apart from its usage row, for a limited time, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageContent {
    /// The request.
    pub hold: HoldId,
    /// Who asked.
    pub user: UserId,
    /// When it ended; what the retention counts from.
    pub at: Timestamp,
    /// What was asked.
    pub request: String,
    /// What was answered.
    pub response: String,
}
