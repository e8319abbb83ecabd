package mysql

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/wirelab"
)

func TestWhatMayHideASecondStatementIsNotSingle(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"INSERT INTO t VALUES (1)":                        true,
		"INSERT INTO t VALUES ('a;b', \"c;d\")":           true,
		"INSERT INTO `a;b` VALUES ('it''s')":              true,
		"INSERT INTO t -- a; b\nVALUES (1) # c":           true,
		"INSERT INTO t /* a; 'b */ VALUES (1)":            true,
		"INSERT INTO t VALUES (1) -- it's":                true,
		"INSERT INTO t VALUES ('ü 日本')":                   true,
		"INSERT INTO t VALUES (1); DROP TABLE t":          false,
		"INSERT INTO t VALUES (1);":                       false,
		`INSERT INTO t VALUES ('\'; DROP TABLE t; -- ')`:  false, // one, or two with NO_BACKSLASH_ESCAPES
		`INSERT INTO t VALUES ('\')`:                      false,
		"INSERT INTO t VALUES ('a":                        false,
		"INSERT INTO t VALUES (1) /* a":                   false,
		"INSERT INTO t VALUES (1) /*! ; DROP TABLE t */":  false,
		"INSERT INTO t VALUES (1) /*M! ; DROP TABLE t */": false,
		"INSERT INTO t VALUES (1--1)":                     false,
		"INSERT INTO t VALUES ($$;$$)":                    false,
		"INSERT INTO t VALUES ('\xe3')":                   false,
	} {
		if got := single(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// counted is a session behind a proxy, and what counts its requests since the
// last time.
func counted(t *testing.T, address string) (*session, func() int) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p, err := wirelab.Start(u.Host, wirelab.MySQL, wirelab.Fault{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	u.Host = p.Addr()
	s := connect(t, u.String())
	seen := 0
	return s, func() int {
		n := len(p.Requests()) - seen
		seen += n
		return n
	}
}

// ground are the tables of the tests below: a log with a fence.
func ground(t *testing.T, s *session) {
	t.Helper()
	mariadbOnly(t, s)
	exec(t, s, "CREATE TABLE fence (token INT)", "INSERT INTO fence VALUES (7)",
		"CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20) UNIQUE, ms INT, token INT NOT NULL)",
		"CREATE TABLE parent (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(3) UNIQUE)", "CREATE TABLE child (parent INT)")
}

func entry(what string, token int) engine.Query {
	return engine.Query{Text: "INSERT INTO log (what, token) VALUES (?, (SELECT token FROM fence WHERE token = ? FOR UPDATE))", Args: []any{what, token}}
}

// definition is a unit outside a transaction, as the run loop makes it.
func definition(text string, fence, behind int) engine.Unit {
	return engine.Unit{AtOnce: true, Opening: []engine.Query{entry("started", fence)}, Statements: statements(text),
		Closing: []engine.Query{entry("history", fence), entry("applied", behind)}}
}

func data(behind int, texts ...string) engine.Unit {
	return engine.Unit{AtOnce: true, Begin: begin, Statements: statements(texts...), Closing: []engine.Query{entry("history", 7), entry("applied", behind)}}
}

// TestBothRoadsDoTheSame: what a unit does, what it leaves and what is told of
// it do not depend on the road.
func TestBothRoadsDoTheSame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		unit     engine.Unit
		requests int    // on the fast road, 0 where that stops by an error
		want     string // the error's place, rolled back; the log; parents, children, whether made is there
	}{
		"a definition":                   {definition("CREATE TABLE made (n INT)", 7, 7), 1, "started history applied///1"},
		"one that is refused":            {definition("CREATE TABLE parent (n INT)", 7, 7), 0, "statement 0 false: started///0"},
		"one that is not understood":     {definition("CREATE TABLE made (n INTT)", 7, 7), 0, "statement 0 false: started///0"},
		"a hold lost before":             {definition("CREATE TABLE made (n INT)", 8, 8), 0, "opening 0 false: ///0"},
		"a hold lost behind":             {definition("CREATE TABLE made (n INT)", 7, 8), 0, "closing 1 false: started///1"},
		"rows":                           {data(7, "INSERT INTO parent (v) VALUES ('a'), ('b')", "INSERT INTO child VALUES (LAST_INSERT_ID())", "DELETE FROM parent WHERE v = 'b'"), 2, "history applied/a/1/0"},
		"rows, the last refused":         {data(7, "INSERT INTO parent (v) VALUES ('a')", "INSERT INTO parent (v) VALUES ('a')"), 0, "statement 1 true: ///0"},
		"rows looked for, a hold lost":   {data(8, "INSERT INTO parent (v) VALUES ('a')", "DELETE FROM child"), 0, "closing 1 true: ///0"},
		"rows looked for, refused":       {data(7, "DELETE FROM child", "UPDATE parent SET v = nosuch", "DELETE FROM child"), 0, "statement 1 true: ///0"},
		"rows, a hold lost":              {data(8, "INSERT INTO parent (v) VALUES ('a')"), 0, "closing 1 true: ///0"},
		"rows, returned":                 {data(7, "INSERT INTO parent (v) VALUES ('a') RETURNING id, v"), 1, "history applied/a//0"},
		"what cannot stand in a packet":  {data(7, "INSERT INTO parent (v) VALUES ('a')", "DO 1"), 0, "history applied/a//0"},
		"two statements taken for one":   {data(7, "INSERT INTO parent (v) VALUES ('a'); DELETE FROM fence"), 0, "statement 0 true: ///0"},
		"a string that ends nowhere":     {data(7, `INSERT INTO parent (v) VALUES ('\')`), 0, "statement 0 true: ///0"},
		"a comment at the end":           {data(7, "INSERT INTO parent (v) VALUES ('a') -- it's ;"), 1, "history applied/a//0"},
		"what counts the statement's":    {data(7, "INSERT INTO parent (v) VALUES ('a')", "INSERT INTO child VALUES (ROW_COUNT())"), 0, "history applied/a/-1/0"},
		"a closing that is refused":      {engine.Unit{AtOnce: true, Begin: begin, Statements: statements("DELETE FROM child"), Closing: []engine.Query{entry("x", 7), entry("x", 7)}}, 0, "closing 1 true: ///0"},
		"a definition that fills itself": {definition("CREATE TABLE made SELECT 1 AS n", 7, 7), 0, "started history applied///1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told [2]string
			for road, fast := range []bool{false, true} {
				s, requests := counted(t, newDatabase(t))
				ground(t, s)
				if err := s.remember(t.Context()); err != nil {
					t.Fatal(err)
				}
				u := c.unit
				u.AtOnce = fast
				var tells []string
				s.notice = func(level, message string) { tells = append(tells, level) }
				u.Watch = func(p engine.Progress) {
					tells = append(tells, fmt.Sprint(p.Index, p.Done, p.Rows))
				}
				requests()
				err := s.Run(t.Context(), u)
				if n := requests(); fast && c.requests > 0 && n != c.requests {
					t.Errorf("%d requests, want %d", n, c.requests)
				}
				got := ""
				if err != nil {
					e := unitError(t, err)
					got = fmt.Sprintf("%s %d %v: ", e.Part, e.Index, e.RolledBack)
				}
				for _, q := range []string{
					"SELECT COALESCE(GROUP_CONCAT(what ORDER BY id SEPARATOR ' '), '') FROM log", "SELECT COALESCE(GROUP_CONCAT(v), '') FROM parent",
					"SELECT COALESCE(GROUP_CONCAT(parent), '') FROM child", "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'made'",
				} {
					got += value(t, s, q) + "/"
				}
				if got = strings.TrimSuffix(got, "/"); got != c.want {
					t.Errorf("fast %v: %s, want %s: %v", fast, got, c.want, err)
				}
				if n := value(t, s, "SELECT @@in_transaction"); n != "0" {
					t.Errorf("fast %v: a transaction is left open", fast)
				}
				told[road] = fmt.Sprint(tells, fault(err))
			}
			if told[0] != told[1] && name != "a hold lost before" { // of which the fast road has told the beginning
				t.Errorf("the roads tell\n%s\n%s", told[0], told[1])
			}
		})
	}
}

