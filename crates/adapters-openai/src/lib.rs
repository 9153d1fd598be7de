//! OpenAI's wire protocols behind the [language model port](domain::ports::language_model).
//!
//! - [`OpenAi`] asks any server that speaks chat completions, responses or embeddings.
//! - [`Upstreams`] asks each model of several such servers.
//! - [`inbound::read`] reads clients' own requests in the same format, for what they may cost.
//! - [`Tiktoken`] counts tokens before they are sent, as OpenAI's models do.
//!
//! | To find | Look in |
//! |---|---|
//! | addresses, keys, timeouts, Azure's dialect | `config` |
//! | what is sent | `outbound` |
//! | what is made of whole answers | `answers` |
//! | what is made of streams | `stream`; their events: `sse` |
//! | what counts as output | `said` |
//!
//! Three promises hold throughout. Nothing is sent twice to a provider that may have worked on it: only a connection that
//! was never made is tried again, and redirects are not followed, so that the key reaches nobody else. Everything is bounded: time by [`Timeouts`], answers and events by
//! their size. Errors, which are logged, repeat nothing of the conversation, the answer or the key; what a provider
//! says of a client's own request is for that client alone.

mod answers;
mod client;
mod config;
mod error;
pub mod inbound;
mod outbound;
mod retry_after;
mod said;
mod sse;
mod stream;
mod tokenizer;
mod upstreams;
mod usage;

pub use client::OpenAi;
pub use config::{Kind, OpenAiConfig, Timeouts};
pub use error::SetupError;
pub use tokenizer::Tiktoken;
pub use upstreams::{Target, UpstreamConfig, Upstreams};
