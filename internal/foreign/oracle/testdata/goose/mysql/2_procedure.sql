-- +goose Up
-- +goose StatementBegin
CREATE PROCEDURE add_user(n int)
BEGIN
    INSERT INTO users VALUES (n, 'added');
    UPDATE users SET name = CONCAT(name, ';') WHERE id = n;
END;
-- +goose StatementEnd
CALL add_user(3);

-- +goose Down
DROP PROCEDURE add_user;
