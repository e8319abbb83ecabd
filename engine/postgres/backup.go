package postgres

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A backup is pg_dump's custom format: compressed, and DBAs know how to take
// one table out of it. It is of the whole database, or of the one schema that
// was configured. It is put back by the session that holds the lock, which runs
// the SQL that pg_restore makes of the file, in one transaction behind the DROPs
// of what is there: so it is all or nothing, whatever dies, and whoever lost the
// lock cannot commit it. psql could promise neither.

func backup() engine.Backup {
	return engine.Backup{
		Suffix: ".dump",
		Scope: func(d engine.Database, v engine.Server) string {
			if d, ok := d.(*database); ok && d.schema != "" {
				return v.Database + "." + d.schema
			}
			return v.Database
		},
		Schema: func(d engine.Database, v engine.Server) string {
			if d, ok := d.(*database); ok && d.schema != "" {
				return v.Schema
			}
			return ""
		},
		Size:    sizeOf,
		Ready:   ready,
		Save:    save,
		Holds:   holds,
		Refuses: refuses,
		Load:    load,
	}
}

// least is what part of the tables' bytes a compressed copy takes at least, as
// far as anybody can say before.
const least = 8

func sizeOf(ctx context.Context, d engine.Database) (size, need int64, err error) {
	s, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden backup", ReadOnly: true})
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	// What the server noted of its tables when it last looked: to measure them
	// now would wait for whoever has locked one.
	pages := "COALESCE(sum(greatest(c.relpages, 0) + greatest(t.relpages, 0)), 0)::bigint * pg_catalog.current_setting('block_size')::bigint"
	where, total := "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'", "pg_catalog.pg_database_size(pg_catalog.current_database())"
	if schema := d.(*database).schema; schema != "" {
		where, total = "n.nspname = "+quoteLiteral(schema), pages
	}
	err = one(ctx, s, fmt.Sprintf(`SELECT %s, %s / %d FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid WHERE c.relkind IN ('r', 'm') AND %s`, total, pages, least, where), &size, &need)
	return size, need, err
}

var dumpNames, restoreNames = []string{"pg_dump"}, []string{"pg_restore"}

// ready looks whether pg_dump can read this server, as it refuses a newer one,
// and whether there is what reads its file again.
func ready(ctx context.Context, ed engine.Database, v engine.Server, run engine.RunProgram) error {
	if d, ok := ed.(*database); ok && d.libpq.url == "" {
		return errNoAddress
	}
	has, err := programVersion(ctx, run, dumpNames)
	if err != nil {
		return err
	}
	major, _, _ := strings.Cut(has, ".")
	if n, err := strconv.Atoi(strings.TrimRight(major, "abcdefghijklmnopqrstuvwxyz")); err == nil && n < v.Number/10000 {
		return &engine.OldProgramError{Name: dumpNames[0], Has: has, Server: v.Version}
	}
	_, err = programVersion(ctx, run, restoreNames)
	return err
}

var versionNumber = lazily(`\(PostgreSQL\) ([0-9][0-9.a-z]*)`)

func programVersion(ctx context.Context, run engine.RunProgram, names []string) (string, error) {
	var out bytes.Buffer
	if err := run(ctx, engine.Program{Names: names, Args: []string{"--version"}, Stdout: &out}); err != nil {
		return "", err
	}
	m := versionNumber().FindSubmatch(out.Bytes())
	if m == nil {
		return "", fmt.Errorf("%s --version says %q", names[0], strings.TrimSpace(out.String()))
	}
	return string(m[1]), nil
}

// waitForTables is how long pg_dump waits for tables that somebody has locked.
const waitForTables = "60s"

