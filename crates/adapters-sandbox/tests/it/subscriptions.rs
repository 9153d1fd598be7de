//! Plans that are paid every month.

use adapters_sandbox::{Act, ActError};
use domain::billing::facts::{Evidence, Paid};
use domain::billing::offer::PayMode;
use domain::clock::Timestamp;
use domain::ports::payments::{Fact, InvoiceReason, ObjectName, PaymentProvider};
use serde_json::Value;

use crate::desk::{Bench, Events, PRICE, START, bench, text};

/// 2026-02-28, 2026-03-31 and 2026-04-30, all at 12:00 UTC.
const MONTHS: [i64; 3] = [1_772_280_000, 1_774_958_400, 1_777_550_400];

async fn begun() -> (Bench, String, Events) {
    let bench = bench();
    let session = bench.open(PayMode::Subscription).await;
    let events = bench.act(&session, Act::PayByCard);
    (bench, session, events)
}

fn period(invoice: &Value) -> (i64, i64) {
    let period = &invoice["lines"]["data"][0]["period"];
    (period["start"].as_i64().unwrap(), period["end"].as_i64().unwrap())
}

#[tokio::test]
async fn a_subscription_begins_with_a_paid_invoice() {
    let (bench, session, events) = begun().await;
    assert_eq!(
        events.kinds(),
        [
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed",
            "customer.subscription.created",
            "invoice.paid"
        ]
    );
    let completed = events.object("checkout.session.completed");
    let subscription = events.object("customer.subscription.created");
    let invoice = events.object("invoice.paid");
    assert_eq!(completed["mode"], "subscription");
    assert!(completed["payment_intent"].is_null());
    assert_eq!(completed["subscription"], subscription["id"]);
    assert_eq!(completed["invoice"], invoice["id"]);
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["metadata"]["purchase_id"], bench.purchase(1).to_string());
    assert_eq!(invoice["billing_reason"], "subscription_create");
    assert_eq!(invoice["amount_paid"], PRICE);
    let details = &invoice["parent"]["subscription_details"];
    assert_eq!(details["subscription"], subscription["id"]);
    assert_eq!(details["metadata"]["plan_id"], "starter");
    assert_eq!(period(invoice), (START, MONTHS[0]));
    // An invoice's payment names no purchase, as at Stripe.
    assert_eq!(events.object("payment_intent.succeeded")["metadata"], serde_json::json!({}));
    assert_eq!(bench.sandbox.checkout(&session).unwrap().subscription.unwrap().status, "active");
}

#[tokio::test]
async fn look_ups_find_the_way_from_a_charge_to_the_purchase() {
    let (bench, session, events) = begun().await;
    let intent = text(&events.object("payment_intent.succeeded")["id"]);
    let id = text(&events.object("invoice.paid")["id"]);
    let seen = bench.look_up(ObjectName::Session(session)).await.unwrap();
    let paid = Paid { minor: PRICE, currency: "brl".into(), mode: PayMode::Subscription };
    let evidence = Some(Evidence::Paid(paid.clone()));
    assert_eq!(seen.fact, Fact::Session { mode: PayMode::Subscription, evidence });
    assert_eq!(seen.names.invoice.as_ref(), Some(&id));
    assert_eq!(bench.look_up(ObjectName::SessionOfIntent(intent.clone())).await, None);

    let seen = bench.look_up(ObjectName::InvoiceOfIntent(intent.clone())).await.unwrap();
    assert_eq!(bench.look_up(ObjectName::Invoice(id)).await.unwrap(), seen);
    assert_eq!(seen.purchase, Some(bench.purchase(1)));
    assert_eq!(seen.names.intent.as_ref(), Some(&intent));
    let Fact::Invoice(invoice) = seen.fact else { panic!("{:?}", seen.fact) };
    assert_eq!(invoice.reason, InvoiceReason::Begin);
    assert_eq!(invoice.paid, Some(paid));
    assert_eq!(invoice.plan.as_deref(), Some("starter"));
    assert_eq!(invoice.period_end, Some(Timestamp::from_micros(MONTHS[0] * 1_000_000)));
}

