//! The audit log.

use actix_web::HttpResponse;
use askama::Template;
use domain::audit::{self, AuditEntry, AuditState};
use domain::clock::Timestamp;
use domain::ports::audit::{AuditCursor, AuditFilter};
use serde_json::Value;

use super::export;
use super::paging::{Paged, Parameters, ROWS, filter_user, given};
use crate::dashboard::layout::{Frame, Section, Visit};
use crate::dashboard::words;
use crate::http::problem::Problem;
use crate::pages::look::{Look, When};

#[derive(Template)]
#[template(path = "dashboard/audit.html")]
struct AuditPage {
    frame: Frame,
    actions: Vec<(&'static str, String, bool)>,
    actor: String,
    user: String,
    filtered: bool,
    /// The same as CSV.
    csv: String,
    page: Paged<Row>,
}

/// An entry.
pub struct Row {
    pub at: When,
    pub actor: String,
    pub actor_short: String,
    pub via: String,
    pub action: String,
    /// What it is about, if that is not the user alone.
    pub target: Option<String>,
    pub user: Option<String>,
    pub user_short: String,
    pub reason: Option<String>,
    /// Facts that differ, or that only one side has: name, before, after.
    pub changes: Vec<(String, String, String)>,
    pub request_id: String,
}

const ACTIONS: [&str; 13] = [
    audit::CREDITS_GRANT,
    audit::CREDITS_ADJUST,
    audit::ACCOUNT_SUSPEND,
    audit::ACCOUNT_RESUME,
    audit::REFUND,
    audit::REFUNDED,
    audit::API_KEY_CREATE,
    audit::API_KEY_REVOKE,
    audit::ALERTS_SET,
    audit::TOP_UP_SET,
    audit::ACCOUNT_CLOSE,
    audit::WEBHOOK_ENABLE,
    audit::CATALOGUE_CHANGE,
];

/// `GET /admin/audit`.
pub async fn list(visit: Visit, query: Parameters) -> Result<HttpResponse, Problem> {
    let look = visit.look;
    let action = given(&query, "action").map(str::to_owned);
    let actor = given(&query, "actor").unwrap_or_default().to_owned();
    let user = given(&query, "user").unwrap_or_default().to_owned();
    let filter = AuditFilter {
        actor: (!actor.is_empty()).then(|| actor.clone()),
        action: action.clone(),
        user: filter_user(&user)?,
        ..AuditFilter::default()
    };
    let filtered = filter != AuditFilter::default();
    let rows = visit.app.stores.audit.audit(filter, cursor(&query), ROWS + 1).await?;
    let option = |word| (word, words::action(word, look), action.as_deref() == Some(word));
    let page = AuditPage {
        frame: visit.frame(Section::Audit, look.say("Auditoria", "Audit log")),
        actions: ACTIONS.map(option).into(),
        actor,
        user,
        filtered,
        csv: export::address("audit.csv", &query, &["action", "actor", "user"]),
        page: Paged::cut(rows, "/admin/audit", &query, |row| self::row(row, look), after),
    };
    visit.page(&page)
}

/// Where a page of entries begins.
pub fn cursor(query: &Parameters) -> Option<AuditCursor> {
    let (at, id) = given(query, "cursor")?.split_once('_')?;
    Some(AuditCursor { at: Timestamp::from_micros(at.parse().ok()?), id: id.parse().ok()? })
}

/// Where a page that ends with such an entry ends.
pub fn after(row: &AuditEntry) -> String {
    format!("{}_{}", row.at.as_micros(), row.note.id)
}

/// An entry in a list.
pub fn row(entry: &AuditEntry, look: Look) -> Row {
    let note = &entry.note;
    Row {
        at: look.when(entry.at),
        actor_short: words::short_name(note.by.actor.as_str()),
        actor: note.by.actor.as_str().to_owned(),
        via: note.by.via.clone(),
        action: words::action(&note.action, look),
        target: (entry.user.map(audit::user_target).as_ref() != Some(&note.target))
            .then(|| note.target.clone()),
        user_short: entry.user.map(|user| words::short(&user.to_string())).unwrap_or_default(),
        user: entry.user.map(|user| user.to_string()),
        reason: note.reason.clone(),
        changes: changes(entry.before.as_ref(), entry.after.as_ref(), look),
        request_id: note.by.request_id.clone().unwrap_or_default(),
    }
}

fn changes(
    before: Option<&AuditState>,
    after: Option<&AuditState>,
    look: Look,
) -> Vec<(String, String, String)> {
    let facts = |state: Option<&AuditState>| match state.map(|state| serde_json::from_str(state.as_str())) {
        Some(Ok(Value::Object(facts))) => facts,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (facts(before), facts(after));
    // What only the state before has was not looked at after: that is no change.
    let differing = after.iter().filter(|(name, value)| before.get(*name) != Some(*value));
    differing
        .map(|(name, value)| {
            let was = before.get(name);
            let (is, was) = (shown(name, Some(value), was, look), shown(name, was, Some(value), look));
            (words::fact(name, look), was, is)
        })
        .collect()
}

/// A fact as it is shown; of a list, what the other side does not have.
fn shown(name: &str, value: Option<&Value>, other: Option<&Value>, look: Look) -> String {
    match value {
        None | Some(Value::Null) => "—".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => look.say("sim", "yes").to_owned(),
        Some(Value::Bool(false)) => look.say("não", "no").to_owned(),
        Some(Value::Array(all)) => {
            let known = |item: &&Value| other.and_then(Value::as_array).is_some_and(|it| it.contains(item));
            let own: Vec<&str> = all.iter().filter(|item| !known(item)).filter_map(Value::as_str).collect();
            if own.is_empty() { "—".to_owned() } else { own.join("; ") }
        }
        Some(Value::Number(number)) => match number.as_i64() {
            Some(minor) if name.ends_with("_minor") => look.reais(minor),
            Some(number) => look.number(number),
            None => number.to_string(),
        },
        Some(more) => more.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::texts::Language;
    use crate::pages::look::Theme;

    #[test]
    fn what_did_not_change_is_left_out() {
        let before = AuditState::new().int("total", 1).text("plan", "free");
        let after = AuditState::new().int("total", 6000).text("plan", "free").flag("new", true);
        let row = |name: &str, was: &str, is: &str| (name.to_owned(), was.to_owned(), is.to_owned());
        let look = Look { language: Language::Portuguese, theme: Theme::System, zone: chrono_tz::UTC };
        let changes = |before, after| changes(before, after, look);
        assert_eq!(
            changes(Some(&before), Some(&after)),
            [row("total", "1", "6.000"), row("new", "—", "sim")]
        );
        assert!(changes(None, None).is_empty());
        assert!(changes(Some(&before), None).is_empty());
    }
}
