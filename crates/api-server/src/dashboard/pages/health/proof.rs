//! Proving the books on demand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::clock::{Span, Timestamp};
use domain::services::verification::{Verification, verify};

use crate::http::texts::Language;
use crate::pages::figures;
use crate::pages::look::{Look, When};
use crate::wiring::App;

/// How long a proof may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How many broken rules are shown.
const MOST_BREACHES: usize = 50;

/// The latest proof of the books that this server made.
#[derive(Clone, Debug, Default)]
pub struct Proof(Arc<Mutex<Option<Attempt>>>);

#[derive(Clone, Debug)]
struct Attempt {
    begun: Timestamp,
    ended: Option<(Timestamp, Ending)>,
}

#[derive(Clone, Debug)]
enum Ending {
    Found(Verification),
    Failed,
    TookTooLong,
}

impl Proof {
    /// Verifies all books in the background; texts older than `texts_kept` should not be there.
    pub fn start(&self, app: &App, texts_kept: Span) {
        let now = app.clock.now().at;
        if !self.begin(now) {
            return;
        }
        let (proof, books, clock) = (self.clone(), Arc::clone(&app.stores.books), Arc::clone(&app.clock));
        app.spawn(async move {
            let work = verify(books.as_ref(), now, now.before(texts_kept));
            let ending = match tokio::time::timeout(PATIENCE, work).await {
                Ok(Ok(found)) => Ending::Found(found),
                Ok(Err(cause)) => {
                    tracing::warn!(%cause, "the books could not be verified");
                    Ending::Failed
                }
                Err(_) => Ending::TookTooLong,
            };
            proof.end(clock.now().at, ending);
        });
    }

    /// What became of the latest.
    pub fn told(&self, look: Look) -> Option<Proven> {
        self.latest().map(|attempt| proven(&attempt, look))
    }

    /// Notes that a proof begins; not while another one runs.
    fn begin(&self, now: Timestamp) -> bool {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.as_ref().is_some_and(|attempt| attempt.ended.is_none()) {
            return false;
        }
        *latest = Some(Attempt { begun: now, ended: None });
        true
    }

    fn end(&self, now: Timestamp, ending: Ending) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(attempt) = latest.as_mut() {
            attempt.ended = Some((now, ending));
        }
    }

    fn latest(&self) -> Option<Attempt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A proof, in words.
pub struct Proven {
    pub begun: When,
    pub running: bool,
    pub took: String,
    pub class: &'static str,
    pub text: String,
    pub breaches: Vec<String>,
}

fn proven(attempt: &Attempt, look: Look) -> Proven {
    let begun = look.when(attempt.begun);
    let Some((ended, ending)) = &attempt.ended else {
        let text = look.say("A verificação está em andamento.", "The books are being verified.").to_owned();
        return Proven { begun, running: true, took: String::new(), class: "", text, breaches: Vec::new() };
    };
    let took = ended.since(attempt.begun).as_millis().unsigned_abs();
    let (class, text, breaches) = match ending {
        Ending::Found(found) => {
            let (accounts, entries) = (look.number(found.accounts), look.number(found.entries));
            let counted = match look.language {
                Language::Portuguese => format!("{accounts} contas e {entries} lançamentos verificados: "),
                Language::English => format!("{accounts} accounts and {entries} journal entries verified: "),
            };
            let (class, verdict) = if found.is_sound() {
                ("good", look.say("tudo confere.", "everything adds up."))
            } else {
                ("bad", look.say("há regras quebradas.", "rules are broken."))
            };
            let mut breaches: Vec<String> =
                found.breaches.iter().take(MOST_BREACHES).map(ToString::to_string).collect();
            if found.stale_texts > 0 {
                breaches.push(format!("I10: {}", look.number(found.stale_texts)));
            }
            (class, format!("{counted}{verdict}"), breaches)
        }
        Ending::Failed => (
            "bad",
            look.say("O banco de dados não respondeu.", "The database did not answer.").to_owned(),
            Vec::new(),
        ),
        Ending::TookTooLong => (
            "warn",
            look.say(
                "Demorou demais e foi interrompida. Use `api-server credits verify` na linha de comando.",
                "It took too long and was stopped. Use `api-server credits verify` on the command line.",
            )
            .to_owned(),
            Vec::new(),
        ),
    };
    Proven { begun, running: false, took: figures::milliseconds(took, look.language), class, text, breaches }
}
