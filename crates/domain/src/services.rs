//! What the product does, over the ports.

pub mod accounts;
pub mod api_keys;
pub mod assistant;
pub mod billing;
pub mod figures;
pub mod gateway;
pub mod metering;
pub mod verification;
