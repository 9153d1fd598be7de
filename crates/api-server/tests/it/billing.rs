//! Buying, over HTTP on both sides: our server, and a fake Stripe that speaks Stripe's API.
//!
//! Small sizes of the tests that the design calls T8 (webhooks in every shape and order) and T9 (all of them lost).

mod checkout;
mod crash;
mod figures;
mod orders;
mod returns;
mod sandbox;
mod shop;
mod subscriptions;
mod top_up;
mod webhooks;
