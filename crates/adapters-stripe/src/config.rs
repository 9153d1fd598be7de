//! Where Stripe is, and how it is asked.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// Stripe's own address.
pub const API_BASE: &str = "https://api.stripe.com";

/// The API version that every request names. It is the one that async-stripe's builders are made for; a test
/// compares the two, so that it changes on purpose only.
pub const API_VERSION: &str = "2026-09-30.endive";

/// Where Stripe is, and how it is asked.
#[derive(Clone, Debug)]
pub struct StripeConfig {
    /// What `/v1/...` is appended to: [`API_BASE`], or a server that behaves like it, over plain http too. A
    /// slash at the end does not matter.
    pub base_url: Url,
    /// The secret key, or a restricted one.
    pub secret_key: SecretString,
    /// The API version that requests name; [`API_VERSION`] by default.
    pub api_version: String,
    /// How long is waited for what.
    pub timeouts: Timeouts,
    /// How often a request is repeated.
    pub retries: Retries,
}

impl StripeConfig {
    /// This server and key, with the usual version, timeouts and retries.
    pub fn new(base_url: Url, secret_key: SecretString) -> Self {
        Self {
            base_url,
            secret_key,
            api_version: API_VERSION.to_owned(),
            timeouts: Timeouts::default(),
            retries: Retries::default(),
        }
    }
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, name resolution and TLS included; 5 s by default.
    pub connect: Duration,
    /// From sending a request until its answer is read, connecting included; 30 s by default. A repetition has
    /// as long again.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(30) }
    }
}

/// How often a request is repeated when there is no connection, or when Stripe says that it is busy (409, 424,
/// 429) or broken (5xx). Never after a timeout: whoever is that slow is not helped by more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How often it is sent in all, at least once; 3 times by default.
    pub attempts: u32,
    /// How long is waited before the second attempt, and twice as long before each further one; 500 ms by
    /// default.
    pub pause: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { attempts: 3, pause: Duration::from_millis(500) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_the_builders_are_made_for() {
        assert_eq!(stripe_client_core::VERSION.as_str(), API_VERSION);
    }
}
