-- The books. Amounts are whole credits; times have microseconds. Every key of a per-user table starts
-- with `lane` (0 to 63, derived from the user id), as on Postgres.

CREATE TABLE user_ai_credits (
    lane SMALLINT NOT NULL CHECK (lane BETWEEN 0 AND 63) CHECK (typeof(lane) = 'integer'),
    -- A random UUID (version 4).
    id TEXT NOT NULL DEFAULT (lower(
        hex(randomblob(4)) || '-' || hex(randomblob(2))
        || '-4' || substr(hex(randomblob(2)), 2)
        || '-' || substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2)
        || '-' || hex(randomblob(6))
    )),
    user_id TEXT NOT NULL,
    total_credits BIGINT NOT NULL DEFAULT 0 CHECK (typeof(total_credits) = 'integer'),
    used_credits BIGINT NOT NULL DEFAULT 0 CHECK (used_credits >= 0) CHECK (typeof(used_credits) = 'integer'),
    held_credits BIGINT NOT NULL DEFAULT 0 CHECK (held_credits >= 0) CHECK (typeof(held_credits) = 'integer'),
    clawed_credits BIGINT NOT NULL DEFAULT 0 CHECK (clawed_credits >= 0) CHECK (typeof(clawed_credits) = 'integer'),
    last_grant BIGINT NOT NULL DEFAULT 0 CHECK (last_grant >= 0) CHECK (typeof(last_grant) = 'integer'),
    plan_type TEXT NOT NULL DEFAULT 'free',
    renewal_date BIGINT CHECK (typeof(renewal_date) IN ('integer', 'null')),
    -- Rate limits: theoretical arrival times (GCRA) and the day's credits.
    rate_requests_tat BIGINT NOT NULL DEFAULT 0 CHECK (typeof(rate_requests_tat) = 'integer'),
    rate_tokens_tat BIGINT NOT NULL DEFAULT 0 CHECK (typeof(rate_tokens_tat) = 'integer'),
    -- Days since 1970-01-01 in the reporting time zone.
    day_number INTEGER NOT NULL DEFAULT 0 CHECK (typeof(day_number) = 'integer'),
    day_used BIGINT NOT NULL DEFAULT 0 CHECK (typeof(day_used) = 'integer'),
    day_held BIGINT NOT NULL DEFAULT 0 CHECK (typeof(day_held) = 'integer'),
    alert_threshold BIGINT CHECK (typeof(alert_threshold) IN ('integer', 'null')),
    alert_armed BOOLEAN NOT NULL DEFAULT TRUE CHECK (alert_armed IN (0, 1)),
    suspensions INTEGER NOT NULL DEFAULT 0 CHECK (suspensions >= 0) CHECK (typeof(suspensions) = 'integer'),
    seq BIGINT NOT NULL DEFAULT 0 CHECK (typeof(seq) = 'integer'),
    journal_hash BLOB NOT NULL DEFAULT X'0000000000000000000000000000000000000000000000000000000000000000',
    created_at BIGINT NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) CHECK (typeof(created_at) = 'integer'),
    updated_at BIGINT NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) CHECK (typeof(updated_at) = 'integer'),
    PRIMARY KEY (lane, user_id),
    -- I2: never spent what is not there, but for what was clawed back.
    CONSTRAINT never_overspent CHECK (total_credits - used_credits - held_credits >= -clawed_credits)
);

