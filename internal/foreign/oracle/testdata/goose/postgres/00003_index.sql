-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY users_name ON users (name);
INSERT INTO users VALUES (2, 'two');

-- +goose Down
DROP INDEX CONCURRENTLY users_name;
DELETE FROM users;
