package mysql

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func TestServerIsDescribedAsItDescribesItself(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	s := connect(t, url)
	v := s.Server()
	if v.Product == "MariaDB" && v.Number < 100000 || v.Product != "MariaDB" && v.Product != "MySQL" {
		t.Errorf("product %q, number %d", v.Product, v.Number)
	}
	if v.Version != value(t, s, "SELECT VERSION()") || v.Database != dbtest.DatabaseName(url) || v.Schema != v.Database {
		t.Errorf("%+v", v)
	}
	if v.ReadOnly != "" || !strings.HasPrefix(v.User, "'") || !strings.Contains(v.User, "'@'") {
		t.Errorf("%+v", v)
	}
	if s.ID() != value(t, s, "SELECT CONNECTION_ID()") {
		t.Errorf("id %s", s.ID())
	}
}

func TestVersionNumbers(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]int{
		"10.11.19-MariaDB-0+deb12u1": 101119, "8.0.31": 80031, "8.0": 80000, "5.7.44-log": 50744,
		"8.0.11-TiDB-v7.5.0": 80011, "11.8.2-MariaDB": 110802, "": 0,
	} {
		if _, n := product(version, ""); n != want {
			t.Errorf("%q is %d, want %d", version, n, want)
		}
	}
	if p, _ := product("8.0.31", "MariaDB Server"); p != "MariaDB" {
		t.Errorf("product by comment: %s", p)
	}
}

// TestAStatementThatRanIntoItsLimitIsNoSuccess, where the server says that it
// is: DO takes an error for none.
func TestAStatementThatRanIntoItsLimitIsNoSuccess(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	own := connect(t, url)
	exec(t, own, "CREATE FUNCTION looper() RETURNS INT BEGIN DECLARE i BIGINT DEFAULT 0; WHILE i < 1000000000 DO SET i = i + 1; END WHILE; RETURN i; END")
	limited := func() *session {
		return connectWith(t, url, engine.ConnectOptions{Limits: engine.Limits{Statement: 300 * time.Millisecond}})
	}
	for _, query := range []string{"DO SLEEP(60)", "DO looper()", "DO (" + endlessQuery + ")", "SELECT SLEEP(60)", "SELECT looper()"} {
		// What one leaves in the list of errors is not to be found by the next.
		_, err := limited().Execute(t.Context(), statement(query))
		wantKind(t, err, engine.Canceled)
	}
	_, err := limited().Ask(t.Context(), statement("SELECT SLEEP(60)"))
	wantKind(t, err, engine.Canceled)
	execute(t, limited(), "DO SLEEP(0.1)")
}

func TestLimitsAreTheServers(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	s := connect(t, url)
	if got := value(t, s, "SELECT CONCAT_WS(' ', @@wait_timeout, @@lock_wait_timeout, @@innodb_lock_wait_timeout, @@autocommit + 0)"); got != "60 5 5 1" {
		t.Errorf("defaults: %s", got)
	}
	s = connectWith(t, url, engine.ConnectOptions{Limits: engine.Limits{Lock: 1500 * time.Millisecond, Idle: -1, Statement: 300 * time.Millisecond}})
	if got := value(t, s, "SELECT CONCAT_WS(' ', @@wait_timeout, @@lock_wait_timeout, @@innodb_lock_wait_timeout)"); !strings.HasSuffix(got, " 2 2") || len(got) < 10 {
		t.Errorf("own: %s", got)
	}
	started := time.Now()
	_, err := s.Execute(t.Context(), statement(endlessQuery))
	wantKind(t, err, engine.Canceled)
	if d := time.Since(started); d > 10*time.Second {
		t.Errorf("a statement with a limit of 0.3 s ran for %s", d)
	}
	// New limits without a migration between.
	if err := s.Reset(t.Context(), engine.Limits{Lock: 7 * time.Second}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, s, "SELECT CONCAT_WS(' ', @@wait_timeout, @@lock_wait_timeout)"); got != "60 7" {
		t.Errorf("after Reset: %s", got)
	}
	if s.mariadb() {
		if got := value(t, s, "SELECT @@max_statement_time = 0"); got != "1" {
			t.Errorf("a statement's limit after Reset: %s", got)
		}
	}
}

