//! The provider's counts of tokens.

use domain::ports::language_model::Interface;
use domain::tokens::{TokenUsage, Tokens};
use serde_json::Value;

/// The provider's count; nothing at all where a part of it makes no sense, for then the rest is not to
/// be trusted either.
pub(crate) fn usage(interface: Interface, usage: &Value) -> Option<TokenUsage> {
    let usage = match interface {
        Interface::ChatCompletions => TokenUsage {
            input: tokens(usage.get("prompt_tokens")?)?,
            cached_input: part(usage, "prompt_tokens_details", "cached_tokens")?,
            output: tokens(usage.get("completion_tokens")?)?,
            reasoning: part(usage, "completion_tokens_details", "reasoning_tokens")?,
        },
        Interface::Responses => TokenUsage {
            input: tokens(usage.get("input_tokens")?)?,
            cached_input: part(usage, "input_tokens_details", "cached_tokens")?,
            output: tokens(usage.get("output_tokens")?)?,
            reasoning: part(usage, "output_tokens_details", "reasoning_tokens")?,
        },
        Interface::Embeddings => {
            TokenUsage { input: tokens(usage.get("prompt_tokens")?)?, ..TokenUsage::default() }
        }
    };
    Some(usage.coherent())
}

/// A part that many servers do not report: absent or null is zero.
fn part(usage: &Value, details: &str, name: &str) -> Option<Tokens> {
    match usage.get(details).and_then(|details| details.get(name)) {
        None | Some(Value::Null) => Some(Tokens::ZERO),
        Some(count) => tokens(count),
    }
}

fn tokens(count: &Value) -> Option<Tokens> {
    count.as_u64().filter(|count| *count <= Tokens::MAX.get()).map(Tokens::new)
}
