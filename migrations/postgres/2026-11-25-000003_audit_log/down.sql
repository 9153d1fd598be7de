DROP TABLE audit_reasons, audit_log;
DROP FUNCTION audit_log_is_append_only;
