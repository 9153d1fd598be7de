DROP DOMAIN every_row;
ALTER TABLE credit_grants RESET (fillfactor);
ALTER TABLE user_ai_credits RESET (fillfactor);
CREATE INDEX credit_holds_due ON credit_holds (expires_at) WHERE state = 'open';
DROP INDEX credit_grants_due;
DROP INDEX credit_grants_live;
ALTER TABLE credit_grants DROP COLUMN live;
CREATE INDEX credit_grants_live ON credit_grants (lane, user_id) WHERE remaining > 0;
CREATE INDEX credit_grants_due ON credit_grants (expires_at) WHERE remaining > 0 AND expires_at IS NOT NULL;
