//! The store against a PostgreSQL of its own.

mod append_only;
mod constraints;
mod contract;
mod corruption;
mod folding;
mod harness;
mod inbox;
mod migrations;
mod notices;
mod outages;
mod purchases;
mod retention;
mod trees;
