-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION touch() RETURNS trigger AS $$
BEGIN
    -- rollback
    NEW.name = NEW.name || ';';
    RETURN NEW;
END
$$ LANGUAGE plpgsql
-- +goose StatementEnd
CREATE TRIGGER touched BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO users VALUES (1, 'one');

-- +goose Down
DROP TRIGGER touched ON users;
DROP FUNCTION touch();
