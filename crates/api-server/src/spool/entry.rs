//! A settlement as a file holds it.

use domain::clock::{Day, Moment, Span, Timestamp};
use domain::credits::Credits;
use domain::ids::IdempotencyKey;
use domain::ledger::command::{AnswerBody, Content, SettleRequest};
use domain::ledger::usage::{RequestKind, UsageFacts};
use domain::money::NanoUsd;
use domain::tokens::{TokenUsage, Tokens};
use serde::{Deserialize, Serialize};

/// One settlement. Times are microseconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    user: String,
    hold: String,
    charge: i64,
    kind: String,
    model: String,
    input: u64,
    cached_input: u64,
    output: u64,
    reasoning: u64,
    cost_nano_usd: i64,
    price_version: String,
    duration_micros: i64,
    estimated: bool,
    request_id: String,
    key: Option<String>,
    api_key: Option<String>,
    answer: Option<Answer>,
    content: Option<Texts>,
    at: i64,
    day: i32,
    day_ends: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    body: String,
    model: String,
    tokens: u64,
    request_id: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Texts {
    request: String,
    response: String,
}

impl Entry {
    pub fn of(request: &SettleRequest) -> Self {
        let facts = &request.facts;
        let answer = request.answer.as_ref();
        Self {
            user: request.user.to_string(),
            hold: request.hold.to_string(),
            charge: request.charge.get(),
            kind: facts.kind.as_str().to_owned(),
            model: facts.model.clone(),
            input: facts.tokens.input.get(),
            cached_input: facts.tokens.cached_input.get(),
            output: facts.tokens.output.get(),
            reasoning: facts.tokens.reasoning.get(),
            cost_nano_usd: facts.cost.get(),
            price_version: facts.price_version.clone(),
            duration_micros: facts.duration.as_micros(),
            estimated: facts.estimated,
            request_id: facts.request_id.clone(),
            key: request.key.as_ref().map(|key| key.as_str().to_owned()),
            api_key: request.api_key.map(|id| id.to_string()),
            // Answers are JSON or events, so they are text.
            answer: answer.and_then(|answer| {
                Some(Answer {
                    body: String::from_utf8(answer.body.clone()).ok()?,
                    model: answer.model.clone(),
                    tokens: answer.tokens.get(),
                    request_id: answer.request_id.clone(),
                })
            }),
            content: request
                .content
                .as_ref()
                .map(|texts| Texts { request: texts.request.clone(), response: texts.response.clone() }),
            at: request.now.at.as_micros(),
            day: request.now.day.as_days(),
            day_ends: request.now.day_ends.as_micros(),
        }
    }

    /// `None` where a part of it makes no sense.
    pub fn into_request(self) -> Option<SettleRequest> {
        let key = match &self.key {
            Some(key) => Some(IdempotencyKey::parse(key).ok()?),
            None => None,
        };
        let api_key = match &self.api_key {
            Some(id) => Some(id.parse().ok()?),
            None => None,
        };
        Some(SettleRequest {
            user: self.user.parse().ok()?,
            hold: self.hold.parse().ok()?,
            charge: Credits::new(self.charge).ok()?,
            facts: UsageFacts {
                kind: RequestKind::from_word(&self.kind)?,
                model: self.model,
                tokens: TokenUsage {
                    input: Tokens::new(self.input),
                    cached_input: Tokens::new(self.cached_input),
                    output: Tokens::new(self.output),
                    reasoning: Tokens::new(self.reasoning),
                },
                cost: NanoUsd::new(self.cost_nano_usd)?,
                price_version: self.price_version,
                duration: Span::from_micros(self.duration_micros),
                estimated: self.estimated,
                request_id: self.request_id,
            },
            key,
            api_key,
            answer: self.answer.map(|answer| AnswerBody {
                body: answer.body.into_bytes(),
                model: answer.model,
                tokens: Tokens::new(answer.tokens),
                request_id: answer.request_id,
            }),
            content: self.content.map(|texts| Content { request: texts.request, response: texts.response }),
            now: Moment {
                at: Timestamp::from_micros(self.at),
                day: Day::from_days(self.day),
                day_ends: Timestamp::from_micros(self.day_ends),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use testkit::requests::api_keys::new_api_key_id;
    use testkit::requests::{SettleExt, new_hold_id, settle, user};

    use super::*;

    #[test]
    fn a_settlement_comes_back_as_it_was() {
        let request = settle(user(1), new_hold_id(user(1))).answered("k", "olá").keeping("q", "r").costing(7);
        let request = request.under(new_api_key_id(user(1)));
        let text = serde_json::to_string(&Entry::of(&request)).unwrap();
        let back = serde_json::from_str::<Entry>(&text).unwrap().into_request().unwrap();
        assert_eq!(format!("{back:?}"), format!("{request:?}"));
    }
}
