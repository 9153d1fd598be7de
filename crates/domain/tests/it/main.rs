//! The rules of credits, held against a naive model of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod acts;
mod api_keys;
mod assistant;
mod ends;
mod example;
mod live;
mod model;
mod news;
mod payments;
mod rows;
mod rules;
