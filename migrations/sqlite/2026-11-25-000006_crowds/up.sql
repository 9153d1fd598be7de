-- Who had answered requests in an hour: numbers of users, each with requests and credits, about three bytes for each
-- (`domain::reports::crowd`). By them, users of any range are counted once, and sorted by what they spent; a row for
-- each user and hour would be almost one for each request.
CREATE TABLE usage_crowds (
    hour BIGINT NOT NULL PRIMARY KEY CHECK (typeof(hour) = 'integer'),
    users BLOB NOT NULL CHECK (typeof(users) = 'blob')
);
-- The numbers, from 0, in the order in which the users were first folded.
CREATE TABLE usage_people (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (typeof(number) = 'integer') CHECK (number >= 0),
    PRIMARY KEY (lane, user_id),
    CONSTRAINT one_user_per_number UNIQUE (number)
);
DROP TABLE usage_users;
-- All is folded anew.
DELETE FROM usage_hours;
DELETE FROM usage_latency;
UPDATE usage_folds SET folded_to = 0;
-- In the whole order of the lists. By the time alone, SQLite takes sorting all rows for cheaper as soon as a list is filtered.
DROP INDEX ai_usage_log_created_at;
CREATE INDEX ai_usage_log_created_at ON ai_usage_log (created_at, id);