// TestAPacketKeepsLastInsertIDForTheFile, over the journal's own rows.
func TestAPacketKeepsLastInsertIDForTheFile(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	ground(t, s)
	exec(t, s, "INSERT INTO parent (id, v) VALUES (40, 'x')")
	for i, u := range []engine.Unit{
		data(7, "INSERT INTO parent (v) VALUES ('a')"),
		definition("CREATE TABLE made (n INT)", 7, 7),
		data(7, "INSERT INTO child VALUES (LAST_INSERT_ID())"),
	} {
		if err := s.Run(t.Context(), u); err != nil {
			t.Fatal(i, err)
		}
		exec(t, s, "DELETE FROM log")
	}
	if got := value(t, s, "SELECT GROUP_CONCAT(parent) FROM child"); got != "41" {
		t.Errorf("the child's parent is %s, want 41", got)
	}
}

// TestWhatATriggerSetsInAPacketIsPutBack: nobody sees it in the text.
func TestWhatATriggerSetsInAPacketIsPutBack(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	ground(t, s)
	exec(t, s, "CREATE FUNCTION f() RETURNS INT BEGIN SET SESSION time_zone = '-07:00'; RETURN 1; END")
	zone := value(t, s, "SELECT @@time_zone")
	for _, c := range []struct {
		text string
		used bool
	}{{"INSERT INTO child VALUES (1)", false}, {"INSERT INTO child VALUES (f())", true}} {
		if err := s.Run(t.Context(), data(7, c.text)); err != nil {
			t.Fatal(err)
		}
		if s.used != c.used {
			t.Errorf("%s: the session counts as changed: %v", c.text, s.used)
		}
		if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
			t.Fatal(err)
		}
		if got := value(t, s, "SELECT @@time_zone"); got != zone {
			t.Errorf("%s: the next file finds %s", c.text, got)
		}
		exec(t, s, "DELETE FROM log")
	}
}

