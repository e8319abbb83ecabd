-- +migrate Up notransaction
CREATE INDEX CONCURRENTLY users_name ON users (name);

-- +migrate Down
DROP INDEX users_name;
DELETE FROM users;
