//! `audit_log` and `audit_reasons`.

use diesel::data_types::PgTimestamp;
use diesel::prelude::QueryableByName;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use domain::audit::{AuditEntry, AuditNote, AuditState, By};
use domain::ids::{AuditId, UserId};
use domain::ledger::account::Actor;
use uuid::Uuid;

use super::time;
use crate::error::Corrupt;

#[derive(QueryableByName)]
pub(crate) struct AuditRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    at: PgTimestamp,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Text)]
    via: String,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Text)]
    target: String,
    #[diesel(sql_type = Nullable<Text>)]
    before: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    after: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    request_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    idempotency_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
}

impl AuditRow {
    #[allow(clippy::unnecessary_wraps)]
    pub fn into_domain(self) -> Result<AuditEntry, Corrupt> {
        Ok(AuditEntry {
            note: AuditNote {
                id: AuditId::from_bytes(self.id.into_bytes()),
                by: By { actor: Actor::stored(self.actor), via: self.via, request_id: self.request_id },
                action: self.action,
                target: self.target,
                reason: self.reason,
                key: self.idempotency_key,
            },
            user: self.user_id.map(|user| UserId::from_bytes(user.into_bytes())),
            at: time(self.at),
            before: self.before.map(AuditState::stored),
            after: self.after.map(AuditState::stored),
        })
    }
}
