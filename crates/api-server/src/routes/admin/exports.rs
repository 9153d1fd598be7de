//! What admins see, as CSV.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::audit::{AuditEntry, AuditState};
use domain::billing::purchase::Purchase;
use domain::ledger::usage::UsageRecord;
use domain::ports::audit::AuditCursor;
use domain::ports::billing::PageEnd;
use domain::ports::identity::Scope;
use domain::ports::overview::{JournalCursor, JournalFilter};
use domain::ports::statements::{JournalLine, UsageCursor};

use crate::clock::rfc3339;
use crate::http::auth::Bearer;
use crate::http::csv::{Cell, PAGE, Table, answer};
use crate::http::envelope::request_id;
use crate::http::money::decimal;
use crate::http::problem::Problem;
use crate::http::query::Asked;
use crate::routes::credits::Parameters;
use crate::wiring::App;

const USAGE: &[&str] = &[
    "created_at",
    "id",
    "user_id",
    "request_type",
    "model",
    "plan_type",
    "outcome",
    "credits_used",
    "absorbed_credits",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "estimated",
    "cost_usd",
    "price_version",
    "duration_ms",
    "request_id",
];

fn usage_cells(row: &UsageRecord) -> Vec<Cell> {
    let (facts, tokens) = (&row.facts, &row.facts.tokens);
    vec![
        Cell::plain(rfc3339(row.at)),
        Cell::plain(row.hold),
        Cell::plain(row.user),
        Cell::plain(facts.kind.as_str()),
        Cell::text(facts.model.clone()),
        Cell::text(row.plan.as_str().to_owned()),
        Cell::plain(row.outcome.as_str()),
        Cell::plain(row.credits),
        Cell::plain(row.absorbed),
        Cell::plain(tokens.input),
        Cell::plain(tokens.cached_input),
        Cell::plain(tokens.output),
        Cell::plain(tokens.reasoning),
        Cell::plain(facts.estimated),
        Cell::plain(facts.cost),
        Cell::text(facts.price_version.clone()),
        Cell::plain(facts.duration.as_millis()),
        Cell::text(facts.request_id.clone()),
    ]
}

/// `GET /api/admin/usage.csv`: newest first; by `from`, `to`, `user`, `model` and `outcome`.
pub async fn usage(
    bearer: Bearer,
    app: web::Data<App>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    bearer.with(Scope::AdminRead)?;
    let mut asked = Asked::of(&query);
    let filter = asked.usage_filter(&app);
    asked.finish(())?;
    let table = Table {
        name: "usage.csv",
        columns: USAGE,
        cells: usage_cells,
        end: |row: &UsageRecord| UsageCursor { at: row.at, hold: row.hold },
        cut: app.state.cut().clone(),
        request_id: request_id(&request),
    };
    let overview = app.stores.overview.clone();
    let read = move |before| {
        let (overview, filter) = (overview.clone(), filter.clone());
        async move { overview.latest_usage(filter, before, PAGE).await }
    };
    answer(table, read).await
}

const JOURNAL: &[&str] =
    &["user_id", "seq", "created_at", "kind", "amount", "balance_after", "source", "actor", "note"];

fn journal_cells(line: &JournalLine) -> Vec<Cell> {
    let entry = &line.entry;
    vec![
        Cell::plain(entry.user),
        Cell::plain(entry.seq),
        Cell::plain(rfc3339(entry.at)),
        Cell::plain(entry.kind.as_str()),
        Cell::plain(entry.amount),
        Cell::plain(entry.balance_after),
        Cell::text(entry.source.clone()),
        Cell::text(entry.actor.as_str().to_owned()),
        Cell::text(line.note.clone()),
    ]
}

/// `GET /api/admin/journal.csv`: account by account, oldest first; by `from`, `to` and `user`.
pub async fn journal(
    bearer: Bearer,
    app: web::Data<App>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    bearer.with(Scope::AdminRead)?;
    let mut asked = Asked::of(&query);
    let (from, to) = asked.open_range(app.report_timezone);
    let filter = JournalFilter { user: asked.user("user"), from, to };
    asked.finish(())?;
    let table = Table {
        name: "journal.csv",
        columns: JOURNAL,
        cells: journal_cells,
        end: |line: &JournalLine| JournalCursor { user: line.entry.user, seq: line.entry.seq },
        cut: app.state.cut().clone(),
        request_id: request_id(&request),
    };
    let overview = app.stores.overview.clone();
    let read = move |after| {
        let overview = overview.clone();
        async move { overview.journals(filter, after, PAGE).await }
    };
    answer(table, read).await
}

