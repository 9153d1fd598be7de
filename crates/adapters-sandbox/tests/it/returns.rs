//! Money that goes back.

use adapters_sandbox::Act;
use domain::billing::offer::PayMode;
use domain::ports::payments::{Fact, ObjectName, PaymentError, PaymentProvider};

use crate::desk::{Bench, Events, PRICE, bench, text};

async fn paid_pack() -> (Bench, String, String) {
    let bench = bench();
    let session = bench.open(PayMode::Payment).await;
    let events = bench.act(&session, Act::PayByCard);
    let charge = text(&events.object("charge.succeeded")["id"]);
    (bench, session, charge)
}

async fn refunded(bench: &Bench, charge: &str) -> i64 {
    let seen = bench.look_up(ObjectName::Charge(charge.to_owned())).await.unwrap();
    let Fact::Charge { refunded, .. } = seen.fact else { panic!("{:?}", seen.fact) };
    refunded.minor
}

#[tokio::test]
async fn refunds_are_told_as_absolute_figures_of_the_charge() {
    let (bench, session, charge) = paid_pack().await;
    let half = bench.act(&session, Act::RefundHalf);
    assert_eq!(half.kinds(), ["charge.refunded", "refund.created"]);
    assert_eq!(half.object("charge.refunded")["amount_refunded"], PRICE / 2);
    assert_eq!(half.object("charge.refunded")["refunded"], false);
    assert_eq!(half.object("refund.created")["charge"], charge);
    // Made by hand, it names no purchase.
    assert_eq!(half.object("refund.created")["metadata"], serde_json::json!({}));
    assert_eq!(refunded(&bench, &charge).await, PRICE / 2);

    let rest = bench.act(&session, Act::RefundAll);
    assert_eq!(rest.object("charge.refunded")["amount_refunded"], PRICE);
    assert_eq!(rest.object("charge.refunded")["refunded"], true);
    assert_eq!(rest.object("refund.created")["amount"], PRICE / 2);
    assert_eq!(refunded(&bench, &charge).await, PRICE);
    assert_eq!(bench.acts(&session), []);
}

#[tokio::test]
async fn an_ordered_refund_is_made_once_for_its_key() {
    let (bench, session, charge) = paid_pack().await;
    let seen = bench.look_up(ObjectName::Session(session.clone())).await.unwrap();
    for key in ["a", "a", "b", "a"] {
        bench.sandbox.refund(bench.refund_order(&seen, Some(1000), key)).await.unwrap();
    }
    assert_eq!(refunded(&bench, &charge).await, 2000);
    let too_much = bench.sandbox.refund(bench.refund_order(&seen, Some(901), "c")).await;
    assert!(matches!(too_much, Err(PaymentError::Refused(_))));
    bench.sandbox.refund(bench.refund_order(&seen, None, "d")).await.unwrap();
    assert_eq!(refunded(&bench, &charge).await, PRICE);
    let nothing_left = bench.sandbox.refund(bench.refund_order(&seen, None, "e")).await;
    assert!(matches!(nothing_left, Err(PaymentError::Refused(_))));

    let listed = bench.sandbox.events(domain::clock::Timestamp::default(), None).await.unwrap();
    let listed = Events(listed.events.iter().map(|body| serde_json::from_slice(body).unwrap()).collect());
    let refunds: Vec<_> = listed.0.iter().filter(|event| event["type"] == "refund.created").collect();
    assert_eq!(refunds.len(), 3);
    for refund in refunds {
        let named = &refund["data"]["object"]["metadata"]["purchase_id"];
        assert_eq!(*named, bench.purchase(1).to_string());
    }
}

#[tokio::test]
async fn a_refund_of_an_unknown_charge_is_refused() {
    let (bench, session, _) = paid_pack().await;
    let mut seen = bench.look_up(ObjectName::Session(session)).await.unwrap();
    seen.names.intent = Some("pi_of_before".to_owned());
    let refused = bench.sandbox.refund(bench.refund_order(&seen, None, "a")).await;
    assert!(matches!(refused, Err(PaymentError::Refused(_))));
}

#[tokio::test]
async fn a_dispute_takes_what_is_left_and_is_won_or_lost() {
    for (end, status, kinds) in [
        (Act::WinDispute, "won", &["charge.dispute.closed", "charge.dispute.funds_reinstated"][..]),
        (Act::LoseDispute, "lost", &["charge.dispute.closed"]),
    ] {
        let (bench, session, charge) = paid_pack().await;
        bench.act(&session, Act::RefundHalf);
        let opened = bench.act(&session, Act::Dispute);
        assert_eq!(opened.kinds(), ["charge.dispute.created", "charge.dispute.funds_withdrawn"]);
        let dispute = opened.object("charge.dispute.created");
        assert_eq!(dispute["status"], "needs_response");
        assert_eq!(dispute["amount"], PRICE / 2);
        assert_eq!(dispute["charge"], charge);
        assert_eq!(bench.acts(&session), [Act::WinDispute, Act::LoseDispute]);
        let seen = bench.look_up(ObjectName::Session(session.clone())).await.unwrap();
        let refused = bench.sandbox.refund(bench.refund_order(&seen, None, "a")).await;
        assert!(matches!(refused, Err(PaymentError::Refused(_))));

        let closed: Events = bench.act(&session, end);
        assert_eq!(closed.kinds(), kinds);
        assert_eq!(closed.object("charge.dispute.closed")["status"], status);
        assert_eq!(closed.object("charge.dispute.closed")["id"], dispute["id"]);
        let rest: &[Act] = if end == Act::WinDispute { &[Act::RefundAll] } else { &[] };
        assert_eq!(bench.acts(&session), rest);
    }
}
