//! The store on real files: what is SQLite's own, and the contract that every store keeps.

mod buying;
mod contract;
mod corruption;
mod harness;
mod inbox;
mod migrating;
mod opening;
mod reports;
mod sharing;
mod upkeep;
