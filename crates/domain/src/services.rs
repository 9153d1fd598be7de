//! What the product does, over the ports.

pub mod accounts;
pub mod alerts;
pub mod api_keys;
pub mod assistant;
pub mod billing;
pub mod catalogue_log;
pub mod figures;
pub mod gateway;
pub mod metering;
pub mod privacy;
pub mod verification;

/// Bytes in lower-case hexadecimal digits.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
