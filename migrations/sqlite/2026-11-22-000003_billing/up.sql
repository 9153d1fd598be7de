-- Buying: purchases, subscriptions, the payment provider's events, and what users are told.

-- A subscription's plan lapses at a known time and gives way to the last pack's.
ALTER TABLE user_ai_credits ADD COLUMN plan_until BIGINT CHECK (typeof(plan_until) IN ('integer', 'null'));
ALTER TABLE user_ai_credits ADD COLUMN pack_plan TEXT NOT NULL DEFAULT 'free';

-- Written before the provider is asked. Terms are frozen: credits, price and owner come from here.
CREATE TABLE purchases (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('pack', 'subscription', 'renewal', 'top_up')),
    plan TEXT NOT NULL,
    credits BIGINT NOT NULL CHECK (credits > 0) CHECK (typeof(credits) = 'integer'),
    price_minor BIGINT NOT NULL CHECK (price_minor > 0) CHECK (typeof(price_minor) = 'integer'),
    currency TEXT NOT NULL CHECK (currency IN ('brl')),
    expires_after_days BIGINT CHECK (expires_after_days >= 0) CHECK (typeof(expires_after_days) IN ('integer', 'null')),
    livemode BOOLEAN NOT NULL CHECK (livemode IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('created', 'processing', 'expired', 'failed', 'paid')),
    -- The provider's names for its parts.
    session_id TEXT,
    customer_id TEXT,
    payment_intent_id TEXT,
    charge_id TEXT,
    invoice_id TEXT,
    subscription_id TEXT,
    url TEXT,
    payment_method TEXT,
    period_end BIGINT CHECK (typeof(period_end) IN ('integer', 'null')),
    refunded_minor BIGINT NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0) CHECK (typeof(refunded_minor) = 'integer'),
    refunded_as_of BIGINT NOT NULL DEFAULT 0 CHECK (typeof(refunded_as_of) = 'integer'),
    fault TEXT,
    idempotency_key TEXT,
    fingerprint BLOB,
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    expires_at BIGINT CHECK (typeof(expires_at) IN ('integer', 'null')),
    paid_at BIGINT CHECK (typeof(paid_at) IN ('integer', 'null')),
    lookups BIGINT NOT NULL DEFAULT 0 CHECK (lookups >= 0) CHECK (typeof(lookups) = 'integer'),
    next_lookup BIGINT CHECK (typeof(next_lookup) IN ('integer', 'null')),
    PRIMARY KEY (lane, user_id, id),
    CONSTRAINT one_purchase_per_key UNIQUE (lane, user_id, idempotency_key),
    -- I5: an invoice is one purchase.
    CONSTRAINT one_purchase_per_invoice UNIQUE (lane, user_id, invoice_id),
    CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL)),
    CHECK (paid_at IS NULL OR state = 'paid')
);
CREATE INDEX purchases_id ON purchases (lane, id);
CREATE INDEX purchases_of_user ON purchases (lane, user_id, created_at DESC, id DESC);
CREATE INDEX purchases_created_at ON purchases (created_at DESC, id DESC);
-- The provider's events know its names only.
CREATE INDEX purchases_session ON purchases (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX purchases_intent ON purchases (payment_intent_id) WHERE payment_intent_id IS NOT NULL;
CREATE INDEX purchases_charge ON purchases (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX purchases_invoice ON purchases (invoice_id) WHERE invoice_id IS NOT NULL;
-- Without the lane, other than the indexes of sweeps over accounts: those that waited longest come first.
CREATE INDEX purchases_lookup ON purchases (next_lookup) WHERE next_lookup IS NOT NULL;

-- Disputes, and refunds that an admin made by hand.
CREATE TABLE purchase_returns (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    purchase_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('dispute', 'manual')),
    reference TEXT NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor >= 0) CHECK (typeof(amount_minor) = 'integer'),
    state TEXT NOT NULL CHECK (state IN ('open', 'won', 'lost')),
    as_of BIGINT NOT NULL CHECK (typeof(as_of) = 'integer'),
    PRIMARY KEY (lane, user_id, purchase_id, kind, reference)
);

