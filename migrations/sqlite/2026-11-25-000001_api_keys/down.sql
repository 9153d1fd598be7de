ALTER TABLE credit_holds DROP COLUMN api_key_id;
DROP TABLE api_keys;
