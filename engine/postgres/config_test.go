package postgres_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/plan"
)

// secure stands in front of a server and lets through who speaks TLS with a
// certificate of ours.
type secure struct {
	listener net.Listener
	config   *tls.Config // of whoever connects
	behind   [2]string   // the server's network and address

	connections, plain, cancels atomic.Int32
	all                         sync.WaitGroup
}

func newSecure(t *testing.T, url string) *secure {
	t.Helper()
	to, err := pgconn.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "database.invalid"}, DNSNames: []string{"database.invalid"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(own)
	certificates := []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	s := &secure{config: &tls.Config{RootCAs: roots, Certificates: certificates, ServerName: "database.invalid"}}
	s.behind[0], s.behind[1] = pgconn.NetworkAddress(to.Host, to.Port)
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	serve := &tls.Config{Certificates: certificates, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert}
	s.all.Go(func() {
		for {
			c, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.all.Go(func() { s.serve(c, serve) })
		}
	})
	t.Cleanup(func() {
		s.listener.Close()
		s.all.Wait()
	})
	return s
}

const askTLS, askCancel = 80877103, 80877102

func (s *secure) serve(c net.Conn, config *tls.Config) {
	defer c.Close()
	s.connections.Add(1)
	var first [8]byte
	if _, err := io.ReadFull(c, first[:]); err != nil || binary.BigEndian.Uint32(first[4:]) != askTLS {
		s.plain.Add(1)
		return
	}
	if _, err := c.Write([]byte("S")); err != nil {
		return
	}
	inner := tls.Server(c, config)
	if _, err := io.ReadFull(inner, first[:]); err != nil {
		return
	}
	if binary.BigEndian.Uint32(first[4:]) == askCancel {
		s.cancels.Add(1)
	}
	server, err := net.Dial(s.behind[0], s.behind[1])
	if err != nil {
		return
	}
	defer server.Close()
	if _, err := server.Write(first[:]); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(inner, server)
		inner.Close() // whoever reads below hears of the end
	}()
	io.Copy(server, inner)
	server.Close()
	<-done
}

