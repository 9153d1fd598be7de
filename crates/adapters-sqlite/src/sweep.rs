//! Finding what a sweeper has to visit. What happens there is decided on the locked account.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use diesel::SqliteConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use domain::clock::Timestamp;
use domain::ids::{HoldId, LANES, UserId};
use domain::ports::upkeep::{LEASE, LEASE_GRACE};

use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::rows::Owner;
use crate::rows::accounts::not_a_user;

/// All lanes, for `lane IN (...)`: the indexes by time begin with the lane, and SQLite seeks in them for
/// each value of a list, but reads all of them for a range.
pub static ALL_LANES: LazyLock<String> = LazyLock::new(|| {
    let lanes: Vec<String> = (0..LANES).map(|lane| lane.to_string()).collect();
    lanes.join(",")
});

/// Open holds past their time.
static OVERDUE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT DISTINCT lane, user_id FROM credit_holds INDEXED BY credit_holds_due
         WHERE state = 'open' AND lane IN ({}) AND expires_at <= ?
         LIMIT ?",
        *ALL_LANES
    )
});

/// Whether the server of an open hold `h` is dead: its lease ended too long ago, or it has none and the
/// hold is older than a first lease could be. (A hold may be made before its server's row is written.)
const IS_LOST: &str = "(i.lease_until < ? OR (i.id IS NULL AND h.created_at < ?))";

/// Accounts with open holds of dead servers. Reads all open holds, of which there are never many.
static LOST: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT DISTINCT h.lane, h.user_id
         FROM credit_holds AS h INDEXED BY credit_holds_instance
         LEFT JOIN instances AS i ON i.id = h.instance_id
         WHERE h.state = 'open' AND {IS_LOST}
         LIMIT ?"
    )
});

/// The open holds of dead servers of one account.
static LOST_OF_USER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT h.id
         FROM credit_holds AS h INDEXED BY credit_holds_open
         LEFT JOIN instances AS i ON i.id = h.instance_id
         WHERE h.state = 'open' AND {IS_LOST} AND h.lane = ? AND h.user_id = ?"
    )
});

/// Accounts with due lots; those without holds first, for a hold may protect a due lot, and such accounts
/// must not fill the limit time and again.
static DUE_LOTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT g.lane, g.user_id
         FROM credit_grants AS g INDEXED BY credit_grants_due
         JOIN user_ai_credits AS a ON a.lane = g.lane AND a.user_id = g.user_id
         WHERE g.remaining > 0 AND g.expires_at IS NOT NULL AND g.lane IN ({}) AND g.expires_at <= ?
         GROUP BY g.lane, g.user_id
         ORDER BY a.held_credits > 0, min(g.expires_at)
         LIMIT ?",
        *ALL_LANES
    )
});

#[derive(QueryableByName)]
struct UserRow {
    #[diesel(sql_type = BigInt)]
    lane: i64,
    #[diesel(sql_type = Text)]
    user_id: Cell,
}

#[derive(QueryableByName)]
struct HoldRow {
    #[diesel(sql_type = Text)]
    id: Cell,
}

/// Up to `limit` accounts that have something to expire at `now`, each with its open holds of dead
/// servers. A row whose id cannot be read is logged and left out: the others must not wait for it.
pub fn due(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: u32,
) -> Result<BTreeMap<UserId, Vec<HoldId>>, StoreError> {
    use diesel::RunQueryDsl;
    let (ended, never_had) = (now.before(LEASE_GRACE), now.before(LEASE_GRACE).before(LEASE));
    let (ended, never_had, now) = (ended.as_micros(), never_had.as_micros(), now.as_micros());
    let rows = i64::from(limit);
    let overdue: Vec<UserRow> =
        sql_query(&*OVERDUE).bind::<BigInt, _>(now).bind::<BigInt, _>(rows).load(connection)?;
    let lost: Vec<UserRow> = sql_query(&*LOST)
        .bind::<BigInt, _>(ended)
        .bind::<BigInt, _>(never_had)
        .bind::<BigInt, _>(rows)
        .load(connection)?;
    let lots: Vec<UserRow> =
        sql_query(&*DUE_LOTS).bind::<BigInt, _>(now).bind::<BigInt, _>(rows).load(connection)?;

    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut due = BTreeMap::new();
    for row in overdue.iter().chain(&lost).chain(&lots) {
        if due.len() >= limit {
            break;
        }
        let Some(user) = logged(row.user()) else { continue };
        due.entry(user).or_insert_with(Vec::new);
    }
    for (user, holds) in &mut due {
        let owner = Owner::of(*user);
        let rows: Vec<HoldRow> = sql_query(&*LOST_OF_USER)
            .bind::<BigInt, _>(ended)
            .bind::<BigInt, _>(never_had)
            .bind::<BigInt, _>(owner.lane)
            .bind::<Text, _>(owner.user)
            .load(connection)?;
        holds.extend(rows.iter().filter_map(|row| logged(row.hold(*user))));
    }
    Ok(due)
}

impl UserRow {
    fn user(&self) -> Result<UserId, Corrupt> {
        match &self.user_id {
            Cell::Text(text) => text.parse().ok(),
            _ => None,
        }
        .ok_or_else(|| not_a_user(self.lane, &self.user_id))
    }
}

impl HoldRow {
    fn hold(&self, user: UserId) -> Result<HoldId, Corrupt> {
        Place::of_row("credit_holds", user, &self.id).id("id", &self.id)
    }
}

fn logged<T>(read: Result<T, Corrupt>) -> Option<T> {
    read.inspect_err(|corrupt| tracing::error!(%corrupt, "left out of the sweep")).ok()
}
