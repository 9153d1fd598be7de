//! Everybody's accounts, requests, purchases and notices, and the audit log.

use domain::ledger::usage::Outcome;
use domain::ports::overview::AccountOrder;
use serde_json::{Value, json};

use super::Group;
use super::account::{self, BY_NOTICE, BY_SEQ, TIME_AND_ID};
use super::office;
use super::operation::Operation;
use crate::routes::admin::lists::{AdminEntryBody, AdminNoticeBody, AdminUsageBody, AuditBody};
use crate::routes::admin::users::{AccountBody, SheetBody};
use crate::routes::purchases::AdminPurchaseBody;

const USER: &str = "b7eb7dc6-97ca-581d-9f87-a3b6dd4a1248";

fn with(mut example: Value, more: &[(&str, Value)]) -> Value {
    for (name, value) in more {
        example[*name] = value.clone();
    }
    example
}

fn request() -> Value {
    let more = [
        ("user_id", json!(USER)),
        ("plan_type", json!("free")),
        ("absorbed_credits", json!(0)),
        ("cost", json!("0.0000585")),
    ];
    with(account::request(), &more)
}

fn entry() -> Value {
    let more = [("user_id", json!(USER)), ("actor", json!(format!("user:{USER}"))), ("note", Value::Null)];
    with(account::entry(), &more)
}

/// A text to filter by.
fn filter() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 300 })
}

/// Which requests.
pub fn filters_of_usage(operation: Operation) -> Operation {
    let outcomes: Vec<&str> = Outcome::ALL.map(Outcome::as_str).into();
    operation
        .asks_for_user("user")
        .asks("model", "A model.", filter())
        .asks("outcome", "How they ended.", json!({ "enum": outcomes }))
        .asks_for_range()
}

/// Which entries of the audit log.
pub fn filters_of_audit(operation: Operation) -> Operation {
    let actor = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "\\S" });
    operation
        .asks("actor", "An admin as users are named, `admin:...`, or `operator`.", actor)
        .asks_for_user("user")
        .asks("target", "What was acted on.", filter())
        .asks("action", "What was done.", filter())
        .asks_for_range()
}

/// `GET /api/admin/users`.
pub fn users(operation: Operation) -> Operation {
    let orders: Vec<&str> = AccountOrder::ALL.map(AccountOrder::as_str).into();
    operation
        .named(Group::Admin, "listUsers", "List accounts")
        .asks(
            "sort",
            "Newest, most used, or highest balance first.",
            json!({ "enum": orders, "default": "newest" }),
        )
        .asks_for_user("search")
        .pages("^(-?[0-9]{1,15}_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?$")
        .answers_page::<AccountBody>(with(
            office::account(),
            &[("created_at", json!("2026-11-22T19:48:08.848091Z"))],
        ))
}

/// `GET /api/admin/users/{id}`.
pub fn user(operation: Operation) -> Operation {
    let more = [
        ("created_at", json!("2026-11-22T19:48:08.848091Z")),
        ("suspensions", json!([])),
        (
            "lots",
            json!([{
                "id": "01a204cd-3b00-7c51-9f25-2f6a1b7c8d17",
                "source": "bonus:demo",
                "amount": 5000,
                "remaining": 4990,
                "expired": 0,
                "clawed_back": 0,
                "created_at": "2026-11-22T19:48:08.848091Z",
                "expires_at": null,
            }]),
        ),
        ("open_holds", json!(0)),
        ("last_usage", request()),
    ];
    operation
        .named(Group::Admin, "getUser", "See an account in full")
        .about("404 for a user who was never seen.")
        .user()
        .answers::<SheetBody>(200, "The account.", with(office::account(), &more))
}

/// `GET /api/admin/users/{id}/journal`.
pub fn journal_of(operation: Operation) -> Operation {
    operation
        .named(Group::Admin, "listUserJournal", "List a user's journal")
        .user()
        .pages(BY_SEQ)
        .answers_page::<AdminEntryBody>(entry())
}

/// `GET /api/admin/users/{id}/usage`.
pub fn usage_of(operation: Operation) -> Operation {
    operation
        .named(Group::Admin, "listUserUsage", "List a user's AI requests")
        .user()
        .pages(TIME_AND_ID)
        .answers_page::<AdminUsageBody>(request())
}

/// `GET /api/admin/users/{id}/purchases`.
pub fn purchases_of(operation: Operation) -> Operation {
    operation
        .named(Group::Admin, "listUserPurchases", "List a user's purchases")
        .user()
        .pages(TIME_AND_ID)
        .answers_page::<AdminPurchaseBody>(office::purchase())
}

/// `GET /api/admin/purchases`.
pub fn purchases(operation: Operation) -> Operation {
    operation
        .named(Group::Admin, "listPurchases", "List purchases")
        .about("Everybody's, or those of one user.")
        .asks_for_user("user")
        .pages(TIME_AND_ID)
        .answers_page::<AdminPurchaseBody>(office::purchase())
}

/// `GET /api/admin/usage`.
pub fn usage(operation: Operation) -> Operation {
    filters_of_usage(operation.named(Group::Admin, "listAllUsage", "List AI requests"))
        .pages(TIME_AND_ID)
        .answers_page::<AdminUsageBody>(request())
}

/// `GET /api/admin/notices`.
pub fn notices(operation: Operation) -> Operation {
    let more = [("user_id", json!(USER)), ("audience", json!("user")), ("detail", Value::Null)];
    operation
        .named(Group::Admin, "listAllNotices", "List notices")
        .about("Those of all users, and those that only admins see.")
        .pages(BY_NOTICE)
        .answers_page::<AdminNoticeBody>(with(account::notice(), &more))
}

/// `GET /api/admin/audit`.
pub fn audit(operation: Operation) -> Operation {
    filters_of_audit(operation.named(Group::Admin, "listAudit", "List what admins did"))
        .pages(TIME_AND_ID)
        .answers_page::<AuditBody>(json!({
        "id": "01a204cd-48aa-7d11-8c33-5b9a0e7f2b11",
        "at": "2026-11-22T19:48:12.010913Z",
        "actor": "admin:e3254e4c-2035-5b95-b2e6-ff21567566cb",
        "via": "token",
        "action": "user.suspend",
        "target": format!("user:{USER}"),
        "user_id": USER,
        "reason": "investigação",
        "before": null,
        "after": null,
        "request_id": "01a204cd-47c1-7263-98cd-3fd04eae7df3",
        "idempotency_key": null,
    }))
}
