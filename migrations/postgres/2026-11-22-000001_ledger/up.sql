-- The books. Amounts are whole credits; times have microseconds. Every key of a per-user table starts
-- with `lane` (0 to 63, derived from the user id), so that a cluster can distribute by it.

CREATE TABLE user_ai_credits (
    lane SMALLINT NOT NULL CHECK (lane BETWEEN 0 AND 63),
    id UUID NOT NULL DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL,
    total_credits BIGINT NOT NULL DEFAULT 0,
    used_credits BIGINT NOT NULL DEFAULT 0 CHECK (used_credits >= 0),
    held_credits BIGINT NOT NULL DEFAULT 0 CHECK (held_credits >= 0),
    clawed_credits BIGINT NOT NULL DEFAULT 0 CHECK (clawed_credits >= 0),
    last_grant BIGINT NOT NULL DEFAULT 0 CHECK (last_grant >= 0),
    plan_type TEXT NOT NULL DEFAULT 'free',
    renewal_date TIMESTAMPTZ,
    -- Rate limits: theoretical arrival times (GCRA) and the day's credits.
    rate_requests_tat TIMESTAMPTZ NOT NULL DEFAULT 'epoch',
    rate_tokens_tat TIMESTAMPTZ NOT NULL DEFAULT 'epoch',
    -- Days since 1970-01-01 in the reporting time zone.
    day_number INTEGER NOT NULL DEFAULT 0,
    day_used BIGINT NOT NULL DEFAULT 0,
    day_held BIGINT NOT NULL DEFAULT 0,
    alert_threshold BIGINT,
    alert_armed BOOLEAN NOT NULL DEFAULT TRUE,
    suspensions INTEGER NOT NULL DEFAULT 0 CHECK (suspensions >= 0),
    seq BIGINT NOT NULL DEFAULT 0,
    journal_hash BYTEA NOT NULL DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (lane, user_id),
    -- I2: never spent what is not there, but for what was clawed back.
    CONSTRAINT never_overspent CHECK (total_credits - used_credits - held_credits >= -clawed_credits)
);

-- Lots.
CREATE TABLE credit_grants (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    id UUID NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('purchase', 'plan', 'bonus', 'manual', 'restore')),
    source_ref TEXT NOT NULL,
    parent_id UUID,
    amount BIGINT NOT NULL CHECK (amount > 0),
    remaining BIGINT NOT NULL CHECK (remaining BETWEEN 0 AND amount),
    expired BIGINT NOT NULL DEFAULT 0 CHECK (expired BETWEEN 0 AND amount),
    clawed BIGINT NOT NULL DEFAULT 0 CHECK (clawed BETWEEN 0 AND amount),
    clawed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    PRIMARY KEY (lane, user_id, id),
    -- I5: at most one grant for each purchase, invoice or key.
    CONSTRAINT one_grant_per_source UNIQUE (lane, user_id, source, source_ref)
);
CREATE INDEX credit_grants_live ON credit_grants (lane, user_id) WHERE remaining > 0;
-- For sweeps over all lanes; without `lane`, so that no look-up of one account is ever planned over it.
CREATE INDEX credit_grants_due ON credit_grants (expires_at) WHERE remaining > 0 AND expires_at IS NOT NULL;
CREATE INDEX credit_grants_parent ON credit_grants (lane, user_id, parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE credit_holds (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    id UUID NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'voided', 'expired')),
    charged BIGINT NOT NULL DEFAULT 0,
    absorbed BIGINT NOT NULL DEFAULT 0 CHECK (absorbed >= 0),
    request_type TEXT NOT NULL,
    idempotency_key TEXT,
    instance_id UUID NOT NULL,
    tokens BIGINT NOT NULL CHECK (tokens >= 0),
    tokens_span BIGINT NOT NULL CHECK (tokens_span >= 0),
    day_number INTEGER NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    closed_at TIMESTAMPTZ,
    PRIMARY KEY (lane, user_id, id),
    -- I8
    CONSTRAINT never_charged_above_the_hold CHECK (charged BETWEEN 0 AND amount),
    CHECK (charged = 0 OR state = 'settled'),
    CHECK ((state = 'open') = (closed_at IS NULL))
);
CREATE INDEX credit_holds_open ON credit_holds (lane, user_id) WHERE state = 'open';
-- For sweeps, as above.
CREATE INDEX credit_holds_due ON credit_holds (expires_at) WHERE state = 'open';

