//! `api_keys`.

use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::prelude::{Queryable, QueryableByName, Selectable};
use domain::api_keys::{ApiKey, SecretHash};
use domain::ids::ApiKeyId;
use domain::ports::identity::Scope;
use uuid::Uuid;

use super::time;
use crate::error::{Corrupt, Place, Rest};
use crate::schema::api_keys;

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(Pg))]
pub(crate) struct ApiKeyRow {
    user_id: Uuid,
    id: Uuid,
    name: String,
    prefix: String,
    secret_hash: Vec<u8>,
    scopes: String,
    spend_cap: Option<i64>,
    spent: i64,
    created_at: PgTimestamp,
    expires_at: Option<PgTimestamp>,
    last_used_at: Option<PgTimestamp>,
    revoked_at: Option<PgTimestamp>,
}

impl ApiKeyRow {
    pub fn into_domain(self) -> Result<ApiKey, Corrupt> {
        let at = Place::new("api_keys", self.user_id, Rest::Id(self.id));
        Ok(ApiKey {
            id: ApiKeyId::from_bytes(self.id.into_bytes()),
            user: at.user(),
            name: self.name,
            prefix: self.prefix,
            secret: SecretHash::stored(at.hash("secret_hash", self.secret_hash)?),
            scopes: at.word("scopes", &self.scopes, Scope::split)?,
            spend_cap: self.spend_cap.map(|cap| at.amount("spend_cap", cap)).transpose()?,
            spent: at.amount("spent", self.spent)?,
            created_at: time(self.created_at),
            expires_at: self.expires_at.map(time),
            last_used_at: self.last_used_at.map(time),
            revoked_at: self.revoked_at.map(time),
        })
    }
}
