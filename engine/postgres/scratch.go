package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func scratch() engine.Scratch {
	return engine.Scratch{
		Create: createScratch,
		Right:  func(v engine.Server) string { return "ALTER ROLE " + quoteIdent(v.User) + " CREATEDB;" },
		Same:   same,
		Look:   lookScratch,
		Mark:   markScratch,
		Empty:  emptyScratch,
		Within: within,
		Strays: strays,
	}
}

// scratchMark begins the comment on a database of ours; the time it was made
// follows.
const scratchMark = "dbwarden: made for planning, to be dropped; "

// model is what a new database takes from another one.
type model struct{ encoding, collate, ctype, provider, locale, rules, schema string }

// createScratch works from the server's own database postgres: the one that
// is planned for is only read, in a session that the server keeps from
// writing.
func createScratch(ctx context.Context, like engine.Database) (engine.Database, func(context.Context) error, error) {
	d, ok := like.(*database)
	if !ok {
		return nil, nil, fmt.Errorf("plan like %T", like)
	}
	var m model
	if err := m.read(ctx, d); err != nil {
		return nil, nil, err
	}
	s, err := d.clerk(ctx, engine.Limits{})
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	dropLeftovers(ctx, s)

	name := engine.NewScratchName()
	drop := func(ctx context.Context) error {
		s, err := d.clerk(ctx, engine.Limits{})
		if err != nil {
			return err
		}
		defer s.Close()
		force := ""
		if s.Server().Number >= 130000 {
			force = " WITH (FORCE)"
		}
		_, err = s.Exec(ctx, "DROP DATABASE IF EXISTS "+quoteIdent(name)+force)
		return err
	}
	if _, err := s.Exec(ctx, "CREATE DATABASE "+quoteIdent(name)+" "+m.options()); err != nil {
		if ctx.Err() != nil || fault(err).Kind == engine.Lost { // it may be there nevertheless
			err = errors.Join(err, engine.Cleanup(ctx, drop))
		}
		return nil, nil, err
	}
	made, err := d.fit(ctx, s, name, m.schema)
	if err != nil {
		return nil, nil, errors.Join(err, engine.Cleanup(ctx, drop))
	}
	return made, drop, nil
}

// clerk is a session in a database that nobody plans for, to make and drop
// others from.
func (d *database) clerk(ctx context.Context, l engine.Limits) (engine.Session, error) {
	var first error
	for _, name := range []string{"postgres", "template1"} {
		s, err := d.at(name, "").Connect(ctx, engine.ConnectOptions{App: "dbwarden scratch", Foreign: true, Limits: l})
		if err == nil {
			return s, nil
		}
		if first == nil {
			first = err
		}
		if k := fault(err).Kind; k != engine.NoSuchDatabase && k != engine.Denied {
			break
		}
	}
	return nil, first
}

// at is the same server's database name. Settings of the URL stay, but for
// the path that named schemas of the other one.
func (d *database) at(name, schema string) *database {
	config := d.config.Copy()
	config.Database = name
	delete(config.RuntimeParams, "search_path")
	return &database{config: config, before: d.before, password: d.password, schema: schema, label: label(config), keepEvery: d.keepEvery}
}

// fit marks a new database and makes the schema in which the names that stand
// alone are created.
func (d *database) fit(ctx context.Context, clerk engine.Session, name, schema string) (engine.Database, error) {
	var now string
	if err := one(ctx, clerk, "SELECT "+utc("pg_catalog.clock_timestamp()"), &now); err != nil {
		return nil, err
	}
	if _, err := clerk.Exec(ctx, "COMMENT ON DATABASE "+quoteIdent(name)+" IS "+quoteLiteral(scratchMark+now)); err != nil {
		return nil, err
	}
	if schema == "" || schema == "public" {
		return d.at(name, schema), nil
	}
	s, err := d.at(name, "").Connect(ctx, engine.ConnectOptions{App: "dbwarden scratch"})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if _, err := s.Exec(ctx, "CREATE SCHEMA "+quoteIdent(schema)); err != nil {
		return nil, err
	}
	return d.at(name, schema), nil
}

// within is for a database that was given for planning.
func within(ctx context.Context, s engine.Session, given engine.Database, schema string) (engine.Database, error) {
	d, ok := given.(*database)
	if !ok {
		return nil, fmt.Errorf("plan in %T", given)
	}
	_, err := s.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+quoteIdent(schema))
	return d.at(databaseName(d.config), schema), err
}

