//! One's own credits, usage and notices.

use serde_json::{Value, json};

use super::Group;
use super::operation::Operation;
use super::problems::remaining;
use crate::http::problem::Kind;
use crate::routes::alerts::{AlertsBody, AlertsWish};
use crate::routes::api_keys::ApiKeyBody;
use crate::routes::purchases::{NoticeBody, PurchaseBody};
use crate::routes::views::{CreditsBody, EntryBody, UsageBody};

/// `GET /api/user/ai-credits`.
pub fn balance(operation: Operation) -> Operation {
    operation
        .named(Group::Credits, "getCredits", "See one's credits")
        .about("One shape always: a user never seen before has zeros and the plan `free`.")
        .answers::<CreditsBody>(200, "The account.", credits())
}

/// `GET /api/user/ai-credits/history`.
pub fn history(operation: Operation) -> Operation {
    operation
        .named(Group::Credits, "listJournal", "List one's journal")
        .about("Why the credits are what they are: every grant, use, expiry and refund, newest first.")
        .pages(BY_SEQ)
        .answers_page::<EntryBody>(entry())
}

/// `GET /api/user/ai-usage`.
pub fn usage(operation: Operation) -> Operation {
    operation
        .named(Group::Credits, "listUsage", "List one's AI requests")
        .about("Newest first, failed ones included.")
        .pages(TIME_AND_ID)
        .answers_page::<UsageBody>(request())
}

/// `GET /api/user/notifications`.
pub fn notices(operation: Operation) -> Operation {
    operation
        .named(Group::Credits, "listNotices", "List one's notices")
        .about("Purchases, failed payments, renewals, disputes, low balance: newest first.")
        .pages(BY_NOTICE)
        .answers_page::<NoticeBody>(notice())
}

fn alerts_example() -> Value {
    json!({ "low_balance_threshold": 500, "effective_threshold": 500, "email": "maria@example.com", "language": "pt-BR" })
}

/// `GET /api/user/alerts`.
pub fn alerts(operation: Operation) -> Operation {
    operation.named(Group::Credits, "getAlerts", "See when and where one is told").answers::<AlertsBody>(
        200,
        "The settings.",
        alerts_example(),
    )
}

/// `PUT /api/user/alerts`.
pub fn set_alerts(operation: Operation) -> Operation {
    let wish = json!({ "low_balance_threshold": 500, "email": "maria@example.com", "language": "pt-BR" });
    operation
        .named(Group::Credits, "setAlerts", "Say when and where one is told")
        .about("Replaces all settings: what is left out is as it was for a newcomer.")
        .takes::<AlertsWish>(vec![("all", wish), ("none", json!({}))])
        .refuses("/email", "more than 64 characters before the `@`")
        .answers::<AlertsBody>(200, "The settings.", alerts_example())
}

