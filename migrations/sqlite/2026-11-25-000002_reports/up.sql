-- What the admin's figures are made of.

-- The plan in force when a request ended. Rows from before this column say `unknown`.
ALTER TABLE ai_usage_log ADD COLUMN plan_type TEXT NOT NULL DEFAULT 'unknown';
-- On Postgres, when the books got the row. Here the number of the row says that: one transaction writes at a time,
-- and no row is ever deleted.
ALTER TABLE ai_usage_log ADD COLUMN recorded_at BIGINT CHECK (typeof(recorded_at) IN ('integer', 'null'));

-- Sums of usage rows by hour, UTC. Written by whoever folds, nobody else: no request waits for them.
CREATE TABLE usage_hours (
    hour BIGINT NOT NULL CHECK (typeof(hour) = 'integer'),
    model TEXT NOT NULL,
    request_type TEXT NOT NULL,
    plan_type TEXT NOT NULL,
    outcome TEXT NOT NULL,
    requests BIGINT NOT NULL CHECK (typeof(requests) = 'integer'),
    credits BIGINT NOT NULL CHECK (typeof(credits) = 'integer'),
    absorbed BIGINT NOT NULL CHECK (typeof(absorbed) = 'integer'),
    cost_nano_usd BIGINT NOT NULL CHECK (typeof(cost_nano_usd) = 'integer'),
    duration_ms BIGINT NOT NULL CHECK (typeof(duration_ms) = 'integer'),
    PRIMARY KEY (hour, model, request_type, plan_type, outcome)
) WITHOUT ROWID;
-- Answered requests of an hour by how long they took; slots as the domain numbers them.
CREATE TABLE usage_latency (
    hour BIGINT NOT NULL CHECK (typeof(hour) = 'integer'),
    slot SMALLINT NOT NULL CHECK (typeof(slot) = 'integer'),
    requests BIGINT NOT NULL CHECK (typeof(requests) = 'integer'),
    PRIMARY KEY (hour, slot)
) WITHOUT ROWID;
-- Who had answered requests in an hour: numbers of users, each with requests and credits, about three bytes for each
-- (`domain::reports::crowd`). By them, users of any range are counted once, and sorted by what they spent.
CREATE TABLE usage_crowds (
    hour BIGINT NOT NULL PRIMARY KEY CHECK (typeof(hour) = 'integer'),
    users BLOB NOT NULL CHECK (typeof(users) = 'blob')
);
-- The numbers, from 0, in the order in which the users were first folded.
CREATE TABLE usage_people (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (typeof(number) = 'integer') CHECK (number >= 0),
    PRIMARY KEY (lane, user_id),
    CONSTRAINT one_user_per_number UNIQUE (number)
);
-- How far usage rows are folded: one row.
CREATE TABLE usage_folds (
    id SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
    -- The number of the last usage row that is in the sums; all before it are, no other.
    folded_to BIGINT NOT NULL CHECK (typeof(folded_to) = 'integer')
);
INSERT INTO usage_folds (id, folded_to) VALUES (1, 0);

-- What came in and what went back, when the books learned of it. A purchase's row only says how things stand.
CREATE TABLE revenue_entries (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    purchase_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('paid', 'returned')),
    at BIGINT NOT NULL CHECK (typeof(at) = 'integer'),
    minor BIGINT NOT NULL CHECK (typeof(minor) = 'integer'),
    livemode BOOLEAN NOT NULL CHECK (livemode IN (0, 1)),
    PRIMARY KEY (lane, user_id, purchase_id, kind, at)
);
CREATE INDEX revenue_entries_at ON revenue_entries (at);
INSERT INTO revenue_entries (lane, user_id, purchase_id, kind, at, minor, livemode)
SELECT lane, user_id, id, 'paid', paid_at, price_minor, livemode FROM purchases WHERE paid_at IS NOT NULL;
INSERT INTO revenue_entries (lane, user_id, purchase_id, kind, at, minor, livemode)
SELECT p.lane, p.user_id, p.id, 'returned', max(p.paid_at, p.refunded_as_of, coalesce(max(r.as_of), 0)),
    min(p.price_minor, p.refunded_minor + coalesce(sum(r.amount_minor), 0)), p.livemode
FROM purchases AS p
LEFT JOIN purchase_returns AS r ON r.lane = p.lane AND r.user_id = p.user_id AND r.purchase_id = p.id
    AND r.state <> 'won'
WHERE p.paid_at IS NOT NULL
GROUP BY p.lane, p.user_id, p.id
HAVING p.refunded_minor + coalesce(sum(r.amount_minor), 0) > 0;

-- Lists of everybody's.
CREATE INDEX user_ai_credits_created_at ON user_ai_credits (created_at DESC, user_id DESC);
CREATE INDEX notices_created_at ON notices (created_at DESC);
-- Movements that are no requests are few.
CREATE INDEX credit_journal_movements ON credit_journal (created_at) WHERE kind <> 'use';