// TestBehindASettingNothingGoesInAPacket: texts may be read otherwise.
func TestBehindASettingNothingGoesInAPacket(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	ground(t, s)
	u := data(7, "INSERT INTO parent (v) VALUES ('a')")
	if s.pack(t.Context(), u) == nil {
		t.Error("not packed in a fresh session")
	}
	for _, set := range []string{"SET sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'", "SET NAMES gbk", "USE information_schema", "SELECT 1", "LOCK TABLES parent WRITE"} {
		execute(t, s, set)
		if s.pack(t.Context(), u) != nil {
			t.Errorf("packed behind %s", set)
		}
		if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Run(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if s.pack(t.Context(), u) == nil {
		t.Error("not packed after a reset")
	}
	limited := connectWith(t, newDatabase(t), engine.ConnectOptions{Limits: engine.Limits{Statement: 1e9}})
	if limited.pack(t.Context(), u) != nil {
		t.Error("packed with a limit that would be the packet's")
	}
}

// TestAPacketIsInterruptedInItsStatementAlone: what a cancelled statement left
// is told, and behind its end nothing is lost.
func TestAPacketIsInterruptedInItsStatementAlone(t *testing.T) {
	t.Parallel()
	address := newDatabase(t)
	s, other := connect(t, address), connect(t, address)
	ground(t, s)
	exec(t, other, "CREATE TABLE wide (n INT)", "INSERT INTO wide VALUES (1)")
	for _, u := range []engine.Unit{definition("ALTER TABLE wide ADD COLUMN m INT", 7, 7), data(7, "UPDATE wide SET n = 2")} {
		exec(t, other, "START TRANSACTION", "UPDATE wide SET n = 3")
		ctx, cancel := context.WithCancel(t.Context())
		watcher := connect(t, address)
		go func() {
			defer cancel()
			eventually(t, "the statement waits", func() bool {
				info, err := tryValue(context.Background(), watcher, "SELECT INFO FROM information_schema.PROCESSLIST WHERE ID = "+s.ID())
				return err != nil || strings.HasPrefix(info, "ALTER TABLE wide") || strings.HasPrefix(info, "UPDATE wide")
			})
		}()
		e := unitError(t, s.Run(ctx, u))
		if e.Part != engine.PartStatement || e.Index != 0 || fault(e).Kind != engine.Canceled || e.RolledBack != (u.Begin != "") {
			t.Errorf("%+v", e)
		}
		exec(t, other, "ROLLBACK")
		exec(t, s, "DELETE FROM log") // the session lives
	}

	// Too late for the statement.
	ctx, cancel := context.WithCancel(t.Context())
	u := definition("CREATE TABLE made (n INT)", 7, 7)
	u.Watch = func(p engine.Progress) {
		if p.Done {
			cancel()
		}
	}
	if err := s.Run(ctx, u); err != nil {
		t.Errorf("cancelled behind its statement: %v", err)
	}
	if got := value(t, s, "SELECT GROUP_CONCAT(what ORDER BY id) FROM log"); got != "started,history,applied" {
		t.Errorf("the log has %s", got)
	}
}

// TestAKillThatComesTooLateLosesNothing: an order to stop the statement may
// reach the server when it is behind it, in what is ours.
func TestAKillThatComesTooLateLosesNothing(t *testing.T) {
	t.Parallel()
	address := newDatabase(t)
	s, other := connect(t, address), connect(t, address)
	ground(t, s)
	exec(t, other, "START TRANSACTION", "SELECT * FROM fence FOR UPDATE")
	u := definition("CREATE TABLE made (n INT)", 7, 7)
	u.Opening = []engine.Query{{Text: "INSERT INTO log (what, token) VALUES (?, ?)", Args: []any{"started", 7}}}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { ended <- s.Run(ctx, u) }()
	watcher := connect(t, address)
	running(t, watcher, s, "INSERT INTO log")
	eventually(t, "the table is made", func() bool {
		return value(t, watcher, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'made'") == "1"
	})
	running(t, watcher, s, "INSERT INTO log")
	exec(t, watcher, "KILL QUERY "+s.ID())
	exec(t, other, "ROLLBACK")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := value(t, s, "SELECT GROUP_CONCAT(what ORDER BY id) FROM log"); got != "started,history,applied" {
		t.Errorf("the log has %s", got)
	}
}
