CREATE TABLE notice_outbox (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    delivered_at BIGINT CHECK (typeof(delivered_at) IN ('integer', 'null')),
    PRIMARY KEY (lane, user_id, kind, subject)
);
INSERT INTO notice_outbox (lane, user_id, kind, subject, created_at, delivered_at)
SELECT lane, user_id, kind, subject, min(created_at), CASE WHEN min(state <> 'waiting') THEN max(closed_at) END
FROM outbox GROUP BY lane, user_id, kind, subject;
DROP TABLE outbox;
DROP TABLE alert_contacts;
DROP TABLE alert_endpoint;
ALTER TABLE notice_outbox RENAME TO outbox;
CREATE INDEX outbox_waiting ON outbox (lane, created_at) WHERE delivered_at IS NULL;
