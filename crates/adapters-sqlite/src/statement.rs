//! Two pieces that diesel lacks, for statements that are prepared once and use the right index.

use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AsChangeset, AstPass, QueryFragment, QueryId};
use diesel::query_source::QuerySource;
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};

use crate::schema::{credit_grants, credit_holds, credit_journal, outbox, stripe_events};

/// `UPDATE table SET changes WHERE condition`.
///
/// Diesel's own `UPDATE` is prepared anew for each row, because its changes may be optional; for the wide
/// tables here that costs more than running it. The changes of this one are always all there, so that the
/// type determines the text. Neither part may contain an `Option` of an assignment or a list (`eq_any`).
pub struct Update<T: QuerySource, C, W> {
    table: T::FromClause,
    changes: C,
    condition: W,
}

/// Changes the rows of `table` for which `condition` holds.
pub fn update<T, A, W>(table: &T, changes: A, condition: W) -> Update<T, A::Changeset, W>
where
    T: QuerySource,
    A: AsChangeset<Target = T>,
    W: Expression<SqlType = Bool> + AppearsOnTable<T>,
{
    Update { table: table.from_clause(), changes: changes.as_changeset(), condition }
}

impl<T: QuerySource + 'static, C: 'static, W: 'static> QueryId for Update<T, C, W> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<T, C, W> QueryFragment<Sqlite> for Update<T, C, W>
where
    T: QuerySource<FromClause: QueryFragment<Sqlite>>,
    C: QueryFragment<Sqlite>,
    W: QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        self.changes.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.condition.walk_ast(out.reborrow())
    }
}

impl<T: QuerySource, C, W> RunQueryDsl<SqliteConnection> for Update<T, C, W> {}

/// A condition written out: SQLite takes a partial index only for the very words of its `WHERE`, and a
/// bound value is no word. (Diesel's own literals are prepared anew each time.)
macro_rules! condition {
    ($(#[$doc:meta])* $name:ident on $table:ident: $sql:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, QueryId)]
        pub struct $name;

        impl Expression for $name {
            type SqlType = Bool;
        }

        impl AppearsOnTable<$table::table> for $name {}

        impl<GroupBy> ValidGrouping<GroupBy> for $name {
            type IsAggregate = is_aggregate::Never;
        }

        impl QueryFragment<Sqlite> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                out.push_sql($sql);
                Ok(())
            }
        }
    };
}

condition! {
    /// The lot has something remaining.
    Remaining on credit_grants: "credit_grants.remaining > 0"
}
condition! {
    /// The hold is open.
    Open on credit_holds: "credit_holds.state = 'open'"
}
condition! {
    /// The entry is of a kind that is posted once for its source.
    PostedOnce on credit_journal: "credit_journal.kind IN ('grant', 'adjust')"
}
condition! {
    /// The event waits to be worked on.
    Pending on stripe_events: "stripe_events.state = 'pending'"
}
condition! {
    /// The delivery waits to be sent.
    Waiting on outbox: "outbox.state = 'waiting'"
}
