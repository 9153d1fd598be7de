//! The port itself: opening, kept cards, the list of events, and what a restart does.

use adapters_sandbox::Act;
use domain::billing::facts::{Evidence, Paid};
use domain::billing::offer::PayMode;
use domain::clock::Timestamp;
use domain::ports::payments::{CardCharge, CheckoutOrder, Fact, ObjectName, PaymentError, PaymentProvider};
use serde_json::Value;

use crate::desk::{Bench, PRICE, START, bench, offer, text};

#[tokio::test]
async fn the_same_purchase_opens_the_same_checkout() {
    let bench = bench();
    let first = bench.sandbox.open_checkout(bench.order(1, PayMode::Payment)).await.unwrap();
    let again = bench.sandbox.open_checkout(bench.order(1, PayMode::Payment)).await.unwrap();
    let other = bench.sandbox.open_checkout(bench.order(2, PayMode::Payment)).await.unwrap();
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(first.session.starts_with("cs_test_sandbox_"));
    assert_eq!(first.url, format!("http://127.0.0.1:3001/sandbox/checkout/{}", first.session));

    bench.sandbox.set_page_base("http://127.0.0.1:4000");
    let moved = bench.sandbox.open_checkout(bench.order(3, PayMode::Payment)).await.unwrap();
    assert!(moved.url.starts_with("http://127.0.0.1:4000/sandbox/checkout/"));
}

#[tokio::test]
async fn the_page_leads_back_with_the_sessions_id() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    let view = bench.sandbox.checkout(&session).unwrap();
    let expected = format!("http://localhost:5173/upgrade?success=true&session_id={session}");
    assert_eq!(view.success_url, expected);
    assert_eq!((view.minor, view.credits, view.title.as_str()), (PRICE, 5000, "Starter"));
}

#[tokio::test]
async fn a_known_customer_stays_the_same() {
    let bench = bench();
    let order = |number| CheckoutOrder {
        customer: Some("cus_known".into()),
        ..bench.order(number, PayMode::Payment)
    };
    let session = bench.sandbox.open_checkout(order(1)).await.unwrap().session;
    let seen = bench.look_up(ObjectName::Session(session.clone())).await.unwrap();
    assert_eq!(seen.names.customer.as_deref(), Some("cus_known"));
    let events = bench.act(&session, Act::PayByCard);
    assert_eq!(events.object("checkout.session.completed")["customer"], "cus_known");
}

fn charge(bench: &Bench, number: u8, customer: &str) -> CardCharge {
    CardCharge {
        purchase: bench.purchase(number),
        user: bench.user,
        offer: offer(),
        customer: customer.to_owned(),
    }
}

#[tokio::test]
async fn a_card_is_charged_when_one_was_kept_and_once_for_each_purchase() {
    for (mode, keep_card, kept) in [
        (PayMode::Payment, false, false),
        (PayMode::Payment, true, true),
        (PayMode::Subscription, false, true),
    ] {
        let bench = bench();
        let order = CheckoutOrder { keep_card, ..bench.order(1, mode) };
        let session = bench.sandbox.open_checkout(order).await.unwrap().session;
        let customer = bench.sandbox.checkout(&session).unwrap().customer;
        let before = bench.sandbox.charge_card(charge(&bench, 2, &customer)).await;
        assert!(matches!(before, Err(PaymentError::Refused(_))));
        bench.act(&session, Act::PayByCard);

        let after = bench.sandbox.charge_card(charge(&bench, 2, &customer)).await;
        if !kept {
            assert!(matches!(after, Err(PaymentError::Refused(_))));
            continue;
        }
        let seen = after.unwrap();
        let paid = Paid { minor: PRICE, currency: "brl".into(), mode: PayMode::Payment };
        assert_eq!(seen.fact, Fact::Intent { evidence: Some(Evidence::Paid(paid)) });
        assert_eq!(seen.purchase, Some(bench.purchase(2)));
        let again = bench.sandbox.charge_card(charge(&bench, 2, &customer)).await.unwrap();
        assert_eq!(again.names, seen.names);
        let other = bench.sandbox.charge_card(charge(&bench, 3, &customer)).await.unwrap();
        assert_ne!(other.names.intent, seen.names.intent);
    }
}

#[tokio::test]
async fn a_boleto_keeps_no_card() {
    let bench = bench();
    let order = CheckoutOrder { keep_card: true, ..bench.order(1, PayMode::Payment) };
    let session = bench.sandbox.open_checkout(order).await.unwrap().session;
    bench.act(&session, Act::TakeBoleto);
    bench.act(&session, Act::PayBoleto);
    let customer = bench.sandbox.checkout(&session).unwrap().customer;
    let refused = bench.sandbox.charge_card(charge(&bench, 2, &customer)).await;
    assert!(matches!(refused, Err(PaymentError::Refused(_))));
}

#[tokio::test]
async fn all_events_are_listed_newest_first_page_by_page() {
    let bench = bench();
    let session = bench.open(PayMode::Subscription).await;
    let mut happened = bench.act(&session, Act::PayByCard).0;
    for _ in 0..60 {
        bench.clock.forward(1);
        happened.extend(bench.act(&session, Act::Renew).0);
    }
    let (mut listed, mut from, mut pages) = (Vec::<Value>::new(), None, 0);
    loop {
        let page = bench.sandbox.events(Timestamp::default(), from).await.unwrap();
        assert!(page.events.len() <= 100);
        listed.extend(page.events.iter().map(|body| serde_json::from_slice::<Value>(body).unwrap()));
        pages += 1;
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(pages, 3);
    happened.reverse();
    assert_eq!(listed, happened);

    let since = Timestamp::from_micros((START + 60) * 1_000_000 + 999_999);
    let latest = bench.sandbox.events(since, None).await.unwrap();
    assert_eq!((latest.events.len(), latest.next), (4, None));
}

#[tokio::test]
async fn after_a_restart_nothing_is_known() {
    let before = bench();
    let session = before.open(PayMode::Subscription).await;
    let events = before.act(&session, Act::PayByCard);
    let id = |kind: &str| text(&events.object(kind)["id"]);
    let intent = id("payment_intent.succeeded");
    let names = [
        ObjectName::Session(session.clone()),
        ObjectName::SessionOfIntent(intent.clone()),
        ObjectName::Intent(intent.clone()),
        ObjectName::Charge(id("charge.succeeded")),
        ObjectName::ChargeOfIntent(intent.clone()),
        ObjectName::Invoice(id("invoice.paid")),
        ObjectName::InvoiceOfIntent(intent),
        ObjectName::Subscription(id("customer.subscription.created")),
    ];
    let after = bench();
    for name in names {
        assert!(after.look_up(name).await.is_none());
    }
    assert_eq!(after.sandbox.checkout(&session), None);
    // Asked again for the same purchase, the same page is there again.
    assert_eq!(after.open(PayMode::Subscription).await, session);
}

#[tokio::test]
async fn clones_share_what_they_know() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    let clone = bench.sandbox.clone();
    clone.act(&session, Act::PayByCard).unwrap();
    assert!(bench.sandbox.checkout(&session).unwrap().stage.is_paid());
}
