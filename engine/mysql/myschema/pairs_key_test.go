package myschema

// keyPairs are about indexes, keys and checks.
var keyPairs = []pair{
	{"unique key under a foreign key grows", "CREATE TABLE p (id INT PRIMARY KEY, u INT, UNIQUE KEY k (u)); CREATE TABLE c (up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (u))", "CREATE TABLE p (id INT PRIMARY KEY, u INT, UNIQUE KEY k (u, id), KEY j (u)); CREATE TABLE c (up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (u))", "INSERT INTO p VALUES (1, 2); INSERT INTO c VALUES (2)"},
	{"unique key under a foreign key has another name", "CREATE TABLE p (u INT, UNIQUE KEY k (u)); CREATE TABLE c (up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (u))", "CREATE TABLE p (u INT, UNIQUE KEY l (u)); CREATE TABLE c (up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (u))", "INSERT INTO p VALUES (2); INSERT INTO c VALUES (2)"},
	{"unique key becomes the primary one under a foreign key", "CREATE TABLE p (u INT NOT NULL, UNIQUE KEY k (u)); CREATE TABLE c (up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (u))", "CREATE TABLE p (u INT NOT NULL PRIMARY KEY); CREATE TABLE c (up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (u))", "INSERT INTO p VALUES (2); INSERT INTO c VALUES (2)"},
	{"primary key grows under a foreign key", "CREATE TABLE p (id INT PRIMARY KEY, n INT); CREATE TABLE c (up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", "CREATE TABLE p (id INT, n INT NOT NULL, PRIMARY KEY (id, n)); CREATE TABLE c (up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", "INSERT INTO p VALUES (1, 2); INSERT INTO c VALUES (1)"},
	{"primary key goes", "CREATE TABLE a (x INT NOT NULL PRIMARY KEY, y INT)", "CREATE TABLE a (x INT NOT NULL, y INT)", "INSERT INTO a VALUES (1, 2)"},
	{"primary key in another order", "CREATE TABLE a (x INT, y INT, PRIMARY KEY (x, y))", "CREATE TABLE a (x INT, y INT, PRIMARY KEY (y, x))", "INSERT INTO a VALUES (1, 2)"},
	{"primary key of a part of a text", "CREATE TABLE a (x VARCHAR(300) NOT NULL)", "CREATE TABLE a (x VARCHAR(300) NOT NULL, PRIMARY KEY (x(20)) COMMENT 'k')", "INSERT INTO a VALUES ('a')"},
	{"foreign key of two columns", "CREATE TABLE p (a INT, b INT, PRIMARY KEY (a, b)); CREATE TABLE c (a INT, b INT)", "CREATE TABLE p (a INT, b INT, PRIMARY KEY (a, b)); CREATE TABLE c (a INT, b INT, CONSTRAINT f FOREIGN KEY (a, b) REFERENCES p (a, b) ON UPDATE CASCADE)", "INSERT INTO p VALUES (1, 2); INSERT INTO c VALUES (1, 2)"},
	{"restrict and cascade become cascade and null", acting("RESTRICT", "CASCADE"), acting("CASCADE", "SET NULL"), kin},
	{"no action and cascade become null and no action", acting("NO ACTION", "CASCADE"), acting("SET NULL", "NO ACTION"), kin},
	{"another action on update alone", acting("RESTRICT", "RESTRICT"), acting("RESTRICT", "SET NULL"), kin},
	{"foreign key to another table", above + "CREATE TABLE q (id INT PRIMARY KEY); CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", above + "CREATE TABLE q (id INT PRIMARY KEY); CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES q (id))", "INSERT INTO q VALUES (1); " + kin},
	{"foreign key goes with its column", above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", above + "CREATE TABLE c (id INT)", kin},
	{"foreign key and the other table go", above + "CREATE TABLE c (id INT, up INT, KEY f (up), CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id) ON DELETE SET NULL)", "CREATE TABLE c (id INT, up INT, KEY f (up))", "INSERT INTO p VALUES (1, 2); INSERT INTO c VALUES (1, NULL)"},
	{"foreign key with another name", above + "CREATE TABLE c (id INT, up INT, KEY k (up), CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", above + "CREATE TABLE c (id INT, up INT, KEY k (up), CONSTRAINT g FOREIGN KEY (up) REFERENCES p (id))", kin},
	{"foreign key turns around", "CREATE TABLE b (id INT PRIMARY KEY, o INT); CREATE TABLE a (id INT PRIMARY KEY, o INT, CONSTRAINT f FOREIGN KEY (o) REFERENCES b (id))", "CREATE TABLE a (id INT PRIMARY KEY, o INT); CREATE TABLE b (id INT PRIMARY KEY, o INT, CONSTRAINT f FOREIGN KEY (o) REFERENCES a (id))", "INSERT INTO b VALUES (1, 1); INSERT INTO a VALUES (1, 1)"},
	{"circle closes", "CREATE TABLE hen (id INT PRIMARY KEY, egg INT); CREATE TABLE egg (id INT PRIMARY KEY, hen INT, CONSTRAINT f FOREIGN KEY (hen) REFERENCES hen (id))", circle, "INSERT INTO hen VALUES (1, 1); INSERT INTO egg VALUES (1, 1)"},
	{"types in a circle", circle, "CREATE TABLE hen (id BIGINT PRIMARY KEY, egg BIGINT); CREATE TABLE egg (id BIGINT PRIMARY KEY, hen BIGINT, CONSTRAINT f FOREIGN KEY (hen) REFERENCES hen (id)); ALTER TABLE hen ADD CONSTRAINT g FOREIGN KEY (egg) REFERENCES egg (id)", "INSERT INTO hen VALUES (1, NULL); INSERT INTO egg VALUES (1, 1); UPDATE hen SET egg = 1"},
	{"type of a key to itself", "CREATE TABLE a (id INT PRIMARY KEY, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES a (id) ON DELETE CASCADE)", "CREATE TABLE a (id BIGINT UNSIGNED PRIMARY KEY, up BIGINT UNSIGNED, CONSTRAINT f FOREIGN KEY (up) REFERENCES a (id) ON DELETE SET NULL)", "INSERT INTO a VALUES (1, NULL), (2, 1)"},
	{"set null where the column took none", above + "CREATE TABLE c (id INT, up INT NOT NULL, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id) ON DELETE SET NULL)", kin},
	{"not null under a foreign key", above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id) ON DELETE CASCADE)", above + "CREATE TABLE c (id INT, up INT NOT NULL, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id) ON DELETE CASCADE)", kin},
	{"index of a foreign key becomes unique", above + "CREATE TABLE c (id INT, up INT, KEY i (up), CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", above + "CREATE TABLE c (id INT, up INT, UNIQUE KEY i (up), CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", kin},
	{"the server's own index goes for a longer one", above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", above + "CREATE TABLE c (id INT, up INT, KEY k (up, id), CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", kin},
	{"foreign key goes, its index stays", above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", above + "CREATE TABLE c (id INT, up INT, KEY f (up))", kin},
	{"two foreign keys of one column", above + "CREATE TABLE q (id INT PRIMARY KEY); CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id))", above + "CREATE TABLE q (id INT PRIMARY KEY); CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id), CONSTRAINT g FOREIGN KEY (up) REFERENCES q (id))", "INSERT INTO q VALUES (1); " + kin},

	{"fulltext over one column more", "CREATE TABLE a (x TEXT, y TEXT, FULLTEXT KEY f (x))", "CREATE TABLE a (x TEXT, y TEXT, FULLTEXT KEY f (x, y))", "INSERT INTO a VALUES ('a', 'b')"},
	{"two fulltext indexes go", "CREATE TABLE a (x TEXT, y TEXT, FULLTEXT KEY f (x), FULLTEXT KEY g (y))", "CREATE TABLE a (x TEXT, y TEXT)", "INSERT INTO a VALUES ('a', 'b')"},
	{"fulltext with its column", "CREATE TABLE a (x TEXT)", "CREATE TABLE a (x TEXT, y TEXT NOT NULL DEFAULT 'y', FULLTEXT KEY f (y))", "INSERT INTO a VALUES ('a')"},
	{"text under fulltext", "CREATE TABLE a (x TEXT, FULLTEXT KEY f (x))", "CREATE TABLE a (x LONGTEXT NOT NULL, FULLTEXT KEY f (x))", "INSERT INTO a VALUES ('a')"},
	{"collation under fulltext", "CREATE TABLE a (x TEXT COLLATE utf8mb4_general_ci, y VARCHAR(99) COLLATE utf8mb4_general_ci, FULLTEXT KEY f (x, y))", "CREATE TABLE a (x TEXT COLLATE utf8mb4_bin, y VARCHAR(99) COLLATE utf8mb4_bin, FULLTEXT KEY f (x, y))", "INSERT INTO a VALUES ('a', 'b')"},
	{"spatial index with its column", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT, p POINT NOT NULL DEFAULT POINT(0, 0), SPATIAL KEY s (p))", "INSERT INTO a VALUES (1)"},
	{"spatial becomes plain", "CREATE TABLE a (p POINT NOT NULL, SPATIAL KEY s (p))", "CREATE TABLE a (p POINT NOT NULL, KEY s (p(25)))", "INSERT INTO a VALUES (POINT(1, 2))"},
	{"longer prefix", "CREATE TABLE a (x TEXT, KEY k (x(5)))", "CREATE TABLE a (x TEXT, KEY k (x(50) DESC))", "INSERT INTO a VALUES ('a')"},
	{"prefix shrinks with its column", "CREATE TABLE a (x VARCHAR(50), KEY k (x(20)))", "CREATE TABLE a (x VARCHAR(10), KEY k (x(5)))", "INSERT INTO a VALUES ('a')"},
	{"prefix becomes the whole column", "CREATE TABLE a (x VARCHAR(50), KEY k (x(20)))", "CREATE TABLE a (x VARCHAR(20), KEY k (x))", "INSERT INTO a VALUES ('a')"},
	{"descending", "CREATE TABLE a (x INT, y INT, UNIQUE KEY u (x, y))", "CREATE TABLE a (x INT, y INT, UNIQUE KEY u (x DESC, y))", "INSERT INTO a VALUES (1, 2)"},
	{"index on an expression, by a hidden column", "CREATE TABLE a (x VARCHAR(9))", "CREATE TABLE a (x VARCHAR(9), g VARCHAR(9) AS (lower(x)) VIRTUAL INVISIBLE, UNIQUE KEY k (g))", "INSERT INTO a (x) VALUES ('A')"},
	{"unique over a long text", "CREATE TABLE a (x TEXT)", "CREATE TABLE a (x TEXT, UNIQUE KEY k (x))", "INSERT INTO a VALUES ('A'), ('b')"},
	{"unique by hash", "CREATE TABLE a (x INT, y VARCHAR(9))", "CREATE TABLE a (x INT, y VARCHAR(9), UNIQUE KEY k (x, y) USING HASH)", "INSERT INTO a VALUES (1, 'b')"},
	{"index of another kind", "CREATE TABLE a (x INT, KEY k (x) USING BTREE) ENGINE=MEMORY", "CREATE TABLE a (x INT, KEY k (x) USING HASH) ENGINE=MEMORY", "INSERT INTO a VALUES (1)"},
	{"unique goes", "CREATE TABLE a (x INT, y INT, UNIQUE KEY u (x), UNIQUE KEY v (y, x))", "CREATE TABLE a (x INT, y INT, KEY v (y, x))", "INSERT INTO a VALUES (1, 2)"},
	{"unique keys exchange their names", "CREATE TABLE a (x INT, y INT, UNIQUE KEY u (x), UNIQUE KEY v (y))", "CREATE TABLE a (x INT, y INT, UNIQUE KEY v (x), UNIQUE KEY u (y))", "INSERT INTO a VALUES (1, 2)"},
	{"index used again, told of otherwise", "CREATE TABLE a (x INT, KEY k (x) COMMENT 'a' IGNORED)", "CREATE TABLE a (x INT, KEY k (x) COMMENT 'b')", "INSERT INTO a VALUES (1)"},
	{"index loses a column", "CREATE TABLE a (x INT, y INT, z INT, KEY k (x, y, z))", "CREATE TABLE a (x INT, z INT, KEY k (x, z))", "INSERT INTO a VALUES (1, 2, 3)"},

	{"checks go", "CREATE TABLE a (x INT CHECK (x > 0), y INT, CONSTRAINT c CHECK (x < y), CONSTRAINT d CHECK (y <> 4))", "CREATE TABLE a (x INT, y INT)", "INSERT INTO a VALUES (1, 2)"},
	{"check on a column that comes", "CREATE TABLE a (x INT)", "CREATE TABLE a (x INT, y INT NOT NULL DEFAULT 5 CHECK (y > 0), CONSTRAINT c CHECK (y < 10 OR x IS NULL))", "INSERT INTO a VALUES (1)"},
	{"check on a column that goes", "CREATE TABLE a (x INT, y INT, CONSTRAINT c CHECK (x > 0 OR y > 0))", "CREATE TABLE a (x INT, CONSTRAINT c CHECK (x > 0))", "INSERT INTO a VALUES (1, 2)"},
	{"check on words", "CREATE TABLE a (x VARCHAR(9))", "CREATE TABLE a (x VARCHAR(9), CONSTRAINT c CHECK (x RLIKE '^[a-z]+$' AND x <> 'it''s \\\\ `x`'))", "INSERT INTO a VALUES ('a')"},
	{"type and check of a column", "CREATE TABLE a (x INT CHECK (x > 0))", "CREATE TABLE a (x VARCHAR(9) CHECK (x <> ''))", "INSERT INTO a VALUES (1)"},
	{"check of the table becomes a column's", "CREATE TABLE a (x INT, CONSTRAINT c CHECK (x > 0))", "CREATE TABLE a (x INT CHECK (x > 0))", "INSERT INTO a VALUES (1)"},
}

// acting are two tables with a key that does this.
func acting(onDelete, onUpdate string) string {
	return above + "CREATE TABLE c (id INT, up INT, CONSTRAINT f FOREIGN KEY (up) REFERENCES p (id) ON DELETE " + onDelete + " ON UPDATE " + onUpdate + ")"
}
