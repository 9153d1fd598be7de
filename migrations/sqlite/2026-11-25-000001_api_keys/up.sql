-- API keys: a user's programs come in with them. Of what proves a key, a hash is kept.

-- Rows stay when a key has ended: holds name it.
CREATE TABLE api_keys (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The first characters of the key's text, for people to tell it by.
    prefix TEXT NOT NULL,
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
    -- Words with a space between.
    scopes TEXT NOT NULL,
    spend_cap BIGINT CHECK (spend_cap > 0) CHECK (typeof(spend_cap) IN ('integer', 'null')),
    spent BIGINT NOT NULL DEFAULT 0 CHECK (spent >= 0) CHECK (typeof(spent) = 'integer'),
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    expires_at BIGINT CHECK (typeof(expires_at) IN ('integer', 'null')),
    last_used_at BIGINT CHECK (typeof(last_used_at) IN ('integer', 'null')),
    revoked_at BIGINT CHECK (typeof(revoked_at) IN ('integer', 'null')),
    -- An id carries its lane: a look-up knows both, and not the user.
    PRIMARY KEY (lane, id),
    -- I11
    CONSTRAINT never_spent_above_the_cap CHECK (spent <= spend_cap)
);
-- Without the id: no look-up by id must ever be planned over it, because a user may have had any number of keys.
CREATE INDEX api_keys_of_user ON api_keys (lane, user_id, created_at DESC);
-- The keys that live longest, to count the live ones.
CREATE INDEX api_keys_unrevoked ON api_keys (lane, user_id, expires_at DESC) WHERE revoked_at IS NULL;

-- The API key that a hold was made under; what a key holds is the sum of its open holds.
ALTER TABLE credit_holds ADD COLUMN api_key_id TEXT;
