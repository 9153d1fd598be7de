//! `notices`.

use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::prelude::QueryableByName;
use domain::billing::notice::{Notice, NoticeDetails, NoticeKind};
use domain::ledger::account::PlanName;
use uuid::Uuid;

use super::time;
use crate::error::{Corrupt, Place, Rest};
use crate::schema::notices;

#[derive(QueryableByName)]
#[diesel(table_name = notices, check_for_backend(Pg))]
pub(crate) struct NoticeRow {
    user_id: Uuid,
    kind: String,
    subject: String,
    plan: Option<String>,
    credits: Option<i64>,
    amount_minor: Option<i64>,
    balance: Option<i64>,
    threshold: Option<i64>,
    detail: Option<String>,
    created_at: PgTimestamp,
}

impl NoticeRow {
    pub fn into_domain(self) -> Result<Notice, Corrupt> {
        let rest = Rest::Text(format!("{}:{}", self.kind, self.subject));
        let at = Place::new("notices", self.user_id, rest);
        let signed = |column, stored: Option<i64>| stored.map(|it| at.signed(column, it)).transpose();
        Ok(Notice {
            user: at.user(),
            kind: at.word("kind", &self.kind, NoticeKind::from_word)?,
            subject: self.subject,
            at: time(self.created_at),
            details: NoticeDetails {
                plan: self.plan.map(PlanName::new),
                credits: signed("credits", self.credits)?,
                minor: self.amount_minor,
                balance: signed("balance", self.balance)?,
                threshold: signed("threshold", self.threshold)?,
                text: self.detail,
            },
        })
    }
}
