//! `subscriptions`.

use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::prelude::QueryableByName;
use domain::billing::subscription::Subscription;
use domain::ids::PurchaseId;
use uuid::Uuid;

use super::time;
use crate::error::{Corrupt, Place, Rest};
use crate::schema::subscriptions;

#[derive(QueryableByName)]
#[diesel(table_name = subscriptions, check_for_backend(Pg))]
pub(crate) struct SubscriptionRow {
    user_id: Uuid,
    id: String,
    purchase_id: Uuid,
    plan: String,
    credits: i64,
    price_minor: i64,
    currency: String,
    expires_after_days: Option<i64>,
    status: String,
    cancel_at_period_end: bool,
    ended: bool,
    paid_until: Option<PgTimestamp>,
    as_of: PgTimestamp,
    created_at: PgTimestamp,
}

impl SubscriptionRow {
    pub fn into_domain(self) -> Result<Subscription, Corrupt> {
        let at = Place::new("subscriptions", self.user_id, Rest::Text(self.id.clone()));
        let price = at.price(self.price_minor, &self.currency)?;
        Ok(Subscription {
            id: self.id,
            user: at.user(),
            purchase: PurchaseId::from_bytes(self.purchase_id.into_bytes()),
            offer: at.offer(self.plan, self.credits, price, self.expires_after_days)?,
            status: self.status,
            cancel_at_period_end: self.cancel_at_period_end,
            ended: self.ended,
            paid_until: self.paid_until.map(time),
            as_of: time(self.as_of),
            created_at: time(self.created_at),
        })
    }
}
