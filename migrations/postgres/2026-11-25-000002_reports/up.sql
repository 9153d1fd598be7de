-- What the admin's figures are made of.

-- The plan in force when a request ended. Rows from before this column say `unknown`.
ALTER TABLE ai_usage_log ADD COLUMN plan_type TEXT NOT NULL DEFAULT 'unknown';
-- When the books got the row: the beginning of its transaction, by the database's clock. Rows are folded in this
-- order, so that a row which comes late is only added late. Rows from before this column have none; they are all
-- there already, and are folded in the order of their own times.
ALTER TABLE ai_usage_log ADD COLUMN recorded_at TIMESTAMPTZ;
ALTER TABLE ai_usage_log ALTER COLUMN recorded_at SET DEFAULT now();
-- Both times in one index of ranges of pages, which costs next to nothing to keep; summarised soon, so that the
-- latest rows need not be looked for in all pages since the last vacuum.
DROP INDEX ai_usage_log_created_at;
CREATE INDEX ai_usage_log_times ON ai_usage_log USING brin (created_at, (coalesce(recorded_at, created_at)))
    WITH (pages_per_range = 16, autosummarize = on);

-- Sums of usage rows by hour, UTC. Written by whoever folds, nobody else: no request waits for them.
CREATE TABLE usage_hours (
    hour TIMESTAMPTZ NOT NULL,
    model TEXT NOT NULL,
    request_type TEXT NOT NULL,
    plan_type TEXT NOT NULL,
    outcome TEXT NOT NULL,
    requests BIGINT NOT NULL,
    credits BIGINT NOT NULL,
    absorbed BIGINT NOT NULL,
    cost_nano_usd BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    PRIMARY KEY (hour, model, request_type, plan_type, outcome)
);
-- Answered requests of an hour by how long they took; slots as the domain numbers them.
CREATE TABLE usage_latency (
    hour TIMESTAMPTZ NOT NULL,
    slot SMALLINT NOT NULL,
    requests BIGINT NOT NULL,
    PRIMARY KEY (hour, slot)
);
-- Who had answered requests in an hour: numbers of users, each with requests and credits, about three bytes for each
-- (`domain::reports::crowd`). By them, users of any range are counted once, and sorted by what they spent.
CREATE TABLE usage_crowds (
    hour TIMESTAMPTZ PRIMARY KEY,
    users BYTEA NOT NULL
);
-- The numbers, from 0, in the order in which the users were first folded.
CREATE TABLE usage_people (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 0),
    PRIMARY KEY (lane, user_id),
    CONSTRAINT one_user_per_number UNIQUE (number)
);
-- How far usage rows are folded: one row.
CREATE TABLE usage_folds (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    -- All rows that the books got before this moment are in the sums, no other.
    folded_to TIMESTAMPTZ NOT NULL
);
INSERT INTO usage_folds (id, folded_to) VALUES (1, '-infinity');

-- What came in and what went back, when the books learned of it. A purchase's row only says how things stand.
CREATE TABLE revenue_entries (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    purchase_id UUID NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('paid', 'returned')),
    at TIMESTAMPTZ NOT NULL,
    minor BIGINT NOT NULL,
    livemode BOOLEAN NOT NULL,
    PRIMARY KEY (lane, user_id, purchase_id, kind, at)
);
CREATE INDEX revenue_entries_at ON revenue_entries (at);
INSERT INTO revenue_entries (lane, user_id, purchase_id, kind, at, minor, livemode)
SELECT lane, user_id, id, 'paid', paid_at, price_minor, livemode FROM purchases WHERE paid_at IS NOT NULL;
INSERT INTO revenue_entries (lane, user_id, purchase_id, kind, at, minor, livemode)
SELECT p.lane, p.user_id, p.id, 'returned', greatest(p.paid_at, p.refunded_as_of, max(r.as_of)),
    least(p.price_minor, p.refunded_minor + coalesce(sum(r.amount_minor), 0)), p.livemode
FROM purchases p
LEFT JOIN purchase_returns r ON r.lane = p.lane AND r.user_id = p.user_id AND r.purchase_id = p.id
    AND r.state <> 'won'
WHERE p.paid_at IS NOT NULL
GROUP BY p.lane, p.user_id, p.id
HAVING p.refunded_minor + coalesce(sum(r.amount_minor), 0) > 0;

-- Lists of everybody's.
CREATE INDEX user_ai_credits_created_at ON user_ai_credits (created_at DESC, user_id DESC);
CREATE INDEX notices_created_at ON notices (created_at DESC);
-- Movements that are no requests are few.
CREATE INDEX credit_journal_movements ON credit_journal (created_at) WHERE kind <> 'use';
CREATE INDEX credit_journal_created_at ON credit_journal USING brin (created_at)
    WITH (pages_per_range = 16, autosummarize = on);
