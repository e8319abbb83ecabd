package enginetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// The house calls all of these without asking whether they are there.
func (x *exam) describes() {
	e := x.e
	for what, missing := range map[string]bool{
		"Name": e.Name == "", "Title": e.Title == "", "Schemes": len(e.Schemes) == 0, "Lexis": e.Lexis.Name == "",
		"Open": e.Open == nil, "Columns": e.Columns == nil, "Classify": e.Classify == nil, "Fault": e.Fault == nil, "Grant": e.Grant == nil,
		"Dialect.Quote": e.Dialect.Quote == nil, "Dialect.Bind": e.Dialect.Bind == nil, "Dialect.Now": e.Dialect.Now == "", "Dialect.At": e.Dialect.At == nil, "Dialect.Stored": e.Dialect.Stored == nil,
		"Dialect.UTC": e.Dialect.UTC == nil, "Dialect.Begin": e.Dialect.Begin == "",
		"Types.ID": e.Dialect.Types.ID == "", "Types.BigInt": e.Dialect.Types.BigInt == "", "Types.Boolean": e.Dialect.Types.Boolean == "",
		"Types.Timestamp": e.Dialect.Types.Timestamp == "", "Types.Text": e.Dialect.Types.Text == "", "Types.Varchar": e.Dialect.Types.Varchar == nil,
		"Native.Name": e.Native.Name == "", "Native.Try": e.Native.Try == nil, "Native.Free": e.Native.Free == nil,
		"Native.Look": e.Native.Look == nil, "Native.Evict": e.Native.Evict == nil, "Native.EvictHint": e.Native.EvictHint == nil,
	} {
		if missing {
			x.Errorf("%s is missing", what)
		}
	}
	if got := e.Fault(nil); got != (engine.Fault{}) {
		x.Errorf("a nil error is read as %+v", got)
	}
	if got := e.Fault(errors.New("syntax error: not ours")); got != (engine.Fault{}) {
		x.Errorf("a foreign error is read as %+v", got)
	}
}

// Labels and errors are printed, logged and sent to metrics: no password may
// ever be in one, whatever is wrong with the URL that holds it.
func (x *exam) hidesPassword() {
	const secret = "s3cr3t-Pa55"
	bad := []string{
		"://app:" + secret + "@db/shop",
		"unheard-of://app:" + secret + "@db/shop",
	}
	for _, scheme := range x.e.Schemes {
		bad = append(bad,
			scheme+"://app:"+secret+"@db host/shop",
			scheme+"://app:"+secret+"@db:port/shop",
			scheme+"://app:"+secret+"%zz@db:1/shop",
			scheme+"://app:"+secret+"@db:1/shop?no_such_parameter=1",
			scheme+"://app:"+secret+"@[::1/shop",
			scheme+"://app:"+secret+"\n@db/shop",
		)
	}
	for _, address := range bad {
		db, err := x.e.Open(address, engine.OpenOptions{Dir: x.TempDir()})
		said := fmt.Sprint(err)
		if db != nil {
			said += db.Label()
		}
		if strings.Contains(said, "s3cr3t") || strings.Contains(said, "Pa55") {
			x.Errorf("%s: told the password: %s", strings.ReplaceAll(address, secret, "***"), said)
		}
	}

	if x.db.Label() == "" {
		x.Error("the database has no label")
	}
	u, err := url.Parse(x.url)
	if err != nil || u.User == nil {
		return // a product without accounts
	}
	if password, ok := u.User.Password(); ok && strings.Contains(x.db.Label(), password) {
		x.Errorf("the label tells the password: %s", x.db.Label())
	}
	u.User = url.UserPassword(u.User.Username(), secret)
	db := x.open(u.String())
	if strings.Contains(db.Label(), secret) {
		x.Errorf("the label tells the password: %s", db.Label())
	}
	if _, err = db.Connect(x.Context(), engine.ConnectOptions{}); err == nil {
		x.Error("a wrong password was taken")
	} else if f := x.e.Fault(err); strings.Contains(err.Error()+fmt.Sprintf("%+v", f), secret) {
		x.Errorf("the error tells the password: %v", err)
	}
}

