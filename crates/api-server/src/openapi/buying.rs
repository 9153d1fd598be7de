//! Plans, checkout, the payment provider's portal, automatic top-up.

use serde_json::{Value, json};

use super::Group;
use super::operation::Operation;
use super::problems::of_payments;
use crate::http::problem::Kind;
use crate::routes::billing::{
    CheckoutBody, OrderWish, PlansBody, PortalBody, ReceivedBody, TopUpBody, TopUpWish,
};
use crate::routes::purchases::PurchaseBody;

const SESSION: &str = "cs_test_sandbox_01a2058954bf71d4bd17f42173726017";

/// A purchase in examples.
pub fn purchase() -> Value {
    json!({
        "id": "01a20589-54bf-71d4-bd17-f42173726017",
        "session_id": SESSION,
        "kind": "pack",
        "mode": "payment",
        "status": "paid",
        "plan_id": "starter",
        "credits": 5000,
        "credits_granted": true,
        "price": "29.00",
        "price_minor": 2900,
        "currency": "brl",
        "refunded_minor": 0,
        "disputed_minor": 0,
        "payment_method": "card",
        "created_at": "2026-11-22T19:48:12.169460Z",
        "expires_at": "2026-11-23T18:48:12.169460Z",
        "paid_at": "2026-11-22T19:49:02.731Z",
        "period_end": null,
        "url": null,
    })
}

fn top_up_example() -> Value {
    json!({
        "enabled": true,
        "threshold": 500,
        "plan_id": "starter",
        "monthly_cap": "87.00",
        "monthly_cap_minor": 8700,
        "spent_this_month_minor": 2900,
        "in_progress": false,
        "declines": 0,
    })
}

/// `GET /api/billing/plans`.
pub fn plans(operation: Operation) -> Operation {
    operation
        .named(Group::Billing, "listPlans", "List the plans")
        .fails([Kind::AccountClosed])
        .answers::<PlansBody<'static>>(
            200,
            "The plans.",
            json!({
                "data": [{
                    "id": "starter",
                    "name": "Starter",
                    "credits": 5000,
                    "price": "29.00",
                    "price_minor": 2900,
                    "currency": "brl",
                    "modes": ["payment", "subscription"],
                    "expires_after_days": null,
                }],
                "simulated": true,
            }),
        )
}

/// `POST /api/billing/create-checkout-session`.
pub fn create_checkout_session(operation: Operation) -> Operation {
    operation
        .named(Group::Billing, "createCheckout", "Open a checkout")
        .about("Answers where to pay. Credits come when the payment has come.")
        .takes::<OrderWish>(vec![
            ("pack", json!({ "planId": "starter" })),
            ("every month", json!({ "planId": "professional", "mode": "subscription" })),
        ])
        .may_have_key()
        .answers::<CheckoutBody>(
            200,
            "The checkout.",
            json!({
                "sessionId": SESSION,
                "url": format!("http://127.0.0.1:3001/sandbox/checkout/{SESSION}"),
            }),
        )
        .with_headers(&["Idempotency-Replayed"])
        .refuses("/planId", "no plan of the catalogue")
        .fails(of_payments())
        .fails([Kind::KeyMismatch])
}

/// `GET /api/billing/checkout-sessions/{id}`.
pub fn checkout_session(operation: Operation) -> Operation {
    let mut example = purchase();
    example["status"] = "created".into();
    example["credits_granted"] = false.into();
    for name in ["payment_method", "paid_at"] {
        example[name] = Value::Null;
    }
    example["url"] = format!("http://127.0.0.1:3001/sandbox/checkout/{SESSION}").into();
    operation
        .named(Group::Billing, "getCheckout", "See how a checkout went")
        .part(
            "id",
            "`sessionId` of one's own checkout.",
            json!({ "type": "string", "minLength": 1 }),
            SESSION,
        )
        .answers::<PurchaseBody>(200, "The purchase.", example)
        .fails([Kind::NotFound, Kind::BillingNotConfigured])
}

/// `POST /api/billing/portal-session`.
pub fn portal_session(operation: Operation) -> Operation {
    operation
        .named(Group::Billing, "openPortal", "Open the payment provider's portal")
        .about("Where cards and subscriptions are managed.")
        .answers::<PortalBody>(
            200,
            "The page.",
            json!({ "url": "http://127.0.0.1:3001/sandbox/portal/cus_sandbox_1" }),
        )
        .fails(of_payments())
        .fails([Kind::NoCustomer])
}

/// `GET /api/billing/auto-top-up`.
pub fn top_up(operation: Operation) -> Operation {
    operation
        .named(Group::Billing, "getTopUp", "See automatic top-up")
        .answers::<TopUpBody>(200, "Its settings, and how it goes.", top_up_example())
        .fails([Kind::BillingNotConfigured])
}

/// `PUT /api/billing/auto-top-up`.
pub fn set_top_up(operation: Operation) -> Operation {
    let wish = json!({ "enabled": true, "threshold": 500, "plan_id": "starter", "monthly_cap_minor": 8700 });
    operation
        .named(Group::Billing, "setTopUp", "Set automatic top-up")
        .about("Buys the plan with the card of an earlier checkout (`keepCard`) when the credits fall below the threshold.")
        .takes::<TopUpWish>(vec![("starter", wish)])
        .answers::<TopUpBody>(200, "Its settings, and how it goes.", top_up_example())
        .refuses("/plan_id", "no plan of the catalogue")
        .fails([Kind::BillingNotConfigured, Kind::NoCustomer])
}

/// `POST /api/billing/webhook`.
pub fn webhook(operation: Operation) -> Operation {
    operation
        .named(Group::Billing, "receiveEvent", "Take an event of the payment provider")
        .about("For Stripe: the raw body must be signed with the endpoint's secret. Kept first, understood afterwards.")
        .takes_raw("Stripe-Signature", "Stripe's signature of the raw body.", "t=1764150462,v1=5257a869e7...")
        .answers::<ReceivedBody>(200, "It is kept.", json!({ "received": true }))
        .fails([Kind::BadSignature, Kind::BillingNotConfigured, Kind::TemporarilyUnavailable])
}
