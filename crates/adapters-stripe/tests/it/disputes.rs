//! Events of disputes.

use domain::billing::purchase::ReturnState;
use domain::ports::payments::Fact;
use serde_json::{Value, json};

use crate::fixtures::{fact, names, read, with};

fn dispute(status: &str) -> Value {
    json!({
        "id": "dp_1", "object": "dispute", "amount": 2900, "charge": "ch_1", "payment_intent": "pi_1",
        "currency": "brl", "reason": "fraudulent", "status": status, "metadata": {},
    })
}

fn state(event: &str, dispute: &Value) -> ReturnState {
    match fact(&format!("charge.dispute.{event}"), dispute) {
        Fact::Dispute { state, .. } => state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dispute_says_how_much_of_which_charge() {
    let sighting = read("charge.dispute.created", &dispute("needs_response"));
    assert_eq!(sighting.fact, Fact::Dispute { id: "dp_1".into(), minor: 2900, state: ReturnState::Open });
    assert_eq!(sighting.names, names(&[("charge", "ch_1"), ("intent", "pi_1")]));
}

#[test]
fn its_status_says_where_it_stands() {
    for (status, expected) in [
        ("won", ReturnState::Won),
        ("warning_closed", ReturnState::Won),
        ("prevented", ReturnState::Won),
        ("lost", ReturnState::Lost),
        ("needs_response", ReturnState::Open),
        ("under_review", ReturnState::Open),
        ("warning_needs_response", ReturnState::Open),
        ("warning_under_review", ReturnState::Open),
        ("new_in_2030", ReturnState::Open),
    ] {
        for event in ["created", "updated", "closed", "funds_withdrawn"] {
            assert_eq!(state(event, &dispute(status)), expected, "{event} {status}");
        }
        assert_eq!(state("funds_reinstated", &dispute(status)), ReturnState::Won, "{status}");
    }
}

#[test]
fn without_a_status_a_closed_one_is_lost_and_others_are_open() {
    for status in [json!(null), json!(7)] {
        let dispute = with(dispute("won"), json!({"status": status}));
        assert_eq!(state("closed", &dispute), ReturnState::Lost);
        assert_eq!(state("created", &dispute), ReturnState::Open);
        assert_eq!(state("funds_reinstated", &dispute), ReturnState::Won);
    }
}

#[test]
fn without_an_amount_it_is_of_nothing_and_without_an_id_it_is_none() {
    let vague = with(dispute("lost"), json!({"amount": "2900"}));
    let lost = Fact::Dispute { id: "dp_1".into(), minor: 0, state: ReturnState::Lost };
    assert_eq!(fact("charge.dispute.closed", &vague), lost);
    assert_eq!(fact("charge.dispute.closed", &with(vague, json!({"id": null}))), Fact::Nothing);
}
