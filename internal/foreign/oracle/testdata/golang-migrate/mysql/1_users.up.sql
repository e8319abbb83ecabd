CREATE TABLE users (id int PRIMARY KEY, name varchar(40));
CREATE PROCEDURE add_user(n int)
BEGIN
    INSERT INTO users VALUES (n, 'added');
END;
CALL add_user(1);