/// `GET /api/user/export`.
pub fn export(operation: Operation) -> Operation {
    let lists = [
        "lots",
        "journal",
        "usage",
        "texts",
        "idempotency_keys",
        "purchases",
        "api_keys",
        "audit_log",
        "notifications",
    ];
    let mut example = json!({
        "format": "saldo-export",
        "version": 1,
        "exported_at": "2026-11-22T19:48:12.169460Z",
        "user_id": "b7eb7dc6-97ca-581d-9f87-a3b6dd4a1248",
        "account": credits(),
        "alerts": alerts_example(),
        "billing": { "customer_id": null, "auto_top_up": null },
        "subscriptions": [],
        "suspensions": [],
    });
    for list in lists {
        example[list] = json!([]);
    }
    operation
        .named(Group::Credits, "exportAccount", "Have everything that is kept of one")
        .about("One document, written as it is read: when it breaks off, it is no JSON.")
        .answers_schema(
            200,
            "The document.",
            move |components| {
                let mut properties = json!({
                    "format": { "const": "saldo-export" },
                    "version": { "const": 1 },
                    "exported_at": { "type": "string", "format": "date-time" },
                    "user_id": { "type": "string", "format": "uuid" },
                    "account": components.schema::<CreditsBody>(true),
                    "alerts": components.schema::<AlertsBody>(true),
                    "billing": { "type": "object" },
                    "subscriptions": { "type": "array", "items": { "type": "object" } },
                    "suspensions": { "type": "array", "items": { "type": "object" } },
                });
                for list in lists {
                    let items = match list {
                        "journal" => components.schema::<EntryBody>(true),
                        "usage" => components.schema::<UsageBody>(true),
                        "purchases" => components.schema::<PurchaseBody>(true),
                        "api_keys" => components.schema::<ApiKeyBody>(true),
                        "notifications" => components.schema::<NoticeBody>(true),
                        _ => json!({ "type": "object" }),
                    };
                    properties[list] = json!({ "type": "array", "items": items });
                }
                let required: Vec<String> =
                    properties.as_object().into_iter().flatten().map(|it| it.0.clone()).collect();
                let export = json!({ "type": "object", "required": required, "properties": properties });
                components.schema_of("Export", export)
            },
            example,
        )
        .with_headers(&["Content-Disposition"])
}

/// `DELETE /api/user`.
pub fn close(operation: Operation) -> Operation {
    operation
        .named(Group::Credits, "closeAccount", "Close one's account")
        .about(
            "For good: what is personal is erased, keys end, and the books stay under the user's id. Refused while requests run or a \
             subscription renews; refused for credits or a paid period that are left, unless they are given up. Done again, it is done.",
        )
        .asks("forfeit", "Whether what is left is given up.", json!({ "enum": ["true", "false"], "default": "false" }))
        .even_when_closed()
        .answers_nothing(204, "It is closed.")
        .fails([Kind::RequestsRunning, Kind::SubscriptionRenews, Kind::SubscriptionPaid, remaining()])
}

/// The cursor of a journal.
pub const BY_SEQ: &str = "^([1-9][0-9]{0,17})?$";
/// The cursor of a list of notices.
pub const BY_NOTICE: &str = r"^(-?[0-9]{1,15}_[\s\S]*)?$";
/// The cursor of a list in the order of time, of things with an id.
pub const TIME_AND_ID: &str =
    "^(-?[0-9]{1,15}_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?$";

/// In examples.
pub fn entry() -> Value {
    json!({
        "seq": 2,
        "kind": "use",
        "amount": -10,
        "balance_after": 4990,
        "source": "hold:01a204cd-4900-75e3-b208-6a4e2b445d17",
        "created_at": "2026-11-22T19:48:12.169460Z",
    })
}

/// In examples.
pub fn request() -> Value {
    json!({
        "id": "01a204cd-4900-75e3-b208-6a4e2b445d17",
        "created_at": "2026-11-22T19:48:12.169460Z",
        "request_type": "assistant",
        "model": "gpt-4o-mini",
        "credits_used": 10,
        "tokens_used": 258,
        "input_tokens": 201,
        "cached_input_tokens": 0,
        "output_tokens": 57,
        "reasoning_tokens": 0,
        "outcome": "settled",
        "estimated": false,
        "duration_ms": 431,
        "request_id": "01a204cd-47c1-7263-98cd-3fd04eae7df3",
    })
}

/// In examples.
pub fn notice() -> Value {
    json!({
        "id": "low_balance:12",
        "kind": "low_balance",
        "subject": "12",
        "created_at": "2026-11-22T19:48:12.169460Z",
        "plan_id": null,
        "credits": null,
        "amount_minor": null,
        "balance": 490,
        "threshold": 500,
    })
}

/// What an account has, in examples.
pub fn credits() -> Value {
    json!({
        "total_credits": 5000,
        "used_credits": 10,
        "available_credits": 4990,
        "held_credits": 0,
        "owed_credits": 0,
        "plan_type": "free",
        "renewal_date": null,
        "low_balance_threshold": 500,
    })
}
