//! `credit_grants`.

use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::prelude::{Queryable, QueryableByName, Selectable};
use domain::ids::GrantId;
use domain::ledger::lots::{Lot, Source, SourceKind};
use uuid::Uuid;

use super::time;
use crate::error::{Corrupt, Place, Rest};
use crate::schema::credit_grants;

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = credit_grants, check_for_backend(Pg))]
pub(crate) struct LotRow {
    user_id: Uuid,
    id: Uuid,
    source: String,
    source_ref: String,
    parent_id: Option<Uuid>,
    amount: i64,
    remaining: i64,
    expired: i64,
    clawed: i64,
    clawed_at: Option<PgTimestamp>,
    created_at: PgTimestamp,
    expires_at: Option<PgTimestamp>,
}

impl LotRow {
    pub fn into_domain(self) -> Result<Lot, Corrupt> {
        let at = Place::new("credit_grants", self.user_id, Rest::Id(self.id));
        Ok(Lot {
            id: GrantId::from_bytes(self.id.into_bytes()),
            user: at.user(),
            source: Source::new(at.word("source", &self.source, SourceKind::from_word)?, self.source_ref),
            parent: self.parent_id.map(|id| GrantId::from_bytes(id.into_bytes())),
            amount: at.amount("amount", self.amount)?,
            remaining: at.amount("remaining", self.remaining)?,
            expired: at.amount("expired", self.expired)?,
            clawed: at.amount("clawed", self.clawed)?,
            clawed_at: self.clawed_at.map(time),
            created_at: time(self.created_at),
            expires_at: self.expires_at.map(time),
        })
    }
}
