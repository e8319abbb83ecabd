package mysql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A backup is the SQL of the product's own dump program: everybody knows how to
// read it, and mariadb < FILE puts it into an empty database. The history and
// the journal come last, in one transaction.
//
// It is put back by the session that holds the lock: whoever lost the lock then
// runs no statement beside a successor. DDL commits by itself here, so a restore
// that ends half-way leaves pieces. That it was begun stands in the journal
// before the first thing is dropped, and is taken away in the transaction that
// brings the history back: until then whatever migrates refuses.

func backup() engine.Backup {
	return engine.Backup{
		Suffix: ".sql",
		Scope:  func(_ engine.Database, v engine.Server) string { return v.Database },
		Size:   sizeOf,
		Ready: func(ctx context.Context, ed engine.Database, v engine.Server, run engine.RunProgram) error {
			if d, ok := ed.(*database); ok && d.address == nil {
				return errNoAddress
			}
			_, err := dumpProgram(ctx, v, run)
			return err
		},
		Save:    save,
		Holds:   holds,
		Refuses: func(context.Context, engine.Database, engine.Session, engine.Ours) (string, error) { return "", nil },
		Load:    load,
	}
}

// taken is the password that the server takes now.
func (d *database) taken(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	inner, err := driver.NewConnector(d.config)
	if err != nil {
		return "", err
	}
	conn, err := connector{inner, d.password}.Connect(ctx)
	if err != nil {
		return "", err
	}
	if err := conn.Close(); err != nil {
		return "", err
	}
	return d.password.Or(ctx, "")
}

func sizeOf(ctx context.Context, d engine.Database) (size, least int64, err error) {
	s, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden backup", ReadOnly: true})
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	// Rows are as long as text as they are in a table, about; half of a table
	// may be air.
	err = s.Query(ctx, func(scan func(...any) error) error { return scan(&size, &least) },
		"SELECT CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS SIGNED), CAST(COALESCE(SUM(DATA_LENGTH), 0) / 2 AS SIGNED) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()")
	return size, least, err
}

// A tool is a dump program.
type tool struct {
	names []string
	maria bool // it is MariaDB's, whichever name it has
}

// dumpProgram finds it: that of the server's own product, if both are there.
func dumpProgram(ctx context.Context, v engine.Server, run engine.RunProgram) (tool, error) {
	names := []string{"mariadb-dump", "mysqldump"}
	if v.Product == "MySQL" {
		names = []string{"mysqldump", "mariadb-dump"}
	}
	var out bytes.Buffer
	if err := run(ctx, engine.Program{Names: names, Args: []string{"--version"}, Stdout: &out}); err != nil {
		return tool{}, err
	}
	return tool{names, strings.Contains(out.String(), "MariaDB")}, nil
}

