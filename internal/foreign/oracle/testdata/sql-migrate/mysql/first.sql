-- +migrate Up
CREATE TABLE users (id int PRIMARY KEY, name varchar(40));
INSERT INTO users VALUES (1, 'one');

-- +migrate Down
DROP TABLE users;
