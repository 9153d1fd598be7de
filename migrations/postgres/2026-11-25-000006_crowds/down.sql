ALTER TABLE ai_usage_log ALTER COLUMN recorded_at SET DEFAULT now();
DROP TABLE usage_crowds, usage_people;
CREATE TABLE usage_users (
    lane SMALLINT NOT NULL,
    hour TIMESTAMPTZ NOT NULL,
    user_id UUID NOT NULL,
    requests BIGINT NOT NULL,
    credits BIGINT NOT NULL,
    PRIMARY KEY (lane, hour, user_id)
);
CREATE INDEX usage_users_hour ON usage_users USING brin (hour) WITH (pages_per_range = 16, autosummarize = on);
TRUNCATE usage_hours, usage_latency;
UPDATE usage_folds SET folded_to = '-infinity';