func save(ctx context.Context, ed engine.Database, v engine.Server, o engine.Saving) error {
	d, ok := ed.(*database)
	if !ok {
		return fmt.Errorf("back up %T", ed)
	}
	if d.address == nil {
		return errNoAddress
	}
	t, err := dumpProgram(ctx, v, o.Run)
	if err != nil {
		return err
	}
	tables, err := d.ownTables(ctx, append(slices.Clone(o.Ours.History), o.Ours.Journal))
	if err != nil {
		return err
	}
	common := []string{"--single-transaction", "--quick", "--comments", "--hex-blob", "--no-tablespaces", "--skip-add-locks", "--default-character-set=utf8mb4", "--max-allowed-packet=1G"}
	if !t.maria {
		common = append(common, "--set-gtid-purged=OFF", "--column-statistics=0")
	}
	dump := func(args ...string) error {
		begins, err := o.To.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		err = o.WithPassword(ctx, d.password, d.address.password, d.taken, func(password string) error {
			return o.Run(ctx, engine.Program{
				Names: t.names, Stdout: o.To, Files: map[string]string{"client": d.optionFile(t, password)},
				// A login path would beat the file.
				Env:  map[string]string{"MYSQL_TEST_LOGIN_FILE": "{none}", "MYSQL_PWD": ""},
				Args: append([]string{"--defaults-file={client}"}, append(common, args...)...),
			})
		})
		if err != nil {
			return err
		}
		return whole(o.To, begins, t)
	}
	all := []string{"--routines", "--events", "--triggers"}
	for _, name := range append(append(slices.Clone(o.Ours.Lock), o.Ours.History...), o.Ours.Journal) {
		all = append(all, "--ignore-table="+d.config.DBName+"."+name)
	}
	if err := dump(append(all, "--", d.config.DBName)...); err != nil {
		return err
	}
	// Behind the rest, so that a database in pieces has no history that says
	// otherwise.
	var b strings.Builder
	var last []string
	for _, t := range tables {
		fmt.Fprintf(&b, "\n%s;\n", strings.Replace(t.ddl, "CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1))
		last = append(last, t.name)
	}
	b.WriteString("\n" + historyBegins + ";\n")
	for _, name := range last {
		b.WriteString("DELETE FROM " + quote(name) + ";\n")
	}
	if _, err := o.To.WriteString(b.String()); err != nil {
		return err
	}
	if err := dump(append([]string{"--no-create-info", "--complete-insert", "--skip-triggers", "--skip-disable-keys", "--", d.config.DBName}, last...)...); err != nil {
		return err
	}
	_, err = o.To.WriteString("\n" + historyEnds + ";\n")
	return err
}

// dumpEnds is how the last line of a dump begins, with which the program says
// that it is all there: a wrapper of it may well end without an error where the
// program did not. It is written among the comments, which no option file of the
// user's turns off: ours is read alone.
const dumpEnds = "-- Dump completed"

// whole looks whether the dump that was written from begins on has its last line.
func whole(f *os.File, begins int64, t tool) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end := make([]byte, min(info.Size()-begins, 200))
	if _, err := f.ReadAt(end, info.Size()-int64(len(end))); err != nil {
		return err
	}
	end = bytes.TrimRight(end, "\r\n")
	if last := end[bytes.LastIndexByte(end, '\n')+1:]; !bytes.HasPrefix(last, []byte(dumpEnds)) {
		return fmt.Errorf("%s ended without an error, and its dump is empty or cut short: it does not end with the line %q", t.names[0], dumpEnds)
	}
	return nil
}

// The history stands between these statements, which the dump program does not
// write.
const historyBegins, historyEnds = "START TRANSACTION", "COMMIT"

type ownTable struct{ name, ddl string }

func (d *database) ownTables(ctx context.Context, names []string) (out []ownTable, err error) {
	s, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden backup", ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for _, name := range names {
		have, err := columns(ctx, s, s.Server().Schema, name)
		if err != nil {
			return nil, err
		}
		if have == nil {
			continue
		}
		t := ownTable{name: name}
		err = s.Query(ctx, func(scan func(...any) error) error { return scan(new(string), &t.ddl) }, "SHOW CREATE TABLE "+quote(name))
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// optionFile is the URL as the client programs read it. It is read instead of
// all others, and not in front of them: what a user keeps for himself in
// ~/.my.cnf would beat it.
func (d *database) optionFile(t tool, password string) string {
	var b strings.Builder
	b.WriteString("[client]\n")
	set := func(key, value string) {
		b.WriteString(key + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(value) + "\"\n")
	}
	a := d.address
	set("user", a.user)
	set("password", password)
	if socket := a.params["socket"]; socket != "" {
		set("protocol", "SOCKET")
		set("socket", socket)
	} else {
		set("protocol", "TCP")
		set("host", a.host)
		set("port", a.port)
	}
	for _, name := range []string{"ssl_ca", "ssl_cert", "ssl_key"} {
		if file := a.params[name]; file != "" {
			if abs, err := filepath.Abs(beside(d.dir, file)); err == nil {
				file = abs
			}
			set(strings.ReplaceAll(name, "_", "-"), file)
		}
	}
	b.WriteString(a.tlsOptions(t))
	return b.String()
}

// tlsOptions are the words of either product for how the connection is
// encrypted. MariaDB's programs check a certificate with its host name, or not
// at all: where the URL leaves the name unchecked, they are told to check it.
func (a *address) tlsOptions(t tool) string {
	mode, _ := a.tlsMode() // it has been read before, as the flags have
	cert, _ := a.flag("ssl_verify_cert", true)
	host, _ := a.flag("ssl_verify_identity", mode != "verify-ca")
	checked := (mode == "true" || mode == "verify-ca") && cert
	if t.maria {
		switch {
		case mode == "false":
			return "disable-ssl\n"
		case checked:
			return "ssl\nssl-verify-server-cert\n"
		}
		return "ssl\ndisable-ssl-verify-server-cert\n"
	}
	clear := ""
	if on, _ := a.flag("allow_cleartext_passwords", false); on {
		clear = "enable-cleartext-plugin\n"
	}
	switch {
	case mode == "false":
		return "ssl-mode=DISABLED\n"
	case mode == "preferred":
		return "ssl-mode=PREFERRED\n"
	case checked && host:
		return "ssl-mode=VERIFY_IDENTITY\n" + clear
	case checked:
		return "ssl-mode=VERIFY_CA\n" + clear
	}
	return "ssl-mode=REQUIRED\n" + clear
}

func holds(ctx context.Context, s engine.Session, o engine.Ours) ([]string, error) {
	names, _, err := thingsBut(ctx, s, o.All())
	return names, err
}

// thingsBut lists what is there besides some tables.
func thingsBut(ctx context.Context, s engine.Session, but []string) (names, drops []string, err error) {
	all, how, err := listThings(ctx, s)
	for i, name := range all {
		if kind, table, _ := strings.Cut(name, " "); kind != "table" || !slices.Contains(but, table) {
			names, drops = append(names, name), append(drops, how[i])
		}
	}
	return names, drops, err
}

func load(ctx context.Context, _ engine.Database, s engine.Session, o engine.Loading) (touched bool, err error) {
	info, err := o.From.Stat()
	if err != nil {
		return false, err
	}
	if _, err := o.From.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	// The history is among what is dropped; the journal tells that it was.
	_, drops, err := thingsBut(ctx, s, append(slices.Clone(o.Ours.Lock), o.Ours.Journal))
	if err != nil {
		return false, err
	}
	if _, err := s.Exec(ctx, o.Begun.Text, o.Begun.Values()...); err != nil {
		return false, err
	}
	var read int64
	scanner := sqltext.NewScanner(readFunc(func(p []byte) (int, error) {
		n, err := o.From.Read(p)
		read += int64(n)
		o.Progress(read, info.Size())
		return n, err
	}), sqltext.MySQL, sqltext.Options{})

	history := false // the part of the file that comes last has begun
	drops = append([]string{"SET FOREIGN_KEY_CHECKS = 0"}, dropping(drops)...)
	err = s.Run(ctx, engine.Unit{Statements: func(yield func(sqltext.Statement, error) bool) {
		for _, drop := range drops {
			if !yield(sqltext.Statement{Text: drop, Words: strings.Fields(drop)[:2]}, nil) {
				return
			}
		}
		for {
			st, err := scanner.Next()
			if history = st.Starts("START", "TRANSACTION"); history {
				return
			}
			if err == io.EOF {
				err = errCutShort
			}
			if !yield(st, err) || err != nil {
				return
			}
		}
	}})
	if err != nil {
		return true, err
	}
	ended := false
	err = s.Run(ctx, engine.Unit{Begin: begin, Closing: o.Closing, Statements: func(yield func(sqltext.Statement, error) bool) {
		for !ended {
			st, err := scanner.Next()
			if ended = st.Starts("COMMIT"); ended {
				return
			}
			if err == io.EOF {
				err = errCutShort
			}
			if !yield(st, err) || err != nil {
				return
			}
		}
	}})
	return err != nil, err
}

var errCutShort = errors.New("the file ends before the history")

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
