//! The server and its command line: the only crate that names concrete adapters.
//!
//! [`config`] reads the environment, [`wiring`] builds the services from it, [`routes`] answer HTTP through
//! the layers in [`http`], [`dashboard`] and [`playground`] are pages for people, [`jobs`] keep the books in order,
//! [`metrics`] counts, [`cli`] is the way in.

mod calendar;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
mod dashboard;
mod demo;
mod http;
mod jobs;
mod metrics;
mod pages;
mod playground;
mod routes;
pub mod server;
mod spool;
mod telemetry;
mod tls;
mod watched_model;
mod watched_store;
pub mod wiring;
