-- Updates in place. An update whose changed columns are in no index, not even in the condition of one, needs no
-- new index entries (HOT), if its page has room.

-- `remaining` changes with every burn, `live` once in a lot's life.
ALTER TABLE credit_grants ADD COLUMN live BOOLEAN NOT NULL GENERATED ALWAYS AS (remaining > 0) STORED;
DROP INDEX credit_grants_live;
CREATE INDEX credit_grants_live ON credit_grants (lane, user_id) WHERE live;
DROP INDEX credit_grants_due;
CREATE INDEX credit_grants_due ON credit_grants (expires_at) WHERE live AND expires_at IS NOT NULL;

-- The sweep for lost holds goes through all open holds anyway: the one for due holds may, too.
DROP INDEX credit_holds_due;

-- Usage rows come in the order of time: a range of time is a range of pages, and an index of ranges costs next to
-- nothing to keep.
DROP INDEX ai_usage_log_created_at;
CREATE INDEX ai_usage_log_created_at ON ai_usage_log USING brin (created_at) WITH (pages_per_range = 16);

-- Room for the next version of a row. Pages that are full already make theirs as they are updated.
ALTER TABLE user_ai_credits SET (fillfactor = 70);
ALTER TABLE credit_grants SET (fillfactor = 70);

-- What a write casts its count of rows to: false, and the transaction is off.
CREATE DOMAIN every_row AS BOOLEAN CONSTRAINT every_row_is_written CHECK (VALUE);
