//! `ai_usage_log` and `ai_usage_content`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::clock::{Span, Timestamp};
use domain::credits::Credits;
use domain::ids::{HoldId, UserId};
use domain::ledger::account::PlanName;
use domain::ledger::usage::{Outcome, RequestKind, UsageContent, UsageFacts, UsageRecord};
use domain::money::NanoUsd;
use domain::ports::overview::UsageFilter;
use domain::ports::statements::UsageCursor;
use domain::tokens::TokenUsage;

use super::{Owner, stored_count};
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::ai_usage_content as content;
use crate::schema::ai_usage_log::{self, dsl};

const TABLE: &str = "ai_usage_log";

#[derive(Queryable, Selectable)]
#[diesel(table_name = ai_usage_log)]
struct UsageRow {
    id: Cell,
    credits_used: Cell,
    absorbed_credits: Cell,
    input_tokens: Cell,
    cached_input_tokens: Cell,
    output_tokens: Cell,
    reasoning_tokens: Cell,
    cost_nano_usd: Cell,
    price_version: Cell,
    request_type: Cell,
    model: Cell,
    outcome: Cell,
    estimated: Cell,
    duration_ms: Cell,
    request_id: Cell,
    created_at: Cell,
    plan_type: Cell,
}

impl UsageRow {
    fn read(self, user: UserId) -> Result<UsageRecord, Corrupt> {
        let at = Place::of_row(TABLE, user, &self.id);
        let facts = UsageFacts {
            kind: at.word("request_type", &self.request_type, "a request type", RequestKind::from_word)?,
            model: at.text("model", self.model)?,
            tokens: TokenUsage {
                input: at.tokens("input_tokens", &self.input_tokens)?,
                cached_input: at.tokens("cached_input_tokens", &self.cached_input_tokens)?,
                output: at.tokens("output_tokens", &self.output_tokens)?,
                reasoning: at.tokens("reasoning_tokens", &self.reasoning_tokens)?,
            },
            cost: at.number("cost_nano_usd", &self.cost_nano_usd, "a cost", NanoUsd::new)?,
            price_version: at.text("price_version", self.price_version)?,
            duration: at.number("duration_ms", &self.duration_ms, "a length of time", from_millis)?,
            estimated: at.flag("estimated", &self.estimated)?,
            request_id: at.text("request_id", self.request_id)?,
        };
        Ok(UsageRecord {
            hold: at.id("id", &self.id)?,
            user,
            plan: PlanName::new(at.text("plan_type", self.plan_type)?),
            at: at.time("created_at", &self.created_at)?,
            facts,
            outcome: at.word("outcome", &self.outcome, "an outcome", Outcome::from_word)?,
            credits: at.credits("credits_used", &self.credits_used)?,
            absorbed: at.credits("absorbed_credits", &self.absorbed_credits)?,
        })
    }
}

/// A length of time as the column keeps it: whole milliseconds.
fn from_millis(millis: i64) -> Option<Span> {
    millis.checked_mul(1000).filter(|micros| *micros >= 0).map(Span::from_micros)
}

/// Up to `limit` rows, newest first by time and then by hold, older than `before` if given.
pub fn page(
    connection: &mut SqliteConnection,
    user: UserId,
    before: Option<UsageCursor>,
    limit: u32,
) -> Result<Vec<UsageRecord>, StoreError> {
    let owner = Owner::of(user);
    let of_user = dsl::ai_usage_log
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .order((dsl::created_at.desc(), dsl::id.desc()))
        .limit(i64::from(limit))
        .select(UsageRow::as_select());
    let rows: Vec<UsageRow> = match before {
        None => of_user.load(connection)?,
        Some(UsageCursor { at, hold }) => {
            let at = at.as_micros();
            let older = dsl::created_at.lt(at).or(dsl::id.lt(hold.to_string()));
            of_user.filter(dsl::created_at.le(at)).filter(older).load(connection)?
        }
    };
    Ok(rows.into_iter().map(|row| row.read(user)).collect::<Result<_, _>>()?)
}

/// How many rows of `user` have this outcome, at or after `since`.
pub fn count(
    connection: &mut SqliteConnection,
    user: UserId,
    outcome: Outcome,
    since: Timestamp,
) -> Result<u32, StoreError> {
    let owner = Owner::of(user);
    let count: i64 = dsl::ai_usage_log
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::created_at.ge(since.as_micros()).and(dsl::outcome.eq(outcome.as_str())))
        .count()
        .get_result(connection)?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Up to `limit` rows of everybody that the filter lets through, newest first by time and then by hold, older than
/// `before` if given.
pub fn latest(
    connection: &mut SqliteConnection,
    filter: &UsageFilter,
    before: Option<UsageCursor>,
    limit: u32,
) -> Result<Vec<UsageRecord>, StoreError> {
    let mut query = dsl::ai_usage_log
        .order((dsl::created_at.desc(), dsl::id.desc()))
        .limit(i64::from(limit))
        .select((dsl::user_id, UsageRow::as_select()))
        .into_boxed();
    if let Some(user) = filter.user {
        let owner = Owner::of(user);
        query = query.filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)));
    }
    if let Some(model) = &filter.model {
        query = query.filter(dsl::model.eq(model));
    }
    if let Some(outcome) = filter.outcome {
        query = query.filter(dsl::outcome.eq(outcome.as_str()));
    }
    if let Some(from) = filter.from {
        query = query.filter(dsl::created_at.ge(from.as_micros()));
    }
    if let Some(to) = filter.to {
        query = query.filter(dsl::created_at.lt(to.as_micros()));
    }
    if let Some(UsageCursor { at, hold }) = before {
        let at = at.as_micros();
        let older = dsl::created_at.lt(at).or(dsl::id.lt(hold.to_string()));
        query = query.filter(dsl::created_at.le(at)).filter(older);
    }
    let rows: Vec<(Cell, UsageRow)> = query.load(connection)?;
    let records = rows.into_iter().map(|(user, row)| {
        let user = Place::apart(TABLE, &row.id).id("user_id", &user)?;
        row.read(user)
    });
    Ok(records.collect::<Result<_, _>>()?)
}

