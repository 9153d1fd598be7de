//! Reading what was bought.

use async_trait::async_trait;
use domain::billing::notice::Notice;
use domain::billing::profile::BillingProfile;
use domain::billing::purchase::Purchase;
use domain::billing::subscription::Subscription;
use domain::clock::{Span, Timestamp};
use domain::ids::UserId;
use domain::ports::Unavailable;
use domain::ports::billing::{PageEnd, PurchaseBook, PurchaseName};

use crate::rows::{notices, profiles, purchases, subscriptions};
use crate::store::SqliteStore;

#[async_trait]
impl PurchaseBook for SqliteStore {
    async fn purchase(&self, name: PurchaseName) -> Result<Option<Purchase>, Unavailable> {
        self.readers.read(move |connection| purchases::find_by_name(connection, &name)).await
    }

    async fn subscription(&self, id: &str) -> Result<Option<Subscription>, Unavailable> {
        let id = id.to_owned();
        self.readers.read(move |connection| subscriptions::find(connection, &id)).await
    }

    async fn subscriptions(&self, user: UserId) -> Result<Vec<Subscription>, Unavailable> {
        self.readers.read(move |connection| subscriptions::all(connection, user)).await
    }

    async fn profile(&self, user: UserId) -> Result<BillingProfile, Unavailable> {
        let found = self.readers.read(move |connection| profiles::find(connection, user)).await?;
        Ok(found.unwrap_or_else(|| BillingProfile::of_newcomer(user)))
    }

    async fn user_of_customer(&self, customer: &str) -> Result<Option<UserId>, Unavailable> {
        let customer = customer.to_owned();
        self.readers.read(move |connection| profiles::user_of(connection, &customer)).await
    }

    async fn purchases(
        &self,
        user: Option<UserId>,
        before: Option<PageEnd>,
        limit: u32,
    ) -> Result<Vec<Purchase>, Unavailable> {
        self.readers.read(move |connection| purchases::page(connection, user, before, limit)).await
    }

    async fn notices(
        &self,
        user: UserId,
        before: Option<PageEnd>,
        limit: u32,
    ) -> Result<Vec<Notice>, Unavailable> {
        self.readers.read(move |connection| notices::page(connection, user, before, limit)).await
    }

    async fn claim_lookups(
        &self,
        now: Timestamp,
        waits: &[Span],
        limit: u32,
    ) -> Result<Vec<Purchase>, Unavailable> {
        let waits = waits.to_vec();
        self.write(move |connection| purchases::claim_lookups(connection, now, &waits, limit)).await
    }

    async fn low_on_credits(&self, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        self.readers.read(move |connection| profiles::low_on_credits(connection, limit)).await
    }

    async fn oldest_open(&self) -> Result<Option<Timestamp>, Unavailable> {
        self.readers.read(purchases::oldest_open).await
    }
}

#[cfg(test)]
mod tests {
    use testkit::requests::billing::{event, new_purchase_id};
    use testkit::requests::user;
    use testkit::time::time;

    use super::*;
    use crate::rows::events;
    use crate::watch::{plan, watched};

    #[test]
    fn every_read_of_buying_and_of_the_inbox_seeks_in_an_index_of_its_own() {
        let (mut connection, seen, _directory) = watched();
        let c = &mut connection;
        let text = || "x".to_owned();
        for name in [
            PurchaseName::Id(new_purchase_id(user(1))),
            PurchaseName::Session(text()),
            PurchaseName::Intent(text()),
            PurchaseName::Charge(text()),
            PurchaseName::Invoice(text()),
        ] {
            assert_eq!(purchases::find_by_name(c, &name).expect("read"), None);
        }
        for before in [None, Some(PageEnd { at: time(0), name: text() })] {
            for whose in [None, Some(user(1))] {
                assert!(purchases::page(c, whose, before.clone(), 10).expect("read").is_empty());
            }
            assert!(notices::page(c, user(1), before, 10).expect("read").is_empty());
        }
        assert!(purchases::claim_lookups(c, time(0), &[], 10).expect("read").is_empty());
        assert_eq!(purchases::oldest_open(c).expect("read"), None);
        assert_eq!(subscriptions::find(c, "x").expect("read"), None);
        assert_eq!(profiles::user_of(c, "x").expect("read"), None);
        assert!(profiles::low_on_credits(c, 10).expect("read").is_empty());
        assert!(events::claim(c, time(0), time(1), 10).expect("read").is_empty());
        assert_eq!(events::find(c, &event("x").id).expect("read"), None);

        let selects = seen.run().into_iter().filter(|statement| statement.trim().starts_with("SELECT"));
        let plans: Vec<_> = selects.map(|select| (plan(c, &select), select)).collect();
        assert_eq!(plans.len(), 18, "{plans:#?}");
        for (plan, select) in plans {
            // All of a partial index, which is short; or a page of all purchases, read in order.
            let all_to_top_up = plan.contains("SCAN p USING INDEX billing_profiles_top_up");
            let first_page =
                plan == "SCAN purchases USING INDEX purchases_created_at" && !select.contains("WHERE");
            assert!(all_to_top_up || first_page || !plan.contains("SCAN"), "{select}: {plan}");
            for (condition, index) in [
                ("`session_id` =", "purchases_session"),
                ("`payment_intent_id` =", "purchases_intent"),
                ("`charge_id` =", "purchases_charge"),
                ("`invoice_id` =", "purchases_invoice"),
                ("next_lookup", "purchases_lookup"),
                ("`customer_id` =", "billing_profiles_customer"),
                ("`next_try` <=", "stripe_events_due"),
            ] {
                let (_, conditions) = select.split_once("WHERE").unwrap_or_default();
                assert!(!conditions.contains(condition) || plan.contains(index), "{select}: {plan}");
            }
        }
    }
}
