DROP TABLE audit_reasons;
DROP TABLE audit_log;