-- Append-only, each entry chained to the one before.
CREATE TABLE credit_journal (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    seq BIGINT NOT NULL CHECK (seq > 0),
    kind TEXT NOT NULL CHECK (kind IN ('grant', 'use', 'expire', 'claw_back', 'restore', 'adjust')),
    amount BIGINT NOT NULL,
    balance_after BIGINT NOT NULL,
    source TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    note_hash BYTEA,
    hash BYTEA NOT NULL,
    PRIMARY KEY (lane, user_id, seq)
);
CREATE UNIQUE INDEX credit_journal_posted_once ON credit_journal (lane, user_id, source)
    WHERE kind IN ('grant', 'adjust');

CREATE FUNCTION credit_journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'credit_journal is append-only';
END
$$;
CREATE TRIGGER credit_journal_append_only BEFORE UPDATE OR DELETE ON credit_journal
    FOR EACH ROW EXECUTE FUNCTION credit_journal_is_append_only();
CREATE TRIGGER credit_journal_no_truncate BEFORE TRUNCATE ON credit_journal
    FOR EACH STATEMENT EXECUTE FUNCTION credit_journal_is_append_only();

-- Free text of entries (an admin's reason): apart, so that it can be erased and the chain stands.
CREATE TABLE credit_journal_notes (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (lane, user_id, seq)
);

CREATE TABLE account_suspensions (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    source TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (lane, user_id, source)
);

-- One row for each AI request that ended; its id is the hold's.
CREATE TABLE ai_usage_log (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    id UUID NOT NULL,
    credits_used BIGINT NOT NULL CHECK (credits_used >= 0),
    absorbed_credits BIGINT NOT NULL DEFAULT 0,
    tokens_used BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    cost_nano_usd BIGINT NOT NULL CHECK (cost_nano_usd >= 0),
    cost_usd NUMERIC(20, 9) GENERATED ALWAYS AS (cost_nano_usd::numeric / 1000000000) STORED,
    price_version TEXT NOT NULL,
    request_type TEXT NOT NULL,
    model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    estimated BOOLEAN NOT NULL,
    duration_ms BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (lane, user_id, id)
);
CREATE INDEX ai_usage_log_of_user ON ai_usage_log (lane, user_id, created_at DESC, id DESC);
CREATE INDEX ai_usage_log_created_at ON ai_usage_log (created_at);

-- What was asked and answered: beside the usage row, with a retention. Partitioned by day, so that
-- retention drops partitions; what comes on a day without one lands in the default partition.
CREATE TABLE ai_usage_content (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    usage_id UUID NOT NULL,
    request_content TEXT NOT NULL,
    response_content TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (lane, user_id, usage_id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE ai_usage_content_default PARTITION OF ai_usage_content DEFAULT;

CREATE TABLE idempotency_keys (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    key TEXT NOT NULL,
    hold_id UUID NOT NULL,
    fingerprint BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    -- The answer, once settled, where answers may be kept: all of these or none.
    answer_body BYTEA,
    answer_model TEXT,
    answer_tokens BIGINT,
    answer_request_id TEXT,
    answer_charged BIGINT,
    answer_remaining BIGINT,
    PRIMARY KEY (lane, user_id, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (lane, created_at);

-- Running servers. A lease that ended frees the holds of its server.
CREATE TABLE instances (
    id UUID PRIMARY KEY,
    started_at TIMESTAMPTZ NOT NULL,
    lease_until TIMESTAMPTZ NOT NULL
);

-- Events on their way out, written in the commit that caused them.
CREATE TABLE outbox (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    -- kind and seq name the event: the journal entry that caused it.
    kind TEXT NOT NULL,
    seq BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    threshold BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    delivered_at TIMESTAMPTZ,
    PRIMARY KEY (lane, user_id, kind, seq)
);
CREATE INDEX outbox_waiting ON outbox (lane, created_at) WHERE delivered_at IS NULL;