// A password that is good for minutes is got anew by whoever connects later:
// the command's own way to stop a statement, for one.
func (x *exam) asksForPasswords() {
	u, err := url.Parse(x.url)
	if err != nil || u.User == nil {
		if _, err := x.e.Open(x.url, engine.OpenOptions{Password: func(context.Context) (string, error) { return "", nil }}); err == nil {
			x.Error("a product without passwords would ask for one")
		}
		return
	}
	right, _ := u.User.Password()
	open := func(user *url.Userinfo, ask engine.Password) (engine.Database, error) {
		v := *u
		v.User = user
		return x.e.Open(v.String(), engine.OpenOptions{Password: ask})
	}
	if _, err := open(u.User, func(context.Context) (string, error) { return right, nil }); !errors.Is(err, engine.ErrTwoPasswords) {
		x.Errorf("two passwords: %v", err)
	}
	none := errors.New("the vault is sealed")
	answers := []struct {
		text string
		err  error
	}{{text: right}, {text: right}, {text: "wrong"}, {text: "wrong"}, {text: "wrong"}, {text: right}, {err: none}}
	var asked int
	db, err := open(url.User(u.User.Username()), func(context.Context) (string, error) {
		asked++
		return answers[asked-1].text, answers[asked-1].err
	})
	if err != nil {
		x.Fatalf("open: %v", err)
	}
	// One that is refused is asked for once more: it may have been good until a
	// moment ago.
	for n, want := range []struct {
		what      string
		connected bool
		asked     int
	}{{"the right one", true, 1}, {"asked anew", true, 2}, {"wrong twice", false, 4}, {"wrong, then right", true, 6}, {"none", false, 7}} {
		s, err := db.Connect(x.Context(), engine.ConnectOptions{})
		if s != nil {
			_ = s.Close()
		}
		_, unasked := errors.AsType[*engine.PasswordError](err)
		if (err == nil) != want.connected || asked != want.asked || unasked != (want.what == "none") || unasked && !errors.Is(err, none) {
			x.Errorf("connection %d, %s: asked %d times, %v", n+1, want.what, asked, err)
		}
		if want.what == "wrong twice" {
			x.wants("a wrong password", err, engine.Login)
		}
	}
}

// The commands' hints and exit codes depend on why there is no connection.
func (x *exam) saysWhyRefused() {
	u, err := url.Parse(x.url)
	if err != nil || u.Host == "" {
		return // a product without a server
	}
	refused := func(what string, change func(*url.URL), kind engine.FaultKind) {
		x.Helper()
		v := *u
		change(&v)
		err := x.within(soon, what, func(ctx context.Context) error {
			s, err := x.open(v.String()).Connect(ctx, engine.ConnectOptions{})
			if err == nil {
				_ = s.Close() // it should not be there at all
			}
			return err
		})
		x.wants(what, err, kind)
	}
	refused("a wrong password", func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "wrong") }, engine.Login)
	refused("an unknown database", func(u *url.URL) { u.Path = "/no_such_database_here" }, engine.NoSuchDatabase)
	refused("a closed port", func(u *url.URL) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			x.Fatal(err)
		}
		u.Host = l.Addr().String()
		_ = l.Close() // now nobody listens there
	}, engine.Unreachable)
}

// The lock's key, the versions that features depend on, and every table name
// of ours are made from what a session found out. Two sessions of one URL
// must find the same.
func (x *exam) knowsServer() {
	a, b := x.session(), x.session()
	v := a.Server()
	if v.Product == "" || v.Version == "" || v.Number <= 0 || v.Database == "" {
		x.Errorf("the server is described as %+v", v)
	}
	if v.ReadOnly != "" {
		x.Errorf("a database that can be written is called read-only: %s", v.ReadOnly)
	}
	if w := b.Server(); w != v {
		x.Errorf("two sessions found two servers: %+v, %+v", v, w)
	}
	if a.ID() == b.ID() && a.ID() != "" {
		x.Errorf("two sessions are both called %q", a.ID())
	}
	if once, again := a.ID(), a.ID(); once != again {
		x.Error("a session's name changes")
	}
}

// Status commands must work for people who may not write, and must leave
// nothing behind: no file, no table, no lock.
func (x *exam) looksOnly() {
	s, err := x.db.Connect(x.Context(), engine.ConnectOptions{ReadOnly: true})
	switch {
	case errors.Is(err, engine.ErrNoDatabase): // and none was made: the next one says the same
		if _, err := x.db.Connect(x.Context(), engine.ConnectOptions{ReadOnly: true}); !errors.Is(err, engine.ErrNoDatabase) {
			x.Errorf("looking for a database made one: %v", err)
		}
	case err != nil:
		x.Fatalf("connect: %v", err)
	default:
		_ = s.Close() // only that it could be opened matters
	}

	w := x.session()
	table := x.numbers(w, "seen")
	x.exec(w, x.insert(table, 7))
	r := x.connect(engine.ConnectOptions{ReadOnly: true})
	if got := x.text(r, "SELECT "+x.e.Dialect.Quote("n")+" FROM "+table); got != "7" {
		x.Errorf("read %q", got)
	}
	if cols, err := x.e.Columns(x.Context(), r, r.Server().Schema, "seen"); err != nil || len(cols) != 1 {
		x.Errorf("columns: %v, %v", cols, err)
	}
	_, err = r.Exec(x.Context(), x.insert(table, 8))
	x.wants("writing in a read-only session", err, engine.ReadOnly)
	k := x.key(r)
	if o, err := x.e.Native.Look(x.Context(), r, k); err != nil || o.Held {
		x.Errorf("looking at a lock that nobody holds: %+v, %v", o, err)
	}
	if ok, err := x.e.Native.Try(x.Context(), w, k); err != nil || !ok {
		x.Errorf("the lock after it was looked at: %v, %v", ok, err)
	}
	if o, err := x.e.Native.Look(x.Context(), r, k); err != nil || !o.Held {
		x.Errorf("looking at a lock that is held: %+v, %v", o, err)
	}
}
