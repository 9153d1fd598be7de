//! What waits to be worked on.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::clock::{Span, Timestamp};
use domain::ports::vitals::{Backlog, Figures};

use crate::http::problem::Problem;
use crate::http::texts::Language;
use crate::pages::look::Look;
use crate::wiring::App;

/// How long figures over all books are good enough: taking them reads every account.
const FRESH: Span = Span::from_secs(15);
/// How long taking them may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that waits, in words.
pub struct Queue {
    pub name: &'static str,
    pub figure: String,
    /// What the figure means.
    pub about: String,
}

/// The latest figures over all books.
#[derive(Debug, Default)]
pub struct Queues(Mutex<Option<(Timestamp, Figures)>>);

impl Queues {
    /// What waits now, or did a moment ago.
    pub async fn told(&self, app: &App, look: Look) -> Result<Vec<Queue>, Problem> {
        let now = app.clock.now().at;
        let mut queues = match self.figures(app, now).await? {
            Some(figures) => of_books(&figures, now, look),
            None => vec![Queue {
                name: look.say("Todos os livros", "All books"),
                figure: "—".to_owned(),
                about: look.say("contar demorou demais", "to count took too long").to_owned(),
            }],
        };
        if app.selling.is_some() {
            let oldest = app.stores.purchases.oldest_open().await?;
            queues.push(Queue {
                name: look.say("Compra em aberto mais antiga", "Oldest open purchase"),
                figure: oldest
                    .map_or_else(|| look.say("nenhuma", "none").to_owned(), |at| ago(at, now, look)),
                about: look.say("espera notícias do pagamento", "waits for news of its payment").to_owned(),
            });
            let cursor = app.stores.inbox.cursor().await?;
            queues.push(Queue {
                name: look.say("Reconciliador", "Reconciler"),
                figure: cursor.map_or_else(
                    || look.say("ainda não leu", "has not read yet").to_owned(),
                    |at| ago(at, now, look),
                ),
                about: look
                    .say(
                        "até onde a lista de eventos do provedor foi lida",
                        "how far the provider's list of events was read",
                    )
                    .to_owned(),
            });
        }
        Ok(queues)
    }

    /// Fresh enough figures; `None` where taking them takes too long.
    async fn figures(&self, app: &App, now: Timestamp) -> Result<Option<Figures>, Problem> {
        let kept = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, figures)) = kept.filter(|(at, _)| now.since(*at) < FRESH) {
            return Ok(Some(figures));
        }
        let Ok(taken) = tokio::time::timeout(PATIENCE, app.stores.vitals.figures(now)).await else {
            return Ok(None);
        };
        let figures = taken?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, figures));
        Ok(Some(figures))
    }
}

fn of_books(figures: &Figures, now: Timestamp, look: Look) -> Vec<Queue> {
    let backlog = |name, of: Backlog| Queue {
        name,
        figure: look.number(of.waiting),
        about: of.oldest.map_or_else(String::new, |at| {
            format!("{} {}", look.say("o mais antigo", "the oldest"), ago(at, now, look))
        }),
    };
    vec![
        backlog(look.say("Eventos de pagamento por processar", "Payment events to work on"), figures.events),
        backlog(look.say("Compras por consultar", "Purchases to look up"), figures.lookups),
        backlog(look.say("Avisos por enviar", "Notices to send"), figures.notices),
        Queue {
            name: look.say("Requisições em andamento", "Requests under way"),
            figure: look.number(figures.open_holds),
            about: format!(
                "{} {}",
                look.credits(figures.held),
                look.say("créditos reservados", "credits held")
            ),
        },
        Queue {
            name: look.say("Créditos devidos", "Credits owed"),
            figure: look.credits(figures.owed),
            about: look
                .say("gastos de pagamentos que voltaram", "spent of payments that went back")
                .to_owned(),
        },
    ]
}

fn ago(at: Timestamp, now: Timestamp, look: Look) -> String {
    let span = look.span(now.since(at).as_micros());
    match look.language {
        Language::Portuguese => format!("há {span}"),
        Language::English => format!("{span} ago"),
    }
}
