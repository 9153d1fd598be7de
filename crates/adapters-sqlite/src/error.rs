//! What can go wrong between the books and the file, and what it is called outside.

use diesel::result::{DatabaseErrorKind, Error};
use domain::credits::Overflow;
use domain::ids::UserId;
use domain::ports::Unavailable;
use domain::ports::ledger::LedgerError;
use group_commit::{Failure, SubmitError};

use crate::connection::OpenError;

/// A stored row that cannot be a value of the domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("corrupt row: column {column} of {table} ({key}) is not {expected}")]
pub struct Corrupt {
    /// The table.
    pub table: &'static str,
    /// The row's key: the user, and the rest of the primary key.
    pub key: String,
    /// The column.
    pub column: &'static str,
    /// What the column should hold.
    pub expected: &'static str,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row is no domain value.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// Every row is a domain value, but sums over them leave their range.
    #[error("the books of {user} contradict themselves: {overflow}")]
    Contradiction {
        /// An account of the batch; with one command, the account.
        user: UserId,
        /// What the rules said.
        overflow: Overflow,
    },
    /// A row that was read in this transaction was not there to be updated.
    #[error("a row of {0} was not there to be updated")]
    Vanished(&'static str),
    /// The file cannot be opened (again).
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite said no.
    #[error(transparent)]
    Database(#[from] Error),
}

impl StoreError {
    /// Whether the store is away: the same may pass later, and the connection is not to be trusted.
    /// Otherwise what was asked is at fault, or the row it met.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Corrupt(_) | Self::Contradiction { .. } | Self::Vanished(_) => false,
            Self::Open(_) => true,
            Self::Database(error) => !is_about_the_data(error),
        }
    }

    /// What the writer makes of it.
    pub fn into_failure(self) -> Failure {
        if self.is_outage() { Failure::Outage(self.to_string()) } else { Failure::Rejected(self.to_string()) }
    }
}

fn is_about_the_data(error: &Error) -> bool {
    match error {
        Error::DatabaseError(kind, _) => matches!(
            kind,
            DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
        ),
        Error::DeserializationError(_) | Error::SerializationError(_) | Error::QueryBuilderError(_) => true,
        _ => false,
    }
}

impl From<StoreError> for Unavailable {
    fn from(error: StoreError) -> Self {
        Self(format!("sqlite: {error}"))
    }
}

/// What a caller of the ledger learns of a command without an answer.
pub fn ledger_error(error: &SubmitError) -> LedgerError {
    unavailable(error).into()
}

/// The same, as a port without refusals says it.
pub fn unavailable(error: &SubmitError) -> Unavailable {
    Unavailable(match error {
        SubmitError::Busy => "sqlite: busy, too many commands are waiting".to_owned(),
        SubmitError::Outage(reason) => format!("sqlite: outage: {reason}"),
        SubmitError::Rejected(reason) => format!("sqlite: the command was rejected: {reason}"),
        SubmitError::Stopped => "sqlite: the writer has stopped".to_owned(),
    })
}
