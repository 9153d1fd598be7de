//! The assistant: a question in, an answer out.

pub mod prompt;
pub mod question;

use super::metering::{Bill, Meter, Metered, Opened, Subject, Terms};
use crate::ledger::usage::RequestKind;

pub use super::metering::{AskError, Asking};

use question::{Analysis, Question};

/// Asks the model on a user's behalf and charges exactly what it took.
#[derive(Clone)]
pub struct Assistant {
    /// What every request goes through.
    pub meter: Meter,
}

/// What the user gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The model's text.
    pub text: String,
    /// What sort of text that is.
    pub kind: AnswerKind,
    /// What it came to.
    pub bill: Bill,
    /// What was known beforehand; `None` for a replay.
    pub terms: Option<Terms>,
}

impl From<Metered> for Answer {
    fn from(metered: Metered) -> Self {
        let Metered { text, bill, terms, .. } = metered;
        Self { kind: AnswerKind::of(&text), text, bill, terms }
    }
}

/// What sort of answer a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// Plain.
    Text,
    /// Recommends something.
    Suggestion,
    /// Analyses something.
    Insight,
}

impl AnswerKind {
    /// All sorts.
    pub const ALL: [Self; 3] = [Self::Text, Self::Suggestion, Self::Insight];

    /// By the words in the text, as the seed does.
    pub fn of(text: &str) -> Self {
        let text = text.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if says(&["sugestão", "sugiro", "recomendo"]) {
            Self::Suggestion
        } else if says(&["insight", "análise"]) {
            Self::Insight
        } else {
            Self::Text
        }
    }

    /// The word that clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Suggestion => "suggestion",
            Self::Insight => "insight",
        }
    }
}

impl Assistant {
    /// Answers a question.
    pub async fn ask(&self, asking: Asking, question: Question) -> Result<Answer, AskError> {
        self.meter.whole(asking, asked(&question)).await.map(Answer::from)
    }

    /// Begins to answer a question, piece by piece.
    pub async fn open(&self, asking: Asking, question: Question) -> Result<Opened, AskError> {
        self.meter.open(asking, asked(&question)).await
    }

    /// Reads figures and gives insights.
    pub async fn insights(&self, asking: Asking, analysis: Analysis) -> Result<Answer, AskError> {
        let subject = Subject::Conversation {
            kind: RequestKind::Insights,
            model: None,
            messages: prompt::insights(&analysis),
            asked: analysis.figures().to_owned(),
        };
        self.meter.whole(asking, subject).await.map(Answer::from)
    }
}

fn asked(question: &Question) -> Subject {
    Subject::Conversation {
        kind: RequestKind::Assistant,
        model: question.model().map(str::to_owned),
        messages: prompt::conversation(question),
        asked: question.message().to_owned(),
    }
}
