//! The layers around every request, from the outside in: [`envelope`] (request id, security headers, log),
//! CORS, [`problems`] (errors become problem documents), [`limiter`] (per address, found by [`origin`]); and what handlers use:
//! [`auth`], [`body`], [`headers`].

pub mod auth;
pub mod billing_headers;
pub mod body;
pub mod csv;
pub mod envelope;
pub mod fields;
mod forwarded;
pub mod headers;
pub mod limiter;
pub mod money;
pub mod openai_errors;
pub mod origin;
pub mod problem;
pub mod problems;
pub mod query;
pub mod sse;
pub mod texts;