func TestLockWaitEndsAsBusy(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	a, b := connect(t, url), connectWith(t, url, engine.ConnectOptions{Limits: engine.Limits{Lock: time.Second}})
	exec(t, a, "CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB", "INSERT INTO t VALUES (1, 1)", "START TRANSACTION", "UPDATE t SET n = 2")
	_, err := b.Execute(t.Context(), statement("UPDATE t SET n = 3"))
	wantKind(t, err, engine.Busy)
	_, err = b.Execute(t.Context(), statement("ALTER TABLE t ADD c INT"))
	wantKind(t, err, engine.Busy)
	exec(t, a, "ROLLBACK")
	execute(t, b, "UPDATE t SET n = 3")
}

func TestValuesArriveWhateverAFileSet(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	exec(t, s, "CREATE TABLE v (id INT PRIMARY KEY, t LONGTEXT, n BIGINT, b BOOLEAN, x VARBINARY(20) NULL)"+Engine().Dialect.TableSuffix)
	texts := []string{"", "plain", `back\slash \' "double"`, "it's", "日本語 ü €", "a?b", "\x00\n\r\x1a", "%_", "ｱ\\", "x' OR 1=1 -- "}
	modes := []string{
		"SET sql_mode = ''", "SET sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH'", "SET NAMES gbk", "SET NAMES sjis", "SET NAMES latin1",
		"SET sql_mode = 'PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE,IGNORE_SPACE'", "SET character_set_results = NULL",
	}
	if s.mariadb() {
		modes = append(modes, "SET sql_mode = 'EMPTY_STRING_IS_NULL'", "SET sql_mode = 'ORACLE'")
	}
	for i, mode := range modes {
		execute(t, s, mode)
		for j, text := range texts {
			id := i*100 + j
			n, err := s.Exec(t.Context(), "INSERT INTO v VALUES (?, ?, ?, ?, ?)", id, text, int64(-5), true, []byte{0, 255, '\''})
			if err != nil || n != 1 {
				t.Fatalf("%s: %q: %d rows, %v", mode, text, n, err)
			}
			if n := value(t, s, "SELECT COUNT(*) FROM v WHERE t = ? AND id = ?", text, id); n != "1" {
				t.Errorf("%s: %q is not found again", mode, text)
			}
		}
		if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		for j, text := range texts {
			if got := value(t, s, "SELECT t FROM v WHERE id = ? AND n = -5 AND b AND HEX(x) = '00FF27'", i*100+j); got != text {
				t.Errorf("%s: %q came back as %q", mode, text, got)
			}
		}
	}
	if got := value(t, s, "SELECT ? IS NULL AND ? IS NULL", nil, (*string)(nil)); got != "1" {
		t.Errorf("NULLs: %s", got)
	}
	for _, q := range []string{"SELECT ?", "SELECT 1"} {
		if err := s.Query(t.Context(), nil, q, 1, 2); err == nil {
			t.Errorf("%s with two values: no error", q)
		}
	}
}

func TestExecCountsRowsFound(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	exec(t, s, "CREATE TABLE t (id INT PRIMARY KEY, n INT)", "INSERT INTO t VALUES (1, 1), (2, 1)")
	for q, want := range map[string]int64{"UPDATE t SET n = 1": 2, "UPDATE t SET n = 1 WHERE id = 1": 1, "UPDATE t SET n = 1 WHERE id = 9": 0} {
		if n, err := s.Exec(t.Context(), q); err != nil || n != want {
			t.Errorf("%s: %d, %v; want %d", q, n, err, want)
		}
	}
}

