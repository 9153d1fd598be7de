-- Where users want to be told. Personal: erased when the account is closed.
CREATE TABLE alert_contacts (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    email TEXT,
    language TEXT NOT NULL CHECK (language IN ('pt-BR', 'en')),
    PRIMARY KEY (lane, user_id)
);

-- A notice goes out by each channel on its own: one row for each.
CREATE TABLE channel_outbox (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'webhook')),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'skipped', 'failed')),
    tries BIGINT NOT NULL DEFAULT 0 CHECK (tries >= 0) CHECK (typeof(tries) = 'integer'),
    next_try BIGINT NOT NULL CHECK (typeof(next_try) = 'integer'),
    note TEXT,
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    closed_at BIGINT CHECK (typeof(closed_at) IN ('integer', 'null')),
    PRIMARY KEY (lane, user_id, kind, subject, channel),
    CHECK ((state = 'waiting') = (closed_at IS NULL))
);
-- Nobody sent anything before this: what is old by now stays in the product, and is not sent after all.
INSERT INTO channel_outbox (lane, user_id, kind, subject, channel, state, next_try, note, created_at, closed_at)
SELECT o.lane, o.user_id, o.kind, o.subject, c.channel, 'skipped', o.created_at, 'older than delivery', o.created_at,
    coalesce(o.delivered_at, o.created_at)
FROM outbox o CROSS JOIN (SELECT 'email' AS channel UNION ALL SELECT 'webhook') c;
DROP TABLE outbox;
ALTER TABLE channel_outbox RENAME TO outbox;
CREATE INDEX outbox_due ON outbox (channel, next_try) WHERE state = 'waiting';

-- The endpoint of the outbound webhook, as all servers know it: one row. The address is there as a hash.
CREATE TABLE alert_endpoint (
    id SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1) CHECK (typeof(id) = 'integer'),
    address BLOB NOT NULL,
    failing_since BIGINT CHECK (typeof(failing_since) IN ('integer', 'null')),
    disabled_at BIGINT CHECK (typeof(disabled_at) IN ('integer', 'null'))
);
