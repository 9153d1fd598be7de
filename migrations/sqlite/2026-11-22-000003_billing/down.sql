CREATE TABLE entry_outbox (
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
INSERT INTO entry_outbox (lane, user_id, kind, seq, balance, threshold, created_at, delivered_at)
SELECT o.lane, o.user_id, o.kind, CAST(substr(o.subject, 7) AS BIGINT), n.balance, n.threshold, o.created_at,
    o.delivered_at
FROM outbox o JOIN notices n USING (lane, user_id, kind, subject) WHERE o.kind = 'low_balance';
DROP TABLE outbox;
DROP TABLE notices;
DROP TABLE stripe_cursor;
DROP TABLE stripe_events;
DROP TABLE billing_profiles;
DROP TABLE subscriptions;
DROP TABLE purchase_returns;
DROP TABLE purchases;
ALTER TABLE entry_outbox RENAME TO outbox;
CREATE INDEX outbox_waiting ON outbox (lane, created_at) WHERE delivered_at IS NULL;
ALTER TABLE user_ai_credits DROP COLUMN plan_until;
ALTER TABLE user_ai_credits DROP COLUMN pack_plan;
