package myschema

import "slices"

// pair is a schema with one that it becomes, and rows that are in it. What
// there and back does to the rows must be said.
type pair struct{ name, before, after, rows string }

var pairs = slices.Concat(firstPairs, tablePairs, columnPairs, keyPairs, objectPairs)

// firstPairs have one of almost everything.
var firstPairs = []pair{
	{"table comes", "", "CREATE TABLE a (x INT PRIMARY KEY, y VARCHAR(9))", ""},
	{"table goes", "CREATE TABLE a (x INT); CREATE TABLE b (y INT)", "CREATE TABLE b (y INT)", "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)"},
	{"tables in a circle come", "", circle, ""},
	{"tables in a circle go", circle, "", "INSERT INTO hen VALUES (1, NULL)"},
	{"tables in a row go", "CREATE TABLE z (x INT PRIMARY KEY); CREATE TABLE a (x INT, CONSTRAINT f FOREIGN KEY (x) REFERENCES z (x)); CREATE TABLE b (x INT, CONSTRAINT g FOREIGN KEY (x) REFERENCES z (x))", "", ""},
	{"view becomes a table", "CREATE TABLE a (x INT); CREATE VIEW v AS SELECT x FROM a", "CREATE TABLE a (x INT); CREATE TABLE v (x INT)", "INSERT INTO a VALUES (1)"},
	{"table becomes a view", "CREATE TABLE a (x INT); CREATE TABLE v (x INT)", "CREATE TABLE a (x INT); CREATE VIEW v AS SELECT x FROM a", "INSERT INTO a VALUES (1)"},
	{"comment of a table", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT) COMMENT='it''s \\\\ a'", "INSERT INTO a VALUES (1)"},
	{"engine", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT) ENGINE=MyISAM", "INSERT INTO a VALUES (1)"},
	{"options", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT) ROW_FORMAT=DYNAMIC STATS_PERSISTENT=1 MAX_ROWS=7", "INSERT INTO a VALUES (1)"},
	{"collation of a table", "CREATE TABLE a (x VARCHAR(9), y TEXT COLLATE utf8mb4_bin, n INT) COLLATE utf8mb4_general_ci", "CREATE TABLE a (x VARCHAR(9), y TEXT COLLATE utf8mb4_bin, n INT) COLLATE utf8mb4_unicode_ci", "INSERT INTO a VALUES ('ä', 'ö', 1)"},
	{"collation of a table, not of its column", "CREATE TABLE a (x VARCHAR(9)) COLLATE utf8mb4_general_ci", "CREATE TABLE a (x VARCHAR(9) COLLATE utf8mb4_general_ci) COLLATE utf8mb4_bin", "INSERT INTO a VALUES ('ä')"},
	{"character set of a column", "CREATE TABLE a (x VARCHAR(9) CHARACTER SET latin1)", "CREATE TABLE a (x VARCHAR(9))", "INSERT INTO a VALUES ('ä')"},

	{"column comes last", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT, y INT NOT NULL DEFAULT 3)", "INSERT INTO a VALUES (1)"},
	{"columns come first and between", "CREATE TABLE a (x INT, y INT)", "CREATE TABLE a (p INT, q INT, x INT, r INT, y INT)", "INSERT INTO a VALUES (1, 2)"},
	{"column goes", "CREATE TABLE a (x INT, y INT)", "CREATE TABLE a (y INT)", "INSERT INTO a VALUES (1, 2)"},
	{"column goes with its index and check", "CREATE TABLE a (x INT, y INT, KEY k (x), UNIQUE KEY xy (x, y), CONSTRAINT c CHECK (x > y))", "CREATE TABLE a (y INT)", "INSERT INTO a VALUES (3, 2)"},
	{"wider types", "CREATE TABLE a (x INT, y VARCHAR(9), z DECIMAL(5,2))", "CREATE TABLE a (x BIGINT, y VARCHAR(300), z DECIMAL(12,4))", "INSERT INTO a VALUES (1, 'a', 1.25)"},
	{"unsigned", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT UNSIGNED)", "INSERT INTO a VALUES (1)"},
	{"decimals are cut", "CREATE TABLE a (x DECIMAL(5,2), y DOUBLE)", "CREATE TABLE a (x INT, y DECIMAL(5,1))", "INSERT INTO a VALUES (1.25, 1.25)"},
	{"time is cut", "CREATE TABLE a (x DATETIME(6), y DATETIME)", "CREATE TABLE a (x DATETIME, y DATE)", "INSERT INTO a VALUES ('2020-01-02 03:04:05.123456', '2020-01-02 03:04:05')"},
	{"number becomes text", "CREATE TABLE a (x INT)", "CREATE TABLE a (x VARCHAR(20))", "INSERT INTO a VALUES (12)"},
	{"not null", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT NOT NULL)", "INSERT INTO a VALUES (1)"},
	{"default comes", "CREATE TABLE a (x INT, s VARCHAR(9))", "CREATE TABLE a (x INT DEFAULT 3, s VARCHAR(9) DEFAULT 'it''s')", "INSERT INTO a VALUES (1, 's')"},
	{"default is an expression", "CREATE TABLE a (x VARCHAR(64))", "CREATE TABLE a (x VARCHAR(64) DEFAULT (uuid()))", "INSERT INTO a VALUES ('x')"},
	{"on update", "CREATE TABLE a (x DATETIME)", "CREATE TABLE a (x DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)", "INSERT INTO a VALUES ('2020-01-02 03:04:05')"},
	{"timestamps", "CREATE TABLE a (x TIMESTAMP NULL)", "CREATE TABLE a (x TIMESTAMP NOT NULL DEFAULT '2020-01-01 00:00:00')", "INSERT INTO a VALUES ('2020-01-02 03:04:05')"},
	{"comment of a column", "CREATE TABLE a (x INT NOT NULL AUTO_INCREMENT PRIMARY KEY)", "CREATE TABLE a (x INT NOT NULL AUTO_INCREMENT COMMENT 'x' PRIMARY KEY)", "INSERT INTO a VALUES (7)"},
	{"invisible", "CREATE TABLE a (x INT, y INT)", "CREATE TABLE a (x INT, y INT INVISIBLE)", "INSERT INTO a VALUES (1, 2)"},
	{"numbering comes", "CREATE TABLE a (x INT NOT NULL)", "CREATE TABLE a (x INT NOT NULL AUTO_INCREMENT PRIMARY KEY)", "INSERT INTO a VALUES (7), (8)"},
	{"numbered column comes", "CREATE TABLE a (x INT)", "CREATE TABLE a (id BIGINT NOT NULL AUTO_INCREMENT, x INT, UNIQUE KEY (id))", "INSERT INTO a VALUES (7), (8)"},
	{"enum grows", "CREATE TABLE a (x ENUM('a','b'))", "CREATE TABLE a (x ENUM('a','b','c'))", "INSERT INTO a VALUES ('b')"},
	{"enum in another order", "CREATE TABLE a (x ENUM('a','b') NOT NULL DEFAULT 'a')", "CREATE TABLE a (x ENUM('c','b','a') NOT NULL DEFAULT 'b')", "INSERT INTO a VALUES ('b'), ('a')"},
	{"enum becomes text", "CREATE TABLE a (x ENUM('a','b'))", "CREATE TABLE a (x VARCHAR(5))", "INSERT INTO a VALUES ('b')"},
	{"json", "CREATE TABLE a (x LONGTEXT)", "CREATE TABLE a (x JSON)", "INSERT INTO a VALUES ('{}')"},

	{"generated column comes", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT, g INT AS (x + 1) VIRTUAL, s INT AS (x + 2) STORED, KEY (g))", "INSERT INTO a VALUES (1)"},
	{"generated otherwise", "CREATE TABLE a (x INT, g INT AS (x + 1) STORED, y INT, KEY g (g, x), CONSTRAINT c CHECK (g > 0))", "CREATE TABLE a (x INT, g BIGINT AS (x + 2) VIRTUAL, y INT, KEY g (g, x), CONSTRAINT c CHECK (g > 0))", "INSERT INTO a (x, y) VALUES (1, 2)"},
	{"plain becomes generated", "CREATE TABLE a (x INT, g INT)", "CREATE TABLE a (x INT, g INT AS (x + 1))", "INSERT INTO a VALUES (1, 5)"},
	{"stored becomes plain", "CREATE TABLE a (x INT, g INT AS (x + 1) STORED)", "CREATE TABLE a (x INT, g INT)", "INSERT INTO a (x) VALUES (1)"},
	{"what is generated from changes", "CREATE TABLE a (x INT, g BIGINT AS (x + 1) VIRTUAL, h BIGINT AS (g + 1) VIRTUAL)", "CREATE TABLE a (x BIGINT, g BIGINT AS (x + 1) VIRTUAL, h BIGINT AS (g + 1) VIRTUAL)", "INSERT INTO a (x) VALUES (1)"},

	{"index comes", "CREATE TABLE a (x INT, y VARCHAR(40))", "CREATE TABLE a (x INT, y VARCHAR(40), KEY i (x, y(5)), UNIQUE KEY u (y DESC) COMMENT 'u')", "INSERT INTO a VALUES (1, 'a')"},
	{"index becomes unique", "CREATE TABLE a (x INT, KEY i (x))", "CREATE TABLE a (x INT, UNIQUE KEY i (x))", "INSERT INTO a VALUES (1)"},
	{"index in another order", "CREATE TABLE a (x INT, y INT, KEY i (x, y))", "CREATE TABLE a (x INT, y INT, KEY i (y DESC, x))", "INSERT INTO a VALUES (1, 2)"},
	{"index is ignored", "CREATE TABLE a (x INT, KEY i (x))", "CREATE TABLE a (x INT, KEY i (x) IGNORED)", "INSERT INTO a VALUES (1)"},
	{"fulltext and spatial", "CREATE TABLE a (x TEXT, y TEXT, p POINT NOT NULL)", "CREATE TABLE a (x TEXT, y TEXT, p POINT NOT NULL, FULLTEXT KEY f (x), FULLTEXT KEY g (y), SPATIAL KEY s (p))", "INSERT INTO a VALUES ('a', 'b', POINT(1, 2))"},
	{"primary key comes", "CREATE TABLE a (x INT NOT NULL)", "CREATE TABLE a (x INT NOT NULL PRIMARY KEY)", "INSERT INTO a VALUES (1)"},
	{"primary key of another column", "CREATE TABLE a (x INT NOT NULL AUTO_INCREMENT, y INT NOT NULL, PRIMARY KEY (x))", "CREATE TABLE a (x INT NOT NULL AUTO_INCREMENT, y INT NOT NULL, PRIMARY KEY (y), KEY x (x))", "INSERT INTO a VALUES (1, 2)"},

	{"foreign key comes", above + "CREATE TABLE c (id INT, up INT)", above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", kin},
	{"foreign key without a name comes", above + "CREATE TABLE c (id INT, up INT)", above + "CREATE TABLE c (id INT, up INT, FOREIGN KEY (up) REFERENCES p (id))", kin},
	{"foreign key with its column", above + "CREATE TABLE c (id INT)", above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id) ON DELETE SET NULL)", "INSERT INTO c VALUES (1)"},
	{"foreign key with the other table", "CREATE TABLE c (id INT, up INT)", above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", "INSERT INTO c VALUES (1, NULL)"},
	{"foreign key to a new table's key", "CREATE TABLE q (id INT)", "CREATE TABLE q (id INT PRIMARY KEY); CREATE TABLE a (id INT, CONSTRAINT f FOREIGN KEY (id) REFERENCES q (id))", "INSERT INTO q VALUES (1)"},
	{"other actions", above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)", kin},
	{"types on both sides of a key", above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", "CREATE TABLE p (id BIGINT PRIMARY KEY, n INT); CREATE TABLE c (id INT, up BIGINT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", kin},
	{"index under a key", above + "CREATE TABLE c (id INT, up INT, KEY i (up), CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", above + "CREATE TABLE c (id INT, up INT, KEY j (up, id), CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", kin},
	{"key to itself", "CREATE TABLE a (id INT PRIMARY KEY, up INT)", "CREATE TABLE a (id INT PRIMARY KEY, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES a (id))", "INSERT INTO a VALUES (1, 1)"},

	{"check comes", "CREATE TABLE a (x INT, y INT)", "CREATE TABLE a (x INT CHECK (x > 0), y INT, CONSTRAINT c CHECK (x < y))", "INSERT INTO a VALUES (1, 2)"},
	{"check changes", "CREATE TABLE a (x INT CHECK (x > 0), CONSTRAINT c CHECK (x < 5))", "CREATE TABLE a (x INT CHECK (x > -1), CONSTRAINT c CHECK (x < 6))", "INSERT INTO a VALUES (1)"},
	{"check of a column becomes the table's", "CREATE TABLE a (x INT CHECK (x > 0))", "CREATE TABLE a (x INT, CONSTRAINT x CHECK (x > 0))", "INSERT INTO a VALUES (1)"},

	{"view comes", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT); CREATE VIEW b AS SELECT x FROM a; CREATE VIEW a_view AS SELECT x FROM b", "INSERT INTO a VALUES (1)"},
	{"view with another column", "CREATE TABLE a (x INT, y INT); CREATE VIEW v AS SELECT x FROM a; CREATE VIEW w AS SELECT x FROM v", "CREATE TABLE a (x INT, y INT); CREATE VIEW v AS SELECT y FROM a; CREATE VIEW w AS SELECT y FROM v", "INSERT INTO a VALUES (1, 2)"},
	{"views in turn", "CREATE TABLE a (x INT); CREATE VIEW v AS SELECT x FROM a; CREATE VIEW w AS SELECT x FROM v", "CREATE TABLE a (x INT); CREATE VIEW w AS SELECT x FROM a; CREATE VIEW v AS SELECT x FROM w", "INSERT INTO a VALUES (1)"},
	{"table changes under a view", "CREATE TABLE a (x INT); CREATE VIEW v AS SELECT x FROM a", "CREATE TABLE a (x BIGINT NOT NULL); CREATE VIEW v AS SELECT x FROM a", "INSERT INTO a VALUES (1)"},
	{"view with a check option", "CREATE TABLE a (x INT); CREATE VIEW v AS SELECT x FROM a WHERE x > 0", "CREATE TABLE a (x INT); CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW v AS SELECT x FROM a WHERE x > 0 WITH LOCAL CHECK OPTION", "INSERT INTO a VALUES (1)"},
	{"view's column goes", "CREATE TABLE a (x INT, y INT); CREATE VIEW v AS SELECT x, y FROM a", "CREATE TABLE a (x INT); CREATE VIEW v AS SELECT x FROM a", "INSERT INTO a VALUES (1, 2)"},

	{"routines come", "", "CREATE FUNCTION f(x INT) RETURNS INT DETERMINISTIC RETURN x + 1; CREATE PROCEDURE p(OUT x INT) SELECT 1 INTO x; CREATE VIEW v AS SELECT f(1) AS n", ""},
	{"routine changes", "CREATE FUNCTION f(x INT) RETURNS INT DETERMINISTIC RETURN x + 1", "CREATE FUNCTION f(x INT) RETURNS BIGINT DETERMINISTIC BEGIN RETURN x + 2; END", ""},
	{"routine with other arguments", "CREATE FUNCTION f(x INT) RETURNS INT DETERMINISTIC RETURN x; CREATE VIEW v AS SELECT f(1) AS n", "CREATE FUNCTION f(x INT, y INT) RETURNS INT DETERMINISTIC RETURN x; CREATE VIEW v AS SELECT f(1, 2) AS n", ""},
	{"function becomes a procedure", "CREATE FUNCTION f(x INT) RETURNS INT DETERMINISTIC RETURN x", "CREATE PROCEDURE f(x INT) SELECT x", ""},

	{"triggers come", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT)" + fire("one", "") + fire("two", "FOLLOWS one "), "INSERT INTO a VALUES (1)"},
	{"trigger between", "CREATE TABLE a (x INT)" + fire("one", "") + fire("three", "FOLLOWS one "), "CREATE TABLE a (x INT)" + fire("one", "") + fire("two", "FOLLOWS one ") + fire("three", "FOLLOWS two "), "INSERT INTO a VALUES (1)"},
	{"first of the triggers goes", "CREATE TABLE a (x INT)" + fire("one", "") + fire("two", "FOLLOWS one ") + fire("three", "FOLLOWS two "), "CREATE TABLE a (x INT)" + fire("two", "") + fire("three", "FOLLOWS two "), "INSERT INTO a VALUES (1)"},
	{"trigger moves", "CREATE TABLE b (x INT); CREATE TABLE a (x INT)" + fire("one", ""), "CREATE TABLE a (x INT); CREATE TABLE b (x INT); CREATE TRIGGER one BEFORE INSERT ON b FOR EACH ROW SET NEW.x = 1", "INSERT INTO a VALUES (1)"},

	{"sequence comes with its table", "", "CREATE SEQUENCE s START WITH 5; CREATE TABLE a (x INT DEFAULT nextval(s))", ""},
	{"sequence for a column", "CREATE TABLE a (x INT)", "CREATE SEQUENCE s; CREATE TABLE a (x INT DEFAULT nextval(s))", "INSERT INTO a VALUES (1)"},
	{"sequence by others", "CREATE SEQUENCE s", "CREATE SEQUENCE s START WITH 3 MINVALUE -5 MAXVALUE 90 INCREMENT BY 2 NOCACHE CYCLE", ""},
	{"event", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT); CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE DO DELETE FROM a", "INSERT INTO a VALUES (1)"},
	{"event changes", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE DO SELECT 1", "CREATE EVENT e ON SCHEDULE EVERY 2 DAY STARTS '2030-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'e' DO BEGIN SELECT 2; END", ""},

	{"partitions come", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT)" + ranges("10", "20"), "INSERT INTO a VALUES (1)"},
	{"one partition more", "CREATE TABLE a (x INT)" + ranges("10", "20"), "CREATE TABLE a (x INT)" + ranges("10", "20", "30"), "INSERT INTO a VALUES (1)"},
	{"partition between", "CREATE TABLE a (x INT)" + ranges("10", "MAXVALUE"), "CREATE TABLE a (x INT)" + ranges("10", "20", "MAXVALUE"), "INSERT INTO a VALUES (1), (15), (25)"},
	{"partitions by another rule", "CREATE TABLE a (x INT) PARTITION BY HASH (x) PARTITIONS 2", "CREATE TABLE a (x INT) PARTITION BY KEY (x) PARTITIONS 3", "INSERT INTO a VALUES (1), (2)"},
	{"history comes", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT) WITH SYSTEM VERSIONING", "INSERT INTO a VALUES (1)"},
	{"column of a table with history", "CREATE TABLE a (x INT) WITH SYSTEM VERSIONING", "CREATE TABLE a (x BIGINT, y INT) WITH SYSTEM VERSIONING", "INSERT INTO a VALUES (1)"},
	{"history with a period", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT, s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING", "INSERT INTO a VALUES (1)"},
	{"everything about a column", "CREATE TABLE a (n INT DEFAULT 1 COMMENT 'x')", "CREATE TABLE a (m INT, n DECIMAL(10,2) NOT NULL DEFAULT 2.5 COMMENT 'y' CHECK (n > 0), KEY i (n))", "INSERT INTO a VALUES (3)"},
}

const (
	circle = "CREATE TABLE hen (id INT PRIMARY KEY, egg INT); CREATE TABLE egg (id INT PRIMARY KEY, hen INT, CONSTRAINT f FOREIGN KEY (hen) REFERENCES hen (id)); ALTER TABLE hen ADD CONSTRAINT g FOREIGN KEY (egg) REFERENCES egg (id)"
	above  = "CREATE TABLE p (id INT PRIMARY KEY, n INT);"
	kin    = "INSERT INTO p VALUES (1, 2); INSERT INTO c VALUES (1, 1)"
)

func fire(name, order string) string {
	return "; CREATE TRIGGER " + name + " BEFORE INSERT ON a FOR EACH ROW " + order + "SET NEW.x = NEW.x + 1"
}

func ranges(to ...string) string {
	text := " PARTITION BY RANGE (x) ("
	for i, n := range to {
		if i > 0 {
			text += ", "
		}
		text += "PARTITION p" + n + " VALUES LESS THAN (" + n + ")"
	}
	return text + ")"
}