// TestAConfigurationIsThatOfEveryConnection: the sessions of a run, and what
// cancels a statement, reach a server whose address only the program's dialer
// knows, by the program's TLS, with a password that only its hook has, in the
// schema that its parameters name. The program's own value stays as it was.
func TestAConfigurationIsThatOfEveryConnection(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	user, password := pg.NewRole(t)
	admin := dbtest.Dial(t, url)
	admin.Exec(t, `CREATE SCHEMA app AUTHORIZATION "`+user+`"`)
	front := newSecure(t, url)

	const place = "database.invalid:5432"
	c, err := pgconn.ParseConfig("postgres://" + user + ":of%20yesterday@" + place + "/" + dbtest.DatabaseName(url) + "?sslmode=require")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var strays []string
	c.TLSConfig = front.config
	c.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "tcp" || address != place {
			mu.Lock()
			defer mu.Unlock()
			strays = append(strays, network+" "+address)
			return nil, errors.New("nobody knows " + address)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", front.listener.Addr().String())
	}
	c.RuntimeParams["search_path"] = "app"
	c.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) { t.Error("the program's own handler was called") }
	before, params := *c, maps.Clone(c.RuntimeParams)

	var asked atomic.Int32
	d, err := postgres.FromConfigFunc(c, func(_ context.Context, c *pgconn.Config) error {
		asked.Add(1)
		c.Password = password
		return nil
	}, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	errStop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	w, err := dbwarden.New(dbwarden.Config{Engine: postgres.Engine(), Database: d, Migrations: fstest.MapFS{
		"0001_a.sql": {Data: []byte("-- upgrade\nCREATE TABLE things (id int);\nDO $$ BEGIN RAISE NOTICE 'hello'; END $$;\n")},
		"0002_b.sql": {Data: []byte("-- upgrade\nSELECT pg_sleep(600);\n")},
	}, Observe: func(e event.Event) {
		if e.Kind == event.StatementRunning { // the watcher's session has seen it
			cancel(errStop)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Migrate(ctx, plan.Target{}); !errors.Is(err, errStop) {
		t.Fatalf("the run ended with %v", err)
	}
	if len(strays) > 0 {
		t.Errorf("the dialer was asked for %q", strays)
	}
	if front.cancels.Load() == 0 {
		t.Error("the statement was given up, and the server not told")
	}
	if n := front.plain.Load(); n > 0 {
		t.Errorf("%d connections without TLS", n)
	}
	if sessions := front.connections.Load() - front.cancels.Load(); sessions < 2 || asked.Load() < sessions {
		t.Errorf("%d sessions, and a password was asked for %d times", sessions, asked.Load())
	}
	s, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for query, want := range map[string]string{
		"SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE tablename IN ('things', 'dbwarden_lock')": "app.dbwarden_lock app.things",
		"SELECT version FROM dbwarden_migrations": "0001",
		"SELECT current_user::text":               user,
	} {
		if got := ask(t, s, query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	until(t, s, "0", "SELECT count(*)::text FROM pg_stat_activity WHERE usename = current_user AND state = 'active' AND pid <> pg_backend_pid()")

	if !maps.Equal(c.RuntimeParams, params) {
		t.Errorf("the program's own parameters became %q", c.RuntimeParams)
	}
	was, is := reflect.ValueOf(before), reflect.ValueOf(*c)
	for i := range was.NumField() {
		name, a, b := was.Type().Field(i).Name, was.Field(i), is.Field(i)
		same := false
		switch a.Kind() {
		case reflect.Func, reflect.Map, reflect.Pointer, reflect.Slice:
			same = a.Pointer() == b.Pointer()
		default:
			same = a.Equal(b)
		}
		if !same {
			t.Errorf("the program's own %s was changed", name)
		}
	}
}

// TestWhatAConfigurationCannotBeIsSaid: an error in place of pgx's panic, or of
// migrations in another schema than the program's.
func TestWhatAConfigurationCannotBeIsSaid(t *testing.T) {
	t.Parallel()
	errSealed := errors.New("the vault is sealed")
	parsed := func(change func(*pgconn.Config)) *pgconn.Config {
		c, err := pgconn.ParseConfig("postgres://app:geheim@127.0.0.1:1/shop?sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(c)
		}
		return c
	}
	hook := func(change func(*pgconn.Config) error) error {
		d, err := postgres.FromConfigFunc(parsed(nil), func(_ context.Context, c *pgconn.Config) error { return change(c) }, engine.OpenOptions{})
		if err != nil {
			return fmt.Errorf("too early: %w", err)
		}
		_, err = d.Connect(t.Context(), engine.ConnectOptions{})
		if !strings.Contains(fmt.Sprint(err), "connect to postgres://app@127.0.0.1:1/shop: ") {
			t.Errorf("it is not said where: %v", err)
		}
		return err
	}
	from := func(c *pgconn.Config, o engine.OpenOptions) error {
		_, err := postgres.FromConfig(c, o)
		return err
	}
	after := func(context.Context, *pgconn.PgConn) error { return nil }
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"nothing", from(nil, engine.OpenOptions{}), "no configuration"},
		{"made by hand", from(&pgconn.Config{Host: "127.0.0.1", Port: 1, User: "app", Password: "geheim"}, engine.OpenOptions{}), "ParseConfig"},
		{"two passwords", from(parsed(nil), engine.OpenOptions{Password: func(context.Context) (string, error) { return "another", nil }}), "password"},
		{"another encoding", from(parsed(func(c *pgconn.Config) { c.RuntimeParams["Client_Encoding"] = "LATIN1" }), engine.OpenOptions{}), "UTF8"},
		{"a hook behind connecting", from(parsed(func(c *pgconn.Config) { c.AfterConnect = after }), engine.OpenOptions{}), "RuntimeParams"},
		{"a hook that fails", hook(func(*pgconn.Config) error { return errSealed }), "the vault is sealed"},
		{"a hook that makes one by hand", hook(func(c *pgconn.Config) error { *c = pgconn.Config{Host: c.Host, Port: c.Port}; return nil }), "ParseConfig"},
		{"a hook with a hook", hook(func(c *pgconn.Config) error { c.AfterConnect = after; return nil }), "RuntimeParams"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || strings.Contains(c.err.Error(), "geheim") || strings.HasPrefix(c.err.Error(), "too early") {
			t.Errorf("%s: %v", c.name, c.err)
		}
		if c.name == "a hook that fails" && !errors.Is(c.err, errSealed) {
			t.Errorf("%s: the program's own error is lost in %v", c.name, c.err)
		}
	}
	d, err := postgres.FromConfig(parsed(nil), engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "postgres://app@127.0.0.1:1/shop"; d.Label() != want {
		t.Errorf("the label is %s, want %s", d.Label(), want)
	}
	if err := postgres.Engine().Backup.Ready(t.Context(), d, engine.Server{}, nil); err == nil || !strings.Contains(err.Error(), "dbwarden.Open") {
		t.Errorf("a backup without a URL: %v", err)
	}
}

// TestAProgramsHandlerOfErrorsDoesNotEndASession: with the session would go the
// lock.
func TestAProgramsHandlerOfErrorsDoesNotEndASession(t *testing.T) {
	t.Parallel()
	c, err := pgconn.ParseConfig(server(t).NewDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	c.OnPgError = func(*pgconn.PgConn, *pgconn.PgError) bool { return false }
	d, err := postgres.FromConfig(c, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Exec(t.Context(), "SELECT 1/0"); faultOf(err).Code != "22012" {
		t.Errorf("fault %+v of %v", faultOf(err), err)
	}
	if got := ask(t, s, "SELECT 'still here'"); got != "still here" {
		t.Error(got)
	}
}