-- Lots.
CREATE TABLE credit_grants (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('purchase', 'plan', 'bonus', 'manual', 'restore')),
    source_ref TEXT NOT NULL,
    parent_id TEXT,
    amount BIGINT NOT NULL CHECK (amount > 0) CHECK (typeof(amount) = 'integer'),
    remaining BIGINT NOT NULL CHECK (remaining BETWEEN 0 AND amount) CHECK (typeof(remaining) = 'integer'),
    expired BIGINT NOT NULL DEFAULT 0 CHECK (expired BETWEEN 0 AND amount) CHECK (typeof(expired) = 'integer'),
    clawed BIGINT NOT NULL DEFAULT 0 CHECK (clawed BETWEEN 0 AND amount) CHECK (typeof(clawed) = 'integer'),
    clawed_at BIGINT CHECK (typeof(clawed_at) IN ('integer', 'null')),
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    expires_at BIGINT CHECK (typeof(expires_at) IN ('integer', 'null')),
    PRIMARY KEY (lane, user_id, id),
    -- I5: at most one grant for each purchase, invoice or key.
    CONSTRAINT one_grant_per_source UNIQUE (lane, user_id, source, source_ref)
);
CREATE INDEX credit_grants_live ON credit_grants (lane, user_id) WHERE remaining > 0;
CREATE INDEX credit_grants_due ON credit_grants (lane, expires_at) WHERE remaining > 0 AND expires_at IS NOT NULL;
CREATE INDEX credit_grants_parent ON credit_grants (lane, user_id, parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE credit_holds (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0) CHECK (typeof(amount) = 'integer'),
    state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'voided', 'expired')),
    charged BIGINT NOT NULL DEFAULT 0 CHECK (typeof(charged) = 'integer'),
    absorbed BIGINT NOT NULL DEFAULT 0 CHECK (absorbed >= 0) CHECK (typeof(absorbed) = 'integer'),
    request_type TEXT NOT NULL,
    idempotency_key TEXT,
    instance_id TEXT NOT NULL,
    tokens BIGINT NOT NULL CHECK (tokens >= 0) CHECK (typeof(tokens) = 'integer'),
    tokens_span BIGINT NOT NULL CHECK (tokens_span >= 0) CHECK (typeof(tokens_span) = 'integer'),
    day_number INTEGER NOT NULL CHECK (typeof(day_number) = 'integer'),
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    expires_at BIGINT NOT NULL CHECK (typeof(expires_at) = 'integer'),
    closed_at BIGINT CHECK (typeof(closed_at) IN ('integer', 'null')),
    PRIMARY KEY (lane, user_id, id),
    -- I8
    CONSTRAINT never_charged_above_the_hold CHECK (charged BETWEEN 0 AND amount),
    CHECK (charged = 0 OR state = 'settled'),
    CHECK ((state = 'open') = (closed_at IS NULL))
);
CREATE INDEX credit_holds_open ON credit_holds (lane, user_id) WHERE state = 'open';
CREATE INDEX credit_holds_due ON credit_holds (lane, expires_at) WHERE state = 'open';
CREATE INDEX credit_holds_instance ON credit_holds (lane, instance_id) WHERE state = 'open';

-- Append-only, each entry chained to the one before.
CREATE TABLE credit_journal (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    seq BIGINT NOT NULL CHECK (seq > 0) CHECK (typeof(seq) = 'integer'),
    kind TEXT NOT NULL CHECK (kind IN ('grant', 'use', 'expire', 'claw_back', 'restore', 'adjust')),
    amount BIGINT NOT NULL CHECK (typeof(amount) = 'integer'),
    balance_after BIGINT NOT NULL CHECK (typeof(balance_after) = 'integer'),
    source TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    note_hash BLOB,
    hash BLOB NOT NULL,
    PRIMARY KEY (lane, user_id, seq)
);
CREATE UNIQUE INDEX credit_journal_posted_once ON credit_journal (lane, user_id, source)
    WHERE kind IN ('grant', 'adjust');

CREATE TRIGGER credit_journal_no_update BEFORE UPDATE ON credit_journal
BEGIN
    SELECT RAISE(ABORT, 'credit_journal is append-only');
END;
CREATE TRIGGER credit_journal_no_delete BEFORE DELETE ON credit_journal
BEGIN
    SELECT RAISE(ABORT, 'credit_journal is append-only');
END;

