//! The test kit itself, under test.

mod alerts;
mod contract;
mod control;
mod memory;
mod outbox;
mod postgres;
mod provider;