func save(ctx context.Context, ed engine.Database, v engine.Server, o engine.Saving) error {
	d, ok := ed.(*database)
	if !ok {
		return fmt.Errorf("back up %T", ed)
	}
	if d.libpq.url == "" {
		return errNoAddress
	}
	args := []string{"--format=custom", "--encoding=UTF8", "--no-subscriptions", "--lock-wait-timeout=" + waitForTables}
	if d.schema != "" {
		args = append(args, "--schema="+plainName(d.schema))
	}
	for _, table := range o.Ours.Lock {
		args = append(args, "--exclude-table="+plainName(v.Schema)+"."+plainName(table))
	}
	err := o.WithPassword(ctx, d.password, d.config.Password, d.taken, func(password string) error {
		return o.Run(ctx, d.program(engine.Program{Names: dumpNames, Args: args, Stdout: o.To}, password))
	})
	if err != nil {
		return err
	}
	return whole(ctx, o)
}

// taken is the password that the server takes now.
func (d *database) taken(ctx context.Context) (string, error) {
	config := d.config.Copy()
	conn, err := d.dial(ctx, config)
	if err != nil {
		return "", err
	}
	return config.Password, conn.Close(ctx)
}

// whole has pg_restore read the file from its first to its last byte. A file of
// this format has no mark at its end: what is missing there is noticed by
// reading alone. A wrapper of pg_dump may well end without an error where
// pg_dump did not.
func whole(ctx context.Context, o engine.Saving) error {
	if _, err := o.To.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := o.Run(ctx, engine.Program{Names: restoreNames, Args: []string{"--file=" + os.DevNull}, Stdin: o.To, Stdout: io.Discard}); err != nil {
		return fmt.Errorf("what %s wrote cannot be read again: %w", dumpNames[0], err)
	}
	return nil
}

// kept are the schemas that are emptied and not dropped, as a condition on n,
// a row of pg_namespace: ours, in which the lock's tables stay, public, which
// not everybody owns who may use it, and those of extensions, which stay as well.
func (d *database) kept(ours string) string {
	return "(n.nspname IN (" + quoteLiteral(ours) + ", 'public')" +
		" OR EXISTS (SELECT FROM pg_catalog.pg_extension AS x WHERE x.extnamespace = n.oid)" +
		" OR EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e'))"
}

// inside is a query for what is in such schemas: what depends on them, but for the
// lock's tables, for what belongs to an extension, and for what goes with its table (the
// columns that a table is partitioned by go with it, too, and are not the table).
func inside(which, ours string, lock []string) string {
	var names []string
	for _, name := range lock {
		names = append(names, quoteLiteral(name))
	}
	return `SELECT d.classid, d.objid FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_namespace AS n ON n.oid = d.refobjid
	WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n' AND d.classid <> 'pg_extension'::regclass
	AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND ` + which + `
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e WHERE e.classid = d.classid AND e.objid = d.objid AND e.objsubid = 0 AND e.deptype IN ('e', 'i'))
	AND NOT (d.classid = 'pg_class'::regclass AND n.nspname = ` + quoteLiteral(ours) + ` AND d.objid IN (
		SELECT c.oid FROM pg_catalog.pg_class AS c WHERE c.relnamespace = n.oid AND c.relname IN (` + strings.Join(names, ", ") + `)))`
}

// objects are those things, with the DROP that takes each away.
func objects(which, ours string, lock []string) string {
	return `SELECT o.type||' '||o.identity, upper(o.type)||' '||o.identity
	FROM (` + inside(which, ours, lock) + `) AS d, pg_catalog.pg_identify_object(d.classid, d.objid, 0) AS o
	ORDER BY d.classid::int8, o.identity`
}

