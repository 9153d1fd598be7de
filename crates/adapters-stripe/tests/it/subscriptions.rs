//! Events of subscriptions.

use domain::ports::payments::Fact;
use serde_json::{Value, json};

use crate::fixtures::{PURCHASE, fact, names, purchase, read, with};

fn subscription() -> Value {
    json!({
        "id": "sub_1", "object": "subscription", "cancel_at": null, "cancel_at_period_end": false,
        "customer": "cus_1", "latest_invoice": "in_1", "metadata": {"purchase_id": PURCHASE},
        "status": "active", "items": {"data": [{"id": "si_1", "current_period_end": 1_797_940_800}]},
    })
}

fn of(status: &str, cancel_at_period_end: bool, ended: bool) -> Fact {
    Fact::Subscription { status: status.to_owned(), cancel_at_period_end, ended }
}

#[test]
fn a_subscription_says_its_status() {
    let sighting = read("customer.subscription.created", &subscription());
    assert_eq!((sighting.fact, sighting.purchase), (of("active", false, false), Some(purchase())));
    assert_eq!(sighting.names, names(&[("subscription", "sub_1"), ("customer", "cus_1")]));
    let past_due = with(subscription(), json!({"status": "past_due"}));
    assert_eq!(fact("customer.subscription.updated", &past_due), of("past_due", false, false));
}

#[test]
fn it_says_whether_it_ends_with_its_period() {
    for changes in [json!({"cancel_at_period_end": true}), json!({"cancel_at": 1_797_940_800})] {
        let cancelled = with(subscription(), changes);
        assert_eq!(fact("customer.subscription.updated", &cancelled), of("active", true, false));
    }
}

#[test]
fn it_has_ended_when_it_is_deleted_or_says_so() {
    for status in ["canceled", "incomplete_expired"] {
        let ended = with(subscription(), json!({"status": status}));
        assert_eq!(fact("customer.subscription.updated", &ended), of(status, false, true));
    }
    assert_eq!(fact("customer.subscription.deleted", &subscription()), of("active", false, true));
    assert_eq!(fact("customer.subscription.deleted", &json!({})), of("canceled", false, true));
}

#[test]
fn without_a_status_it_is_unknown() {
    let vague =
        with(subscription(), json!({"status": 7, "cancel_at_period_end": "yes", "cancel_at": "soon"}));
    assert_eq!(fact("customer.subscription.updated", &vague), of("unknown", false, false));
}
