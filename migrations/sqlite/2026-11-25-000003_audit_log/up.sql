-- Who did what to whom, and what it changed; written in the commit of the act. Append-only. An entry lies in the
-- lane of the account that it is about.
CREATE TABLE audit_log (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer') CHECK (lane BETWEEN 0 AND 63),
    id TEXT NOT NULL,
    user_id TEXT,
    at BIGINT NOT NULL CHECK (typeof(at) = 'integer'),
    actor TEXT NOT NULL,
    -- How they said who they are.
    via TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    before TEXT CHECK (before IS NULL OR json_valid(before)),
    after TEXT CHECK (after IS NULL OR json_valid(after)),
    request_id TEXT,
    idempotency_key TEXT,
    PRIMARY KEY (lane, id)
);
CREATE INDEX audit_log_at ON audit_log (at DESC, id DESC);
CREATE INDEX audit_log_actor ON audit_log (actor, at DESC, id DESC);
CREATE INDEX audit_log_target ON audit_log (target, at DESC, id DESC);
CREATE INDEX audit_log_user ON audit_log (lane, user_id, at DESC, id DESC);

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;

-- Reasons: apart, so that they can be erased and the entries stand.
CREATE TABLE audit_reasons (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    id TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (lane, id)
);
