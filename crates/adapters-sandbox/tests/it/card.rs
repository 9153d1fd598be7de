//! Packs that are paid by card, or not at all.

use adapters_sandbox::{Act, ActError, Stage};
use domain::billing::facts::{Evidence, Paid};
use domain::billing::offer::PayMode;
use domain::billing::purchase::Progress;
use domain::ports::payments::{Fact, ObjectName, PaymentProvider};

use crate::desk::{PRICE, START, bench, text};

fn paid() -> Evidence {
    Evidence::Paid(Paid { minor: PRICE, currency: "brl".into(), mode: PayMode::Payment })
}

#[tokio::test]
async fn a_card_payment_completes_the_session_as_paid() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    let events = bench.act(&session, Act::PayByCard);
    assert_eq!(
        events.kinds(),
        ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]
    );
    let object = events.object("checkout.session.completed");
    assert_eq!(object["id"], session);
    assert_eq!(object["payment_status"], "paid");
    assert_eq!(object["status"], "complete");
    assert_eq!(object["amount_total"], PRICE);
    assert_eq!(object["currency"], "brl");
    assert_eq!(object["mode"], "payment");
    assert_eq!(object["client_reference_id"], bench.purchase(1).to_string());
    assert_eq!(object["metadata"]["purchase_id"], bench.purchase(1).to_string());
    let intent = events.object("payment_intent.succeeded");
    assert_eq!(intent["id"], object["payment_intent"]);
    assert_eq!(intent["amount_received"], PRICE);
    assert_eq!(intent["metadata"]["purchase_id"], bench.purchase(1).to_string());
    let charge = events.object("charge.succeeded");
    assert_eq!(charge["payment_method_details"]["type"], "card");
    assert_eq!(charge["id"], intent["latest_charge"]);
}

#[tokio::test]
async fn every_event_has_the_envelope_of_stripe() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    let mut ids = Vec::new();
    for event in bench.act(&session, Act::PayByCard).0 {
        assert_eq!(event["object"], "event");
        assert_eq!(event["livemode"], false);
        assert_eq!(event["created"], START);
        assert_eq!(event["api_version"], "2025-03-31.basil");
        ids.push(text(&event["id"]));
    }
    assert!(ids.iter().all(|id| id.starts_with("evt_")));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn look_ups_say_what_the_events_said() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    let before = bench.look_up(ObjectName::Session(session.clone())).await.unwrap();
    assert_eq!(before.fact, Fact::Session { mode: PayMode::Payment, evidence: None });
    assert_eq!((before.names.intent, before.names.customer), (None, None));

    let events = bench.act(&session, Act::PayByCard);
    let intent = text(&events.object("payment_intent.succeeded")["id"]);
    let charge = text(&events.object("charge.succeeded")["id"]);
    let customer = text(&events.object("checkout.session.completed")["customer"]);
    let by_purchase =
        ObjectName::IntentOfPurchase { customer: customer.clone(), purchase: bench.purchase(1) };
    let sessions = [ObjectName::Session(session.clone()), ObjectName::SessionOfIntent(intent.clone())];
    for name in sessions {
        let seen = bench.look_up(name).await.unwrap();
        assert_eq!(seen.fact, Fact::Session { mode: PayMode::Payment, evidence: Some(paid()) });
        assert_eq!(seen.purchase, Some(bench.purchase(1)));
        assert_eq!(seen.names.intent.as_ref(), Some(&intent));
        assert_eq!(seen.names.customer.as_ref(), Some(&customer));
        assert_eq!(seen.as_of.as_micros(), START * 1_000_000);
    }
    for name in [ObjectName::Intent(intent.clone()), by_purchase] {
        let seen = bench.look_up(name).await.unwrap();
        assert_eq!(seen.fact, Fact::Intent { evidence: Some(paid()) });
        assert_eq!(seen.names.charge.as_ref(), Some(&charge));
    }
    for name in [ObjectName::Charge(charge), ObjectName::ChargeOfIntent(intent)] {
        let seen = bench.look_up(name).await.unwrap();
        let Fact::Charge { refunded, method } = seen.fact else { panic!("{:?}", seen.fact) };
        assert_eq!((refunded.minor, method.as_deref()), (0, Some("card")));
    }
}

#[tokio::test]
async fn a_declined_card_leaves_the_checkout_open_for_another() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    let events = bench.act(&session, Act::Decline);
    assert_eq!(events.kinds(), ["payment_intent.payment_failed"]);
    let intent = events.object("payment_intent.payment_failed");
    assert_eq!(intent["last_payment_error"]["code"], "card_declined");
    assert_eq!(bench.sandbox.checkout(&session).unwrap().stage, Stage::Declined);

    let paid = bench.act(&session, Act::PayByCard);
    assert_eq!(paid.object("payment_intent.succeeded")["id"], intent["id"]);
    assert!(paid.object("payment_intent.succeeded")["last_payment_error"].is_null());
}

#[tokio::test]
async fn a_failure_ends_with_the_session_expired() {
    for (act, kinds) in [
        (Act::Fail, &["payment_intent.payment_failed", "checkout.session.expired"][..]),
        (Act::Expire, &["checkout.session.expired"]),
    ] {
        let bench = bench();
        let session = bench.open(PayMode::Payment).await;
        let events = bench.act(&session, act);
        assert_eq!(events.kinds(), kinds);
        let object = events.object("checkout.session.expired");
        assert_eq!((&object["status"], &object["payment_status"]), (&"expired".into(), &"unpaid".into()));
        let seen = bench.look_up(ObjectName::Session(session.clone())).await.unwrap();
        let evidence = Some(Evidence::Unpaid(Progress::Expired));
        assert_eq!(seen.fact, Fact::Session { mode: PayMode::Payment, evidence });
        assert_eq!(bench.acts(&session), []);
        assert_eq!(bench.sandbox.act(&session, Act::PayByCard), Err(ActError::NotNow));
    }
}

#[tokio::test]
async fn a_checkout_that_was_left_expires_by_itself() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    bench.clock.forward(23 * 3600);
    assert_eq!(bench.sandbox.act(&session, Act::PayByCard), Err(ActError::NotNow));
    assert_eq!(bench.sandbox.checkout(&session).unwrap().stage, Stage::Expired);
    let listed = bench.sandbox.events(domain::clock::Timestamp::default(), None).await.unwrap();
    assert_eq!(listed.events.len(), 1);
}

#[tokio::test]
async fn nothing_is_paid_twice() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    bench.act(&session, Act::PayByCard);
    for act in [Act::PayByCard, Act::TakeBoleto, Act::Fail, Act::Expire, Act::PayBoleto, Act::Renew] {
        assert_eq!(bench.sandbox.act(&session, act), Err(ActError::NotNow), "{act:?}");
    }
    assert_eq!(bench.sandbox.act("cs_test_of_before", Act::PayByCard), Err(ActError::Unknown));
}

#[test]
fn every_act_has_a_word_of_its_own() {
    for act in Act::ALL {
        assert_eq!(Act::from_word(act.as_str()), Some(act));
    }
    assert_eq!(Act::from_word("PayByCard"), None);
}
