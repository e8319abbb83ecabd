-- +migrate Up
-- +migrate StatementBegin
CREATE TRIGGER touched BEFORE INSERT ON users FOR EACH ROW BEGIN SET NEW.name = CONCAT(NEW.name, ';'); END;
-- +migrate StatementEnd
INSERT INTO users VALUES (2, 'two');

-- +migrate Down
DROP TRIGGER touched;
