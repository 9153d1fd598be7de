//! What admins see, as CSV.

use super::Group;
use super::everybody::{filters_of_audit, filters_of_usage};
use super::operation::Operation;
use crate::routes::admin::exports::{AUDIT, JOURNAL, PURCHASES, USAGE};

/// `GET /api/admin/usage.csv`.
pub fn usage(operation: Operation) -> Operation {
    let operation = operation
        .named(Group::Admin, "exportUsage", "Export AI requests")
        .about("Newest first.")
        .answers_csv(USAGE);
    filters_of_usage(operation)
}

/// `GET /api/admin/journal.csv`.
pub fn journal(operation: Operation) -> Operation {
    operation
        .named(Group::Admin, "exportJournal", "Export journals")
        .about("Account by account, oldest first.")
        .asks_for_user("user")
        .asks_for_range()
        .answers_csv(JOURNAL)
}

/// `GET /api/admin/purchases.csv`.
pub fn purchases(operation: Operation) -> Operation {
    operation
        .named(Group::Admin, "exportPurchases", "Export purchases")
        .about("Newest first; `from` and `to` are of when they were written down.")
        .asks_for_user("user")
        .asks_for_range()
        .answers_csv(PURCHASES)
}

/// `GET /api/admin/audit.csv`.
pub fn audit(operation: Operation) -> Operation {
    let operation = operation
        .named(Group::Admin, "exportAudit", "Export the audit log")
        .about("Newest first.")
        .answers_csv(AUDIT);
    filters_of_audit(operation)
}
