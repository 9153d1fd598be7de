//! How tokens are counted here: by their characters, about as European languages need them.

use domain::ports::language_model::{Finish, Message};
use domain::tokens::{TokenUsage, Tokens};

/// Characters per token.
const CHARS_PER_TOKEN: usize = 4;
/// What each message costs beyond its text, in tokens.
const TOKENS_PER_MESSAGE: u64 = 4;

/// Of a text.
pub(super) fn tokens(text: &str) -> Tokens {
    let count = text.chars().count().div_ceil(CHARS_PER_TOKEN);
    Tokens::new(u64::try_from(count).unwrap_or(u64::MAX))
}

/// Of texts that are as many messages.
pub(super) fn of_messages<'a>(texts: impl IntoIterator<Item = &'a str>) -> Tokens {
    texts
        .into_iter()
        .fold(Tokens::ZERO, |sum, text| sum.plus(tokens(text)).plus(Tokens::new(TOKENS_PER_MESSAGE)))
}

/// Of a conversation.
pub(super) fn of_conversation(messages: &[Message]) -> Tokens {
    of_messages(messages.iter().map(|message| message.text.as_str()))
}

/// Input and output, of which nothing is cached and nothing reasoning.
pub(super) fn usage(input: Tokens, output: Tokens) -> TokenUsage {
    TokenUsage { input, output, ..TokenUsage::default() }
}

/// As much of the text as `limit` tokens hold.
pub(super) fn cut(text: String, limit: Tokens) -> (String, Finish) {
    if tokens(&text) <= limit {
        return (text, Finish::Stop);
    }
    let chars = usize::try_from(limit.get()).unwrap_or(usize::MAX).saturating_mul(CHARS_PER_TOKEN);
    (text.chars().take(chars).collect(), Finish::Length)
}
