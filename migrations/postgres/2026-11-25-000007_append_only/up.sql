-- Reasons are erased with their account, and never anything else.
CREATE FUNCTION audit_reasons_are_only_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_reasons are never changed';
END
$$;
CREATE TRIGGER audit_reasons_no_update BEFORE UPDATE ON audit_reasons
    FOR EACH ROW EXECUTE FUNCTION audit_reasons_are_only_erased();
CREATE TRIGGER audit_reasons_no_truncate BEFORE TRUNCATE ON audit_reasons
    FOR EACH STATEMENT EXECUTE FUNCTION audit_reasons_are_only_erased();
