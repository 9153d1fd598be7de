//! Pages of a list: where the next one begins.

use std::collections::HashMap;
use std::str::FromStr;

use actix_web::web::Query;
use domain::billing::notice::Notice;
use domain::billing::purchase::Purchase;
use domain::clock::Timestamp;
use domain::ids::UserId;
use domain::ledger::usage::UsageRecord;
use domain::ports::billing::PageEnd;
use domain::ports::statements::UsageCursor;
use url::form_urlencoded;

use crate::http::problem::Problem;
use crate::routes::named_user;

/// Query parameters by name.
pub type Parameters = Query<HashMap<String, String>>;

/// How many rows a page has.
pub const ROWS: u32 = 25;

/// A page of rows, and the address of the next one.
pub struct Paged<T> {
    pub rows: Vec<T>,
    pub next: Option<String>,
    /// Whether this is not the first.
    pub later: bool,
    pub first: String,
}

impl<T> Paged<T> {
    /// A page of the `rows`, of which one more than a page was asked for.
    pub fn cut<R>(
        mut rows: Vec<R>,
        path: &str,
        query: &Parameters,
        row: impl Fn(&R) -> T,
        cursor: impl Fn(&R) -> String,
    ) -> Self {
        let more = rows.len() > ROWS as usize;
        rows.truncate(ROWS as usize);
        let next = rows.last().filter(|_| more).map(|last| address(path, query, Some(&cursor(last))));
        Self {
            rows: rows.iter().map(row).collect(),
            next,
            later: given(query, "cursor").is_some(),
            first: address(path, query, None),
        }
    }
}

/// A parameter that is not empty.
pub fn given<'a>(query: &'a Parameters, name: &str) -> Option<&'a str> {
    query.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// The user that a list is to be of; none where the field is empty. What names nobody is an error: without the filter,
/// everybody's rows would be shown instead.
pub fn filter_user(text: &str) -> Result<Option<UserId>, Problem> {
    if text.is_empty() { Ok(None) } else { named_user(text).map(Some) }
}

/// The same list from another place on.
fn address(path: &str, query: &Parameters, cursor: Option<&str>) -> String {
    let mut names: Vec<&String> =
        query.keys().filter(|name| *name != "cursor" && given(query, name).is_some()).collect();
    names.sort();
    let mut text = form_urlencoded::Serializer::new(String::new());
    for name in names {
        text.append_pair(name, given(query, name).unwrap_or_default());
    }
    if let Some(cursor) = cursor {
        text.append_pair("cursor", cursor);
    }
    let text = text.finish();
    if text.is_empty() { path.to_owned() } else { format!("{path}?{text}") }
}

/// A time and a name, as cursors write them: `time_name`. What is no cursor is the beginning.
fn pair<T: FromStr>(query: &Parameters) -> Option<(Timestamp, T)> {
    let (at, name) = given(query, "cursor")?.split_once('_')?;
    Some((Timestamp::from_micros(at.parse().ok()?), name.parse().ok()?))
}

/// Where a page of usage begins.
pub fn usage_cursor(query: &Parameters) -> Option<UsageCursor> {
    pair(query).map(|(at, hold)| UsageCursor { at, hold })
}

/// Where a page that ends with such a row ends.
pub fn after_usage(row: &UsageRecord) -> String {
    format!("{}_{}", row.at.as_micros(), row.hold)
}

/// Where a page of purchases or notices begins.
pub fn page_end(query: &Parameters) -> Option<PageEnd> {
    pair(query).map(|(at, name)| PageEnd { at, name })
}

/// Where a page that ends with such a purchase ends.
pub fn after_purchase(row: &Purchase) -> String {
    format!("{}_{}", row.created_at.as_micros(), row.id)
}

/// Where a page of everybody's notices that ends with this one ends.
pub fn after_notice(row: &Notice) -> String {
    format!("{}_{}:{}:{}", row.at.as_micros(), row.user, row.kind.as_str(), row.subject)
}
