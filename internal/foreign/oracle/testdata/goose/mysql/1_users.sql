-- +goose Up
CREATE TABLE users (id int PRIMARY KEY, name varchar(40));
INSERT INTO users VALUES (1, 'one'), (2, 'it\'s; two');

-- +goose Down
DROP TABLE users;
