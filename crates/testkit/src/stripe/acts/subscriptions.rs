//! Subscriptions: their beginning, their periods, their end.

use serde_json::{Value, json};

use crate::stripe::billing::period_seconds;
use crate::stripe::objects::{self, Line};
use crate::stripe::state::State;
use crate::stripe::{Event, FakeStripe};

const UPDATED: &str = "customer.subscription.updated";

impl FakeStripe {
    /// The customer completes a session in subscription mode: the subscription is made and its first invoice
    /// paid. The session names both.
    pub async fn subscribe(&self, session: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let customer = state.begin(session, "subscription").expect("subscribers are kept");
            let card = state.new_card(Some(&customer));
            let draft = state.drafts[session].clone();
            let price = state.object(&draft.lines[0].0).clone();
            let at = state.now();
            let period = (at, at + period_seconds(&price));
            let object = objects::subscription(at, period.1, &customer, &price, &draft.metadata);
            let subscription = state.put(object);
            state.edit(&subscription, |object| object["default_payment_method"] = json!(card));
            state.announce("customer.subscription.created", &subscription);
            let minor = price["unit_amount"].as_i64().unwrap_or_default();
            let line = Line { minor, price, period, proration: false };
            // Its own period is empty: there is none before the first.
            let invoice = state.bill(&subscription, "subscription_create", (at, at), vec![line]);
            state.pay_invoice(&invoice);
            state.set_status(&subscription, "active");
            state.complete(session, "paid");
            state.edit(session, |session| {
                session["subscription"] = json!(subscription);
                session["invoice"] = json!(invoice);
            });
            state.announce("checkout.session.completed", session);
        };
        self.act(act).await.1
    }

    /// A new period begins, and its invoice is paid. The subscription names it as its latest.
    pub async fn renew(&self, subscription: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let invoice = state.begin_period(subscription);
            state.pay_invoice(&invoice);
            state.set_status(subscription, "active");
        };
        self.act(act).await.1
    }

    /// A new period begins, and its invoice cannot be collected. The subscription is past due.
    pub async fn renewal_fails(&self, subscription: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let invoice = state.begin_period(subscription);
            state.fail_invoice(&invoice);
            state.set_status(subscription, "past_due");
        };
        self.act(act).await.1
    }

    /// The latest invoice of a subscription, which could not be collected, is paid after all.
    pub async fn renewal_recovers(&self, subscription: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let invoice = state.text(subscription, "latest_invoice").expect("a latest invoice");
            state.pay_invoice(&invoice);
            state.set_status(subscription, "active");
        };
        self.act(act).await.1
    }

    /// The customer changes to a price, now in mid-period: the difference is invoiced at once
    /// (`subscription_update`), as proration. The metadata of the subscription stays.
    pub async fn change_price(&self, subscription: &str, minor: i64, price: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let (old, (_, end)) = state.item(subscription);
            let at = state.now();
            let currency = old["currency"].as_str().unwrap_or_default();
            let interval = old["recurring"]["interval"].as_str();
            let new = objects::price(at, Some(price), minor, currency, interval);
            state.put(new.clone());
            let before = state.edit(subscription, |subscription| {
                let item = &mut subscription["items"]["data"][0];
                item["plan"] = objects::plan(&new);
                item["price"] = new.clone();
            });
            state.announce_change(UPDATED, subscription, before);
            let unused = old["unit_amount"].as_i64().unwrap_or_default();
            let lines = [(-unused, old), (minor, new)].map(|(minor, price)| Line {
                minor,
                price,
                period: (at, end),
                proration: true,
            });
            let invoice = state.bill(subscription, "subscription_update", (at, at), lines.into());
            state.pay_invoice(&invoice);
        };
        self.act(act).await.1
    }

    /// The customer cancels; the subscription runs until its period ends, with [`Self::cancel_now`].
    pub async fn cancel_at_period_end(&self, subscription: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let at = state.now();
            let (_, (_, end)) = state.item(subscription);
            let before = state.edit(subscription, |subscription| {
                subscription["cancel_at"] = json!(end);
                subscription["cancel_at_period_end"] = json!(true);
                subscription["canceled_at"] = json!(at);
                subscription["cancellation_details"]["reason"] = json!("cancellation_requested");
            });
            state.announce_change(UPDATED, subscription, before);
        };
        self.act(act).await.1
    }

    /// A subscription ends.
    pub async fn cancel_now(&self, subscription: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            state.assert_runs(subscription);
            let at = state.now();
            state.edit(subscription, |subscription| {
                subscription["status"] = json!("canceled");
                subscription["ended_at"] = json!(at);
                if subscription["canceled_at"].is_null() {
                    subscription["canceled_at"] = json!(at);
                    subscription["cancellation_details"]["reason"] = json!("cancellation_requested");
                }
            });
            state.announce("customer.subscription.deleted", subscription);
        };
        self.act(act).await.1
    }
}

impl State {
    fn assert_runs(&self, subscription: &str) {
        assert_ne!(self.object(subscription)["status"], "canceled", "'{subscription}' has ended");
    }

    /// Moves a subscription to its next period; answers the invoice for it.
    fn begin_period(&mut self, subscription: &str) -> String {
        self.assert_runs(subscription);
        assert_eq!(self.object(subscription)["cancel_at_period_end"], Value::Bool(false), "it is cancelled");
        let (price, last) = self.item(subscription);
        let period = (last.1, last.1 + period_seconds(&price));
        let before = self.edit(subscription, |subscription| {
            let item = &mut subscription["items"]["data"][0];
            item["current_period_start"] = json!(period.0);
            item["current_period_end"] = json!(period.1);
        });
        self.announce_change(UPDATED, subscription, before);
        let minor = price["unit_amount"].as_i64().unwrap_or_default();
        let line = Line { minor, price, period, proration: false };
        self.bill(subscription, "subscription_cycle", last, vec![line])
    }
}
