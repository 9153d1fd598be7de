//! Buying: purchases, subscriptions, customers, notices, and the inbox of the provider's events.
//!
//! | To find | Look in |
//! |---|---|
//! | what is read for a batch that buys | `load` |
//! | what is written of it | `save` |
//! | what cannot be stored | `storable` |
//! | lists, look-ups by the provider's names | `reads` |
//! | the provider's events | `inbox` |

pub(crate) mod inbox;
pub(crate) mod load;
pub(crate) mod reads;
pub(crate) mod save;
pub(crate) mod storable;

/// The columns of a purchase under the name `p`, with its returns in arrays.
macro_rules! purchase_columns {
    () => {
        "p.user_id, p.id, p.kind, p.plan, p.credits, p.price_minor, p.currency, p.expires_after_days, p.livemode,
    p.state, p.session_id, p.customer_id, p.payment_intent_id, p.charge_id, p.invoice_id, p.subscription_id,
    p.url, p.payment_method, p.period_end, p.refunded_minor, p.refunded_as_of, p.fault, p.idempotency_key,
    p.fingerprint, p.created_at, p.expires_at, p.paid_at, p.lookups, p.next_lookup, r.return_kinds,
    r.return_references, r.return_amounts, r.return_states, r.return_times"
    };
}

/// Joins the returns of the purchase `p`.
macro_rules! with_returns {
    () => {
        "CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(r.kind), '{}') AS return_kinds,
        coalesce(array_agg(r.reference), '{}') AS return_references,
        coalesce(array_agg(r.amount_minor), '{}') AS return_amounts,
        coalesce(array_agg(r.state), '{}') AS return_states,
        coalesce(array_agg(r.as_of), '{}') AS return_times
    FROM purchase_returns r WHERE r.lane = p.lane AND r.user_id = p.user_id AND r.purchase_id = p.id
) r"
    };
}

/// The columns of a subscription under the name `s`.
macro_rules! subscription_columns {
    () => {
        "s.user_id, s.id, s.purchase_id, s.plan, s.credits, s.price_minor, s.currency, s.expires_after_days,
    s.status, s.cancel_at_period_end, s.ended, s.paid_until, s.as_of, s.created_at"
    };
}

/// The columns of a billing profile under the name `b`.
macro_rules! profile_columns {
    () => {
        "b.user_id, b.customer_id, b.top_up_enabled, b.top_up_threshold, b.top_up_plan, b.top_up_cap_minor,
    b.top_up_open, b.top_up_declines, b.top_up_month, b.top_up_month_minor"
    };
}

use {profile_columns, purchase_columns, subscription_columns, with_returns};

/// A statement with the indexes that its plan must use.
#[cfg(test)]
type Lookup = (&'static str, &'static [&'static str]);

/// The lookups of the writers.
#[cfg(test)]
pub(crate) fn lookups() -> impl Iterator<Item = &'static Lookup> {
    load::LOOKUPS.iter().chain(save::LOOKUPS)
}

/// A statement, values to plan it for, and the indexes that its plan must use.
#[cfg(test)]
pub(crate) type ReaderLookup = (&'static str, &'static str, &'static [&'static str]);

/// The lookups over connections of the pool.
#[cfg(test)]
pub(crate) fn lookups_of_readers() -> impl Iterator<Item = &'static ReaderLookup> {
    reads::LOOKUPS.iter().chain(inbox::LOOKUPS).chain(crate::outbox::LOOKUPS)
}
