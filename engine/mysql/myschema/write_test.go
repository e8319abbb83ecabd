package myschema

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// torture has one of everything that a schema can hold, and names that want
// to be quoted. $user and $role stand for an
// account and a role of the test's own.
const torture = "" +
	"CREATE SEQUENCE plain;\n" +
	"CREATE SEQUENCE `order` START WITH 5 INCREMENT BY -3 MINVALUE -100 MAXVALUE 7 NOCACHE CYCLE;\n" +
	`
CREATE TABLE ¬select¬ (
	¬from¬ BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	¬a¬¬b¬ VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'it''s \\ "x"' COMMENT 'who''s? \\',
	n INT NOT NULL DEFAULT nextval(plain),
	price DECIMAL(10,2) UNSIGNED DEFAULT 1.50 CHECK (price > 0),
	flags BIT(3) DEFAULT b'101', mood ENUM('a','b''c') DEFAULT 'a', kinds SET('x','y;z'),
	made DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
	at TIMESTAMP NULL DEFAULT NULL, seen TIMESTAMP NOT NULL DEFAULT '2020-01-01 00:00:00',
	token VARCHAR(64) NOT NULL DEFAULT (uuid()),
	total INT AS (n + 1) VIRTUAL COMMENT 'one more', kept INT AS (n * 2) STORED,
	hidden INT INVISIBLE DEFAULT 3, body TEXT, doc JSON, place POINT NOT NULL, bin VARBINARY(16) DEFAULT x'61', z INT ZEROFILL,
	u UUID DEFAULT uuid(), ip INET6,
	up BIGINT UNSIGNED,
	PRIMARY KEY (¬from¬), UNIQUE KEY ¬both of¬ (n, ¬a¬¬b¬(7)) COMMENT 'two',
	KEY (made DESC, n), FULLTEXT KEY words (body), SPATIAL KEY (place), KEY old (mood) IGNORED, UNIQUE KEY long_one (body),
	CONSTRAINT itself FOREIGN KEY (up) REFERENCES ¬select¬ (¬from¬) ON DELETE SET NULL ON UPDATE CASCADE,
	CONSTRAINT ¬a check¬ CHECK (n <> 0 OR body <> ')')
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC STATS_PERSISTENT=1 COMMENT='it''s; a table';
SET foreign_key_checks = 0;
CREATE TABLE hen (id INT PRIMARY KEY, egg INT NOT NULL, CONSTRAINT first FOREIGN KEY (egg) REFERENCES egg (id));
CREATE TABLE egg (id INT PRIMARY KEY, hen INT NOT NULL, FOREIGN KEY (hen) REFERENCES hen (id) ON DELETE CASCADE);
CREATE TABLE a_child (x INT, y INT, FOREIGN KEY (x, y) REFERENCES pair (a, b));
CREATE TABLE pair (a INT, b INT, PRIMARY KEY (a, b));
SET foreign_key_checks = 1;
CREATE TABLE mem (k INT, KEY (k) USING HASH) ENGINE=MEMORY;
CREATE TABLE arch (a INT) ENGINE=Aria TRANSACTIONAL=1 PAGE_CHECKSUM=1;
CREATE TABLE versioned (a INT, b INT WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING;
CREATE TABLE periods (a INT, s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END INVISIBLE,
	PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING;
CREATE TABLE by_range (at DATE NOT NULL, v INT) PARTITION BY RANGE (YEAR(at)) SUBPARTITION BY HASH (v)
	(PARTITION p0 VALUES LESS THAN (2000) COMMENT 'old' (SUBPARTITION s0, SUBPARTITION s1), PARTITION ¬p 1¬ VALUES LESS THAN MAXVALUE (SUBPARTITION s2, SUBPARTITION s3));
CREATE TABLE by_columns (a INT, b VARCHAR(9)) PARTITION BY RANGE COLUMNS (a, b) (PARTITION x VALUES LESS THAN (3, 'm'), PARTITION y VALUES LESS THAN (MAXVALUE, MAXVALUE));
CREATE TABLE by_list (a INT) PARTITION BY LIST (a) (PARTITION one VALUES IN (1, NULL), PARTITION rest DEFAULT);
CREATE TABLE by_lists (a INT, b INT) PARTITION BY LIST COLUMNS (a, b) (PARTITION one VALUES IN ((1, 2)), PARTITION rest DEFAULT COMMENT 'rest');
CREATE TABLE by_key (a INT PRIMARY KEY) PARTITION BY KEY (a) PARTITIONS 3;
CREATE TABLE by_hash (a INT) PARTITION BY LINEAR HASH (a) PARTITIONS 2;
CREATE FUNCTION f(¬a b¬ INT, t VARCHAR(20) CHARSET latin1) RETURNS VARCHAR(30) DETERMINISTIC NO SQL SQL SECURITY INVOKER COMMENT 'it''s f'
BEGIN
	-- one; two
	IF ¬a b¬ > 1 THEN RETURN CONCAT(t, ';'); END IF;
	RETURN 'x';
END;
CREATE AGGREGATE FUNCTION last_of(n INT) RETURNS INT
BEGIN
	DECLARE last INT;
	DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN last;
	LOOP FETCH GROUP NEXT ROW; SET last = n; END LOOP;
END;
CREATE PROCEDURE ¬do it¬(IN a INT, OUT b TEXT, INOUT c DECIMAL(5,2)) READS SQL DATA SELECT COUNT(*) INTO b FROM hen;
CREATE VIEW a_later (one, ¬two words¬) AS SELECT ¬from¬, f(n, 'y') FROM ¬select¬ WHERE n <> 3;
CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW a_first AS SELECT * FROM a_later WHERE one > 1 WITH LOCAL CHECK OPTION;
CREATE VIEW the_number AS SELECT nextval(plain) AS v;
CREATE TRIGGER second BEFORE INSERT ON hen FOR EACH ROW SET NEW.egg = 1;
CREATE TRIGGER first BEFORE INSERT ON hen FOR EACH ROW FOLLOWS second BEGIN SET NEW.egg = NEW.egg + 1; SET NEW.id = 3; END;
CREATE TRIGGER ¬on ins¬ AFTER DELETE ON hen FOR EACH ROW DELETE FROM egg WHERE id = OLD.egg;
CREATE EVENT nightly ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2030-01-01 00:00:00' ENDS '2037-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'it''s late' DO BEGIN DELETE FROM egg; SELECT 1; END;
CREATE EVENT once ON SCHEDULE AT '2035-05-05 05:05:05' DO DELETE FROM egg;
GRANT SELECT, INSERT ON hen TO $user;
GRANT UPDATE (egg), SELECT (id, egg) ON hen TO $user;
GRANT DELETE ON a_first TO $user WITH GRANT OPTION;
GRANT SELECT ON egg TO $role;
`

