//! OpenAI's wire protocol behind the [language model port](domain::ports::language_model).
//!
//! - [`OpenAi`] asks any server that speaks the chat completions protocol.
//! - [`Tiktoken`] counts tokens before they are sent, as OpenAI's models do.
//!
//! Three promises hold throughout. Nothing is sent twice: there are no retries, and redirects are not
//! followed, so that the key reaches nobody else. Everything is bounded: time by [`Timeouts`], answers by
//! 8 MiB. Errors, which are logged, repeat nothing of the conversation, the answer or the key.

mod client;
mod error;
pub mod inbound;
mod tokenizer;
mod wire;

pub use client::{OpenAi, OpenAiConfig, Timeouts};
pub use error::SetupError;
pub use tokenizer::Tiktoken;
