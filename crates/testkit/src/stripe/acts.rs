//! What customers, their banks and people at Stripe's dashboard do.

mod checkout;
mod returns;
mod subscriptions;
