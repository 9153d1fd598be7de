//! What users may ask. A [`Question`] that exists is valid.

use crate::ports::identity::Scope;
use crate::ports::language_model::{Message, Role};

/// The longest message, in characters.
pub const LONGEST_MESSAGE: usize = 8_000;
/// How many turns of a conversation are used: the last ones.
pub const TURNS_USED: usize = 50;

/// Where a request is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// JSON pointer to the field.
    pub pointer: String,
    /// The rule it breaks.
    pub rule: FieldRule,
}

impl FieldFault {
    /// A fault.
    pub fn new(pointer: impl Into<String>, rule: FieldRule) -> Self {
        Self { pointer: pointer.into(), rule }
    }
}

/// What a field must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldRule {
    /// There.
    Required,
    /// Of this JSON type.
    Type(&'static str),
    /// Not blank.
    NotBlank,
    /// At most so many characters.
    AtMostChars(usize),
    /// A plan of the catalogue.
    KnownPlan,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number other than zero within these bounds.
    AmountWithin(i64),
    /// A moment in the future, written as RFC 3339.
    FutureTime,
    /// A date, `YYYY-MM-DD`, or a moment, RFC 3339.
    DateOrTime,
    /// Before the other end of the range.
    BeforeTo,
    /// A whole number within these bounds.
    WholeWithin(i64, i64),
    /// A cursor that an earlier page gave.
    Cursor,
    /// 1 to 255 visible ASCII characters.
    IdempotencyKey,
    /// Shorter: the conversation leaves the model no room to answer.
    RoomToAnswer,
    /// Not larger than a limit of the account.
    WithinLimit,
    /// Left out when credits are taken: only credits that are given can expire.
    OnlyWithGrants,
    /// Without images: the model takes none, or nobody knows what they cost.
    NoImages,
    /// Without control characters: one line that can be shown.
    Printable,
    /// One of these scopes: what the asking token can give to an API key.
    Scopes(Vec<Scope>),
    /// Not asked for: this version cannot do it.
    Unsupported,
    /// Not asked for: what it costs cannot be bounded beforehand.
    CostUnbounded,
    /// A list of at least so many.
    AtLeastItems(usize),
    /// A list of at most so many.
    AtMostItems(usize),
    /// A range that has at most so many of the buckets asked for.
    AtMostBuckets(usize),
}

/// A question as it came, types checked, values not.
#[derive(Clone, Debug, Default)]
pub struct RawQuestion {
    /// `message`.
    pub message: Option<String>,
    /// `systemData`, as JSON text.
    pub system_data: Option<String>,
    /// `conversationHistory`: role and content.
    pub history: Vec<(Option<String>, Option<String>)>,
    /// `model`.
    pub model: Option<String>,
}

/// A valid question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    message: String,
    data: Option<String>,
    history: Vec<Message>,
    model: Option<String>,
}

impl Question {
    /// Checks a question; all faults at once.
    pub fn parse(raw: RawQuestion) -> Result<Self, Vec<FieldFault>> {
        let mut faults = Vec::new();
        match &raw.message {
            None => faults.push(FieldFault::new("/message", FieldRule::Required)),
            Some(text) if text.trim().is_empty() => {
                faults.push(FieldFault::new("/message", FieldRule::NotBlank));
            }
            Some(text) if text.chars().count() > LONGEST_MESSAGE => {
                faults.push(FieldFault::new("/message", FieldRule::AtMostChars(LONGEST_MESSAGE)));
            }
            Some(_) => {}
        }
        let mut history = Vec::new();
        for (index, (role, content)) in raw.history.into_iter().enumerate() {
            let at = |field| format!("/conversationHistory/{index}/{field}");
            let role = match role.as_deref() {
                Some("user") => Some(Role::User),
                Some("assistant") => Some(Role::Assistant),
                Some(_) => {
                    faults.push(FieldFault::new(at("role"), FieldRule::OneOf(&["user", "assistant"])));
                    None
                }
                None => {
                    faults.push(FieldFault::new(at("role"), FieldRule::Required));
                    None
                }
            };
            match (role, content) {
                (_, None) => faults.push(FieldFault::new(at("content"), FieldRule::Required)),
                (Some(role), Some(text)) => history.push(Message { role, text }),
                (None, Some(_)) => {}
            }
        }
        let unused = history.len().saturating_sub(TURNS_USED);
        history.drain(..unused);
        match raw.message {
            Some(message) if faults.is_empty() => {
                Ok(Self { message, data: raw.system_data, history, model: raw.model })
            }
            _ => Err(faults),
        }
    }

    /// What is asked.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Figures to go with it, as JSON.
    pub fn data(&self) -> Option<&str> {
        self.data.as_deref()
    }

    /// The turns before it.
    pub fn history(&self) -> &[Message] {
        &self.history
    }

    /// The model asked for by name.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }
}

/// Figures to give insights on, as JSON text; their shape was checked by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis(String);

impl Analysis {
    /// Checked figures, as JSON.
    pub fn new(figures: String) -> Self {
        Self(figures)
    }

    /// The JSON.
    pub fn figures(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(message: &str) -> RawQuestion {
        RawQuestion { message: Some(message.to_owned()), ..RawQuestion::default() }
    }

    #[test]
    fn a_system_turn_in_the_history_is_refused_by_name() {
        let mut question = raw("oi");
        question.history =
            vec![(Some("user".into()), Some("a".into())), (Some("system".into()), Some("b".into()))];
        let fault = FieldFault::new("/conversationHistory/1/role", FieldRule::OneOf(&["user", "assistant"]));
        assert_eq!(Question::parse(question), Err(vec![fault]));
    }

    #[test]
    fn the_last_fifty_turns_are_used() {
        let mut question = raw("oi");
        question.history = (0..60).map(|n| (Some("user".into()), Some(n.to_string()))).collect();
        let question = Question::parse(question).unwrap();
        assert_eq!(question.history().len(), 50);
        assert_eq!(question.history()[0].text, "10");
    }

    #[test]
    fn a_message_has_one_to_eight_thousand_characters() {
        assert!(Question::parse(raw(&"é".repeat(8_000))).is_ok());
        for bad in ["", "  \n", &"é".repeat(8_001)] {
            assert!(Question::parse(raw(bad)).is_err());
        }
        assert!(Question::parse(RawQuestion::default()).is_err());
    }
}
