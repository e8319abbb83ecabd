-- upgrade

ALTER TABLE customers ADD COLUMN phone TEXT;

-- rollback

ALTER TABLE customers DROP COLUMN phone;
