package mysql

import (
	"context"
	"fmt"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func TestAUnitOfDataIsRolledBackAsAWhole(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	exec(t, s, "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB", "CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM")
	e := unitError(t, s.Run(t.Context(), engine.Unit{Begin: begin,
		Opening:    []engine.Query{{Text: "INSERT INTO t VALUES (?)", Args: []any{1}}},
		Statements: statements("INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (2)"),
	}))
	if e.Part != engine.PartStatement || e.Index != 1 || !e.RolledBack || fault(e).Kind != engine.Duplicate {
		t.Errorf("%+v", e)
	}
	if n := value(t, s, "SELECT COUNT(*) FROM t"); n != "0" {
		t.Errorf("%s rows", n)
	}
	if err := s.Run(t.Context(), engine.Unit{Begin: begin, Statements: statements("INSERT INTO t VALUES (2)"),
		Closing: []engine.Query{{Text: "INSERT INTO t VALUES (?)", Args: []any{3}}}}); err != nil {
		t.Fatal(err)
	}
	if n := value(t, s, "SELECT COUNT(*) FROM t"); n != "2" {
		t.Errorf("%s rows", n)
	}
}

func TestRolledBackIsNotClaimedWithoutProof(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	exec(t, s, "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB", "CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM",
		"CREATE PROCEDURE p() BEGIN INSERT INTO t VALUES (100); COMMIT; END", "INSERT INTO t VALUES (0)")
	for i, first := range []string{
		"INSERT INTO old VALUES (%d)",    // stays, as MyISAM does
		"CREATE TABLE made%d (id INT)",   // commits
		"CALL p() -- %d",                 // may commit
		"COMMIT -- %d",                   // commits
		"SET autocommit = 1 -- %d",       // may commit
		"EXECUTE IMMEDIATE 'DO 1' -- %d", // may do anything
	} {
		e := unitError(t, s.Run(t.Context(), engine.Unit{Begin: begin, Statements: statements(fmt.Sprintf(first, i), "INSERT INTO t VALUES (0)")}))
		if e.RolledBack {
			t.Errorf("%s, then an error: claimed to be rolled back", first)
		}
		if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
			t.Fatal(err)
		}
	}
	for i, first := range []string{"CREATE TEMPORARY TABLE tmp%d (id INT)", "DROP TEMPORARY TABLE tmp0 -- %d", "SELECT %d", "SET @x = %d"} {
		e := unitError(t, s.Run(t.Context(), engine.Unit{Begin: begin, Statements: statements(fmt.Sprintf(first, i), "INSERT INTO t VALUES (0)")}))
		if !e.RolledBack {
			t.Errorf("%s, then an error: was rolled back, and not said so", first)
		}
	}
}

func TestWhatWasDoneIsWrittenDownAfterACancel(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	exec(t, s, "CREATE TABLE log (what VARCHAR(20))")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	u := engine.Unit{
		Statements: statements("CREATE TABLE made (id INT)"),
		Closing:    []engine.Query{{Text: "INSERT INTO log VALUES (?)", Args: []any{"done"}}, {Text: "INSERT INTO log VALUES ('history')"}},
		Watch: func(p engine.Progress) {
			if p.Done {
				cancel()
			}
		},
	}
	if err := s.Run(ctx, u); err != nil {
		t.Fatal(err)
	}
	if n := value(t, s, "SELECT COUNT(*) FROM log"); n != "2" {
		t.Errorf("%s entries", n)
	}
}

func TestTheFenceRaisesWhateverAFileSet(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	exec(t, s, "CREATE TABLE w (id INT PRIMARY KEY, token BIGINT, run VARCHAR(50))"+Engine().Dialect.TableSuffix, "INSERT INTO w VALUES (1, 7, 'r')",
		"CREATE TABLE log (id "+Engine().Dialect.Types.ID+", token BIGINT NOT NULL)", "CREATE TABLE t (id INT)")
	fence := engine.Query{Text: "INSERT INTO log (token) VALUES ((SELECT token FROM w WHERE id = 1 AND token = ? AND run = ? FOR UPDATE))", Args: []any{7, "r"}}
	lost := engine.Query{Text: fence.Text, Args: []any{8, "r"}}
	for _, mode := range []string{"SET sql_mode = ''", "SET sql_mode = 'ORACLE'", "SET NAMES sjis", "SET sql_safe_updates = 1", "SET foreign_key_checks = 0"} {
		run := func(q engine.Query) error {
			return s.Run(t.Context(), engine.Unit{Begin: begin, Statements: statements(mode, "INSERT INTO t VALUES (1)"), Closing: []engine.Query{q}})
		}
		if err := run(fence); err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		e := unitError(t, run(lost))
		if f := fault(e); f.Kind != engine.NotNull || f.Column != "token" || !e.RolledBack || e.Part != engine.PartClosing {
			t.Errorf("%s: %+v, fault %+v", mode, e, f)
		}
	}
	if n := value(t, s, "SELECT CONCAT((SELECT COUNT(*) FROM t), ' ', (SELECT COUNT(*) FROM log))"); n != "5 5" {
		t.Errorf("%s rows and entries", n)
	}
}

func TestAFailureUnderLockTablesCanBeWrittenDown(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	exec(t, s, "CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE log (id INT)")
	e := unitError(t, s.Run(t.Context(), engine.Unit{Statements: statements("LOCK TABLES t WRITE", "INSERT INTO t VALUES (1), (1)")}))
	if fault(e).Kind != engine.Duplicate {
		t.Errorf("%v", e)
	}
	exec(t, s, "INSERT INTO log VALUES (1)")
	if err := s.Run(t.Context(), engine.Unit{Statements: statements("LOCK TABLES t WRITE", "INSERT INTO t VALUES (1)", "UNLOCK TABLES"),
		Closing: []engine.Query{{Text: "INSERT INTO log VALUES (2)"}}}); err != nil {
		t.Fatal(err)
	}
}

func TestLastInsertIDIsTheFilesOwn(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	exec(t, s, "CREATE TABLE log (id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT) AUTO_INCREMENT = 5000",
		"CREATE TABLE parent (id INT AUTO_INCREMENT PRIMARY KEY, n INT)", "CREATE TABLE child (parent BIGINT)")
	entry := []engine.Query{{Text: "INSERT INTO log (n) VALUES (?)", Args: []any{1}}}
	for _, text := range []string{"INSERT INTO parent (n) VALUES (10)", "INSERT INTO parent (n) VALUES (20), (30)", "CREATE TABLE more (id INT)", "INSERT INTO child VALUES (LAST_INSERT_ID())", "INSERT INTO child SELECT LAST_INSERT_ID()"} {
		if err := s.Run(t.Context(), engine.Unit{Opening: entry, Statements: statements(text), Closing: entry}); err != nil {
			t.Fatal(err)
		}
	}
	if got := value(t, s, "SELECT GROUP_CONCAT(parent) FROM child"); got != "2,2" {
		t.Errorf("children of %s", got)
	}
}

func TestAnErrorInTheTextStopsTheUnit(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	exec(t, s, "CREATE TABLE t (id INT)")
	bad := &sqltext.Error{Msg: "unfinished quote"}
	e := unitError(t, s.Run(t.Context(), engine.Unit{Begin: begin, Statements: func(yield func(sqltext.Statement, error) bool) {
		_ = yield(statement("INSERT INTO t VALUES (1)"), nil) && yield(sqltext.Statement{}, bad)
	}}))
	if !e.RolledBack || e.Index != 1 {
		t.Errorf("%+v", e)
	}
}
