-- +migrate Up
CREATE TABLE users (id integer PRIMARY KEY, name text);
-- +migrate StatementBegin
DO $$
BEGIN
    INSERT INTO users VALUES (1, 'one');
END;
$$
-- +migrate StatementEnd

-- +migrate Down
DROP TABLE users;