/// Hold and credits of every row of `user` with outcome `settled`.
pub fn settled(
    connection: &mut SqliteConnection,
    user: UserId,
) -> Result<Vec<(HoldId, Credits)>, StoreError> {
    let owner = Owner::of(user);
    let rows: Vec<(Cell, Cell)> = dsl::ai_usage_log
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::outcome.eq(Outcome::Settled.as_str()))
        .select((dsl::id, dsl::credits_used))
        .load(connection)?;
    let pairs = rows.iter().map(|(id, credits)| {
        let at = Place::of_row(TABLE, user, id);
        Ok((at.id("id", id)?, at.credits("credits_used", credits)?))
    });
    Ok(pairs.collect::<Result<_, Corrupt>>()?)
}

/// Appends a row.
pub fn append(connection: &mut SqliteConnection, record: &UsageRecord) -> Result<(), StoreError> {
    let owner = Owner::of(record.user);
    let facts = &record.facts;
    diesel::insert_into(dsl::ai_usage_log)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::id.eq(record.hold.to_string()),
            dsl::credits_used.eq(record.credits.get()),
            dsl::absorbed_credits.eq(record.absorbed.get()),
            dsl::tokens_used.eq(stored_count(facts.tokens.total().get())),
            dsl::input_tokens.eq(stored_count(facts.tokens.input.get())),
            dsl::cached_input_tokens.eq(stored_count(facts.tokens.cached_input.get())),
            dsl::output_tokens.eq(stored_count(facts.tokens.output.get())),
            dsl::reasoning_tokens.eq(stored_count(facts.tokens.reasoning.get())),
            dsl::cost_nano_usd.eq(facts.cost.get()),
            dsl::price_version.eq(facts.price_version.as_str()),
            dsl::request_type.eq(facts.kind.as_str()),
            dsl::model.eq(facts.model.as_str()),
            dsl::outcome.eq(record.outcome.as_str()),
            dsl::estimated.eq(facts.estimated),
            dsl::duration_ms.eq(facts.duration.as_millis()),
            dsl::request_id.eq(facts.request_id.as_str()),
            dsl::created_at.eq(record.at.as_micros()),
            dsl::plan_type.eq(record.plan.as_str()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Keeps the texts of a request.
pub fn keep_content(connection: &mut SqliteConnection, texts: &UsageContent) -> Result<(), StoreError> {
    let owner = Owner::of(texts.user);
    diesel::insert_into(content::table)
        .values((
            content::lane.eq(owner.lane),
            content::user_id.eq(owner.user),
            content::usage_id.eq(texts.hold.to_string()),
            content::request_content.eq(texts.request.as_str()),
            content::response_content.eq(texts.response.as_str()),
            content::created_at.eq(texts.at.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Up to `limit` texts of `user`, by hold, after `after` if given.
pub fn content(
    connection: &mut SqliteConnection,
    user: UserId,
    after: Option<HoldId>,
    limit: u32,
) -> Result<Vec<UsageContent>, StoreError> {
    let owner = Owner::of(user);
    let rows: Vec<(Cell, Cell, Cell, Cell)> = content::table
        .filter(content::lane.eq(owner.lane).and(content::user_id.eq(owner.user)))
        .filter(content::usage_id.gt(after.map_or_else(String::new, |id| id.to_string())))
        .order(content::usage_id)
        .limit(i64::from(limit))
        .select((content::usage_id, content::created_at, content::request_content, content::response_content))
        .load(connection)?;
    let texts = |(id, at, request, response): (Cell, Cell, Cell, Cell)| {
        let place = Place::of_row("ai_usage_content", user, &id);
        Ok(UsageContent {
            hold: place.id("usage_id", &id)?,
            user,
            at: place.time("created_at", &at)?,
            request: place.text("request_content", request)?,
            response: place.text("response_content", response)?,
        })
    };
    Ok(rows.into_iter().map(texts).collect::<Result<_, Corrupt>>()?)
}

#[cfg(test)]
mod tests {
    use testkit::requests::user;
    use testkit::time::time;

    use super::*;
    use crate::watch::{plan, watched};

    /// A list is read in its order, and ends when its page is full: nothing is sorted.
    #[test]
    fn the_latest_requests_are_never_sorted_whatever_they_are_filtered_by() {
        let (mut connection, seen, _directory) = watched();
        let c = &mut connection;
        let none = UsageFilter::default;
        for filter in [
            none(),
            UsageFilter { outcome: Some(Outcome::UpstreamFailed), ..none() },
            UsageFilter { model: Some("m".to_owned()), from: Some(time(0)), to: Some(time(9)), ..none() },
            UsageFilter { user: Some(user(1)), ..none() },
        ] {
            assert!(latest(c, &filter, None, 100).expect("read").is_empty());
        }
        let plans: Vec<String> = seen.run().iter().map(|select| plan(c, select)).collect();
        assert_eq!(plans.len(), 4, "{plans:#?}");
        for plan in plans {
            assert!(plan.contains("USING INDEX ai_usage_log_") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
