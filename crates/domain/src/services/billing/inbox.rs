//! From a webhook to the books: verified, kept just as it came, and worked off after the provider has its answer.

use sha2::{Digest, Sha256};

use super::Billing;
use super::news::Verdict;
use crate::clock::{Span, Timestamp};
use crate::ports::Unavailable;
use crate::ports::billing::{EventState, InboxEvent};
use crate::ports::payments::{Fact, ForgedEvent, ProviderEvent};
use crate::services::hexadecimal;

/// How long to wait after the first failed try, the second, and so on; after the last the event is given up.
/// Nearly a day in all.
const WAITS_SECS: [u32; 9] = [1, 5, 30, 120, 600, 1800, 3600, 3 * 3600, 12 * 3600];
/// How long one worker has for the events it took before another may take them. Short, so that what a killed
/// server had in hand is not late; two workers on the same event do no harm.
const CLAIM: Span = Span::from_secs(15);
/// How many events a worker takes at once: few, because one that has to ask a slow provider holds up the rest.
const AT_ONCE: u32 = 5;

/// Why a webhook was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    /// It is not the provider's.
    #[error(transparent)]
    Forged(#[from] ForgedEvent),
    /// The store is away: the provider is to send it again.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What became of an event that was worked on; for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worked {
    /// The event's id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// What it is now: pending means that it will be tried again.
    pub state: EventState,
    /// Why.
    pub note: Option<String>,
}

impl Billing {
    /// Takes a webhook: checks the signature over the raw bytes, then keeps them. Answers whether the event is
    /// new.
    pub async fn receive(&self, signature: &str, body: &[u8]) -> Result<bool, ReceiveError> {
        self.reader.verify(signature, body, self.clock.now().at)?;
        Ok(self.keep(body).await?)
    }

    /// Keeps an event that is known to be the provider's.
    pub(super) async fn keep(&self, body: &[u8]) -> Result<bool, Unavailable> {
        let now = self.clock.now().at;
        let event = match self.reader.read(body) {
            Ok(event) => self.envelope(&event, body, now),
            // The provider's, but not understood: kept for a human.
            Err(unreadable) => InboxEvent {
                id: nameless(body),
                kind: "unreadable".to_owned(),
                livemode: self.livemode,
                created_at: now,
                received_at: now,
                body: body.to_vec(),
                state: EventState::Parked,
                tries: 0,
                note: Some(unreadable.to_string()),
            },
        };
        self.inbox.put(event).await
    }

    fn envelope(&self, event: &ProviderEvent, body: &[u8], now: Timestamp) -> InboxEvent {
        let (state, note) = if event.livemode != self.livemode {
            (EventState::Ignored, Some("livemode is not that of our key"))
        } else if event.sighting.fact == Fact::Nothing {
            (EventState::Ignored, Some("not followed"))
        } else {
            (EventState::Pending, None)
        };
        InboxEvent {
            id: event.id.clone(),
            kind: event.kind.clone(),
            livemode: event.livemode,
            created_at: event.created_at,
            received_at: now,
            body: body.to_vec(),
            state,
            tries: 0,
            note: note.map(str::to_owned),
        }
    }

    /// Works off events that are due, some at a time; answers what became of them. Nothing due: an empty list.
    pub async fn work_off(&self) -> Result<Vec<Worked>, Unavailable> {
        let now = self.clock.now().at;
        let mut worked = Vec::new();
        for event in self.inbox.claim(now, now.after(CLAIM), AT_ONCE).await? {
            let verdict = match self.reader.read(&event.body) {
                Ok(read) => self.take(&read.kind, read.sighting).await,
                Err(unreadable) => Verdict::Parked(unreadable.to_string()),
            };
            worked.push(self.close(&event, verdict).await?);
        }
        Ok(worked)
    }

    async fn close(&self, event: &InboxEvent, verdict: Verdict) -> Result<Worked, Unavailable> {
        let now = self.clock.now().at;
        // This try is counted already.
        let failed_before = usize::try_from(event.tries.saturating_sub(1)).unwrap_or(usize::MAX);
        let again = WAITS_SECS.get(failed_before).map(|secs| now.after(Span::from_secs(*secs)));
        let (state, note) = match (verdict, again) {
            (Verdict::Done, _) => (EventState::Done, None),
            (Verdict::Ignored(note), _) | (Verdict::Unknown(note), None) => (EventState::Ignored, Some(note)),
            (Verdict::Parked(note), _) | (Verdict::Later(note), None) => (EventState::Parked, Some(note)),
            (Verdict::Later(note) | Verdict::Unknown(note), Some(at)) => {
                self.inbox.retry(&event.id, at, note.clone()).await?;
                (EventState::Pending, Some(note))
            }
        };
        if state != EventState::Pending {
            self.inbox.close(&event.id, state, note.clone()).await?;
        }
        Ok(Worked { id: event.id.clone(), kind: event.kind.clone(), state, note })
    }
}

/// A name for an event that does not tell its own.
fn nameless(body: &[u8]) -> String {
    format!("unreadable_{}", hexadecimal(&Sha256::digest(body)))
}
