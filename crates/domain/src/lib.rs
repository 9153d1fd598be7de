//! Saldo's rule book.
//!
//! Pure: no input or output, no clock, no randomness, no floats, no runtime. Whatever touches the world
//! stands behind a trait in [`ports`].
//!
//! - Vocabulary: [`credits`], [`tokens`], [`money`], [`ids`], [`clock`], [`language`], [`contact`].
//! - [`ledger`]: the rules of credits as pure functions over plain data.
//! - [`catalog`] and [`pricing`]: plans, models, prices; what a request may cost and what it did cost.
//! - [`api_keys`]: keys for programs, and how they are written.
//! - [`audit`]: what admins did, and [`reports`]: figures over all users.
//! - [`ports`]: what the services need of the world.
//! - [`services`]: what the product does with all that: [`services::assistant`], [`services::accounts`],
//!   [`services::api_keys`].

pub mod api_keys;
pub mod audit;
pub mod billing;
pub mod catalog;
pub mod clock;
pub mod contact;
pub mod credits;
pub mod ids;
pub mod language;
pub mod ledger;
pub mod money;
pub mod ports;
pub mod pricing;
pub mod reports;
pub mod services;
pub mod tokens;
