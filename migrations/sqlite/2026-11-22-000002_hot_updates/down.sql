ALTER TABLE credit_grants DROP COLUMN live;
