DROP INDEX credit_journal_created_at, credit_journal_movements, notices_created_at, user_ai_credits_created_at;
DROP TABLE revenue_entries, usage_folds, usage_people, usage_crowds, usage_latency, usage_hours;
DROP INDEX ai_usage_log_times;
ALTER TABLE ai_usage_log DROP COLUMN recorded_at;
ALTER TABLE ai_usage_log DROP COLUMN plan_type;
CREATE INDEX ai_usage_log_created_at ON ai_usage_log USING brin (created_at) WITH (pages_per_range = 16);
