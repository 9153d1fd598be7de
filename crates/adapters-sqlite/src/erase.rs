//! Erasing what is personal of a closed account: `domain::ports::personal` says what.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::{SqliteConnection, sql_query};
use domain::ids::UserId;

use crate::error::StoreError;
use crate::rows::Owner;

/// Each takes lane, user, and the most rows to touch; together they leave nothing personal behind. A new table with
/// something personal in it gets its line here, and in `adapters-postgres`.
const STATEMENTS: [&str; 11] = [
    "DELETE FROM ai_usage_content WHERE rowid IN
        (SELECT rowid FROM ai_usage_content WHERE lane = ? AND user_id = ? LIMIT ?)",
    "DELETE FROM idempotency_keys WHERE rowid IN
        (SELECT rowid FROM idempotency_keys WHERE lane = ? AND user_id = ? LIMIT ?)",
    "DELETE FROM credit_journal_notes WHERE rowid IN
        (SELECT rowid FROM credit_journal_notes WHERE lane = ? AND user_id = ? LIMIT ?)",
    "DELETE FROM outbox WHERE rowid IN
        (SELECT o.rowid FROM outbox AS o JOIN notices AS n USING (lane, user_id, kind, subject)
         WHERE o.lane = ? AND o.user_id = ? AND n.audience = 'user' LIMIT ?)",
    "DELETE FROM notices WHERE rowid IN
        (SELECT n.rowid FROM notices AS n WHERE n.lane = ? AND n.user_id = ? AND n.audience = 'user'
         AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.lane = n.lane AND o.user_id = n.user_id
                         AND o.kind = n.kind AND o.subject = n.subject)
         LIMIT ?)",
    "DELETE FROM alert_contacts WHERE rowid IN
        (SELECT rowid FROM alert_contacts WHERE lane = ? AND user_id = ? LIMIT ?)",
    "UPDATE account_suspensions SET reason = '' WHERE rowid IN
        (SELECT rowid FROM account_suspensions WHERE lane = ? AND user_id = ? AND reason <> '' LIMIT ?)",
    "UPDATE credit_holds SET idempotency_key = NULL WHERE rowid IN
        (SELECT rowid FROM credit_holds WHERE lane = ? AND user_id = ? AND idempotency_key IS NOT NULL LIMIT ?)",
    "DELETE FROM audit_reasons WHERE rowid IN
        (SELECT r.rowid FROM audit_log AS a JOIN audit_reasons AS r USING (lane, id)
         WHERE a.lane = ? AND a.user_id = ? LIMIT ?)",
    "UPDATE api_keys SET name = '' WHERE rowid IN
        (SELECT rowid FROM api_keys WHERE lane = ? AND user_id = ? AND name <> '' LIMIT ?)",
    "UPDATE purchases SET idempotency_key = NULL, fingerprint = NULL WHERE rowid IN
        (SELECT rowid FROM purchases WHERE lane = ? AND user_id = ? AND idempotency_key IS NOT NULL LIMIT ?)",
];

/// Erases up to `most` rows of each table; whether it was less than that, so that nothing is left.
pub fn erase(connection: &mut SqliteConnection, user: UserId, most: u32) -> Result<bool, StoreError> {
    let owner = Owner::of(user);
    let mut all = true;
    for statement in STATEMENTS {
        let rows = sql_query(statement)
            .bind::<BigInt, _>(owner.lane)
            .bind::<Text, _>(owner.user.as_str())
            .bind::<BigInt, _>(i64::from(most))
            .execute(connection)?;
        all &= rows < usize::try_from(most).unwrap_or(usize::MAX);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{plan, watched};

    #[test]
    fn what_is_erased_is_found_by_the_user_and_not_by_looking_at_all_rows() {
        let (mut connection, _, _directory) = watched();
        for statement in STATEMENTS {
            let plan = plan(&mut connection, statement);
            assert!(!plan.contains("SCAN"), "{statement}: {plan}");
        }
    }
}