func TestProceduresWithSeveralResultsAreDrained(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	execute(t, s, "CREATE TABLE t (id INT PRIMARY KEY)",
		"CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2, 'x' UNION SELECT 3, 'y'; INSERT INTO t VALUES (1), (2); SELECT * FROM t; END",
		"CREATE PROCEDURE broken() BEGIN SELECT 1; SELECT 2; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END")
	execute(t, s, "CALL p()")
	if got := value(t, s, "SELECT COUNT(*) FROM t"); got != "2" {
		t.Errorf("%s rows", got)
	}
	if _, err := s.Execute(t.Context(), statement("CALL broken()")); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("an error behind the second result: %v", err)
	}
	execute(t, s, "DELETE FROM t")
	n, err := s.Execute(t.Context(), statement("INSERT INTO t VALUES (5), (6), (7)"))
	if err != nil || n != 3 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestUsersTextIsNotTouched(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	execute(t, s, "CREATE TABLE t (v VARCHAR(50))", "INSERT INTO t VALUES ('?%d :x \\' @y')")
	if got := value(t, s, "SELECT v FROM t"); got != "?%d :x ' @y" {
		t.Errorf("%q", got)
	}
	_, err := s.Execute(t.Context(), statement("SELECT 1; SELECT 2"))
	wantKind(t, err, engine.Syntax)
}

func TestLocalInfileIsRefusedAndSaysSo(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	execute(t, s, "CREATE TABLE t (v TEXT)")
	for _, q := range []string{"LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t", "LOAD DATA CONCURRENT LOCAL INFILE '/etc/passwd' INTO TABLE t"} {
		if _, err := s.Execute(t.Context(), statement(q)); err == nil || !strings.Contains(err.Error(), "LOAD DATA LOCAL INFILE is refused") {
			t.Errorf("%s: %v", q, err)
		}
	}
	if n := value(t, s, "SELECT COUNT(*) FROM t"); n != "0" {
		t.Errorf("%s rows", n)
	}
}

func TestTooLargeStatementIsRefusedAndTheSessionLives(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	read := func(length int) sqltext.Statement {
		return sqltext.Statement{Text: "SELECT LENGTH('" + strings.Repeat("x", length) + "')", Words: []string{"SELECT", "LENGTH"}}
	}
	_, err := s.Execute(t.Context(), read(s.maxPacket))
	if err == nil || !strings.Contains(err.Error(), "max_allowed_packet") {
		t.Errorf("%.200v", err)
	}
	if got := value(t, s, "SELECT 1"); got != "1" {
		t.Error(got)
	}
	// Just below the bound, and above the driver's own packet of 16 MB.
	_, err = s.Execute(t.Context(), read(s.maxPacket-100))
	if err != nil {
		t.Errorf("%.200v", err)
	}
}

func TestWarningsAreNotices(t *testing.T) {
	t.Parallel()
	var got []string
	s := connectWith(t, newDatabase(t), engine.ConnectOptions{Notice: func(severity, message string) {
		got = append(got, severity+": "+message)
	}})
	execute(t, s, "DROP TABLE IF EXISTS nothing")
	if len(got) != 1 || !strings.HasPrefix(got[0], "Note: Unknown table") {
		t.Errorf("%q", got)
	}
}

func TestAKilledSessionIsNeverReplaced(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	s, other := connect(t, url), connect(t, url)
	exec(t, other, "CREATE TABLE t (n INT)", "KILL "+s.ID())
	_, err := s.Exec(t.Context(), "INSERT INTO t VALUES (1)")
	wantKind(t, err, engine.Lost)
	_, err = s.Exec(t.Context(), "INSERT INTO t VALUES (2)")
	wantKind(t, err, engine.Lost)
	_, err = s.Execute(t.Context(), statement("INSERT INTO t VALUES (3)"))
	wantKind(t, err, engine.Lost)
	_, err = tryValue(t.Context(), s, "SELECT 1")
	wantKind(t, err, engine.Lost)
	wantKind(t, s.Reset(t.Context(), engine.Limits{}), engine.Lost)
	wantKind(t, s.Run(t.Context(), engine.Unit{Begin: begin, Statements: statements("INSERT INTO t VALUES (4)")}), engine.Lost)
	if n := value(t, other, "SELECT COUNT(*) FROM t"); n != "0" {
		t.Errorf("%s rows were written", n)
	}
}

