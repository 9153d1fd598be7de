//! What can go wrong in this store, and what it means to its callers.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::credits::Overflow;
use domain::ports::Unavailable;
use group_commit::Failure;
use uuid::Uuid;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address cannot be read.
    #[error("the database URL is not usable: {0}")]
    Url(String),
    /// The certificates or the TLS set-up are not usable.
    #[error("TLS is not usable: {0}")]
    Tls(String),
    /// Nobody answers there, or not in time, or they do not let us in.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// Another server has been migrating for too long.
    #[error("another process holds the migration lock; gave up after {0} s")]
    MigrationLocked(u64),
    /// The database was migrated by a later release: this binary would not know what it reads.
    #[error("the database has migrations that this binary does not know: {0}")]
    SchemaNewer(String),
    /// A migration failed; it was rolled back, those before it stand.
    #[error("a migration failed: {0}")]
    Migration(String),
}

/// A row that cannot be a domain value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("corrupt row in {table}, key {key}: {column} {problem}")]
pub(crate) struct Corrupt {
    pub table: &'static str,
    pub key: String,
    pub column: &'static str,
    pub problem: String,
}

/// Where a row stands, for the day that it turns out to be corrupt.
pub(crate) struct Place {
    pub table: &'static str,
    pub user: Uuid,
    pub rest: Rest,
}

/// The rest of a row's key after its user.
pub(crate) enum Rest {
    Nothing,
    Id(Uuid),
    Seq(i64),
    Text(String),
}

impl Place {
    pub fn new(table: &'static str, user: Uuid, rest: Rest) -> Self {
        Self { table, user, rest }
    }

    pub fn corrupt(&self, column: &'static str, problem: impl Into<String>) -> Corrupt {
        let user = self.user;
        let key = match &self.rest {
            Rest::Nothing => user.to_string(),
            Rest::Id(id) => format!("{user}/{id}"),
            Rest::Seq(seq) => format!("{user}/{seq}"),
            Rest::Text(text) => format!("{user}/{text}"),
        };
        Corrupt { table: self.table, key, column, problem: problem.into() }
    }
}

/// Why a statement, a read or a batch failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database said so, or is away.
    #[error(transparent)]
    Database(#[from] DieselError),
    /// A row cannot be a domain value.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// The sums of the loaded books leave their range.
    #[error("the stored books contradict themselves: {0}")]
    Contradiction(#[from] Overflow),
    /// A command carries what no column can hold.
    #[error("{what} cannot be stored: {why}")]
    Unstorable { what: &'static str, why: &'static str },
    /// A write met another number of rows than were locked.
    #[error("{0}: not every row was written")]
    Miscounted(&'static str),
    /// No answer within the bound.
    #[error("no answer from the database within {0} s")]
    Slow(u64),
    /// No connection to be had.
    #[error("no connection to the database: {0}")]
    NoConnection(String),
}

impl StoreError {
    /// Whether the batch is at fault rather than the database: a smaller batch may pass, and the
    /// connection is as good as before.
    pub fn is_about_the_batch(&self) -> bool {
        match self {
            Self::Corrupt(_) | Self::Contradiction(_) | Self::Unstorable { .. } | Self::Miscounted(..) => {
                true
            }
            Self::Slow(_) | Self::NoConnection(_) => false,
            Self::Database(error) => breaks_a_constraint(error) || cannot_be_translated(error),
        }
    }

    /// Whether the connection itself was gone, so that another one may do.
    pub fn lost_the_connection(&self) -> bool {
        matches!(
            self,
            Self::Database(DieselError::DatabaseError(
                DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection,
                _
            ))
        )
    }

    /// The text for the log: with the constraint, when the database names one.
    fn describe(&self) -> String {
        match self {
            Self::Database(DieselError::DatabaseError(_, about)) => match about.constraint_name() {
                Some(constraint) => format!("{} (constraint {constraint})", about.message()),
                None => about.message().to_owned(),
            },
            other => other.to_string(),
        }
    }
}

fn breaks_a_constraint(error: &DieselError) -> bool {
    let DieselError::DatabaseError(kind, _) = error else { return false };
    matches!(
        kind,
        DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::RestrictViolation
            | DatabaseErrorKind::ExclusionViolation
    )
}

fn cannot_be_translated(error: &DieselError) -> bool {
    matches!(error, DieselError::DeserializationError(_) | DieselError::SerializationError(_))
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoConnection(reason) => Self::Unreachable(reason),
            other => Self::Unreachable(other.describe()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let text = error.describe();
        if error.is_about_the_batch() { Self::Rejected(text) } else { Self::Outage(text) }
    }
}

impl From<StoreError> for Unavailable {
    fn from(error: StoreError) -> Self {
        Self(error.describe())
    }
}
