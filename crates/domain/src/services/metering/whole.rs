//! Answers that come whole.

use super::order::Subject;
use super::run::{Admission, Given, Run, outcome_of};
use super::{AskError, Asking, Meter, Metered};
use crate::catalog::Purpose;
use crate::ledger::usage::Outcome;
use crate::ports::language_model::{Ask, Completion, Finish};
use crate::tokens::Tokens;

impl Meter {
    /// Answers whole.
    pub(in crate::services) async fn whole(
        &self,
        asking: Asking,
        subject: Subject,
    ) -> Result<Metered, AskError> {
        let run = match self.admit(asking, subject).await? {
            Admission::Admitted(run) => *run,
            Admission::Replay(metered) => return Ok(*metered),
        };
        match self.model.complete(run.request()).await {
            Ok(completion) if gives_output(&run, &completion) => {
                let Completion { text, body, usage, .. } = completion;
                let measured = self.measure(&run.order, usage, &text);
                let answer = match run.order.ask {
                    Ask::Conversation(_) => text.clone().into_bytes(),
                    Ask::Passed { .. } => body.clone(),
                };
                let terms = Some(run.terms());
                let bill = run.settle(Given { measured, text: text.clone(), answer: Some(answer) }).await?;
                Ok(Metered { text, body, bill, terms })
            }
            // Row 3.
            Ok(_) => {
                run.void(Outcome::NoOutput).await;
                Err(AskError::NoOutput)
            }
            // Rows 2, 6 and 11.
            Err(error) => {
                run.void(outcome_of(&error)).await;
                Err(error.into())
            }
        }
    }
}

/// Whether there is anything to pay for. Thoughts count where they used up all the output that was asked for.
fn gives_output(run: &Run, completion: &Completion) -> bool {
    let embeds = run.order.model.purpose == Purpose::Embeddings;
    let passed = matches!(run.order.ask, Ask::Passed { .. });
    let thought = completion.usage.is_some_and(|usage| usage.reasoning > Tokens::ZERO);
    completion.finish != Finish::Error
        && (embeds || !completion.text.trim().is_empty() || (passed && thought))
}
