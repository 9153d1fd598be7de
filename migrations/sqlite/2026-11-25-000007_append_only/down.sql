DROP TRIGGER audit_log_no_replace;
DROP TRIGGER credit_journal_no_replace;
DROP TRIGGER audit_reasons_no_update;
DROP TRIGGER audit_reasons_no_replace;
