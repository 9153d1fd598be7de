//! Invoices of subscriptions.
//!
//! Since the API version 2025-03-31, the subscription stands under `parent`, the payments in a list of their
//! own, and a line's price under `pricing`. Both shapes are read, whichever version sent them.

use domain::billing::facts::Paid;
use domain::billing::offer::PayMode;
use domain::billing::purchase::Names;
use domain::clock::Timestamp;
use domain::ids::PurchaseId;
use domain::ports::payments::{Fact, InvoiceReason, InvoiceSighting};
use serde_json::Value;

use crate::json::{self, PLAN, PURCHASE, amount, list, name, says, text, time};

/// Where the subscription's metadata may stand, the surest place first.
const METADATA: [&str; 4] = [
    "/subscription_details/metadata",
    "/parent/subscription_details/metadata",
    "/lines/data/0/metadata",
    "/metadata",
];

pub(super) fn purchase(invoice: &Value) -> Option<PurchaseId> {
    METADATA.iter().find_map(|metadata| json::purchase(invoice, &format!("{metadata}/{PURCHASE}")))
}

/// The names that only an invoice tells in its own way.
pub(super) fn learn(names: &mut Names, invoice: &Value) {
    let subscription = || {
        let places = [
            "/parent/subscription_details/subscription",
            "/lines/data/0/subscription",
            "/lines/data/0/parent/subscription_item_details/subscription",
        ];
        places.iter().find_map(|place| name(invoice, place))
    };
    names.subscription = names.subscription.take().or_else(subscription);
    let payments = list(invoice, "/payments");
    // One that is paid, or else the one that is still tried.
    let is_paid = |payment: &&Value| text(payment, "/status").as_deref() == Some("paid");
    let is_default = |payment: &&Value| says(payment, "/is_default");
    let payment = payments.iter().find(is_paid).or_else(|| payments.iter().find(is_default));
    if let Some(payment) = payment.or_else(|| payments.first()) {
        let of_payment = |part: &str| name(payment, &format!("/payment/{part}"));
        names.intent = names.intent.take().or_else(|| of_payment("payment_intent"));
        names.charge = names.charge.take().or_else(|| of_payment("charge"));
    }
}

pub(super) fn fact(event: &str, invoice: &Value) -> Fact {
    Fact::Invoice(InvoiceSighting {
        reason: match text(invoice, "/billing_reason").as_deref() {
            Some("subscription_create") => InvoiceReason::Begin,
            Some("subscription_cycle") => InvoiceReason::Cycle,
            Some(_) => InvoiceReason::Other,
            None => InvoiceReason::Unsaid,
        },
        paid: paid(event, invoice),
        collecting_failed: event == "invoice.payment_failed",
        whole: is_whole(invoice),
        period_end: period_end(invoice),
        price: price(invoice),
        plan: METADATA.iter().find_map(|metadata| text(invoice, &format!("{metadata}/{PLAN}"))),
    })
}

fn paid(event: &str, invoice: &Value) -> Option<Paid> {
    let is_paid = matches!(event, "invoice.paid" | "invoice.payment_succeeded")
        || text(invoice, "/status").map_or(says(invoice, "/paid"), |status| status == "paid");
    let minor = amount(invoice, "/amount_paid").filter(|_| is_paid)?;
    let currency = text(invoice, "/currency")?.to_lowercase();
    Some(Paid { minor, currency, mode: PayMode::Subscription })
}

/// Whether nothing was taken off: no discount, no credit of the customer's. As far as it says.
fn is_whole(invoice: &Value) -> bool {
    let paid = amount(invoice, "/amount_paid");
    let same = |field: &str| match (amount(invoice, field), paid) {
        (Some(other), Some(paid)) => other == paid,
        _ => true,
    };
    same("/subtotal") && same("/total")
}

/// The latest end of a period that the subscription itself is charged for.
fn period_end(invoice: &Value) -> Option<Timestamp> {
    let lines = list(invoice, "/lines").iter();
    lines.filter(|line| is_whole_period(line)).filter_map(|line| time(line, "/period/end")).max()
}

/// Whether a line is for a whole period: neither an item beside the subscription, nor a proration.
fn is_whole_period(line: &Value) -> bool {
    let is_of_subscription = match (text(line, "/type").as_deref(), text(line, "/parent/type").as_deref()) {
        (Some(kind), None) => kind == "subscription",
        (_, Some(kind)) => kind == "subscription_item_details",
        (None, None) => true,
    };
    let prorations = [
        "/proration",
        "/parent/subscription_item_details/proration",
        "/parent/invoice_item_details/proration",
    ];
    is_of_subscription && !prorations.iter().any(|place| says(line, place))
}

/// The price of the one line; `None` where there are more. The oldest versions call it a plan.
fn price(invoice: &Value) -> Option<String> {
    let [line] = list(invoice, "/lines") else { return None };
    if says(invoice, "/lines/has_more") {
        return None;
    }
    ["/price", "/pricing/price_details/price", "/plan"].iter().find_map(|place| name(line, place))
}