// clinging are the things outside of a schema that DROP … CASCADE of all that is
// in it takes along: views, foreign keys, columns of its types, and what stands in no
// schema (casts, tables of publications).
func clinging(ours string, lock []string) string {
	return `WITH RECURSIVE goes (class, id, sub) AS (
	SELECT d.classid, d.objid, 0 FROM (` + inside("n.nspname = "+quoteLiteral(ours), ours, lock) + `) AS d
	UNION
	SELECT n.class, n.id, n.sub FROM goes AS g CROSS JOIN LATERAL (
		SELECT d.classid, d.objid, d.objsubid FROM pg_catalog.pg_depend AS d
			WHERE d.refclassid = g.class AND d.refobjid = g.id AND (g.sub = 0 OR d.refobjsubid = g.sub)
		UNION ALL
		SELECT d.refclassid, d.refobjid, d.refobjsubid FROM pg_catalog.pg_depend AS d
			WHERE d.classid = g.class AND d.objid = g.id AND d.deptype = 'i'
	) AS n (class, id, sub)
), named AS (
	SELECT o.type||' '||o.identity AS name, COALESCE(o.schema, (SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_namespace AS n WHERE n.oid = COALESCE(
		(SELECT connamespace FROM pg_catalog.pg_constraint WHERE g.class = 'pg_constraint'::regclass AND oid = g.id),
		(SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = COALESCE(
			(SELECT tgrelid FROM pg_catalog.pg_trigger WHERE g.class = 'pg_trigger'::regclass AND oid = g.id),
			(SELECT polrelid FROM pg_catalog.pg_policy WHERE g.class = 'pg_policy'::regclass AND oid = g.id),
			(SELECT ev_class FROM pg_catalog.pg_rewrite WHERE g.class = 'pg_rewrite'::regclass AND oid = g.id),
			(SELECT adrelid FROM pg_catalog.pg_attrdef WHERE g.class = 'pg_attrdef'::regclass AND oid = g.id))))), '') AS place
	FROM goes AS g CROSS JOIN LATERAL pg_catalog.pg_identify_object(g.class, g.id, g.sub) AS o
	WHERE g.class NOT IN ('pg_amop'::regclass, 'pg_amproc'::regclass) -- which go with their family
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e WHERE e.classid = g.class AND e.objid = g.id AND e.objsubid = g.sub AND e.deptype = 'i')
)
SELECT DISTINCT name, '' FROM named WHERE place <> pg_catalog.quote_ident(` + quoteLiteral(ours) + `) AND place NOT LIKE 'pg\_%' ORDER BY name`
}

func pairs(ctx context.Context, s engine.Session, query string) (names, drops []string, err error) {
	err = s.Query(ctx, func(scan func(...any) error) error {
		var name, drop string
		err := scan(&name, &drop)
		names, drops = append(names, name), append(drops, drop)
		return err
	}, query)
	return names, drops, err
}

// beyond are things of a whole database that stand in no schema.
const beyond = `
SELECT 'event trigger '||evtname, 'EVENT TRIGGER '||pg_catalog.quote_ident(evtname) FROM pg_catalog.pg_event_trigger AS t
	WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e WHERE e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid AND e.deptype = 'e')
UNION ALL
SELECT 'publication '||pubname, 'PUBLICATION '||pg_catalog.quote_ident(pubname) FROM pg_catalog.pg_publication
UNION ALL
SELECT 'server '||srvname, 'SERVER '||pg_catalog.quote_ident(srvname) FROM pg_catalog.pg_foreign_server`

// others are the schemas that are dropped as a whole.
func (d *database) others(ours string) string {
	return `SELECT 'schema '||n.nspname, 'SCHEMA '||pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_namespace AS n
	WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND NOT ` + d.kept(ours) + ` ORDER BY n.nspname`
}

func (d *database) which(ours string) string {
	if d.schema != "" {
		return "n.nspname = " + quoteLiteral(ours)
	}
	return d.kept(ours)
}

