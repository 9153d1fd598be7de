//! Giving and taking credits, suspending and resuming.

use actix_web::{HttpResponse, web};
use domain::audit::By;
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ids::{IdempotencyKey, UserId};
use domain::ledger::account::{AccountView, SuspensionSource};
use domain::ports::overview::AccountSheet;
use domain::services::accounts::{MOST_BY_HAND, ManualCredits};
use domain::services::assistant::question::FieldRule;

use super::{Faults, Field, Input, Sheet, entered, new_key};
use crate::dashboard::layout::{Done, Section, Visit};
use crate::dashboard::posted::{Posted, Step};
use crate::http::problem::{Kind, Problem};
use crate::http::texts::Language;
use crate::pages::look::Look;
use crate::routes::named_user;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Give,
    Take,
    Suspend,
    Resume,
}

impl Act {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "give" => Some(Self::Give),
            "take" => Some(Self::Take),
            "suspend" => Some(Self::Suspend),
            "resume" => Some(Self::Resume),
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Give => "give",
            Self::Take => "take",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
        }
    }
}

/// An act on a user, as far as it is known.
struct Subject {
    act: Act,
    user: UserId,
    view: AccountView,
    /// What suspends the account.
    sources: Vec<SuspensionSource>,
}

/// What is to be done.
enum Wanted {
    Move(ManualCredits),
    Suspend(String),
    Resume(SuspensionSource, String),
}

async fn subject(visit: &Visit, path: &(String, String)) -> Result<Subject, Problem> {
    let act = Act::from_word(&path.1).ok_or(Kind::NotFound)?;
    let user = named_user(&path.0)?;
    let sheet = visit.app.stores.overview.sheet(user, visit.app.clock.now().at).await?;
    let sources = |sheet: &AccountSheet| sheet.suspensions.iter().map(|each| each.source.clone()).collect();
    Ok(Subject {
        act,
        user,
        sources: sheet.as_ref().map(sources).unwrap_or_default(),
        view: sheet.map_or_else(AccountView::unseen, |sheet| sheet.view),
    })
}

/// `GET /admin/users/{user}/{act}`.
pub async fn ask(visit: Visit, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    visit.admin.acting()?;
    let subject = subject(&visit, &path).await?;
    subject.sheet(&Posted::default().with("key", new_key()), visit.look).ask(&visit)
}

