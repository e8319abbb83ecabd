-- +migrate Up
ALTER TABLE users ADD COLUMN seen boolean DEFAULT false;

-- +migrate Down
ALTER TABLE users DROP COLUMN seen;
