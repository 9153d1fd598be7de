//! Events of checkout sessions.

use domain::billing::facts::{Evidence, Paid};
use domain::billing::offer::PayMode;
use domain::billing::purchase::Progress;
use domain::ports::payments::Fact;
use serde_json::{Value, json};

use crate::fixtures::{PURCHASE, fact, names, purchase, read, with};

/// A session as it comes in an event, of the fields that matter and some that do not.
fn session() -> Value {
    json!({
        "id": "cs_test_1", "object": "checkout.session", "amount_subtotal": 2900, "amount_total": 2900,
        "automatic_tax": {"enabled": false, "status": null}, "client_reference_id": PURCHASE,
        "currency": "brl", "customer": "cus_1", "customer_creation": "always", "expires_at": 1_795_352_400,
        "invoice": null, "livemode": false, "locale": "pt-BR",
        "metadata": {"purchase_id": PURCHASE, "plan_id": "starter"}, "mode": "payment",
        "payment_intent": "pi_1", "payment_method_types": ["card", "boleto", "pix"],
        "payment_status": "paid", "status": "complete", "subscription": null, "url": null,
    })
}

fn of(evidence: Option<Evidence>) -> Fact {
    Fact::Session { mode: PayMode::Payment, evidence }
}

fn paid(minor: i64) -> Fact {
    of(Some(Evidence::Paid(Paid { minor, currency: "brl".into(), mode: PayMode::Payment })))
}

fn unpaid(progress: Progress) -> Fact {
    of(Some(Evidence::Unpaid(progress)))
}

#[test]
fn a_completed_and_paid_session_is_paid() {
    let sighting = read("checkout.session.completed", &session());
    assert_eq!(sighting.fact, paid(2900));
    assert_eq!(sighting.purchase, Some(purchase()));
    assert_eq!(sighting.names, names(&[("session", "cs_test_1"), ("customer", "cus_1"), ("intent", "pi_1")]));
}

#[test]
fn a_completed_and_unpaid_session_is_processing_until_it_is_paid_or_fails() {
    let boleto = with(session(), json!({"payment_status": "unpaid"}));
    assert_eq!(fact("checkout.session.completed", &boleto), unpaid(Progress::Processing));
    let bare = with(boleto.clone(), json!({"status": null}));
    assert_eq!(fact("checkout.session.completed", &bare), unpaid(Progress::Processing));
    assert_eq!(fact("checkout.session.async_payment_failed", &boleto), unpaid(Progress::Failed));
    // Whatever the status says, or does not.
    for status in [json!("paid"), json!("unpaid"), json!(null)] {
        let session = with(session(), json!({"payment_status": status}));
        assert_eq!(fact("checkout.session.async_payment_succeeded", &session), paid(2900));
    }
}

#[test]
fn a_session_that_was_left_is_expired() {
    let left = with(session(), json!({"status": "expired", "payment_status": "unpaid"}));
    assert_eq!(fact("checkout.session.expired", &left), unpaid(Progress::Expired));
    assert_eq!(fact("checkout.session.expired", &json!({"id": "cs_1"})), unpaid(Progress::Expired));
}

#[test]
fn an_intent_that_gave_up_makes_a_completed_session_failed() {
    let with_intent =
        |intent: Value| with(session(), json!({"payment_status": "unpaid", "payment_intent": intent}));
    let kind = "checkout.session.completed";
    let failed =
        json!({"id": "pi_1", "status": "requires_payment_method", "last_payment_error": {"code": "x"}});
    let sighting = read(kind, &with_intent(failed));
    assert_eq!(sighting.fact, unpaid(Progress::Failed));
    assert_eq!(sighting.names.intent.as_deref(), Some("pi_1"));
    assert_eq!(fact(kind, &with_intent(json!({"status": "canceled"}))), unpaid(Progress::Failed));
    for open in ["requires_payment_method", "requires_action", "processing", "new_in_2030"] {
        assert_eq!(fact(kind, &with_intent(json!({"status": open}))), unpaid(Progress::Processing), "{open}");
    }
}

#[test]
fn a_session_for_nothing_is_paid_with_nothing() {
    let free = with(session(), json!({"payment_status": "no_payment_required", "amount_total": 0}));
    assert_eq!(fact("checkout.session.completed", &free), paid(0));
    assert_eq!(
        fact("checkout.session.completed", &with(free.clone(), json!({"amount_total": null}))),
        paid(0)
    );
    assert_eq!(fact("checkout.session.created", &with(free, json!({"status": "open"}))), of(None));
}

#[test]
fn a_session_that_keeps_a_card_sells_nothing() {
    let setup = with(session(), json!({"mode": "setup", "payment_status": "no_payment_required"}));
    assert_eq!(fact("checkout.session.completed", &setup), Fact::Nothing);
}

#[test]
fn a_subscriptions_session_names_it() {
    let changes =
        json!({"mode": "subscription", "payment_intent": null, "subscription": "sub_1", "invoice": "in_1"});
    let subscription = with(session(), changes);
    let sighting = read("checkout.session.completed", &subscription);
    let expected =
        [("session", "cs_test_1"), ("customer", "cus_1"), ("subscription", "sub_1"), ("invoice", "in_1")];
    assert_eq!(sighting.names, names(&expected));
    // Without its mode, it is known by its subscription.
    for session in [subscription.clone(), with(subscription, json!({"mode": null}))] {
        let fact = fact("checkout.session.completed", &session);
        let Fact::Session { mode, evidence: Some(Evidence::Paid(paid)) } = fact else { panic!("{fact:?}") };
        assert_eq!((mode, paid.mode), (PayMode::Subscription, PayMode::Subscription));
    }
}

#[test]
fn a_purchase_is_named_in_either_of_two_places() {
    for place in ["client_reference_id", "metadata"] {
        let without = with(session(), json!({place: null}));
        assert_eq!(read("checkout.session.completed", &without).purchase, Some(purchase()));
    }
    let elsewhere = with(session(), json!({"client_reference_id": "order 7"}));
    assert_eq!(read("checkout.session.completed", &elsewhere).purchase, Some(purchase()));
}

#[test]
fn no_amount_is_no_evidence() {
    for amount in [json!(null), json!("2900"), json!(29.5), json!(-1), json!([2900])] {
        let session = with(session(), json!({"amount_total": amount}));
        assert_eq!(fact("checkout.session.completed", &session), of(None), "{amount}");
    }
    assert_eq!(fact("checkout.session.completed", &with(session(), json!({"currency": 7}))), of(None));
}

#[test]
fn states_to_be_invented_are_no_evidence() {
    let session = with(session(), json!({"payment_status": "new_in_2030"}));
    assert_eq!(fact("checkout.session.completed", &session), of(None));
    assert_eq!(fact("checkout.session.new_in_2030", &with(session, json!({"status": "open"}))), of(None));
}
