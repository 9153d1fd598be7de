//! What admins do.

use serde_json::{Value, json};

use super::Group;
use super::account::credits;
use super::buying;
use super::operation::Operation;
use super::problems::{not_enough, of_payments};
use crate::http::problem::Kind;
use crate::routes::admin::{ManualCreditsWish, ResumptionWish, SuspensionWish};
use crate::routes::purchases::{AdminPurchaseBody, RefundWish};
use crate::routes::views::AdminCreditsBody;

/// An account in examples.
pub fn account() -> Value {
    let mut account = credits();
    account["user_id"] = "b7eb7dc6-97ca-581d-9f87-a3b6dd4a1248".into();
    account["suspended"] = false.into();
    account["closed_at"] = Value::Null;
    account
}

/// A purchase in examples.
pub fn purchase() -> Value {
    let mut purchase = buying::purchase();
    for (name, value) in [
        ("user_id", json!("b7eb7dc6-97ca-581d-9f87-a3b6dd4a1248")),
        ("livemode", json!(false)),
        ("payment_intent_id", json!("pi_sandbox_1")),
        ("charge_id", json!("ch_sandbox_1")),
        ("invoice_id", Value::Null),
        ("subscription_id", Value::Null),
        ("fault", Value::Null),
        ("returns", json!([])),
    ] {
        purchase[name] = value;
    }
    purchase
}

/// `POST /api/admin/users/{id}/credits`.
pub fn move_credits(operation: Operation) -> Operation {
    operation
        .named(Group::Admin, "moveCredits", "Give or take credits")
        .user()
        .has_key()
        .about("A negative amount takes. What is given may end by itself, at `expires_at`.")
        // One: with the key that stands as an example, another would be another request.
        .takes::<ManualCreditsWish>(vec![(
            "give for a while",
            json!({ "amount": 100, "reason": "cortesia de boas-vindas", "expires_at": "2999-12-31T23:59:59Z" }),
        )])
        .answers::<AdminCreditsBody>(201, "The account after it.", account())
        .with_headers(&["Idempotency-Replayed"])
        .refuses("/expires_at", "in the past, or with credits that are taken")
        .fails([Kind::KeyMismatch, Kind::AccountClosed, not_enough()])
}

/// `POST /api/admin/users/{id}/suspend`.
pub fn suspend(operation: Operation) -> Operation {
    let mut suspended = account();
    suspended["suspended"] = true.into();
    operation
        .named(Group::Admin, "suspendUser", "Stop a user's spending")
        .user()
        .takes::<SuspensionWish>(vec![("reason", json!({ "reason": "investigação" }))])
        .answers::<AdminCreditsBody>(200, "The account after it.", suspended)
}

/// `POST /api/admin/users/{id}/resume`.
pub fn resume(operation: Operation) -> Operation {
    operation
        .named(Group::Admin, "resumeUser", "Lift a suspension")
        .about("Without a body, the admin's own and fraud warnings.")
        .user()
        .may_take::<ResumptionWish>(vec![
            ("own", json!({})),
            (
                "a dispute's",
                json!({ "source": "dispute:dp_1QxYzA2eZvKYlo2C", "reason": "ganhamos a disputa" }),
            ),
        ])
        .answers::<AdminCreditsBody>(200, "The account after it.", account())
}

/// `POST /api/admin/purchases/{id}/refund`.
pub fn refund(operation: Operation) -> Operation {
    operation
        .named(Group::Admin, "refundPurchase", "Pay a purchase back")
        .about("All that is left of it, or a part. What was paid by boleto is paid back by hand, and recorded with `manual`.")
        .part(
            "id",
            "The purchase's id.",
            json!({ "type": "string", "format": "uuid" }),
            "01a20589-54bf-71d4-bd17-f42173726017",
        )
        .has_key()
        .takes::<RefundWish>(vec![
            ("all of it", json!({ "reason": "cliente desistiu" })),
            ("a part", json!({ "reason": "desconto combinado", "amount_minor": 900 })),
        ])
        .answers::<AdminPurchaseBody>(200, "The purchase after it.", purchase())
        .fails(of_payments())
        .refuses("/amount_minor", "more than is left of the payment")
        .fails([Kind::NotFound, Kind::NotPaid, Kind::RefundByHand, Kind::AlreadyRefunded])
}
