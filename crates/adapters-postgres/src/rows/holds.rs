//! `credit_holds` and `idempotency_keys`.

use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::prelude::{Queryable, QueryableByName, Selectable};
use domain::clock::Day;
use domain::ids::{ApiKeyId, HoldId, InstanceId};
use domain::ledger::command::{AnswerBody, StoredAnswer};
use domain::ledger::holds::{Hold, HoldState, KeyRecord};
use domain::ledger::usage::RequestKind;
use uuid::Uuid;

use super::{idempotency_key, time};
use crate::error::{Corrupt, Place, Rest};
use crate::schema::{credit_holds, idempotency_keys};

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = credit_holds, check_for_backend(Pg))]
pub(crate) struct HoldRow {
    user_id: Uuid,
    id: Uuid,
    amount: i64,
    state: String,
    charged: i64,
    absorbed: i64,
    request_type: String,
    idempotency_key: Option<String>,
    instance_id: Uuid,
    tokens: i64,
    tokens_span: i64,
    day_number: i32,
    created_at: PgTimestamp,
    expires_at: PgTimestamp,
    closed_at: Option<PgTimestamp>,
    api_key_id: Option<Uuid>,
}

impl HoldRow {
    pub fn into_domain(self) -> Result<Hold, Corrupt> {
        let at = Place::new("credit_holds", self.user_id, Rest::Id(self.id));
        Ok(Hold {
            id: HoldId::from_bytes(self.id.into_bytes()),
            user: at.user(),
            amount: at.amount("amount", self.amount)?,
            state: at.word("state", &self.state, HoldState::from_word)?,
            charged: at.amount("charged", self.charged)?,
            absorbed: at.amount("absorbed", self.absorbed)?,
            kind: at.word("request_type", &self.request_type, RequestKind::from_word)?,
            key: self.idempotency_key.map(|key| idempotency_key(&at, "idempotency_key", &key)).transpose()?,
            api_key: self.api_key_id.map(|id| ApiKeyId::from_bytes(id.into_bytes())),
            instance: InstanceId::from_bytes(self.instance_id.into_bytes()),
            tokens: at.tokens("tokens", self.tokens)?,
            tokens_span: at.micros("tokens_span", self.tokens_span)?,
            day: Day::from_days(self.day_number),
            created_at: time(self.created_at),
            expires_at: time(self.expires_at),
            closed_at: self.closed_at.map(time),
        })
    }
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = idempotency_keys, check_for_backend(Pg))]
pub(crate) struct KeyRow {
    user_id: Uuid,
    key: String,
    hold_id: Uuid,
    fingerprint: Vec<u8>,
    created_at: PgTimestamp,
    answer_body: Option<Vec<u8>>,
    answer_model: Option<String>,
    answer_tokens: Option<i64>,
    answer_request_id: Option<String>,
    answer_charged: Option<i64>,
    answer_remaining: Option<i64>,
}

impl KeyRow {
    pub fn into_domain(self) -> Result<KeyRecord, Corrupt> {
        let at = Place::new("idempotency_keys", self.user_id, Rest::Text(self.key.clone()));
        let answer = (
            self.answer_body,
            self.answer_model,
            self.answer_tokens,
            self.answer_request_id,
            self.answer_charged,
            self.answer_remaining,
        );
        let answer = match answer {
            (None, None, None, None, None, None) => None,
            (Some(body), Some(model), Some(tokens), Some(request_id), Some(charged), Some(remaining)) => {
                let tokens = at.tokens("answer_tokens", tokens)?;
                Some(StoredAnswer {
                    answer: AnswerBody { body, model, tokens, request_id },
                    charged: at.amount("answer_charged", charged)?,
                    remaining: at.amount("answer_remaining", remaining)?,
                })
            }
            _ => {
                return Err(
                    at.corrupt("answer_body", "and its companions are neither all there nor all null")
                );
            }
        };
        Ok(KeyRecord {
            user: at.user(),
            key: idempotency_key(&at, "key", &self.key)?,
            hold: HoldId::from_bytes(self.hold_id.into_bytes()),
            fingerprint: at.hash("fingerprint", self.fingerprint)?,
            created_at: time(self.created_at),
            answer,
        })
    }
}
