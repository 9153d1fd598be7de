//! `notices`.

use diesel::SqliteConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use domain::billing::notice::{Audience, Notice, NoticeDetails, NoticeKind};
use domain::credits::Credits;
use domain::ids::UserId;
use domain::ledger::account::PlanName;
use domain::ports::billing::PageEnd;

use super::Owner;
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::notices::{self, dsl};

const TABLE: &str = "notices";
/// What a notice is called by where pages end.
const NAME: &str = "kind || ':' || subject";

#[derive(Queryable, Selectable)]
#[diesel(table_name = notices)]
struct NoticeRow {
    kind: Cell,
    subject: Cell,
    plan: Cell,
    credits: Cell,
    amount_minor: Cell,
    balance: Cell,
    threshold: Cell,
    detail: Cell,
    created_at: Cell,
}

impl NoticeRow {
    fn read(self, user: UserId) -> Result<Notice, Corrupt> {
        let name = Cell::Text(format!("{} {}", self.kind, self.subject));
        let at = Place::of_row(TABLE, user, &name);
        Ok(Notice {
            user,
            kind: at.word("kind", &self.kind, "the kind of a notice", NoticeKind::from_word)?,
            subject: at.text("subject", self.subject)?,
            at: at.time("created_at", &self.created_at)?,
            details: NoticeDetails {
                plan: at.maybe_text("plan", self.plan)?.map(PlanName::new),
                credits: at.maybe("credits", &self.credits, Place::credits)?,
                minor: at.maybe("amount_minor", &self.amount_minor, |at, column, cell| {
                    at.number(column, cell, "an amount of money", Some)
                })?,
                balance: at.maybe("balance", &self.balance, Place::credits)?,
                threshold: at.maybe("threshold", &self.threshold, Place::credits)?,
                text: at.maybe_text("detail", self.detail)?,
            },
        })
    }
}

/// Adds a notice; says whether it is new. One that is there stays as it is.
pub fn insert(connection: &mut SqliteConnection, notice: &Notice) -> Result<bool, StoreError> {
    let owner = Owner::of(notice.user);
    let details = &notice.details;
    let rows = diesel::insert_into(dsl::notices)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::kind.eq(notice.kind.as_str()),
            dsl::subject.eq(notice.subject.as_str()),
            dsl::audience.eq(notice.kind.audience().as_str()),
            dsl::plan.eq(details.plan.as_ref().map(PlanName::as_str)),
            dsl::credits.eq(details.credits.map(Credits::get)),
            dsl::amount_minor.eq(details.minor),
            dsl::balance.eq(details.balance.map(Credits::get)),
            dsl::threshold.eq(details.threshold.map(Credits::get)),
            dsl::detail.eq(details.text.as_deref()),
            dsl::created_at.eq(notice.at.as_micros()),
        ))
        .on_conflict_do_nothing()
        .execute(connection)?;
    Ok(rows > 0)
}

/// The notice of that name; there is one for each delivery.
pub fn find(
    connection: &mut SqliteConnection,
    user: UserId,
    kind: NoticeKind,
    subject: &str,
) -> Result<Notice, StoreError> {
    let owner = Owner::of(user);
    let row: NoticeRow = dsl::notices
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::kind.eq(kind.as_str()).and(dsl::subject.eq(subject)))
        .select(NoticeRow::as_select())
        .get_result(connection)
        .optional()?
        .ok_or(StoreError::Vanished(TABLE))?;
    Ok(row.read(user)?)
}

/// Up to `limit` notices that `user` is told, newest first by time and then by name, older than `before`
/// if given.
pub fn page(
    connection: &mut SqliteConnection,
    user: UserId,
    before: Option<PageEnd>,
    limit: u32,
) -> Result<Vec<Notice>, StoreError> {
    let owner = Owner::of(user);
    let of_user = dsl::notices
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::audience.eq(Audience::User.as_str()))
        .order((dsl::created_at.desc(), sql::<Text>(NAME).desc()))
        .limit(i64::from(limit))
        .select(NoticeRow::as_select());
    let rows: Vec<NoticeRow> = match before {
        None => of_user.load(connection)?,
        Some(PageEnd { at, name }) => {
            let at = at.as_micros();
            let older = dsl::created_at.lt(at).or(sql::<Text>(NAME).lt(name));
            of_user.filter(dsl::created_at.le(at)).filter(older).load(connection)?
        }
    };
    Ok(rows.into_iter().map(|row| row.read(user)).collect::<Result<_, _>>()?)
}

/// What a notice is called by where pages of everybody's end.
const FULL_NAME: &str = "user_id || ':' || kind || ':' || subject";

/// Up to `limit` notices of everybody, admins' included, newest first by time and then by user and name, older than
/// `before` if given.
pub fn page_of_all(
    connection: &mut SqliteConnection,
    before: Option<PageEnd>,
    limit: u32,
) -> Result<Vec<Notice>, StoreError> {
    let mut query = dsl::notices
        .order((dsl::created_at.desc(), sql::<Text>(FULL_NAME).desc()))
        .limit(i64::from(limit))
        .select((dsl::user_id, NoticeRow::as_select()))
        .into_boxed();
    if let Some(PageEnd { at, name }) = before {
        let at = at.as_micros();
        let older = dsl::created_at.lt(at).or(sql::<Text>(FULL_NAME).lt(name));
        query = query.filter(dsl::created_at.le(at)).filter(older);
    }
    let rows: Vec<(Cell, NoticeRow)> = query.load(connection)?;
    let notices = rows.into_iter().map(|(user, row)| {
        let user = Place::apart(TABLE, &row.subject).id("user_id", &user)?;
        row.read(user)
    });
    Ok(notices.collect::<Result<_, _>>()?)
}
