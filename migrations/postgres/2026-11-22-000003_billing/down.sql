CREATE TABLE entry_outbox (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    kind TEXT NOT NULL,
    seq BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    threshold BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    delivered_at TIMESTAMPTZ,
    PRIMARY KEY (lane, user_id, kind, seq)
);
INSERT INTO entry_outbox (lane, user_id, kind, seq, balance, threshold, created_at, delivered_at)
SELECT o.lane, o.user_id, o.kind, CAST(substr(o.subject, 7) AS BIGINT), n.balance, n.threshold, o.created_at,
    o.delivered_at
FROM outbox o JOIN notices n USING (lane, user_id, kind, subject) WHERE o.kind = 'low_balance';
DROP TABLE outbox, notices, stripe_cursor, stripe_events, billing_profiles, subscriptions, purchase_returns,
    purchases;
ALTER TABLE entry_outbox RENAME TO outbox;
ALTER INDEX entry_outbox_pkey RENAME TO outbox_pkey;
CREATE INDEX outbox_waiting ON outbox (lane, created_at) WHERE delivered_at IS NULL;
ALTER TABLE user_ai_credits DROP COLUMN plan_until;
ALTER TABLE user_ai_credits DROP COLUMN pack_plan;
