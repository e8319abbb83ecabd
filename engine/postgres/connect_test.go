package postgres_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func TestSessionsKnowTheirServer(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	s := connect(t, url, engine.ConnectOptions{})
	v := s.Server()
	if v.Product != "PostgreSQL" || v.Pooled || v.ReadOnly != "" || v.Schema != "public" {
		t.Errorf("server: %+v", v)
	}
	for query, got := range map[string]string{
		"SELECT current_setting('server_version_num')": fmt.Sprint(v.Number),
		"SELECT current_setting('server_version')":     v.Version,
		"SELECT current_database()":                    v.Database,
		"SELECT current_user":                          v.User,
		"SELECT pg_backend_pid() || '/' || to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')" +
			" FROM pg_stat_activity WHERE pid = pg_backend_pid()": s.ID(),
	} {
		if want := ask(t, s, query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// settings of a fresh session, and the version that brought them.
var settings = []struct {
	name, want string
	since      int
}{
	{"lock_timeout", "5s", 0},
	{"statement_timeout", "0", 0},
	{"transaction_timeout", "0", 170000},
	{"idle_session_timeout", "1min", 140000},
	{"idle_in_transaction_session_timeout", "1min", 0},
	{"client_connection_check_interval", "5s", 140000},
	{"tcp_keepalives_idle", "15", 0},
	{"tcp_keepalives_interval", "5", 0},
	{"tcp_keepalives_count", "3", 0},
	{"tcp_user_timeout", "30000", 0},
	{"default_transaction_isolation", "read committed", 0},
	{"default_transaction_read_only", "off", 0},
	{"standard_conforming_strings", "on", 0},
	{"client_encoding", "UTF8", 0},
}

func checkSettings(t *testing.T, s engine.Session, but map[string]string) {
	t.Helper()
	for _, c := range settings {
		want := c.want
		if w, ok := but[c.name]; ok {
			want = w
		}
		if s.Server().Number < c.since {
			want = "NULL"
		}
		if got := ask(t, s, "SELECT current_setting($1, true)", c.name); got != want {
			t.Errorf("%s is %s, want %s", c.name, got, want)
		}
	}
}

func TestTheServerEnforcesTheLimitsThatItsVersionKnows(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	name := dbtest.DatabaseName(url)
	pg.Exec(t, "ALTER DATABASE "+name+" SET default_transaction_isolation = 'serializable'",
		"ALTER DATABASE "+name+" SET statement_timeout = '7min'",
		"ALTER DATABASE "+name+" SET standard_conforming_strings = off")

	checkSettings(t, connect(t, url, engine.ConnectOptions{}), nil)

	limits := engine.Limits{Lock: 1500 * time.Millisecond, Statement: time.Hour, Idle: -1}
	checkSettings(t, connect(t, url, engine.ConnectOptions{Limits: limits}), map[string]string{
		"lock_timeout": "1500ms", "statement_timeout": "1h",
		"idle_session_timeout": "0", "idle_in_transaction_session_timeout": "0",
	})
	// A limit that would end our own queries is made longer, also while a
	// session is being opened.
	short := engine.Limits{Lock: -1, Statement: time.Microsecond}
	s := connect(t, url, engine.ConnectOptions{Limits: short})
	checkSettings(t, s, map[string]string{"lock_timeout": "0", "statement_timeout": "100ms"})
	if err := s.Reset(t.Context(), short); err != nil {
		t.Fatal(err)
	}
	checkSettings(t, s, map[string]string{"lock_timeout": "0", "statement_timeout": "100ms"})
}

func TestWhatTheURLSetsStaysWhereNoLimitIsAskedFor(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t) + "&lock_timeout=2s&options=" + "-c%20statement_timeout%3D9s" + "&work_mem=5MB"
	s := connect(t, url, engine.ConnectOptions{})
	but := map[string]string{"lock_timeout": "2s", "statement_timeout": "9s"}
	checkSettings(t, s, but)
	execute(t, s, "RESET ALL")
	checkSettings(t, s, but)
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	checkSettings(t, s, but)
	if got := ask(t, s, "SHOW work_mem"); got != "5MB" {
		t.Errorf("work_mem: %s", got)
	}
	checkSettings(t, connect(t, url, engine.ConnectOptions{Limits: engine.Limits{Lock: time.Second, Statement: -1}}),
		map[string]string{"lock_timeout": "1s", "statement_timeout": "0"})
}

func TestTheServerShowsWhatASessionIsFor(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	for app, want := range map[string]string{
		"dbwarden migrate d2c27f66272f alice@web-1:4242": "dbwarden migrate d2c27f66272f alice@web-1:4242",
		strings.Repeat("x", 70):                          strings.Repeat("x", 63),
		strings.Repeat("x", 62) + "é":                    strings.Repeat("x", 62),
		"":                                               "from the URL",
	} {
		s := connect(t, url+"&application_name=from%20the%20URL", engine.ConnectOptions{App: app})
		if got := ask(t, s, "SHOW application_name"); got != want {
			t.Errorf("%q: %q, want %q", app, got, want)
		}
	}
}

func TestReadOnlySessionsCannotWrite(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	s := connect(t, url, engine.ConnectOptions{ReadOnly: true})
	if s.Server().ReadOnly != "" {
		t.Errorf("the server is said to be read-only: %s", s.Server().ReadOnly)
	}
	_, err := s.Exec(t.Context(), "CREATE TABLE t (x int)")
	if f := faultOf(err); f.Kind != engine.ReadOnly {
		t.Errorf("fault %+v of %v", f, err)
	}
}

func TestAReadOnlyDefaultIsTold(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t) + "&default_transaction_read_only=on"
	s := connect(t, url, engine.ConnectOptions{})
	if got := s.Server().ReadOnly; got != "default_transaction_read_only is on" {
		t.Errorf("ReadOnly is %q", got)
	}
	if _, err := postgres.Engine().Native.Try(t.Context(), s, key("x")); err == nil {
		t.Error("the lock was granted where nothing can be written")
	}
}

func TestTheSchemaStandsFirstOnThePath(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	admin := dbtest.Dial(t, url)
	admin.Exec(t, `CREATE SCHEMA "Mixed ""Case"; CREATE SCHEMA b`, `CREATE SCHEMA "it's\"`)
	for _, c := range []struct{ schema, own, want string }{
		{`Mixed "Case`, "", `"Mixed ""Case", "$user", public`},
		{`Mixed "Case`, "&search_path=b", `"Mixed ""Case", b`},
		{`it's\`, "", `"it's\", "$user", public`},
		{"b", "&options=-c%20search_path%3D", `b`},
	} {
		s := connectWith(t, url+c.own, engine.OpenOptions{Schema: c.schema}, engine.ConnectOptions{})
		if s.Server().Schema != c.schema {
			t.Errorf("Schema is %q, want %q", s.Server().Schema, c.schema)
		}
		for range 2 {
			if got := ask(t, s, "SHOW search_path"); got != c.want {
				t.Errorf("search_path is %s, want %s", got, c.want)
			}
			execute(t, s, "SELECT pg_catalog.set_config('search_path', '', false)")
			if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestOurTablesAreInNobodysTemporarySchema: another session has another one,
// and would neither see the lock nor have the same key.
func TestOurTablesAreInNobodysTemporarySchema(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	for path, want := range map[string]string{"pg_temp,public": "public", "nosuch": "", "public": "public"} {
		s := connectWith(t, url+"&search_path="+path, engine.OpenOptions{}, engine.ConnectOptions{})
		if got := s.Server().Schema; got != want {
			t.Errorf("with the search_path %s the schema is %q, want %q", path, got, want)
		}
	}
	if _, err := tryConnect(t, url+"&search_path=nosuch,pg_temp", engine.OpenOptions{}, engine.ConnectOptions{}); err == nil || faultOf(err).Kind != engine.Missing {
		t.Errorf("a temporary schema alone gave %v", err)
	}
}

// TestAHistoryThatTheSearchPathDoesNotLeadToIsNotBegunAnew: a migration that
// creates a schema of the user's name, or sets the role's search_path, would
// have the next run find no history, and run everything again.
func TestAHistoryThatTheSearchPathDoesNotLeadToIsNotBegunAnew(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	admin := dbtest.Dial(t, url)
	admin.Exec(t, "CREATE TABLE public.dbwarden_migrations (n INTEGER); CREATE SCHEMA elsewhere")
	user, password := pg.NewRole(t)
	connectWith(t, url, engine.OpenOptions{}, engine.ConnectOptions{})
	admin.Exec(t, "CREATE SCHEMA AUTHORIZATION CURRENT_USER", `CREATE SCHEMA AUTHORIZATION "`+user+`"`)

	_, err := tryConnect(t, url, engine.OpenOptions{}, engine.ConnectOptions{})
	if err == nil || faultOf(err).Kind != engine.Missing || !strings.Contains(err.Error(), `the history is in schema "public"`) {
		t.Errorf("by the user's name: %v", err)
	}
	// By a path of the role's own, which does not lead there any more.
	other, secret := pg.NewRole(t)
	admin.Exec(t, "GRANT INSERT ON public.dbwarden_migrations TO "+other, "GRANT ALL ON SCHEMA elsewhere TO "+other)
	theirs := pg.WithUser(url, other, secret)
	connectWith(t, theirs, engine.OpenOptions{}, engine.ConnectOptions{})
	admin.Exec(t, "ALTER ROLE "+other+" SET search_path = elsewhere")
	if _, err := tryConnect(t, theirs, engine.OpenOptions{}, engine.ConnectOptions{}); err == nil || !strings.Contains(err.Error(), `leads to schema "elsewhere"`) {
		t.Errorf("by the role's path: %v", err)
	}
	// Histories of those who name their schema say nothing of another one's.
	tenants := pg.NewDatabase(t)
	dbtest.Dial(t, tenants).Exec(t, "CREATE SCHEMA tenant; CREATE TABLE tenant.dbwarden_migrations (n INTEGER)")
	connectWith(t, tenants, engine.OpenOptions{}, engine.ConnectOptions{})
	// Whoever says which one it is gets it, and so does a user to whom the
	// other history is none of his.
	for own, schema := range map[string]string{"": "elsewhere", "&search_path=elsewhere": "", "&options=-csearch_path%3Delsewhere": "", "&search_path=public": ""} {
		if _, err := tryConnect(t, url+own, engine.OpenOptions{Schema: schema}, engine.ConnectOptions{}); err != nil {
			t.Errorf("%s %s: %v", own, schema, err)
		}
	}
	if s, err := tryConnect(t, pg.WithUser(url, user, password), engine.OpenOptions{}, engine.ConnectOptions{}); err != nil || s.Server().Schema != user {
		t.Errorf("another user: %v", err)
	}
}

func TestAMissingOrForbiddenSchemaIsSaid(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	user, password := pg.NewRole(t)
	dbtest.Dial(t, url).Exec(t, "CREATE SCHEMA closed")

	_, err := tryConnect(t, url, engine.OpenOptions{Schema: "Nope"}, engine.ConnectOptions{})
	if err == nil || faultOf(err).Kind != engine.Missing || !strings.Contains(err.Error(), `CREATE SCHEMA "Nope"`) {
		t.Errorf("missing schema: %v", err)
	}
	_, err = tryConnect(t, pg.WithUser(url, user, password), engine.OpenOptions{Schema: "closed"}, engine.ConnectOptions{})
	if err == nil || faultOf(err).Kind != engine.Denied || !strings.Contains(err.Error(), `GRANT USAGE ON SCHEMA "closed"`) {
		t.Errorf("forbidden schema: %v", err)
	}
}

func TestFaultsOfConnecting(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	name := dbtest.DatabaseName(url)
	user, password := pg.NewRole(t)
	pg.Exec(t, "REVOKE CONNECT ON DATABASE "+name+" FROM public")

	// A port that nobody listens on, and one that never answers.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() }) // the subtests run when this function has returned
	free.Close()

	for _, c := range []struct {
		name, url string
		want      engine.FaultKind
	}{
		{"wrong password", pg.WithUser(url, user, "s3cret"), engine.Login},
		{"wrong password with TLS preferred", pg.WithUser(url, user, "s3cret") + "&sslmode=prefer", engine.Login},
		{"unknown user", pg.WithUser(url, "nobody", "s3cret"), engine.Login},
		{"no such database", dbtest.WithDatabase(url, "s3cret_is_not_here"), engine.NoSuchDatabase},
		{"no right to connect", pg.WithUser(url, user, password), engine.Denied},
		{"nobody listens", "postgres://app:s3cret@" + free.Addr().String() + "/shop?sslmode=prefer", engine.Unreachable},
		{"nobody answers", "postgres://app:s3cret@" + silent.Addr().String() + "/shop?connect_timeout=1", engine.Unreachable},
		{"no such host", "postgres://app:s3cret@no-such-host.invalid/shop", engine.Unreachable},
		{"no such socket", "postgres://app:s3cret@/shop?host=/no/such/folder", engine.Unreachable},
		{"TLS that the server lacks", url + "&sslmode=require", engine.Unreachable},
		{"a setting the server refuses", url + "&work_mem=lots", engine.Unreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := tryConnect(t, c.url, engine.OpenOptions{}, engine.ConnectOptions{})
			f := faultOf(err)
			if err == nil || f.Kind != c.want || f.Message == "" {
				t.Fatalf("fault %+v of %v", f, err)
			}
			text := err.Error() + f.Message + f.Detail
			if strings.Contains(strings.ReplaceAll(text, "s3cret_is_not_here", ""), "s3cret") || strings.Contains(text, password) || strings.Contains(text, "\n") {
				t.Errorf("message %q", text)
			}
			t.Log(err)
		})
	}
}

func TestACancelledConnectIsNotUnreachable(t *testing.T) {
	t.Parallel()
	d, err := postgres.Engine().Open(server(t).URL(), engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Connect(ctx, engine.ConnectOptions{}); faultOf(err).Kind != engine.Canceled {
		t.Errorf("fault %+v of %v", faultOf(err), err)
	}
}
