//! Rows of the tables, and the domain values that they stand for. A row that cannot be one is [`Corrupt`]:
//! it names table, key and column.

mod accounts;
mod api_keys;
mod audit;
mod holds;
mod journal;
mod lots;
mod notices;
mod profiles;
mod purchases;
mod subscriptions;
mod usage;

pub(crate) use accounts::{AccountRow, SuspensionRow};
pub(crate) use api_keys::ApiKeyRow;
pub(crate) use audit::AuditRow;
pub(crate) use holds::{HoldRow, KeyRow};
pub(crate) use journal::{EntryRow, line};
pub(crate) use lots::LotRow;
pub(crate) use notices::NoticeRow;
pub(crate) use profiles::ProfileRow;
pub(crate) use purchases::PurchaseRow;
pub(crate) use subscriptions::SubscriptionRow;
pub(crate) use usage::UsageRow;

use diesel::data_types::PgTimestamp;
use domain::clock::{Span, Timestamp};
use domain::credits::Credits;
use domain::ids::{IdempotencyKey, UserId};
use domain::tokens::Tokens;
use uuid::Uuid;

use crate::error::{Corrupt, Place};

/// 2000-01-01, where Postgres begins to count, in microseconds since 1970.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A moment as the wire carries it.
pub(crate) fn stored_time(at: Timestamp) -> PgTimestamp {
    PgTimestamp(at.as_micros().saturating_sub(POSTGRES_EPOCH_MICROS))
}

/// A moment as the wire carried it.
pub(crate) fn time(stored: PgTimestamp) -> Timestamp {
    Timestamp::from_micros(stored.0.saturating_add(POSTGRES_EPOCH_MICROS))
}

/// The lane column of a user's rows.
pub(crate) fn lane(user: &UserId) -> i16 {
    i16::from(user.lane().get())
}

/// An id as the wire carries it.
pub(crate) fn stored_id(bytes: &[u8; 16]) -> Uuid {
    Uuid::from_bytes(*bytes)
}

/// Rows as domain values; the first corrupt one is the error.
pub(crate) fn all<R, T>(rows: Vec<R>, convert: fn(R) -> Result<T, Corrupt>) -> Result<Vec<T>, Corrupt> {
    rows.into_iter().map(convert).collect()
}

impl Place {
    fn user(&self) -> UserId {
        UserId::from_bytes(self.user.into_bytes())
    }

    /// An amount of either sign.
    pub fn signed(&self, column: &'static str, stored: i64) -> Result<Credits, Corrupt> {
        Credits::new(stored).map_err(|_| self.corrupt(column, format!("is {stored}, out of range")))
    }

    /// An amount that is never negative.
    pub fn amount(&self, column: &'static str, stored: i64) -> Result<Credits, Corrupt> {
        if stored < 0 {
            return Err(self.corrupt(column, format!("is {stored}, below zero")));
        }
        self.signed(column, stored)
    }

    fn count(&self, column: &'static str, stored: i64) -> Result<u64, Corrupt> {
        u64::try_from(stored).map_err(|_| self.corrupt(column, format!("is {stored}, below zero")))
    }

    fn small_count(&self, column: &'static str, stored: i64) -> Result<u32, Corrupt> {
        u32::try_from(stored).map_err(|_| self.corrupt(column, format!("is {stored}, out of range")))
    }

    fn minor(&self, column: &'static str, stored: i64) -> Result<i64, Corrupt> {
        self.count(column, stored).map(|_| stored)
    }

    fn tokens(&self, column: &'static str, stored: i64) -> Result<Tokens, Corrupt> {
        let count = self.count(column, stored)?;
        if count > Tokens::MAX.get() {
            return Err(self.corrupt(column, format!("is {stored}, out of range")));
        }
        Ok(Tokens::new(count))
    }

    fn micros(&self, column: &'static str, stored: i64) -> Result<Span, Corrupt> {
        self.count(column, stored).map(|_| Span::from_micros(stored))
    }

    fn millis(&self, column: &'static str, stored: i64) -> Result<Span, Corrupt> {
        let micros = stored.checked_mul(1000);
        self.micros(column, micros.ok_or_else(|| self.corrupt(column, format!("is {stored}, out of range")))?)
    }

    fn hash(&self, column: &'static str, stored: Vec<u8>) -> Result<[u8; 32], Corrupt> {
        let length = stored.len();
        stored.try_into().map_err(|_| self.corrupt(column, format!("has {length} bytes, not 32")))
    }

    /// One of a set of words.
    pub fn word<T>(
        &self,
        column: &'static str,
        stored: &str,
        named: fn(&str) -> Option<T>,
    ) -> Result<T, Corrupt> {
        named(stored).ok_or_else(|| self.corrupt(column, format!("is the unknown word {stored:?}")))
    }
}

/// Parsing strips quotes and blanks: a stored key has none.
fn idempotency_key(at: &Place, column: &'static str, stored: &str) -> Result<IdempotencyKey, Corrupt> {
    IdempotencyKey::parse(stored)
        .ok()
        .filter(|key| key.as_str() == stored)
        .ok_or_else(|| at.corrupt(column, format!("is no idempotency key: {stored:?}")))
}
