-- Where users want to be told. Personal: erased when the account is closed.
CREATE TABLE alert_contacts (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    email TEXT,
    language TEXT NOT NULL CHECK (language IN ('pt-BR', 'en')),
    PRIMARY KEY (lane, user_id)
);

-- A notice goes out by each channel on its own: one row for each.
CREATE TABLE channel_outbox (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'webhook')),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'skipped', 'failed')),
    tries BIGINT NOT NULL DEFAULT 0 CHECK (tries >= 0),
    next_try TIMESTAMPTZ NOT NULL,
    note TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    closed_at TIMESTAMPTZ,
    PRIMARY KEY (lane, user_id, kind, subject, channel),
    CHECK ((state = 'waiting') = (closed_at IS NULL))
);
-- Nobody sent anything before this: what is old by now stays in the product, and is not sent after all.
INSERT INTO channel_outbox (lane, user_id, kind, subject, channel, state, next_try, note, created_at, closed_at)
SELECT o.lane, o.user_id, o.kind, o.subject, c.channel, 'skipped', o.created_at, 'older than delivery', o.created_at,
    coalesce(o.delivered_at, o.created_at)
FROM outbox o CROSS JOIN (VALUES ('email'), ('webhook')) AS c(channel);
DROP TABLE outbox;
ALTER TABLE channel_outbox RENAME TO outbox;
ALTER INDEX channel_outbox_pkey RENAME TO outbox_pkey;
-- For claims over all lanes, like the indexes of other sweeps.
CREATE INDEX outbox_due ON outbox (channel, next_try) WHERE state = 'waiting';

-- The endpoint of the outbound webhook, as all servers know it: one row. The address is there as a hash.
CREATE TABLE alert_endpoint (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    address BYTEA NOT NULL,
    failing_since TIMESTAMPTZ,
    disabled_at TIMESTAMPTZ
);
