//! Statements written by hand, prepared once on each connection.
//!
//! `diesel::sql_query` is prepared anew each time it runs. A [`Statement`] is not: its text is constant, so
//! diesel may keep the prepared statement under it.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::deserialize::FromSqlRow;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::CompatibleType;
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, HasSqlType, Untyped};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt;

use crate::error::StoreError;

/// A constant text with the values of its parameters.
///
/// The text names its parameters `$1`, `$2` and so on, each once and in this order; rows are read by the
/// names of their columns.
pub(crate) struct Statement<'a> {
    sql: &'static str,
    parameters: Vec<Box<dyn QueryFragment<Pg> + Send + 'a>>,
}

struct Parameter<ST, V> {
    value: V,
    sql_type: PhantomData<fn() -> ST>,
}

impl<ST, V> QueryFragment<Pg> for Parameter<ST, V>
where
    Pg: HasSqlType<ST>,
    V: ToSql<ST, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<ST, V>(&self.value)
    }
}

impl<'a> Statement<'a> {
    pub fn new(sql: &'static str) -> Self {
        Self { sql, parameters: Vec::new() }
    }

    /// The next parameter.
    pub fn bind<ST, V>(mut self, value: V) -> Self
    where
        Pg: HasSqlType<ST>,
        V: ToSql<ST, Pg> + Send + 'a,
        ST: 'a,
    {
        self.parameters.push(Box::new(Parameter { value, sql_type: PhantomData::<fn() -> ST> }));
        self
    }

    /// The next parameter, an array: one column of many rows.
    pub fn column<ST, V>(self, values: impl IntoIterator<Item = V>) -> Self
    where
        Pg: HasSqlType<ST> + HasSqlType<Array<ST>>,
        Vec<V>: ToSql<Array<ST>, Pg>,
        V: Send + 'a,
        ST: 'static,
    {
        self.bind::<Array<ST>, Vec<V>>(values.into_iter().collect())
    }

    /// Runs it and reads its rows. Statements that are polled together on one connection share a round
    /// trip, and run in the order in which they were first polled.
    pub async fn load<R>(self, mut connection: &AsyncPgConnection) -> QueryResult<Vec<R>>
    where
        Untyped: CompatibleType<R, Pg, SqlType = Untyped>,
        R: FromSqlRow<Untyped, Pg> + Send + 'static,
    {
        RunQueryDsl::load::<R>(self, &mut connection).await
    }

    /// Runs it and looks at each of its rows as it comes.
    pub async fn each<R>(
        self,
        mut connection: &AsyncPgConnection,
        mut look: impl FnMut(R) -> Result<(), StoreError> + Send,
    ) -> Result<(), StoreError>
    where
        Untyped: CompatibleType<R, Pg, SqlType = Untyped>,
        R: FromSqlRow<Untyped, Pg> + Send + 'static,
    {
        let mut rows = RunQueryDsl::load_stream::<R>(self, &mut connection).await?;
        while let Some(row) = rows.try_next().await? {
            look(row)?;
        }
        Ok(())
    }

    /// Runs it and answers how many rows it wrote.
    pub async fn execute(self, mut connection: &AsyncPgConnection) -> QueryResult<usize> {
        RunQueryDsl::execute(self, &mut connection).await
    }
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Parameters number themselves as they are pushed: what stands for them in the text is left out.
        let mut pieces = self.sql.split('$');
        out.push_sql(pieces.next().unwrap_or_default());
        for (parameter, piece) in self.parameters.iter().zip(pieces) {
            parameter.walk_ast(out.reborrow())?;
            out.push_sql(piece.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        Ok(())
    }
}

/// Not known by its type but by its text.
impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement<'_> {
    type SqlType = Untyped;
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::sql_types::{BigInt, Text};

    #[test]
    fn a_statement_is_sent_as_it_is_written_and_may_be_cached() {
        let sql = "SELECT $1::bigint + 1, $2 || 'x' FROM t WHERE a = $3";
        let statement = Statement::new(sql).bind::<BigInt, _>(1).bind::<Text, _>("two").bind::<BigInt, _>(3);
        let mut builder = diesel::pg::PgQueryBuilder::new();
        statement.to_sql(&mut builder, &Pg).unwrap();
        assert_eq!(diesel::query_builder::QueryBuilder::finish(builder), sql);
        assert!(statement.is_safe_to_cache_prepared(&Pg).unwrap());
    }
}
