//! Boletos: done today, paid some day, or never.

use adapters_sandbox::{Act, Stage};
use domain::billing::facts::{Evidence, Paid};
use domain::billing::offer::PayMode;
use domain::billing::purchase::Progress;
use domain::ports::payments::{Fact, ObjectName, PaymentError, PaymentProvider};

use crate::desk::{PRICE, bench, text};

#[tokio::test]
async fn a_boleto_completes_the_session_unpaid() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    let events = bench.act(&session, Act::TakeBoleto);
    assert_eq!(events.kinds(), ["payment_intent.requires_action", "checkout.session.completed"]);
    let object = events.object("checkout.session.completed");
    assert_eq!(object["status"], "complete");
    assert_eq!(object["payment_status"], "unpaid");
    let seen = bench.look_up(ObjectName::Session(session.clone())).await.unwrap();
    let evidence = Some(Evidence::Unpaid(Progress::Processing));
    assert_eq!(seen.fact, Fact::Session { mode: PayMode::Payment, evidence });
    let intent = text(&object["payment_intent"]);
    let seen = bench.look_up(ObjectName::Intent(intent.clone())).await.unwrap();
    assert_eq!(seen.fact, Fact::Intent { evidence: None });
    assert_eq!(bench.look_up(ObjectName::ChargeOfIntent(intent)).await, None);
    assert_eq!(bench.acts(&session), [Act::PayBoleto, Act::MissBoleto]);
}

#[tokio::test]
async fn a_paid_boleto_succeeds_later() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    bench.act(&session, Act::TakeBoleto);
    bench.clock.forward(2 * 86_400);
    let events = bench.act(&session, Act::PayBoleto);
    assert_eq!(
        events.kinds(),
        ["charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded"]
    );
    assert_eq!(events.object("charge.succeeded")["payment_method_details"]["type"], "boleto");
    assert_eq!(events.object("checkout.session.async_payment_succeeded")["payment_status"], "paid");
    let seen = bench.look_up(ObjectName::Session(session)).await.unwrap();
    let paid = Paid { minor: PRICE, currency: "brl".into(), mode: PayMode::Payment };
    let evidence = Some(Evidence::Paid(paid));
    assert_eq!(seen.fact, Fact::Session { mode: PayMode::Payment, evidence });
}

#[tokio::test]
async fn a_boleto_that_is_not_paid_fails_the_payment() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    bench.act(&session, Act::TakeBoleto);
    let events = bench.act(&session, Act::MissBoleto);
    assert_eq!(events.kinds(), ["payment_intent.payment_failed", "checkout.session.async_payment_failed"]);
    let object = events.object("checkout.session.async_payment_failed");
    assert_eq!((&object["status"], &object["payment_status"]), (&"complete".into(), &"unpaid".into()));
    let seen = bench.look_up(ObjectName::Session(session.clone())).await.unwrap();
    let evidence = Some(Evidence::Unpaid(Progress::Failed));
    assert_eq!(seen.fact, Fact::Session { mode: PayMode::Payment, evidence });
    assert_eq!(bench.sandbox.checkout(&session).unwrap().stage, Stage::BoletoMissed);
    assert_eq!(bench.acts(&session), []);
}

#[tokio::test]
async fn a_paid_boleto_cannot_be_refunded_or_disputed() {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    bench.act(&session, Act::TakeBoleto);
    bench.act(&session, Act::PayBoleto);
    assert_eq!(bench.acts(&session), []);
    let seen = bench.look_up(ObjectName::Session(session)).await.unwrap();
    let refused = bench.sandbox.refund(bench.refund_order(&seen, None, "a")).await;
    assert!(matches!(refused, Err(PaymentError::Refused(_))));
}

#[tokio::test]
async fn subscriptions_are_paid_by_card_only() {
    let bench = bench();
    let session = bench.open(PayMode::Subscription).await;
    assert!(!bench.acts(&session).contains(&Act::TakeBoleto));
}