/// `POST /admin/users/{user}/{act}`.
pub async fn take(
    visit: Visit,
    path: web::Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, Problem> {
    let by = visit.admin.acting()?;
    let subject = subject(&visit, &path).await?;
    let sheet = subject.sheet(&posted, visit.look);
    let (now, step) = (visit.app.clock.now().at, posted.step());
    if step == Step::Back {
        return sheet.ask(&visit);
    }
    let wanted = match subject.check(&posted, now, step, visit.look) {
        Ok(wanted) => wanted,
        Err(faults) => return sheet.ask_again(&visit, faults),
    };
    if step == Step::Review {
        return sheet.confirm(&visit, subject.happens(&wanted, visit.look));
    }
    match subject.act(&visit, by, wanted).await {
        Ok(done) => visit.lead_to(&sheet.back, done),
        // The key names another act by now: what is sent next is a new one.
        Err(problem) if problem.kind == Kind::KeyMismatch => {
            subject.sheet(&posted.with("key", new_key()), visit.look).refused(&visit, &problem)
        }
        Err(problem) => sheet.refused(&visit, &problem),
    }
}

impl Subject {
    fn sheet(&self, posted: &Posted, look: Look) -> Sheet {
        let amount =
            || Field::new("amount", look.say("Créditos", "Credits"), Input::Amount, posted).required();
        let reason = Field::new("reason", look.say("Motivo", "Reason"), Input::Lines, posted)
            .required()
            .hint(look.say(
                "Fica na auditoria, e nos dados que o usuário pode exportar.",
                "Kept in the audit log, and in the data that the user may export.",
            ));
        let (heading, verb, grave, mut fields) = match self.act {
            Act::Give => {
                let expires =
                    Field::new("expires", look.say("Válidos até", "Valid until"), Input::Day, posted).hint(
                        look.say(
                            "Opcional, inclusive esse dia. Vazio: não expiram.",
                            "Optional, that day included. Empty: they do not expire.",
                        ),
                    );
                let fields = vec![amount(), expires];
                (look.say("Conceder créditos", "Give credits"), look.say("Conceder", "Give"), false, fields)
            }
            Act::Take => {
                let most = look.credits(self.view.balances.available);
                let hint = format!("{} {most}.", look.say("No máximo", "At most"));
                let fields = vec![amount().hint(hint)];
                (look.say("Retirar créditos", "Take credits"), look.say("Retirar", "Take"), true, fields)
            }
            Act::Suspend => (
                look.say("Suspender a conta", "Suspend the account"),
                look.say("Suspender", "Suspend"),
                true,
                vec![],
            ),
            Act::Resume => {
                let choice = |source: &SuspensionSource| (source.as_str().to_owned(), named(source, look));
                let source = Field::new("source", look.say("Suspensão", "Suspension"), Input::Choice, posted)
                    .required()
                    .choices(self.sources.iter().map(choice).collect());
                (
                    look.say("Retirar a suspensão", "Lift the suspension"),
                    look.say("Retirar a suspensão", "Lift the suspension"),
                    false,
                    vec![source],
                )
            }
        };
        fields.push(reason);
        let sums = &self.view.balances;
        Sheet {
            section: Section::Users,
            heading,
            about: vec![
                (look.say("Usuário", "User"), self.user.to_string()),
                (look.say("Disponíveis", "Available"), look.credits(sums.available)),
            ],
            fields,
            action: format!("/admin/users/{}/{}", self.user, self.act.word()),
            back: format!("/admin/users/{}", self.user),
            verb,
            grave,
            key: posted.get("key").to_owned(),
        }
    }

    fn check(&self, posted: &Posted, now: Timestamp, step: Step, look: Look) -> Result<Wanted, Faults> {
        let mut faults = Faults::new();
        let wanted = match self.act {
            Act::Give | Act::Take => self.check_move(posted, now, step, &mut faults, look).map(Wanted::Move),
            Act::Suspend => Some(Wanted::Suspend(entered::reason(posted, &mut faults, look))),
            Act::Resume => {
                let reason = entered::reason(posted, &mut faults, look);
                let source = self.sources.iter().find(|source| source.as_str() == posted.get("source"));
                if source.is_none() {
                    let none = look.say("Esta suspensão não está mais em vigor.", "This suspension is over.");
                    faults.push(("source", none.to_owned()));
                }
                source.map(|source| Wanted::Resume(source.clone(), reason))
            }
        };
        wanted.filter(|_| faults.is_empty()).ok_or(faults)
    }

    fn check_move(
        &self,
        posted: &Posted,
        now: Timestamp,
        step: Step,
        faults: &mut Faults,
        look: Look,
    ) -> Option<ManualCredits> {
        let available = self.view.balances.available.get();
        let amount = entered::whole(posted.get("amount")).filter(|it| (1..=MOST_BY_HAND.get()).contains(it));
        match amount {
            None if posted.get("amount").is_empty() => {
                entered::fault(faults, "amount", &FieldRule::Required, look);
            }
            None => {
                entered::fault(faults, "amount", &FieldRule::WholeWithin(1, MOST_BY_HAND.get()), look);
            }
            // When it is done, the books decide: by then it may have been done once already.
            Some(amount) if self.act == Act::Take && step == Step::Review && amount > available => {
                let text = look
                    .say("A conta não tem tanto disponível.", "The account has less than that available.");
                faults.push(("amount", text.to_owned()));
            }
            Some(_) => {}
        }
        let mut expires_at = None;
        if self.act == Act::Give && !posted.get("expires").is_empty() {
            expires_at = entered::day_end(posted.get("expires"), look).filter(|end| *end > now);
            if expires_at.is_none() {
                let text = look.say("Deve ser um dia, hoje ou depois.", "Must be a day, today or later.");
                faults.push(("expires", text.to_owned()));
            }
        }
        let reason = entered::reason(posted, faults, look);
        let sign = if self.act == Act::Give { 1 } else { -1 };
        let amount = Credits::new(amount?.saturating_mul(sign)).ok()?;
        let key =
            IdempotencyKey::parse(posted.get("key")).or_else(|_| IdempotencyKey::parse(&new_key())).ok()?;
        Some(ManualCredits { user: self.user, amount, reason, expires_at, key })
    }

    fn happens(&self, wanted: &Wanted, look: Look) -> Vec<String> {
        let portuguese = look.language == Language::Portuguese;
        match wanted {
            Wanted::Move(asked) => {
                let (size, sums) = (asked.amount.get().abs(), &self.view.balances);
                let owed = sums.owed.get();
                let after = if sums.available.is_positive() || owed == 0 {
                    sums.available.get().saturating_add(asked.amount.get())
                } else {
                    asked.amount.get().saturating_sub(owed)
                };
                let (amount, from, to) =
                    (look.number(size), look.credits(sums.available), look.number(after.max(0)));
                let mut happens = vec![match (self.act == Act::Give, portuguese) {
                    (true, true) => format!("A conta recebe {amount} créditos."),
                    (true, false) => format!("The account gets {amount} credits."),
                    (false, true) => format!("A conta perde {amount} créditos."),
                    (false, false) => format!("The account loses {amount} credits."),
                }];
                happens.push(if portuguese {
                    format!("Os créditos disponíveis vão de {from} para {to}.")
                } else {
                    format!("Its available credits go from {from} to {to}.")
                });
                if owed > 0 && self.act == Act::Give {
                    let owed = look.number(owed);
                    happens.push(if portuguese {
                        format!("Destes, {owed} cobrem o que a conta deve.")
                    } else {
                        format!("Of these, {owed} cover what the account owes.")
                    });
                }
                if let Some(at) = asked.expires_at {
                    let at = look.when(at).text;
                    happens.push(if portuguese {
                        format!("O que sobrar deles expira em {at}.")
                    } else {
                        format!("What is left of them expires at {at}.")
                    });
                }
                happens
            }
            Wanted::Suspend(_) => vec![
                look.say(
                    "A conta deixa de gastar créditos: novas requisições são recusadas.",
                    "The account stops spending credits: new requests are refused.",
                )
                .to_owned(),
                look.say(
                    "O que está em andamento termina, e os créditos ficam como estão.",
                    "What is running ends, and the credits stay as they are.",
                )
                .to_owned(),
            ],
            Wanted::Resume(source, _) => {
                let others = self.sources.iter().filter(|each| *each != source).count();
                let left = match others {
                    0 => look.say("A conta volta a gastar créditos.", "The account may spend credits again."),
                    _ => look.say(
                        "Outra suspensão continua em vigor: a conta ainda não volta a gastar.",
                        "Another suspension stays in force: the account may not spend yet.",
                    ),
                };
                vec![left.to_owned()]
            }
        }
    }

    async fn act(&self, visit: &Visit, by: By, wanted: Wanted) -> Result<Done, Problem> {
        let (accounts, user) = (visit.app.accounts.clone(), self.user);
        match wanted {
            Wanted::Move(asked) => {
                let amount = asked.amount.get();
                let moved = visit.app.run(async move { accounts.move_by_hand(by, asked).await }).await??;
                Ok(match (moved.1, amount > 0) {
                    (true, _) => Done::Before,
                    (false, true) => Done::Given(amount),
                    (false, false) => Done::Taken(amount.saturating_abs()),
                })
            }
            Wanted::Suspend(reason) => {
                visit.app.run(async move { accounts.suspend(by, user, reason).await }).await??;
                Ok(Done::Suspended)
            }
            Wanted::Resume(source, reason) => {
                let resumed =
                    async move { accounts.resume_because(by, user, Some(source), Some(reason)).await };
                visit.app.run(resumed).await??;
                Ok(Done::Resumed)
            }
        }
    }
}

fn named(source: &SuspensionSource, look: Look) -> String {
    match source.as_str() {
        "admin" => look.say("por um admin", "by an admin").to_owned(),
        other => other.to_owned(),
    }
}
