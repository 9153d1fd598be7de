-- Who had answered requests in an hour: numbers of users, each with requests and credits, about three bytes for each
-- (`domain::reports::crowd`). By them, users of any range are counted once, and sorted by what they spent; a row for
-- each user and hour would be almost one for each request.
CREATE TABLE usage_crowds (
    hour TIMESTAMPTZ PRIMARY KEY,
    users BYTEA NOT NULL
);
-- The numbers, from 0, in the order in which the users were first folded.
CREATE TABLE usage_people (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 0),
    PRIMARY KEY (lane, user_id),
    CONSTRAINT one_user_per_number UNIQUE (number)
);
DROP TABLE usage_users;
-- Each row its own moment, so that millions which one transaction brings can be folded some at a time.
ALTER TABLE ai_usage_log ALTER COLUMN recorded_at SET DEFAULT clock_timestamp();
-- All is folded anew.
TRUNCATE usage_hours, usage_latency;
UPDATE usage_folds SET folded_to = '-infinity';
