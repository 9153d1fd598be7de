//! The rules of credits, as pure functions over plain data.
//!
//! | To find | Look in |
//! |---|---|
//! | what an account is; available, owed | [`account`] |
//! | hold, settle, void; **a hold voids at expiry** | [`holds`] |
//! | which lot burns first, how a lot falls due | [`lots`] |
//! | grants and adjustments, each once | [`grants`] |
//! | refunds and disputes take credits back | [`clawback`] |
//! | rates, concurrency, daily credits | [`limits`] |
//! | **what follows from a payment's news**: grant, claw-back, suspension, notice | [`payments`] |
//! | API keys; **how much one may spend** | [`api_keys`] |
//! | the low-balance notice, and setting it | [`alerts`] |
//! | closing an account for good | [`closing`] |
//! | what an admin's act changed, for the audit log | `auditing` |
//! | suspension; which plan is in force | [`standing`] |
//! | the chained journal | [`journal`] |
//! | many commands at once: what a store runs | [`batch`] |
//! | invariants I1 to I9 and I11 | [`verify`] |
//!
//! To add an act: a request and a [`command::Command`] variant, a function on the book in the room it
//! belongs to, an arm in [`batch`], a verb on [`crate::ports::ledger::Ledger`], a case in the contract
//! suite. Stores need no change unless a new table does.

pub mod account;
pub mod alerts;
pub mod api_keys;
mod auditing;
pub mod batch;
mod books;
pub mod clawback;
pub mod closing;
pub mod command;
pub mod grants;
pub mod holds;
pub mod journal;
pub mod limits;
pub mod lots;
pub mod payments;
pub mod standing;
pub mod usage;
pub mod verify;