const PURCHASES: &[&str] = &[
    "created_at",
    "id",
    "user_id",
    "kind",
    "status",
    "plan_id",
    "credits",
    "price",
    "currency",
    "refunded",
    "disputed",
    "payment_method",
    "paid_at",
    "period_end",
    "livemode",
    "session_id",
    "payment_intent_id",
    "charge_id",
    "invoice_id",
    "subscription_id",
    "fault",
];

fn purchase_cells(row: &Purchase) -> Vec<Cell> {
    let names = &row.names;
    vec![
        Cell::plain(rfc3339(row.created_at)),
        Cell::plain(row.id),
        Cell::plain(row.user),
        Cell::plain(row.kind.as_str()),
        Cell::plain(row.standing().as_str()),
        Cell::text(row.offer.plan.as_str().to_owned()),
        Cell::plain(row.offer.credits),
        Cell::plain(decimal(row.offer.price.minor())),
        Cell::plain(row.offer.price.currency().as_str()),
        Cell::plain(decimal(row.returned_minor().saturating_sub(row.disputed_minor()))),
        Cell::plain(decimal(row.disputed_minor())),
        Cell::text(row.method.clone()),
        Cell::maybe(row.paid_at.map(rfc3339)),
        Cell::maybe(row.period_end.map(rfc3339)),
        Cell::plain(row.livemode),
        Cell::text(names.session.clone()),
        Cell::text(names.intent.clone()),
        Cell::text(names.charge.clone()),
        Cell::text(names.invoice.clone()),
        Cell::text(names.subscription.clone()),
        Cell::text(row.fault.clone()),
    ]
}

/// `GET /api/admin/purchases.csv`: newest first; by `from`, `to` (when they were written down) and `user`.
pub async fn purchases(
    bearer: Bearer,
    app: web::Data<App>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    bearer.with(Scope::AdminRead)?;
    let mut asked = Asked::of(&query);
    let (from, to) = asked.open_range(app.report_timezone);
    let user = asked.user("user");
    asked.finish(())?;
    let table = Table {
        name: "purchases.csv",
        columns: PURCHASES,
        cells: purchase_cells,
        end: |row: &Purchase| PageEnd { at: row.created_at, name: row.id.to_string() },
        cut: app.state.cut().clone(),
        request_id: request_id(&request),
    };
    let book = app.stores.purchases.clone();
    let read = move |before: Option<PageEnd>| {
        let book = book.clone();
        // Before the first page stands the end of the range: nothing of that moment has an empty name.
        let before = before.or(to.map(|at| PageEnd { at, name: String::new() }));
        async move {
            let mut rows = book.purchases(user, before, PAGE).await?;
            // The first that is too old ends the table: a page that is not full is the last.
            rows.retain(|row| from.is_none_or(|from| row.created_at >= from));
            Ok(rows)
        }
    };
    answer(table, read).await
}

const AUDIT: &[&str] = &[
    "at",
    "id",
    "actor",
    "via",
    "action",
    "target",
    "user_id",
    "reason",
    "before",
    "after",
    "request_id",
    "idempotency_key",
];

fn audit_cells(entry: &AuditEntry) -> Vec<Cell> {
    let note = &entry.note;
    let state = |state: &Option<AuditState>| Cell::text(state.as_ref().map(|it| it.as_str().to_owned()));
    vec![
        Cell::plain(rfc3339(entry.at)),
        Cell::plain(note.id),
        Cell::text(note.by.actor.as_str().to_owned()),
        Cell::text(note.by.via.clone()),
        Cell::text(note.action.clone()),
        Cell::text(note.target.clone()),
        Cell::maybe(entry.user),
        Cell::text(note.reason.clone()),
        state(&entry.before),
        state(&entry.after),
        Cell::text(note.by.request_id.clone()),
        Cell::text(note.key.clone()),
    ]
}

/// `GET /api/admin/audit.csv`: newest first; by the filters of the list.
pub async fn audit(
    bearer: Bearer,
    app: web::Data<App>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    bearer.with(Scope::AdminRead)?;
    let mut asked = Asked::of(&query);
    let filter = asked.audit_filter(&app);
    asked.finish(())?;
    let table = Table {
        name: "audit.csv",
        columns: AUDIT,
        cells: audit_cells,
        end: |row: &AuditEntry| AuditCursor { at: row.at, id: row.note.id },
        cut: app.state.cut().clone(),
        request_id: request_id(&request),
    };
    let book = app.stores.audit.clone();
    let read = move |before| {
        let (book, filter) = (book.clone(), filter.clone());
        async move { book.audit(filter, before, PAGE).await }
    };
    answer(table, read).await
}
