//! Reading columns strictly.
//!
//! SQLite keeps values of any type in any column, and its accessors turn the text `abc` into the number 0.
//! So a value is read as what it is, and becomes a domain value by name: what it cannot become is
//! [`Corrupt`], with table, key and column.

use std::fmt;
use std::str::FromStr;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types::{BigInt, Binary, Text};
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};
use domain::clock::{Span, Timestamp};
use domain::credits::Credits;
use domain::ids::UserId;
use domain::tokens::Tokens;

use crate::error::Corrupt;

/// One value of one row, as it lies in the file.
#[derive(Clone, Debug, PartialEq, Eq, FromSqlRow)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// Text in UTF-8.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
    /// A fraction, or text that is not UTF-8: nothing that the books know.
    Alien,
}

impl<ST> FromSql<ST, Sqlite> for Cell {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(match value.value_type() {
            None => Self::Null,
            Some(SqliteType::Long | SqliteType::Integer | SqliteType::SmallInt) => {
                Self::Integer(<i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?)
            }
            Some(SqliteType::Text) => {
                <String as FromSql<Text, Sqlite>>::from_sql(value).map_or(Self::Alien, Self::Text)
            }
            Some(SqliteType::Binary) => Self::Blob(<Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?),
            Some(_) => Self::Alien,
        })
    }

    fn from_nullable_sql(value: Option<SqliteValue<'_, '_, '_>>) -> deserialize::Result<Self> {
        value.map_or(Ok(Self::Null), <Self as FromSql<ST, Sqlite>>::from_sql)
    }
}

/// As a part of a row's name in an error.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Integer(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Blob(_) => f.write_str("(bytes)"),
            Self::Alien => f.write_str("(unreadable)"),
        }
    }
}

/// Where a row stands: what its corruption is called by.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    table: &'static str,
    user: Option<UserId>,
    rest: Option<&'a Cell>,
}

impl<'a> Place<'a> {
    /// The row of an account in a table that has one for each.
    pub fn of_account(table: &'static str, user: UserId) -> Self {
        Self { table, user: Some(user), rest: None }
    }

    /// A row of an account, by the last column of its key.
    pub fn of_row(table: &'static str, user: UserId, rest: &'a Cell) -> Self {
        Self { table, user: Some(user), rest: Some(rest) }
    }

    /// A row that belongs to no account, or whose account is not read yet, by its own name.
    pub fn apart(table: &'static str, name: &'a Cell) -> Self {
        Self { table, user: None, rest: Some(name) }
    }

    /// The error that this row's `column` is not what was `expected`.
    pub fn corrupt(&self, column: &'static str, expected: &'static str) -> Corrupt {
        let user = self.user.map(|user| format!("user {user}"));
        let parts: Vec<String> = user.into_iter().chain(self.rest.map(Cell::to_string)).collect();
        Corrupt { table: self.table, key: parts.join(", "), column, expected }
    }

    /// A whole number that `narrow` takes.
    pub fn number<T>(
        &self,
        column: &'static str,
        cell: &Cell,
        expected: &'static str,
        narrow: impl FnOnce(i64) -> Option<T>,
    ) -> Result<T, Corrupt> {
        let Cell::Integer(number) = cell else { return Err(self.corrupt(column, "a whole number")) };
        narrow(*number).ok_or_else(|| self.corrupt(column, expected))
    }

    /// An amount of credits, of either sign.
    pub fn credits(&self, column: &'static str, cell: &Cell) -> Result<Credits, Corrupt> {
        self.number(column, cell, "an amount of credits within range", |number| Credits::new(number).ok())
    }

    /// An amount of money in minor units, never negative.
    pub fn minor(&self, column: &'static str, cell: &Cell) -> Result<i64, Corrupt> {
        self.number(column, cell, "an amount of money", |minor| (minor >= 0).then_some(minor))
    }

    /// How many there are, or how often.
    pub fn count(&self, column: &'static str, cell: &Cell) -> Result<u32, Corrupt> {
        self.number(column, cell, "a count", |count| u32::try_from(count).ok())
    }

    /// A moment in microseconds.
    pub fn time(&self, column: &'static str, cell: &Cell) -> Result<Timestamp, Corrupt> {
        self.number(column, cell, "a time", |micros| Some(Timestamp::from_micros(micros)))
    }

    /// A length of time in microseconds.
    pub fn span(&self, column: &'static str, cell: &Cell) -> Result<Span, Corrupt> {
        self.number(column, cell, "a length of time", |micros| {
            (micros >= 0).then(|| Span::from_micros(micros))
        })
    }

    /// A count of tokens.
    pub fn tokens(&self, column: &'static str, cell: &Cell) -> Result<Tokens, Corrupt> {
        self.number(column, cell, "a count of tokens", |number| {
            let count = u64::try_from(number).ok()?;
            Some(Tokens::new(count)).filter(|tokens| tokens.get() == count)
        })
    }

    /// The number of a journal entry; 0 before the first.
    pub fn seq(&self, column: &'static str, cell: &Cell) -> Result<u64, Corrupt> {
        self.number(column, cell, "the number of an entry", |number| u64::try_from(number).ok())
    }

    /// Yes or no.
    pub fn flag(&self, column: &'static str, cell: &Cell) -> Result<bool, Corrupt> {
        self.number(column, cell, "0 or 1", |number| match number {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
    }

    /// Text.
    pub fn text(&self, column: &'static str, cell: Cell) -> Result<String, Corrupt> {
        match cell {
            Cell::Text(text) => Ok(text),
            _ => Err(self.corrupt(column, "text")),
        }
    }

    /// One of a set of words.
    pub fn word<T>(
        &self,
        column: &'static str,
        cell: &Cell,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Corrupt> {
        let word = match cell {
            Cell::Text(text) => read(text),
            _ => None,
        };
        word.ok_or_else(|| self.corrupt(column, expected))
    }

    /// An id.
    pub fn id<T: FromStr>(&self, column: &'static str, cell: &Cell) -> Result<T, Corrupt> {
        self.word(column, cell, "a UUID", |text| text.parse().ok())
    }

    /// Bytes.
    pub fn bytes(&self, column: &'static str, cell: Cell) -> Result<Vec<u8>, Corrupt> {
        match cell {
            Cell::Blob(bytes) => Ok(bytes),
            _ => Err(self.corrupt(column, "bytes")),
        }
    }

    /// A SHA-256 hash.
    pub fn hash(&self, column: &'static str, cell: &Cell) -> Result<[u8; 32], Corrupt> {
        match cell {
            Cell::Blob(bytes) => <[u8; 32]>::try_from(bytes.as_slice()).ok(),
            _ => None,
        }
        .ok_or_else(|| self.corrupt(column, "32 bytes"))
    }

    /// What `read` makes of a column that may be empty.
    pub fn maybe<T>(
        &self,
        column: &'static str,
        cell: &Cell,
        read: impl FnOnce(&Self, &'static str, &Cell) -> Result<T, Corrupt>,
    ) -> Result<Option<T>, Corrupt> {
        if *cell == Cell::Null { Ok(None) } else { read(self, column, cell).map(Some) }
    }

    /// Text, where there may be none.
    pub fn maybe_text(&self, column: &'static str, cell: Cell) -> Result<Option<String>, Corrupt> {
        if cell == Cell::Null { Ok(None) } else { self.text(column, cell).map(Some) }
    }
}
