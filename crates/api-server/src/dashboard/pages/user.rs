//! One account.

use actix_web::{HttpResponse, web};
use askama::Template;
use domain::ids::UserId;
use domain::ledger::account::AccountView;
use domain::ports::audit::AuditFilter;
use domain::ports::overview::AccountSheet;
use domain::ports::statements::JournalLine;

use super::paging::{Paged, Parameters, ROWS, after_purchase, after_usage, given, page_end, usage_cursor};
use super::{audit, notices, purchases, requests};
use crate::dashboard::layout::{Frame, Section, Visit};
use crate::dashboard::words::{self, Pill};
use crate::http::problem::Problem;
use crate::pages::figures;
use crate::pages::look::{Look, When};
use crate::routes::named_user;

#[derive(Template)]
#[template(path = "dashboard/user.html")]
struct UserPage {
    frame: Frame,
    id: String,
    account: Account,
    tabs: Vec<(&'static str, &'static str, bool)>,
    body: Body,
}

/// How the account stands.
struct Account {
    known: bool,
    available: String,
    used: String,
    total: String,
    held: String,
    holds: u32,
    owed: Option<String>,
    plan: String,
    renewal: Option<String>,
    threshold: String,
    since: Option<When>,
    closed: Option<When>,
    suspensions: Vec<Suspension>,
}

struct Suspension {
    source: String,
    by: String,
    reason: String,
    since: When,
}

struct Lot {
    from: String,
    reference: String,
    amount: String,
    remaining: String,
    share: i64,
    created: When,
    expires: Option<When>,
}

struct Entry {
    seq: String,
    at: When,
    kind: Pill,
    amount: String,
    minus: bool,
    balance: String,
    source: String,
    source_short: String,
    actor: String,
    actor_short: String,
    note: Option<String>,
}

/// What the chosen tab shows.
enum Body {
    Lots(Vec<Lot>),
    Journal(Paged<Entry>),
    Usage(Paged<requests::Row>),
    Purchases(Paged<purchases::Row>),
    Notices(Vec<notices::Row>),
    Audit(Paged<audit::Row>),
}

/// `GET /admin/users/{user}`.
pub async fn show(visit: Visit, user: web::Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let user = named_user(&user)?;
    let look = visit.look;
    let sheet = visit.app.stores.overview.sheet(user, visit.app.clock.now().at).await?;
    let tab = given(&query, "tab").unwrap_or_default();
    let body = body(&visit, user, sheet.as_ref(), tab, &query).await?;
    let page = UserPage {
        frame: visit.frame(Section::Users, format!("{} {user}", look.say("Usuário", "User"))),
        id: user.to_string(),
        account: account(sheet.as_ref(), look),
        tabs: tabs(&body, look),
        body,
    };
    visit.page(&page)
}

fn tabs(body: &Body, look: Look) -> Vec<(&'static str, &'static str, bool)> {
    vec![
        ("", look.say("Lotes", "Lots"), matches!(body, Body::Lots(_))),
        ("journal", look.say("Diário", "Journal"), matches!(body, Body::Journal(_))),
        ("usage", look.say("Uso", "Usage"), matches!(body, Body::Usage(_))),
        ("purchases", look.say("Compras", "Purchases"), matches!(body, Body::Purchases(_))),
        ("notices", look.say("Avisos", "Notices"), matches!(body, Body::Notices(_))),
        ("audit", look.say("Auditoria", "Audit log"), matches!(body, Body::Audit(_))),
    ]
}

async fn body(
    visit: &Visit,
    user: UserId,
    sheet: Option<&AccountSheet>,
    tab: &str,
    query: &Parameters,
) -> Result<Body, Problem> {
    let (look, stores) = (visit.look, &visit.app.stores);
    let path = format!("/admin/users/{user}");
    Ok(match tab {
        "journal" => {
            let before = given(query, "cursor").and_then(|text| text.parse().ok());
            let lines = stores.statements.journal(user, before, ROWS + 1).await?;
            let after = |line: &JournalLine| line.entry.seq.to_string();
            Body::Journal(Paged::cut(lines, &path, query, |line| entry(line, look), after))
        }
        "usage" => {
            let rows = stores.statements.usage(user, usage_cursor(query), ROWS + 1).await?;
            Body::Usage(Paged::cut(rows, &path, query, |row| requests::row(row, look), after_usage))
        }
        "purchases" => {
            let rows = stores.purchases.purchases(Some(user), page_end(query), ROWS + 1).await?;
            Body::Purchases(Paged::cut(
                rows,
                &path,
                query,
                |row| purchases::row(row, visit.app.figures.livemode, look),
                after_purchase,
            ))
        }
        "notices" => {
            let rows = stores.purchases.notices(user, None, 100).await?;
            Body::Notices(rows.iter().map(|row| notices::row(row, look)).collect())
        }
        "audit" => {
            let filter = AuditFilter { user: Some(user), ..AuditFilter::default() };
            let rows = stores.audit.audit(filter, audit::cursor(query), ROWS + 1).await?;
            Body::Audit(Paged::cut(rows, &path, query, |row| audit::row(row, look), audit::after))
        }
        _ => Body::Lots(
            sheet.map_or_else(Vec::new, |sheet| sheet.lots.iter().map(|each| lot(each, look)).collect()),
        ),
    })
}

fn account(sheet: Option<&AccountSheet>, look: Look) -> Account {
    let unseen = AccountView::unseen();
    let view = sheet.map_or(&unseen, |sheet| &sheet.view);
    let sums = &view.balances;
    let suspension = |each: &domain::ledger::account::Suspension| Suspension {
        source: each.source.as_str().to_owned(),
        by: each.actor.as_str().to_owned(),
        reason: each.reason.clone(),
        since: look.when(each.since),
    };
    Account {
        known: sheet.is_some(),
        available: look.credits(sums.available),
        used: look.credits(sums.used),
        total: look.credits(sums.total),
        held: look.credits(sums.held),
        holds: sheet.map_or(0, |sheet| sheet.open_holds),
        owed: sums.owed.is_positive().then(|| look.credits(sums.owed)),
        plan: words::plan(view.plan.as_str(), look),
        renewal: view.renewal.map(|at| look.day(at)),
        threshold: look.credits(view.low_balance_threshold),
        since: sheet.map(|sheet| look.when(sheet.created_at)),
        closed: view.closed_at.map(|at| look.when(at)),
        suspensions: sheet.map_or_else(Vec::new, |sheet| sheet.suspensions.iter().map(suspension).collect()),
    }
}

fn lot(lot: &domain::ledger::lots::Lot, look: Look) -> Lot {
    let share = lot.remaining.get().saturating_mul(1000).checked_div(lot.amount.get()).unwrap_or(0);
    Lot {
        from: words::lot(lot.source.kind.as_str(), look),
        reference: lot.source.reference.clone(),
        amount: look.credits(lot.amount),
        remaining: look.credits(lot.remaining),
        share,
        created: look.when(lot.created_at),
        expires: lot.expires_at.map(|at| look.when(at)),
    }
}

fn entry(line: &JournalLine, look: Look) -> Entry {
    let entry = &line.entry;
    Entry {
        seq: look.number(entry.seq),
        at: look.when(entry.at),
        kind: words::entry(entry.kind.as_str(), look),
        amount: figures::change(entry.amount.get(), look.language),
        minus: entry.amount.get() < 0,
        balance: look.credits(entry.balance_after),
        source_short: words::short_name(&entry.source),
        source: entry.source.clone(),
        actor_short: words::short_name(entry.actor.as_str()),
        actor: entry.actor.as_str().to_owned(),
        note: line.note.clone(),
    }
}
