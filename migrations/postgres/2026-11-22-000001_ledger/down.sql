DROP TABLE outbox, instances, idempotency_keys, ai_usage_content, ai_usage_log, account_suspensions,
    credit_journal_notes, credit_journal, credit_holds, credit_grants, user_ai_credits;
DROP FUNCTION credit_journal_is_append_only();
