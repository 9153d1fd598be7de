//! The real server, booted on a free port, spoken to over HTTP; the books are verified after every test.

mod admin;
mod alerts;
mod api_keys;
mod assistant;
mod billing;
mod canary;
mod cli;
mod crash;
mod gateway;
mod harness;
mod hostile;
mod idempotency;
mod jwks;
mod limits;
mod metrics;
mod outage;
mod privacy;
mod process;
mod provider;
mod races;
mod tokens;
mod traces;
mod upstreams;
