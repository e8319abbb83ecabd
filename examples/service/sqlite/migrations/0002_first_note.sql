-- upgrade
INSERT INTO notes (id, body) VALUES (1, 'hello');

-- rollback
DELETE FROM notes WHERE id = 1;
