//! The real server, booted on a free port, spoken to over HTTP; the books are verified after every test.

mod admin;
mod api_keys;
mod assistant;
mod billing;
mod cli;
mod crash;
mod dashboard;
mod gateway;
mod harness;
mod hostile;
mod idempotency;
mod jwks;
mod limits;
mod metrics;
mod outage;
mod process;
mod provider;
mod proxies;
mod races;
mod rolling;
mod tls;
mod tokens;
mod traces;
mod upstreams;
