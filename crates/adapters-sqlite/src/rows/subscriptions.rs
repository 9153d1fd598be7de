//! `subscriptions`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::billing::subscription::Subscription;
use domain::clock::Timestamp;
use domain::ids::UserId;

use super::Owner;
use super::offers::OfferCells;
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::subscriptions::{self, dsl};

const TABLE: &str = "subscriptions";

#[derive(Queryable, Selectable)]
#[diesel(table_name = subscriptions)]
struct SubscriptionRow {
    user_id: Cell,
    id: Cell,
    purchase_id: Cell,
    plan: Cell,
    credits: Cell,
    price_minor: Cell,
    currency: Cell,
    expires_after_days: Cell,
    status: Cell,
    cancel_at_period_end: Cell,
    ended: Cell,
    paid_until: Cell,
    as_of: Cell,
    created_at: Cell,
}

impl SubscriptionRow {
    fn read(self) -> Result<Subscription, Corrupt> {
        let user = Place::apart(TABLE, &self.id).id("user_id", &self.user_id)?;
        let at = Place::of_row(TABLE, user, &self.id);
        let offer = OfferCells {
            plan: self.plan,
            credits: self.credits,
            price_minor: self.price_minor,
            currency: self.currency,
            expires_after_days: self.expires_after_days,
        };
        Ok(Subscription {
            id: at.text("id", self.id.clone())?,
            user,
            purchase: at.id("purchase_id", &self.purchase_id)?,
            offer: offer.read(&at)?,
            status: at.text("status", self.status)?,
            cancel_at_period_end: at.flag("cancel_at_period_end", &self.cancel_at_period_end)?,
            ended: at.flag("ended", &self.ended)?,
            paid_until: at.maybe("paid_until", &self.paid_until, Place::time)?,
            as_of: at.time("as_of", &self.as_of)?,
            created_at: at.time("created_at", &self.created_at)?,
        })
    }
}

/// The subscriptions of `user`, oldest first.
pub fn all(connection: &mut SqliteConnection, user: UserId) -> Result<Vec<Subscription>, StoreError> {
    let owner = Owner::of(user);
    let rows: Vec<SubscriptionRow> = dsl::subscriptions
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .order((dsl::created_at, dsl::id))
        .select(SubscriptionRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(SubscriptionRow::read).collect::<Result<_, _>>()?)
}

/// The subscription of that id, whoever has it.
pub fn find(connection: &mut SqliteConnection, id: &str) -> Result<Option<Subscription>, StoreError> {
    let row = dsl::subscriptions
        .filter(dsl::id.eq(id))
        .select(SubscriptionRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(SubscriptionRow::read).transpose()?)
}

/// Adds a subscription, or replaces it.
pub fn put(connection: &mut SqliteConnection, subscription: &Subscription) -> Result<(), StoreError> {
    let owner = Owner::of(subscription.user);
    let offer = &subscription.offer;
    diesel::replace_into(dsl::subscriptions)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::id.eq(subscription.id.as_str()),
            dsl::purchase_id.eq(subscription.purchase.to_string()),
            dsl::plan.eq(offer.plan.as_str()),
            dsl::credits.eq(offer.credits.get()),
            dsl::price_minor.eq(offer.price.minor()),
            dsl::currency.eq(offer.price.currency().as_str()),
            dsl::expires_after_days.eq(offer.expires_after_days.map(i64::from)),
            dsl::status.eq(subscription.status.as_str()),
            dsl::cancel_at_period_end.eq(subscription.cancel_at_period_end),
            dsl::ended.eq(subscription.ended),
            dsl::paid_until.eq(subscription.paid_until.map(Timestamp::as_micros)),
            dsl::as_of.eq(subscription.as_of.as_micros()),
            dsl::created_at.eq(subscription.created_at.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}