func TestAnIdleSessionIsEndedByTheServer(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	s, other := connectWith(t, url, engine.ConnectOptions{Limits: engine.Limits{Idle: time.Second}}), connect(t, url)
	k := key(url)
	if got, err := tryLock(t.Context(), s, k); err != nil || !got {
		t.Fatal(got, err)
	}
	eventually(t, "the lock is free", func() bool {
		o, err := lookLock(t.Context(), other, k)
		if err != nil {
			t.Fatal(err)
		}
		return !o.Held
	})
	_, err := s.Exec(t.Context(), "DO 1")
	wantKind(t, err, engine.Lost)
}

func TestColumnsTellAbsentFromDenied(t *testing.T) {
	t.Parallel()
	server := dbtest.MariaDB(t)
	url := server.NewDatabase(t)
	s := connect(t, url)
	exec(t, s, "CREATE TABLE `dbwarden_lock` (id INT PRIMARY KEY, locked BOOLEAN, `odd ``name` INT)")
	schema := s.Server().Schema
	got, err := columns(t.Context(), s, schema, "dbwarden_lock")
	if want := []string{"id", "locked", "odd `name"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := columns(t.Context(), s, "", "dbwarden_lock"); err != nil || len(got) != 3 {
		t.Errorf("own schema: %q, %v", got, err)
	}
	if got, err := columns(t.Context(), s, schema, "absent"); err != nil || got != nil {
		t.Errorf("absent table: %q, %v", got, err)
	}
	_, err = columns(t.Context(), s, "absent_database", "t")
	wantKind(t, err, engine.NoSuchDatabase)

	user, password := server.NewRole(t)
	exec(t, s, "CREATE TABLE seen (id INT)", fmt.Sprintf("GRANT SELECT ON `%s`.seen TO '%s'@'%%'", schema, user))
	low := connect(t, server.WithUser(url, user, password))
	if got, err := columns(t.Context(), low, schema, "seen"); err != nil || len(got) != 1 {
		t.Errorf("seen: %q, %v", got, err)
	}
	for _, table := range []string{"dbwarden_lock", "absent"} {
		_, err := columns(t.Context(), low, schema, table)
		wantKind(t, err, engine.Denied)
	}
}

func TestFailuresToConnectAreToldApart(t *testing.T) {
	t.Parallel()
	server := dbtest.MariaDB(t)
	url := server.NewDatabase(t)
	user, password := server.NewRole(t)
	try := func(url string) error {
		d, err := Engine().Open(url, engine.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.Connect(t.Context(), engine.ConnectOptions{})
		if err == nil {
			s.Close()
		}
		return err
	}
	err := try(server.WithUser(url, user, "s3cretwrong"))
	wantKind(t, err, engine.Login)
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a secret: %v", err)
	}
	wantKind(t, try(server.WithUser(url, user, password)), engine.Denied)
	wantKind(t, try(dbtest.WithDatabase(url, "no_such_database")), engine.NoSuchDatabase)
	wantKind(t, try("mysql://u:s3cret@127.0.0.1:1/d"), engine.Unreachable)
	wantKind(t, try("mysql://u:s3cret@no-such-host.invalid/d?timeout=2"), engine.Unreachable)
	wantKind(t, try("mysql://u@localhost/d?socket=/no/such/socket"), engine.Unreachable)
	wantKind(t, try(url+"?tls=true"), engine.Unreachable)

	d, err := Engine().Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = d.Connect(ctx, engine.ConnectOptions{})
	wantKind(t, err, engine.Canceled)
}

func TestReadOnlyServerSaysSo(t *testing.T) {
	t.Parallel()
	server := dbtest.OwnMariaDB(t) // the setting is global
	url := server.NewDatabase(t)
	user, password := server.NewRole(t)
	server.Exec(t, fmt.Sprintf("GRANT ALL ON `%s`.* TO '%s'@'%%'", dbtest.DatabaseName(url), user), "SET GLOBAL read_only = 1")
	defer server.Exec(t, "SET GLOBAL read_only = 0")
	if v := connect(t, url).Server(); v.ReadOnly != "" {
		t.Errorf("root may write, but: %s", v.ReadOnly)
	}
	low := connectWith(t, server.WithUser(url, user, password), engine.ConnectOptions{ReadOnly: true})
	if v := low.Server(); !strings.Contains(v.ReadOnly, "read_only") {
		t.Errorf("%+v", v)
	}
	_, err := low.Exec(t.Context(), "CREATE TABLE t (n INT)")
	wantKind(t, err, engine.ReadOnly)
}

func TestSocketAndSuffix(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	s := connect(t, url)
	socket := value(t, s, "SELECT @@socket")
	if _, err := os.Stat(socket); err != nil || !filepath.IsAbs(socket) {
		t.Skip("the server's socket is not here")
	}
	_, rest, _ := strings.Cut(url, "://")
	d, err := Engine().Open("mysql+pymysql://"+rest+"?unix_socket="+socket, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	through, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if fault(err).Kind == engine.Login {
		t.Skip("the account is not known there") // on the tests' own server it is
	}
	if err != nil {
		t.Fatal(err)
	}
	defer through.Close()
	if got := value(t, through, "SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()"); got != "localhost" {
		t.Errorf("not through the socket: %s", got)
	}
}

func TestTheGrantThatIsAskedForHelps(t *testing.T) {
	t.Parallel()
	server := dbtest.MariaDB(t)
	url := server.NewDatabase(t)
	admin := connect(t, url)
	exec(t, admin, "CREATE TABLE dbwarden_lock (id INT)")
	user, password := server.NewRole(t)
	v := admin.Server()
	v.User = account(user + "@%")
	for _, write := range []bool{false, true} {
		exec(t, admin, strings.TrimSuffix(grant(v, write), ";"))
		low := connect(t, server.WithUser(url, user, password))
		if low.Server().User != v.User {
			t.Errorf("account %s, want %s", low.Server().User, v.User)
		}
		if _, err := columns(t.Context(), low, "", "dbwarden_lock"); err != nil {
			t.Error(err)
		}
		_, err := low.Exec(t.Context(), "CREATE TABLE made (id INT)")
		if write && err != nil || !write && fault(err).Kind != engine.Denied {
			t.Errorf("write %v: %v", write, err)
		}
	}
	if got := grant(engine.Server{Database: "a_b`c", User: account("o'x@h%")}, false); got != "GRANT SELECT ON `a\\_b``c`.* TO 'o''x'@'h%';" {
		t.Error(got)
	}
}

// TestAStatementLimitLeavesRoomForOurQueries: the server applies it to them.
func TestAStatementLimitLeavesRoomForOurQueries(t *testing.T) {
	t.Parallel()
	s := connectWith(t, newDatabase(t), engine.ConnectOptions{Limits: engine.Limits{Statement: time.Microsecond}})
	question := "SELECT CAST(@@max_statement_time * 1000 AS SIGNED)"
	if !s.mariadb() {
		question = "SELECT @@max_execution_time"
	}
	if got, err := askNumber(t.Context(), s, question); err != nil || got.Int64 != 100 {
		t.Errorf("got %v ms, %v", got.Int64, err)
	}
}