// read asks the database that is planned for. One that is not there yet
// leaves it to the server's defaults.
func (m *model) read(ctx context.Context, d *database) error {
	m.schema = d.schema
	// Without the schema, which may not be there yet.
	s, err := (&database{config: d.config, before: d.before, password: d.password, label: d.label, keepEvery: d.keepEvery}).Connect(ctx, engine.ConnectOptions{App: "dbwarden scratch", ReadOnly: true})
	if fault(err).Kind == engine.NoSuchDatabase {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.Close()
	if m.schema == "" {
		m.schema = s.Server().Schema
	}
	_, err = m.ask(ctx, s, s.Server().Database)
	return err
}

// ask reads the encoding and the order of letters of a database of s's server;
// false says that there is none of this name.
func (m *model) ask(ctx context.Context, s engine.Session, database string) (found bool, err error) {
	provider, locale, rules := "'c'", "''", "''"
	switch v := s.Server().Number; {
	case v >= 170000:
		provider, locale, rules = "datlocprovider", "coalesce(datlocale, '')", "coalesce(daticurules, '')"
	case v >= 160000:
		provider, locale, rules = "datlocprovider", "coalesce(daticulocale, '')", "coalesce(daticurules, '')"
	case v >= 150000:
		provider, locale = "datlocprovider", "coalesce(daticulocale, '')"
	}
	err = s.Query(ctx, func(scan func(...any) error) error {
		found = true
		return scan(&m.encoding, &m.collate, &m.ctype, &m.provider, &m.locale, &m.rules)
	}, "SELECT pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype, "+provider+"::text, "+locale+", "+rules+
		" FROM pg_catalog.pg_database WHERE datname = $1", database)
	return found, err
}

// options of CREATE DATABASE. template0 alone takes another encoding and
// order of letters than its own, and has nothing in it.
func (m *model) options() string {
	if m.encoding == "" {
		return "TEMPLATE template0"
	}
	o := "TEMPLATE template0 ENCODING " + quoteLiteral(m.encoding) + " LC_COLLATE " + quoteLiteral(m.collate) + " LC_CTYPE " + quoteLiteral(m.ctype)
	switch m.provider {
	case "i":
		o += " LOCALE_PROVIDER icu ICU_LOCALE " + quoteLiteral(m.locale)
		if m.rules != "" {
			o += " ICU_RULES " + quoteLiteral(m.rules)
		}
	case "b":
		o += " LOCALE_PROVIDER builtin BUILTIN_LOCALE " + quoteLiteral(m.locale)
	}
	return o
}

// dropLeftovers removes what killed processes left: named and marked as ours,
// older than a day, and without sessions. Planning does not depend on it.
func dropLeftovers(ctx context.Context, s engine.Session) {
	var names []string
	_ = s.Query(ctx, func(scan func(...any) error) error {
		var name, comment string
		if err := scan(&name, &comment); err != nil {
			return err
		}
		made, err := time.Parse(time.RFC3339, strings.TrimPrefix(comment, scratchMark))
		if err == nil && engine.IsScratchName(name) && strings.HasPrefix(comment, scratchMark) && time.Since(made) > engine.ScratchAge {
			names = append(names, name)
		}
		return nil
	}, `SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database') FROM pg_catalog.pg_database AS d
		WHERE d.datname LIKE 'dbwarden\_scratch\_%' AND pg_catalog.shobj_description(d.oid, 'pg_database') IS NOT NULL
		AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid)`)
	for _, name := range names {
		// The server refuses where somebody came in meanwhile.
		_, _ = s.Exec(ctx, "DROP DATABASE IF EXISTS "+quoteIdent(name))
	}
}

func same(a, b engine.Database) bool {
	x, ok1 := a.(*database)
	y, ok2 := b.(*database)
	return ok1 && ok2 && x.config.Host == y.config.Host && x.config.Port == y.config.Port && databaseName(x.config) == databaseName(y.config)
}

// one reads the one row of a query.
func one(ctx context.Context, s engine.Session, query string, into ...any) error {
	rows := 0
	err := s.Query(ctx, func(scan func(...any) error) error {
		rows++
		return scan(into...)
	}, query)
	if err == nil && rows != 1 {
		err = fmt.Errorf("want one row and not %d", rows)
	}
	return err
}

// The mark of a database that was given for planning is a schema: it needs
// the same right as the schemas of the models, and no inspection of another
// schema sees it.
const markSchema = engine.ScratchTable

// contents are the things that somebody has put into the database, with the
// DROP that takes each away: extensions first, since what belongs to one goes
// with it, then whole schemas. The schema public stays, and what is in it
// goes one by one: who may use it does not always own it. An object of a
// schema is whatever depends on the schema.
const contents = `
SELECT 'extension '||extname, 'EXTENSION '||pg_catalog.quote_ident(extname) FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql'
UNION ALL
SELECT * FROM (SELECT 'schema '||nspname, 'SCHEMA '||pg_catalog.quote_ident(nspname) FROM pg_catalog.pg_namespace AS n
	WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'public', '` + markSchema + `')
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
	ORDER BY nspname) AS s
UNION ALL
SELECT * FROM (SELECT o.type||' '||o.identity, upper(o.type)||' '||o.identity
	FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_namespace AS n ON n.oid = d.refobjid,
	pg_catalog.pg_identify_object(d.classid, d.objid, 0) AS o
	WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n' AND n.nspname = 'public'
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')
	ORDER BY d.classid::int8, o.identity) AS p
UNION ALL
SELECT 'event trigger '||evtname, 'EVENT TRIGGER '||pg_catalog.quote_ident(evtname) FROM pg_catalog.pg_event_trigger
UNION ALL
SELECT 'publication '||pubname, 'PUBLICATION '||pg_catalog.quote_ident(pubname) FROM pg_catalog.pg_publication
UNION ALL
SELECT 'server '||srvname, 'SERVER '||pg_catalog.quote_ident(srvname) FROM pg_catalog.pg_foreign_server`

func listContents(ctx context.Context, s engine.Session) (names, drops []string, err error) {
	err = s.Query(ctx, func(scan func(...any) error) error {
		var name, drop string
		if err := scan(&name, &drop); err != nil {
			return err
		}
		names, drops = append(names, name), append(drops, drop)
		return nil
	}, contents)
	return names, drops, err
}

func lookScratch(ctx context.Context, s engine.Session) (found []string, marked bool, err error) {
	if found, _, err = listContents(ctx, s); err != nil {
		return nil, false, err
	}
	err = one(ctx, s, "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = '"+markSchema+"')", &marked)
	return found, marked, err
}

func markScratch(ctx context.Context, s engine.Session, on bool) error {
	query := "DROP SCHEMA IF EXISTS " + markSchema
	if on {
		query = "CREATE SCHEMA IF NOT EXISTS " + markSchema
	}
	_, err := s.Exec(ctx, query)
	return err
}

// emptyScratch drops things one by one: all at once would take a lock each,
// of which one transaction has not so many.
func emptyScratch(ctx context.Context, s engine.Session) error {
	_, drops, err := listContents(ctx, s)
	if err != nil {
		return err
	}
	for _, drop := range drops {
		kind, name := cutKind(drop)
		if _, err := s.Exec(ctx, "DROP "+kind+" IF EXISTS "+name+" CASCADE"); err != nil {
			return err
		}
	}
	return nil
}

// kinds of two and more words, as pg_identify_object calls them.
var longKinds = []string{
	"EVENT TRIGGER", "MATERIALIZED VIEW", "FOREIGN TABLE", "OPERATOR CLASS", "OPERATOR FAMILY", "STATISTICS OBJECT",
	"TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE",
}

func cutKind(drop string) (kind, name string) {
	for _, long := range longKinds {
		if name, ok := strings.CutPrefix(drop, long+" "); ok {
			return strings.TrimSuffix(long, " OBJECT"), name
		}
	}
	kind, name, _ = strings.Cut(drop, " ")
	return kind, name
}

// strays knows what is the server's and not the database's: databases, roles,
// tablespaces, settings of either, and subscriptions, which reach elsewhere.
func strays(st sqltext.Statement, _ engine.Server) string {
	w := st.Words
	object := 1
	if starts(w, "COMMENT", "ON") {
		object = 2
	} else if !starts(w, "CREATE") && !starts(w, "ALTER") && !starts(w, "DROP") {
		object = 0
	}
	switch what := word(w, object); {
	case object > 0 && slices.Contains([]string{"DATABASE", "ROLE", "USER", "GROUP", "TABLESPACE", "SUBSCRIPTION", "SYSTEM"}, what) &&
		word(w, object+1) != "MAPPING":
		return strings.Join(w[:object+1], " ") + " reaches beyond the database"
	case starts(w, "REASSIGN") || starts(w, "DROP", "OWNED"):
		return strings.Join(w[:2], " ") + " reaches beyond the database"
	case starts(w, "SECURITY", "LABEL"):
		return ""
	case starts(w, "GRANT") || starts(w, "REVOKE"):
		if on := slices.Index(w, "ON"); on < 0 && len(w) < sqltext.MaxWords {
			return word(w, 0) + " of a role reaches beyond the database"
		} else if on > 0 && (word(w, on+1) == "DATABASE" || word(w, on+1) == "TABLESPACE" || word(w, on+1) == "PARAMETER") {
			return word(w, 0) + " ON " + word(w, on+1) + " reaches beyond the models"
		}
	}
	return ""
}
