CREATE TABLE notice_outbox (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    delivered_at TIMESTAMPTZ,
    PRIMARY KEY (lane, user_id, kind, subject)
);
INSERT INTO notice_outbox (lane, user_id, kind, subject, created_at, delivered_at)
SELECT lane, user_id, kind, subject, min(created_at), CASE WHEN bool_and(state <> 'waiting') THEN max(closed_at) END
FROM outbox GROUP BY lane, user_id, kind, subject;
DROP TABLE outbox, alert_contacts, alert_endpoint;
ALTER TABLE notice_outbox RENAME TO outbox;
ALTER INDEX notice_outbox_pkey RENAME TO outbox_pkey;
CREATE INDEX outbox_waiting ON outbox (lane, created_at) WHERE delivered_at IS NULL;