#[tokio::test]
async fn each_renewal_is_an_invoice_for_the_next_month() {
    let (bench, session, first) = begun().await;
    for index in [1, 2] {
        let events = bench.act(&session, Act::Renew);
        let invoice = events.object("invoice.paid");
        assert_eq!(invoice["billing_reason"], "subscription_cycle");
        assert_eq!(period(invoice), (MONTHS[index - 1], MONTHS[index]));
        assert_ne!(invoice["id"], first.object("invoice.paid")["id"]);
        let updated = events.object("customer.subscription.updated");
        assert_eq!(updated["items"]["data"][0]["current_period_end"], MONTHS[index]);
        assert_eq!(updated["latest_invoice"], invoice["id"]);
    }
}

#[tokio::test]
async fn a_renewal_that_failed_is_paid_with_the_same_invoice() {
    let (bench, session, _) = begun().await;
    let failed = bench.act(&session, Act::FailRenewal);
    assert_eq!(
        failed.kinds(),
        ["payment_intent.payment_failed", "invoice.payment_failed", "customer.subscription.updated"]
    );
    let invoice = failed.object("invoice.payment_failed");
    assert_eq!((&invoice["amount_paid"], &invoice["attempt_count"]), (&0.into(), &1.into()));
    assert_eq!(failed.object("customer.subscription.updated")["status"], "past_due");
    let seen = bench.look_up(ObjectName::Invoice(text(&invoice["id"]))).await.unwrap();
    let Fact::Invoice(open) = seen.fact else { panic!("{:?}", seen.fact) };
    assert_eq!(open.paid, None);

    let again = bench.act(&session, Act::FailRenewal);
    assert_eq!(again.object("invoice.payment_failed")["attempt_count"], 2);
    let paid = bench.act(&session, Act::Renew);
    assert_eq!(paid.object("invoice.paid")["id"], invoice["id"]);
    assert_eq!(paid.object("customer.subscription.updated")["status"], "active");
}

#[tokio::test]
async fn a_subscription_is_cancelled_for_the_end_of_its_period_or_at_once() {
    let (bench, session, events) = begun().await;
    let id = text(&events.object("customer.subscription.created")["id"]);
    let updated = bench.act(&session, Act::CancelAtPeriodEnd);
    assert_eq!(updated.object("customer.subscription.updated")["cancel_at_period_end"], true);
    assert_eq!(bench.sandbox.act(&session, Act::Renew), Err(ActError::NotNow));
    let kept = bench.act(&session, Act::Keep);
    assert_eq!(kept.object("customer.subscription.updated")["cancel_at_period_end"], false);

    let ended = bench.act(&session, Act::CancelNow);
    assert_eq!(ended.object("customer.subscription.deleted")["status"], "canceled");
    let seen = bench.look_up(ObjectName::Subscription(id)).await.unwrap();
    let fact = Fact::Subscription { status: "canceled".into(), cancel_at_period_end: false, ended: true };
    assert_eq!(seen.fact, fact);
    // The money that was paid can still go back.
    assert_eq!(bench.acts(&session), [Act::RefundAll, Act::RefundHalf, Act::Dispute]);
}

#[tokio::test]
async fn money_goes_back_of_the_latest_paid_invoice() {
    let (bench, session, first) = begun().await;
    let renewed = bench.act(&session, Act::Renew);
    let refund = bench.act(&session, Act::RefundAll);
    assert_eq!(
        refund.object("charge.refunded")["payment_intent"],
        renewed.object("payment_intent.succeeded")["id"]
    );
    assert_ne!(
        refund.object("charge.refunded")["payment_intent"],
        first.object("payment_intent.succeeded")["id"]
    );
}

#[tokio::test]
async fn the_portal_shows_the_customers_own_subscriptions() {
    let (bench, _, events) = begun().await;
    let subscription = events.object("customer.subscription.created");
    let (customer, id) = (text(&subscription["customer"]), text(&subscription["id"]));
    let url = bench.sandbox.open_portal(&customer, "http://localhost:5173/profile").await.unwrap();
    assert_eq!(url, format!("http://127.0.0.1:3001/sandbox/portal/{customer}"));
    let portal = bench.sandbox.portal(&customer).unwrap();
    assert_eq!(portal.return_url.as_deref(), Some("http://localhost:5173/profile"));
    assert_eq!(portal.subscriptions.len(), 1);

    let stranger = bench.sandbox.act_on_subscription("cus_other", &id, Act::CancelNow);
    assert_eq!(stranger, Err(ActError::Unknown));
    let own = bench.sandbox.act_on_subscription(&customer, &id, Act::CancelNow).unwrap();
    assert_eq!(Events::of(&own).kinds(), ["customer.subscription.deleted"]);
    assert_eq!(bench.sandbox.portal("cus_of_before"), None);
}
