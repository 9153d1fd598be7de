//! The store against a PostgreSQL of its own.

mod append_only;
mod constraints;
mod contract;
mod corruption;
mod harness;
mod migrations;
mod outages;
mod retention;
mod trees;