func run(t tester, s engine.Session, script string) {
	t.Helper()
	all, err := sqltext.All(script, sqltext.MySQL)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		exec(t, s, one.Text)
	}
}

// roundTrip writes the schema of s down, makes it again in an empty database,
// and wants the same to be read there.
func roundTrip(t *testing.T, s engine.Session) *schema.State {
	t.Helper()
	first := inspect(t, s, schema.Options{})
	again := connect(t)
	var script strings.Builder
	if err := render.Script(&script, render.Style{}, Statements(first), sqltext.MySQL); err != nil {
		t.Fatal(err)
	}
	run(t, again, script.String())
	second := inspect(t, again, schema.Options{})
	if diff := cmp.Diff(named(t, first), named(t, second)); diff != "" {
		t.Errorf("made again, it is another one (-first +second):\n%s", diff)
	}
	if got := schema.Diff(first, second); len(got) > 0 { // whatever the two databases are called
		t.Errorf("changes are found: %v", got)
	}
	return first
}

// named is a state as its document, with one name for every database.
func named(t *testing.T, st *schema.State) any {
	t.Helper()
	text, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "`"+st.Home+"`.") {
		t.Errorf("the database's name is left in %s", text)
	}
	var out any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), `"`+st.Home+`"`, `"home"`)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// torment makes all of torture, with rights for an account and for a role.
// What it returns drops the role.
func torment(t *testing.T, s engine.Session) (end func()) {
	t.Helper()
	user, _ := dbtest.MariaDB(t).NewRole(t)
	role := quote(user + "_role")
	exec(t, s, "CREATE ROLE "+role)
	run(t, s, strings.NewReplacer("¬", "`", "$user", quote(user)+"@'%'", "$role", role).Replace(torture))
	return func() { exec(t, s, "DROP ROLE "+role) }
}

func TestStatementsMakeEverythingAgain(t *testing.T) {
	t.Parallel()
	s := connect(t)
	if s.Server().Product != "MariaDB" || s.Server().Number < 101100 {
		t.Skip("written for MariaDB 10.11 and later")
	}
	defer torment(t, s)()
	st := roundTrip(t, s)
	if len(st.Tables) != 15 || len(st.Views) != 3 || len(st.Routines) != 3 || len(st.Sequences) != 2 || len(st.Events) != 2 {
		t.Errorf("%d tables, %d views, %d routines, %d sequences, %d events", len(st.Tables), len(st.Views), len(st.Routines), len(st.Sequences), len(st.Events))
	}
}

var (
	forAClient = regexp.MustCompile("(?im)^(DROP DATABASE|CREATE DATABASE|DROP SCHEMA|CREATE SCHEMA|USE ).*$")
	byDefiner  = regexp.MustCompile(`(?i)DEFINER\s*=\s*\S+`)
)

func TestStatementsMakeSampleDatabasesAgain(t *testing.T) {
	t.Parallel()
	dir := dbtest.DataDir(t)
	for file, want := range map[string]string{
		"chinook/mysql.sql":       "11 tables, 0 views, 0 routines",
		"sakila/mysql-schema.sql": "16 tables, 7 views, 6 routines",
	} {
		t.Run(strings.ReplaceAll(file, "/", "_"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			script := forAClient.ReplaceAllString(string(text), "")
			script, _, _ = strings.Cut(script, "\nINSERT INTO")
			s := connect(t)
			run(t, s, byDefiner.ReplaceAllString(strings.ReplaceAll(script, "sakila.", ""), ""))
			st := roundTrip(t, s)
			if got := fmt.Sprintf("%d tables, %d views, %d routines", len(st.Tables), len(st.Views), len(st.Routines)); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}
