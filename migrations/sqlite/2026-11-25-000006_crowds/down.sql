DROP TABLE usage_people;
DROP TABLE usage_crowds;
CREATE TABLE usage_users (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    hour BIGINT NOT NULL CHECK (typeof(hour) = 'integer'),
    user_id TEXT NOT NULL,
    requests BIGINT NOT NULL CHECK (typeof(requests) = 'integer'),
    credits BIGINT NOT NULL CHECK (typeof(credits) = 'integer'),
    PRIMARY KEY (hour, lane, user_id)
) WITHOUT ROWID;
DELETE FROM usage_hours;
DELETE FROM usage_latency;
UPDATE usage_folds SET folded_to = 0;
DROP INDEX ai_usage_log_created_at;
CREATE INDEX ai_usage_log_created_at ON ai_usage_log (created_at);
