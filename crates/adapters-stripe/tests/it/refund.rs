//! Refunds: what is sent.

use domain::billing::purchase::Names;
use domain::ports::payments::{PaymentError, PaymentProvider, RefundOrder};
use serde_json::json;

use crate::fixtures::{Fake, PURCHASE, error, form, names, ok, refund};

const REFUNDS: &str = "/v1/refunds";

async fn fake() -> Fake {
    Fake::start().await.answers("POST", REFUNDS, ok(json!({}))).await
}

#[tokio::test]
async fn all_that_is_left_of_a_payment_is_paid_back_without_an_amount() {
    let fake = fake().await;
    fake.stripe.refund(refund()).await.expect("a refund");
    let requests = fake.requests().await;
    let sent: Vec<_> = form(&requests[0]).into_iter().collect();
    let expected = [("metadata[purchase_id]", PURCHASE), ("payment_intent", "pi_1")];
    assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(requests[0].headers["idempotency-key"], "refund-1");
}

#[tokio::test]
async fn a_part_is_paid_back_of_a_charge_where_no_intent_is_known() {
    let fake = fake().await;
    let order = RefundOrder { names: names(&[("charge", "ch_1")]), minor: Some(1450), ..refund() };
    fake.stripe.refund(order).await.expect("a refund");
    let sent = form(&fake.requests().await[0]);
    assert_eq!((sent["charge"].as_str(), sent["amount"].as_str()), ("ch_1", "1450"));
    assert_eq!(sent.get("payment_intent"), None);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_without_asking() {
    let fake = fake().await;
    let long = "x".repeat(256);
    let mut orders = vec![RefundOrder { names: Names::default(), ..refund() }];
    orders.extend(["", "a b", "a\n", &long].map(|key| RefundOrder { key: key.to_owned(), ..refund() }));
    for order in orders {
        assert!(matches!(fake.stripe.refund(order).await, Err(PaymentError::Refused(_))));
    }
    assert!(fake.requests().await.is_empty());
}

#[tokio::test]
async fn a_payment_that_was_paid_back_already_is_refused() {
    let no = error(400, "invalid_request_error", "charge_already_refunded", "has already been refunded");
    let fake = Fake::start().await.answers("POST", REFUNDS, no).await;
    let outcome = fake.stripe.refund(refund()).await;
    assert!(
        matches!(outcome, Err(PaymentError::Refused(words)) if words.contains("charge_already_refunded"))
    );
}
