-- API keys: a user's programs come in with them. Of what proves a key, a hash is kept.

-- Rows stay when a key has ended: holds name it.
CREATE TABLE api_keys (
    lane SMALLINT NOT NULL,
    user_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    -- The first characters of the key's text, for people to tell it by.
    prefix TEXT NOT NULL,
    secret_hash BYTEA NOT NULL CHECK (octet_length(secret_hash) = 32),
    -- Words with a space between.
    scopes TEXT NOT NULL,
    spend_cap BIGINT CHECK (spend_cap > 0),
    spent BIGINT NOT NULL DEFAULT 0 CHECK (spent >= 0),
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    -- An id carries its lane: a look-up knows both, and not the user.
    PRIMARY KEY (lane, id),
    -- I11
    CONSTRAINT never_spent_above_the_cap CHECK (spent <= spend_cap)
);
-- Without the id: no look-up by id must ever be planned over it, because a user may have had any number of keys.
CREATE INDEX api_keys_of_user ON api_keys (lane, user_id, created_at DESC);
-- The keys that live longest, to count the live ones: those that never expire come first.
CREATE INDEX api_keys_unrevoked ON api_keys (lane, user_id, expires_at DESC) WHERE revoked_at IS NULL;
-- What is spent changes with every charge, and stands in no index.
ALTER TABLE api_keys SET (fillfactor = 70);

-- The API key that a hold was made under; what a key holds is the sum of its open holds.
ALTER TABLE credit_holds ADD COLUMN api_key_id UUID;
