//! The test kit itself, under test.

mod contract;
mod control;
mod memory;
mod outbox;
mod postgres;
mod provider;
