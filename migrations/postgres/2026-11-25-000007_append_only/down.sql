DROP TRIGGER audit_reasons_no_update ON audit_reasons;
DROP TRIGGER audit_reasons_no_truncate ON audit_reasons;
DROP FUNCTION audit_reasons_are_only_erased;
