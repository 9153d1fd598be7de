//! The server and its command line: the only crate that names concrete adapters.
//!
//! [`config`] reads the environment, [`wiring`] builds the services from it, [`routes`] answer HTTP through
//! the layers in [`http`], [`jobs`] keep the books in order, [`metrics`] counts, [`cli`] is the way in.

mod calendar;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
mod demo;
mod http;
mod jobs;
mod metrics;
mod routes;
pub mod server;
mod spool;
mod telemetry;
mod watched_model;
pub mod wiring;
