-- who may log in
-- +goose Up
CREATE TABLE users (
    id integer PRIMARY KEY,

    name text DEFAULT 'a; b -- c'
);

-- +goose Down
DROP TABLE users;
