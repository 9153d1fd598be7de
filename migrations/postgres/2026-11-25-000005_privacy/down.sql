DROP INDEX stripe_events_bodies;
DROP TABLE erasures;
ALTER TABLE user_ai_credits DROP COLUMN closed_at;