-- Free text of entries (an admin's reason): apart, so that it can be erased and the chain stands.
CREATE TABLE credit_journal_notes (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    seq BIGINT NOT NULL CHECK (typeof(seq) = 'integer'),
    note TEXT NOT NULL,
    PRIMARY KEY (lane, user_id, seq)
);

CREATE TABLE account_suspensions (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    source TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    since BIGINT NOT NULL CHECK (typeof(since) = 'integer'),
    PRIMARY KEY (lane, user_id, source)
);

-- One row for each AI request that ended; its id is the hold's.
CREATE TABLE ai_usage_log (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    credits_used BIGINT NOT NULL CHECK (credits_used >= 0) CHECK (typeof(credits_used) = 'integer'),
    absorbed_credits BIGINT NOT NULL DEFAULT 0 CHECK (typeof(absorbed_credits) = 'integer'),
    tokens_used BIGINT NOT NULL CHECK (typeof(tokens_used) = 'integer'),
    input_tokens BIGINT NOT NULL CHECK (typeof(input_tokens) = 'integer'),
    cached_input_tokens BIGINT NOT NULL CHECK (typeof(cached_input_tokens) = 'integer'),
    output_tokens BIGINT NOT NULL CHECK (typeof(output_tokens) = 'integer'),
    reasoning_tokens BIGINT NOT NULL CHECK (typeof(reasoning_tokens) = 'integer'),
    cost_nano_usd BIGINT NOT NULL CHECK (cost_nano_usd >= 0) CHECK (typeof(cost_nano_usd) = 'integer'),
    -- For people with a SQL prompt; the exact figure is the one above.
    cost_usd REAL GENERATED ALWAYS AS (cost_nano_usd / 1e9) VIRTUAL,
    price_version TEXT NOT NULL,
    request_type TEXT NOT NULL,
    model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    estimated BOOLEAN NOT NULL CHECK (estimated IN (0, 1)),
    duration_ms BIGINT NOT NULL CHECK (typeof(duration_ms) = 'integer'),
    request_id TEXT NOT NULL,
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    PRIMARY KEY (lane, user_id, id)
);
CREATE INDEX ai_usage_log_of_user ON ai_usage_log (lane, user_id, created_at DESC, id DESC);
CREATE INDEX ai_usage_log_created_at ON ai_usage_log (created_at);

-- What was asked and answered: beside the usage row, with a retention.
CREATE TABLE ai_usage_content (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    usage_id TEXT NOT NULL,
    request_content TEXT NOT NULL,
    response_content TEXT NOT NULL,
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    PRIMARY KEY (lane, user_id, usage_id, created_at)
);
CREATE INDEX ai_usage_content_created_at ON ai_usage_content (created_at);

CREATE TABLE idempotency_keys (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    key TEXT NOT NULL,
    hold_id TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    -- The answer, once settled, where answers may be kept: all of these or none.
    answer_body BLOB,
    answer_model TEXT,
    answer_tokens BIGINT CHECK (typeof(answer_tokens) IN ('integer', 'null')),
    answer_request_id TEXT,
    answer_charged BIGINT CHECK (typeof(answer_charged) IN ('integer', 'null')),
    answer_remaining BIGINT CHECK (typeof(answer_remaining) IN ('integer', 'null')),
    PRIMARY KEY (lane, user_id, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (lane, created_at);

-- Running servers. A lease that ended frees the holds of its server.
CREATE TABLE instances (
    id TEXT NOT NULL PRIMARY KEY,
    started_at BIGINT NOT NULL CHECK (typeof(started_at) = 'integer'),
    lease_until BIGINT NOT NULL CHECK (typeof(lease_until) = 'integer')
);

-- Events on their way out, written in the commit that caused them.
CREATE TABLE outbox (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    -- kind and seq name the event: the journal entry that caused it.
    kind TEXT NOT NULL,
    seq BIGINT NOT NULL CHECK (typeof(seq) = 'integer'),
    balance BIGINT NOT NULL CHECK (typeof(balance) = 'integer'),
    threshold BIGINT NOT NULL CHECK (typeof(threshold) = 'integer'),
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    delivered_at BIGINT CHECK (typeof(delivered_at) IN ('integer', 'null')),
    PRIMARY KEY (lane, user_id, kind, seq)
);
CREATE INDEX outbox_waiting ON outbox (lane, created_at) WHERE delivered_at IS NULL;