func holds(ctx context.Context, es engine.Session, o engine.Ours) (names []string, err error) {
	s, err := own(es)
	if err != nil {
		return nil, err
	}
	d, ours := s.database, s.server.Schema
	var queries []string
	if queries = append(queries, objects(d.which(ours), ours, o.All())); d.schema == "" {
		queries = append(queries, d.others(ours), beyond)
	}
	for _, q := range queries {
		more, _, err := pairs(ctx, s, q)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	// What the server makes with our tables is ours.
	return slices.DeleteFunc(names, func(name string) bool {
		for _, table := range o.All() {
			if strings.HasPrefix(name, "sequence ") && strings.HasSuffix(name, "."+table+"_id_seq") {
				return true
			}
		}
		return false
	}), nil
}

// refuses where others, who do not have this lock, migrate schemas of the same
// database; and, for a backup of one schema, where something outside of it would
// go with what is dropped, of which that backup has nothing.
func refuses(ctx context.Context, ed engine.Database, s engine.Session, o engine.Ours) (string, error) {
	d, ok := ed.(*database)
	if !ok {
		return "", nil
	}
	if d.schema != "" {
		outside, _, err := pairs(ctx, s, clinging(s.Server().Schema, o.Lock))
		if err != nil || len(outside) == 0 {
			return "", err
		}
		const most = 3
		names, more := strings.Join(outside[:min(len(outside), most)], ", "), ""
		if n := len(outside) - most; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		return fmt.Sprintf("outside of the schema %q, %s%s would be dropped with what they depend on, and the backup is of that schema alone: drop them first, and make them again behind it", d.schema, names, more), nil
	}
	var other string
	err := one(ctx, s, "SELECT COALESCE(min(n.nspname), '') FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relname = "+
		quoteLiteral(o.Lock[0])+" AND n.nspname <> "+quoteLiteral(s.Server().Schema)+" AND n.nspname NOT LIKE 'pg\\_%'", &other)
	if err != nil || other == "" {
		return "", err
	}
	return fmt.Sprintf("the schema %q of this database is migrated under a lock of its own, and the backup is of the whole database", other), nil
}

func load(ctx context.Context, ed engine.Database, s engine.Session, o engine.Loading) (touched bool, err error) {
	d, ok := ed.(*database)
	if !ok {
		return false, fmt.Errorf("restore into %T", ed)
	}
	ours := s.Server().Schema
	list, err := contentsOf(ctx, o)
	if err != nil {
		return false, err
	}
	drops, stays, extensions, err := d.toDrop(ctx, s, ours, o.Ours.Lock, list)
	if err != nil {
		return false, err
	}
	script, end := restored(ctx, o, list.without(stays, extensions))
	defer end()
	statements := func(yield func(sqltext.Statement, error) bool) {
		for _, drop := range drops {
			if !yield(sqltext.Statement{Text: drop, Words: strings.Fields(drop)[:1]}, nil) {
				return
			}
		}
		for st, err := range script {
			if !yield(st, err) || err != nil {
				return
			}
		}
	}
	err = s.Run(ctx, engine.Unit{Begin: beginWork, Statements: statements, Closing: o.Closing})
	return false, err
}

// An entry is a line of an archive's table of contents that speaks of a schema
// or an extension.
type entry struct{ line, kind, name string }

// A contentsList is an archive's table of contents.
type contentsList struct {
	lines   []string
	entries []entry
}

var tocLine = lazily(`^\d+; \d+ \d+ (SCHEMA|EXTENSION|COMMENT) - (.*)$`)

func contentsOf(ctx context.Context, o engine.Loading) (*contentsList, error) {
	var out bytes.Buffer
	if _, err := o.From.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if err := o.Run(ctx, engine.Program{Names: restoreNames, Args: []string{"--list"}, Stdin: o.From, Stdout: &out}); err != nil {
		return nil, err
	}
	l := &contentsList{lines: strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")}
	for _, line := range l.lines {
		if m := tocLine().FindStringSubmatch(line); m != nil {
			l.entries = append(l.entries, entry{line, m[1], m[2]})
		}
	}
	return l, nil
}

// has says whether the archive makes an extension.
func (l *contentsList) has(extension string) bool {
	return slices.ContainsFunc(l.entries, func(e entry) bool {
		return e.kind == "EXTENSION" && strings.TrimSuffix(e.name, " ") == extension
	})
}

// without is the list for pg_restore, in which what stays where it is stands
// no more: schemas, and what is said of extensions, which their owner alone may.
func (l *contentsList) without(schemas, extensions []string) string {
	var out strings.Builder
	for _, line := range l.lines {
		skip := false
		for _, e := range l.entries {
			if e.line != line {
				continue
			}
			for _, name := range schemas {
				skip = skip || e.kind == "SCHEMA" && strings.HasPrefix(e.name, name+" ")
			}
			for _, name := range extensions {
				skip = skip || e.kind == "COMMENT" && strings.HasPrefix(e.name, "EXTENSION "+name+" ")
			}
		}
		if skip {
			line = ";" + line
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

// toDrop are the DROPs of all that is there, the schemas that stay, and the
// extensions that do. An extension that the archive makes stays as it is: to
// make one may take rights that whoever restores has not.
func (d *database) toDrop(ctx context.Context, s engine.Session, ours string, lock []string, l *contentsList) (drops, schemas, extensions []string, err error) {
	add := func(query string) error {
		_, more, err := pairs(ctx, s, query)
		for _, drop := range more {
			kind, name := cutKind(drop)
			drops = append(drops, "DROP "+kind+" IF EXISTS "+name+" CASCADE")
		}
		return err
	}
	if d.schema != "" {
		return drops, []string{ours}, nil, add(objects(d.which(ours), ours, lock))
	}
	names, quoted, err := pairs(ctx, s, "SELECT extname, pg_catalog.quote_ident(extname) FROM pg_catalog.pg_extension WHERE oid >= 16384")
	for i, name := range names {
		if l.has(name) {
			extensions = append(extensions, name)
		} else {
			drops = append(drops, "DROP EXTENSION IF EXISTS "+quoted[i]+" CASCADE")
		}
	}
	if err == nil {
		err = add(beyond)
	}
	if err == nil {
		err = add(d.others(ours))
	}
	if err == nil {
		err = add(objects(d.kept(ours), ours, lock))
	}
	if err == nil {
		schemas, _, err = pairs(ctx, s, "SELECT n.nspname, '' FROM pg_catalog.pg_namespace AS n WHERE "+d.kept(ours))
	}
	drops = append(drops, "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata")
	return drops, schemas, extensions, err
}

// limits are settings of the dump that would take away those of the session,
// or that an older server does not know.
var limits = []string{"LOCK_TIMEOUT", "IDLE_IN_TRANSACTION_SESSION_TIMEOUT", "TRANSACTION_TIMEOUT"}

// restored are the statements that pg_restore makes of the archive. end stops it, and
// is to be called in any case.
func restored(ctx context.Context, o engine.Loading, list string) (statements iter.Seq2[sqltext.Statement, error], end func()) {
	ctx, cancel := context.WithCancel(ctx)
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := o.From.Seek(0, io.SeekStart)
		if err == nil {
			err = o.Run(ctx, engine.Program{Names: restoreNames, Args: []string{"--file=-", "--use-list={list}"}, Files: map[string]string{"list": list}, Stdin: o.From, Stdout: w})
		}
		w.CloseWithError(err) // nil ends the text, an error the transaction
	}()
	var read int64
	counted := readFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		read += int64(n)
		o.Progress(read, 0)
		return n, err
	})
	statements = func(yield func(sqltext.Statement, error) bool) {
		scanner := sqltext.NewScanner(counted, sqltext.PostgreSQL, sqltext.Options{})
		for {
			st, err := scanner.Next()
			if err == io.EOF {
				return
			}
			if st.Starts("SET") && slices.Contains(limits, st.Word(1)) {
				continue
			}
			if !yield(st, err) || err != nil {
				return
			}
		}
	}
	return statements, func() {
		cancel()
		r.Close()
		<-done
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