CREATE TABLE subscriptions (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    purchase_id TEXT NOT NULL,
    plan TEXT NOT NULL,
    credits BIGINT NOT NULL CHECK (credits > 0) CHECK (typeof(credits) = 'integer'),
    price_minor BIGINT NOT NULL CHECK (price_minor > 0) CHECK (typeof(price_minor) = 'integer'),
    currency TEXT NOT NULL CHECK (currency IN ('brl')),
    expires_after_days BIGINT CHECK (expires_after_days >= 0) CHECK (typeof(expires_after_days) IN ('integer', 'null')),
    status TEXT NOT NULL,
    cancel_at_period_end BOOLEAN NOT NULL CHECK (cancel_at_period_end IN (0, 1)),
    ended BOOLEAN NOT NULL CHECK (ended IN (0, 1)),
    paid_until BIGINT CHECK (typeof(paid_until) IN ('integer', 'null')),
    as_of BIGINT NOT NULL CHECK (typeof(as_of) = 'integer'),
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    PRIMARY KEY (lane, user_id, id)
);
CREATE INDEX subscriptions_id ON subscriptions (id);

-- A user as a customer: the provider's name for them, and automatic top-up.
CREATE TABLE billing_profiles (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    customer_id TEXT,
    -- Automatic top-up, once it was ever set: all of these, or none.
    top_up_enabled BOOLEAN CHECK (top_up_enabled IN (0, 1)),
    top_up_threshold BIGINT CHECK (top_up_threshold >= 0) CHECK (typeof(top_up_threshold) IN ('integer', 'null')),
    top_up_plan TEXT,
    top_up_cap_minor BIGINT CHECK (top_up_cap_minor >= 0) CHECK (typeof(top_up_cap_minor) IN ('integer', 'null')),
    top_up_open TEXT,
    top_up_declines BIGINT CHECK (top_up_declines >= 0) CHECK (typeof(top_up_declines) IN ('integer', 'null')),
    top_up_month BIGINT CHECK (typeof(top_up_month) IN ('integer', 'null')),
    top_up_month_minor BIGINT CHECK (top_up_month_minor >= 0) CHECK (typeof(top_up_month_minor) IN ('integer', 'null')),
    PRIMARY KEY (lane, user_id)
);
CREATE INDEX billing_profiles_customer ON billing_profiles (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX billing_profiles_top_up ON billing_profiles (lane, user_id)
    WHERE top_up_enabled AND top_up_open IS NULL;

-- The provider's events just as they came, kept before they are understood.
CREATE TABLE stripe_events (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    livemode BOOLEAN NOT NULL CHECK (livemode IN (0, 1)),
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    received_at BIGINT NOT NULL CHECK (typeof(received_at) = 'integer'),
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'ignored', 'parked')),
    tries BIGINT NOT NULL DEFAULT 0 CHECK (tries >= 0) CHECK (typeof(tries) = 'integer'),
    next_try BIGINT NOT NULL CHECK (typeof(next_try) = 'integer'),
    note TEXT
);
CREATE INDEX stripe_events_due ON stripe_events (next_try) WHERE state = 'pending';

-- How far the provider's list of events was read: one row.
CREATE TABLE stripe_cursor (
    id SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1) CHECK (typeof(id) = 'integer'),
    read_to BIGINT NOT NULL CHECK (typeof(read_to) = 'integer')
);

-- What users and admins are told, each thing once; the outbox has a row for each until it is delivered.
CREATE TABLE notices (
    lane SMALLINT NOT NULL CHECK (typeof(lane) = 'integer'),
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- What it is about: a purchase, an invoice, a dispute, a journal entry.
    subject TEXT NOT NULL,
    audience TEXT NOT NULL CHECK (audience IN ('user', 'admin')),
    plan TEXT,
    credits BIGINT CHECK (typeof(credits) IN ('integer', 'null')),
    amount_minor BIGINT CHECK (typeof(amount_minor) IN ('integer', 'null')),
    balance BIGINT CHECK (typeof(balance) IN ('integer', 'null')),
    threshold BIGINT CHECK (typeof(threshold) IN ('integer', 'null')),
    detail TEXT,
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    read_at BIGINT CHECK (typeof(read_at) IN ('integer', 'null')),
    PRIMARY KEY (lane, user_id, kind, subject)
);
CREATE INDEX notices_of_user ON notices (lane, user_id, created_at DESC);

-- The outbox named journal entries; now it names notices, and low balance is one of them.
INSERT INTO notices (lane, user_id, kind, subject, audience, balance, threshold, created_at)
SELECT lane, user_id, kind, 'entry:' || seq, 'user', balance, threshold, created_at FROM outbox;
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
SELECT lane, user_id, kind, 'entry:' || seq, created_at, delivered_at FROM outbox;
DROP TABLE outbox;
ALTER TABLE notice_outbox RENAME TO outbox;
CREATE INDEX outbox_waiting ON outbox (lane, created_at) WHERE delivered_at IS NULL;
