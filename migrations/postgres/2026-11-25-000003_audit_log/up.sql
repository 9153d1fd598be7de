-- Who did what to whom, and what it changed; written in the commit of the act. Append-only. An entry lies in the
-- lane of the account that it is about.
CREATE TABLE audit_log (
    lane SMALLINT NOT NULL CHECK (lane BETWEEN 0 AND 63),
    id UUID NOT NULL,
    user_id UUID,
    at TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    -- How they said who they are.
    via TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    before JSON,
    after JSON,
    request_id TEXT,
    idempotency_key TEXT,
    PRIMARY KEY (lane, id)
);
CREATE INDEX audit_log_at ON audit_log (at DESC, id DESC);
CREATE INDEX audit_log_actor ON audit_log (actor, at DESC, id DESC);
CREATE INDEX audit_log_target ON audit_log (target, at DESC, id DESC);
CREATE INDEX audit_log_user ON audit_log (lane, user_id, at DESC, id DESC);

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only';
END
$$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

-- Reasons: apart, so that they can be erased and the entries stand.
CREATE TABLE audit_reasons (
    lane SMALLINT NOT NULL,
    id UUID NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (lane, id)
);
