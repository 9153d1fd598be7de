-- As on Postgres, where the condition of an index is on this column; here it would spare nothing.
ALTER TABLE credit_grants ADD COLUMN live BOOLEAN GENERATED ALWAYS AS (remaining > 0) VIRTUAL;
