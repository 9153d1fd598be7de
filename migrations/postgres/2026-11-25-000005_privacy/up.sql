-- When its user closed an account for good.
ALTER TABLE user_ai_credits ADD COLUMN closed_at TIMESTAMPTZ;

-- Closed accounts of which it is not certain that everything personal is erased.
CREATE TABLE erasures (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    PRIMARY KEY (lane, user_id)
);

-- What customers told the payment provider is not kept for ever: bodies of events that are done with are emptied.
CREATE INDEX stripe_events_bodies ON stripe_events (received_at)
    WHERE state IN ('done', 'ignored') AND length(body) > 0;
