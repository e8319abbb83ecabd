package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// witness reads pg_catalog, which hides nothing from anybody. A statement
// outside a transaction block is a transaction of its own, so that what it
// changes in the catalogue is there whole or not at all; those that take
// several (CREATE INDEX CONCURRENTLY) leave a mark of their own, an invalid
// index.
func witness() engine.Witness {
	return engine.Witness{Before: before, Now: now, Clear: clearLeft}
}

// Kinds of objects that are looked at in ways of their own. Others are looked
// up by name: see catalogs.
const (
	kindTable      = "table" // and whatever is like one: all that is known of it
	kindColumn     = "column"
	kindConstraint = "constraint"        // the primary key, where it has no name
	kindUnique     = "unique keys over"  // named are the columns
	kindForeign    = "foreign keys over" // named are the columns
	kindProperty   = "property"          // named is the column of pg_class
	kindLabel      = "value"             // of an enumeration
	kindRelation   = "relation"
	kindIndex      = "index"
	kindRemains    = "indexes of" // what REINDEX CONCURRENTLY leaves of those of a table
	kindRoutine    = "function"   // all of one name
	kindTrigger    = "trigger"
	kindPolicy     = "policy"
	kindType       = "type"
)

// catalogs are where objects are found that belong to no schema.
var catalogs = map[string]string{
	"schema":      "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1",
	"extension":   "SELECT oid FROM pg_catalog.pg_extension WHERE extname = $1",
	"database":    "SELECT oid FROM pg_catalog.pg_database WHERE datname = $1",
	"role":        "SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1",
	"publication": "SELECT oid FROM pg_catalog.pg_publication WHERE pubname = $1",
	"server":      "SELECT oid FROM pg_catalog.pg_foreign_server WHERE srvname = $1",
}

func before(ctx context.Context, s engine.Session, st sqltext.Statement) (engine.Evidence, error) {
	b := &scene{ctx: ctx, s: s, sql: st.Text, p: engine.ReadPhrase(st, sqltext.PostgreSQL)}
	b.p.Fold = true
	var objects []engine.Object
	switch b.p.OneOf("CREATE", "DROP", "ALTER", "VACUUM", "ANALYZE", "ANALYSE", "REINDEX", "CLUSTER", "CHECKPOINT",
		"REFRESH", "COMMENT", "GRANT", "REVOKE", "SECURITY") {
	case "":
		return engine.Evidence{}, nil
	case "CREATE":
		if b.p.Fleeting() {
			return engine.Evidence{Again: true}, nil
		}
		objects = b.created()
	case "DROP":
		objects = b.dropped()
	case "ALTER":
		if b.p.Next("SYSTEM") {
			return engine.Evidence{Again: true}, nil
		}
		objects = b.altered()
	case "REINDEX":
		if objects = b.reindexed(); objects == nil {
			return engine.Evidence{Again: true}, b.err
		}
	default:
		// Each of them makes something so, whatever it was before.
		return engine.Evidence{Again: true}, nil
	}
	if b.err != nil || objects == nil {
		return engine.Evidence{}, b.err
	}
	return witness().Whole(ctx, s, objects...)
}

// scene is a statement with the session that is about to run it.
type scene struct {
	ctx context.Context
	s   engine.Session
	sql string
	p   *engine.Phrase
	err error
}

func (b *scene) created() []engine.Object {
	p := b.p
	replace := p.Next("OR", "REPLACE")
	rule := engine.Makes
	if replace {
		rule = engine.Rewords
	}
	p.OneOf("UNLOGGED", "RECURSIVE", "UNIQUE", "MATERIALIZED", "FOREIGN", "CONSTRAINT", "TRUSTED")
	kind := p.OneOf("TABLE", "VIEW", "SEQUENCE", "INDEX", "TYPE", "DOMAIN", "SCHEMA", "EXTENSION", "FUNCTION", "PROCEDURE",
		"AGGREGATE", "TRIGGER", "POLICY", "DATABASE", "ROLE", "USER", "PUBLICATION", "SERVER")
	if kind == "INDEX" {
		return b.index()
	}
	p.Next("IF", "NOT", "EXISTS")
	name := p.Name()
	if name == nil || len(p.Tokens) > 0 && p.Tokens[0].Text == "&" {
		return nil
	}
	switch kind {
	case "TABLE", "VIEW", "SEQUENCE":
		k := kindRelation
		if replace {
			k = kindTable // with its definition
		}
		return b.named(rule, k, name)
	case "TYPE", "DOMAIN":
		return b.named(rule, kindType, name)
	case "FUNCTION", "PROCEDURE", "AGGREGATE":
		return b.named(engine.Rewords, kindRoutine, name)
	case "TRIGGER", "POLICY":
		return b.belongs(rule, kind, name)
	case "SCHEMA":
		if name[0] == "authorization" {
			return nil
		}
	case "USER":
		kind = "ROLE"
		if name[0] == "mapping" {
			return nil
		}
	}
	return b.plain(rule, kind, name)
}

// named is an object in a schema: the one that is given, or that in which
// things are made.
func (b *scene) named(rule engine.Rule, kind string, name []string) []engine.Object {
	o := engine.Object{Rule: rule, Kind: kind, Name: name[len(name)-1]}
	switch len(name) {
	case 1:
		o.Schema = b.text("SELECT current_schema()")
	case 2:
		o.Schema = name[0]
	}
	if o.Schema == "" || strings.HasPrefix(o.Schema, "pg_temp") {
		return nil
	}
	return []engine.Object{o}
}

func (b *scene) plain(rule engine.Rule, kind string, name []string) []engine.Object {
	kind = strings.ToLower(kind)
	if _, known := catalogs[kind]; !known || len(name) != 1 {
		return nil
	}
	return []engine.Object{{Rule: rule, Kind: kind, Name: name[0]}}
}

// belongs is an object of a table: name ... ON table.
func (b *scene) belongs(rule engine.Rule, kind string, name []string) []engine.Object {
	if len(name) != 1 || !b.p.To("ON") {
		return nil
	}
	schema, table, _ := b.existing(b.p.Name())
	if table == "" {
		return nil
	}
	return []engine.Object{{Rule: rule, Kind: strings.ToLower(kind), Schema: schema, Name: name[0], Of: table}}
}

// index reads [CONCURRENTLY] [[IF NOT EXISTS] name] ON [ONLY] table.
func (b *scene) index() []engine.Object {
	p := b.p
	rule := engine.Makes
	if p.Next("CONCURRENTLY") {
		rule = engine.Builds
	}
	p.Next("IF", "NOT", "EXISTS")
	unnamed := p.Next("ON")
	var name []string
	if !unnamed {
		if name = p.Name(); len(name) != 1 || !p.Next("ON") {
			return nil
		}
	}
	p.Next("ONLY")
	schema, table, id := b.existing(p.Name())
	switch {
	case table == "":
		return nil
	case !unnamed:
		return []engine.Object{{Rule: rule, Kind: kindIndex, Schema: schema, Name: name[0]}}
	case rule == engine.Builds:
		return nil // which index would be the broken one?
	}
	return []engine.Object{{Rule: engine.Touches, Kind: kindTable, Schema: schema, Name: table, ID: id}}
}

// reindexed is the table whose indexes are built anew, concurrently; nil where
// nothing can be left of that.
func (b *scene) reindexed() []engine.Object {
	p := b.p
	concurrently := p.Has("CONCURRENTLY")
	if p.Next("(") && !p.To(")") {
		// They stand in brackets, which To passes over.
		for len(p.Tokens) > 0 && !p.Next(")") {
			p.Tokens = p.Tokens[1:]
		}
	}
	kind := p.OneOf("INDEX", "TABLE")
	p.Next("CONCURRENTLY")
	if !concurrently || kind == "" {
		return nil
	}
	schema, name, id := b.existing(p.Name())
	if name == "" {
		return nil
	}
	if kind == "INDEX" {
		id = b.text("SELECT indrelid::text FROM pg_catalog.pg_index WHERE indexrelid = $1::oid", id)
	}
	if id == "" {
		return nil
	}
	return []engine.Object{{Rule: engine.Redoes, Kind: kindRemains, Schema: schema, Name: name, ID: id}}
}

func (b *scene) dropped() []engine.Object {
	p := b.p
	p.OneOf("MATERIALIZED", "FOREIGN")
	kind := p.OneOf("TABLE", "VIEW", "SEQUENCE", "INDEX", "TYPE", "DOMAIN", "SCHEMA", "EXTENSION", "FUNCTION", "PROCEDURE",
		"AGGREGATE", "ROUTINE", "TRIGGER", "POLICY", "DATABASE", "ROLE", "USER", "PUBLICATION", "SERVER")
	p.Next("CONCURRENTLY")
	p.Next("IF", "EXISTS")
	var out []engine.Object
	for {
		name := p.Name()
		if name == nil {
			return nil
		}
		switch kind {
		case "TABLE", "VIEW", "SEQUENCE", "INDEX":
			schema, relation, _ := b.existing(name)
			if relation == "" {
				if out = append(out, b.named(engine.Drops, kindRelation, name)...); len(out) == 0 {
					return nil
				}
				break
			}
			out = append(out, engine.Object{Rule: engine.Drops, Kind: kindRelation, Schema: schema, Name: relation})
		case "TYPE", "DOMAIN":
			o := b.ofPath("pg_type WHERE oid = to_regtype(%s)", "typname", "typnamespace", name)
			if o == nil {
				return nil
			}
			o.Rule, o.Kind = engine.Drops, kindType
			out = append(out, *o)
		case "FUNCTION", "PROCEDURE", "AGGREGATE", "ROUTINE":
			// Which one of a name is meant is for the server to say; that one
			// is gone shows in all of them.
			o := b.ofPath("pg_proc WHERE proname = (parse_ident(%s))[array_length(parse_ident(%[1]s), 1)] AND pg_function_is_visible(oid)",
				"proname", "pronamespace", name)
			if o == nil || out != nil {
				return nil
			}
			o.Rule, o.Kind = engine.Trims, kindRoutine
			return []engine.Object{*o}
		case "TRIGGER", "POLICY":
			return b.belongs(engine.Drops, kind, name)
		case "USER":
			out = append(out, b.plain(engine.Drops, "ROLE", name)...)
		default:
			o := b.plain(engine.Drops, kind, name)
			if o == nil {
				return nil
			}
			out = append(out, o...)
		}
		if !p.Next(",") {
			break
		}
	}
	p.OneOf("CASCADE", "RESTRICT")
	if kind == "DATABASE" {
		p.To("FORCE")
		p.Next(")")
	}
	if !p.End() {
		return nil
	}
	return out
}

func (b *scene) altered() []engine.Object {
	p := b.p
	p.OneOf("MATERIALIZED", "FOREIGN")
	kind := p.OneOf("TABLE", "VIEW", "INDEX", "TYPE")
	p.Next("IF", "EXISTS")
	p.Next("ONLY")
	if kind == "" || p.Next("ALL", "IN", "TABLESPACE") {
		return nil
	}
	name := p.Name()
	if kind == "TYPE" {
		o := b.ofPath("pg_type WHERE oid = to_regtype(%s)", "typname", "typnamespace", name)
		if o == nil {
			return nil
		}
		return b.ofType(*o)
	}
	schema, relation, id := b.existing(name)
	if relation == "" {
		return nil
	}
	switch {
	case p.Has("CONCURRENTLY"):
		return nil // DETACH PARTITION, in two transactions
	case !p.Whole:
		return nil // it may hide a USING
	case p.Has("USING") && b.rewrites():
		return b.rewritten(schema, relation, id)
	}
	if kind == "TABLE" {
		if parts, unseen := b.parts(schema, relation, id); parts != nil || unseen {
			return parts
		}
	}
	if name := b.property(); name != "" {
		return []engine.Object{{Rule: engine.Alters, Kind: kindProperty, Schema: schema, Name: name, Of: relation, ID: id}}
	}
	return []engine.Object{{Rule: engine.Touches, Kind: kindTable, Schema: schema, Name: relation, ID: id}}
}

// rewrites reports whether USING may stand before what columns are made of,
// and not before an index or its method.
func (b *scene) rewrites() bool {
	read := ddl.Read(b.sql, ddl.PostgreSQL())
	return !read.Understood || slices.ContainsFunc(read.Actions, func(a ddl.Action) bool {
		return a.Using != nil || a.Kind != ddl.AddConstraint
	})
}

// rewritten are the columns that ALTER ... USING gives other values, which may
// keep their type; nil where it does anything else.
func (b *scene) rewritten(schema, table, id string) (out []engine.Object) {
	read := ddl.Read(b.sql, ddl.PostgreSQL())
	for _, a := range read.Actions {
		if a.Kind != ddl.AlterType || len(a.Name.Name) >= 64 {
			return nil
		}
		out = append(out, engine.Object{Rule: engine.Rewrite, Kind: kindColumn, Schema: schema, Name: a.Name.Name, Of: table, ID: id})
	}
	if !read.Understood {
		return nil
	}
	return out
}

// property is the column of pg_class that the rest of ALTER changes; "" where
// it is another one, or several.
func (b *scene) property() string {
	p := b.p
	depth := 0
	for _, t := range p.Tokens {
		switch {
		case t.Text == "(":
			depth++
		case t.Text == ")":
			depth--
		case t.Text == "," && depth == 0:
			return ""
		}
	}
	switch {
	case p.Next("RENAME", "TO"):
		return "relname"
	case p.Next("OWNER", "TO"):
		return "relowner"
	case p.Next("SET", "SCHEMA"):
		return "relnamespace"
	case p.Next("SET", "TABLESPACE"):
		return "reltablespace"
	case p.Next("SET", "LOGGED"), p.Next("SET", "UNLOGGED"):
		return "relpersistence"
	case p.Next("SET", "("), p.Next("RESET", "("):
		return "reloptions"
	case p.Next("ENABLE", "ROW"), p.Next("DISABLE", "ROW"):
		return "relrowsecurity"
	case p.Next("FORCE", "ROW"), p.Next("NO", "FORCE", "ROW"):
		return "relforcerowsecurity"
	case p.Next("REPLICA", "IDENTITY", "FULL"), p.Next("REPLICA", "IDENTITY", "NOTHING"), p.Next("REPLICA", "IDENTITY", "DEFAULT"):
		return "relreplident"
	}
	return ""
}

// ofType are what the rest of ALTER TYPE changes: a value of an enumeration, or
// anything.
func (b *scene) ofType(o engine.Object) []engine.Object {
	p := b.p
	label := func(rule engine.Rule) (out engine.Object) {
		if len(p.Tokens) == 0 {
			return out
		}
		if text := p.Tokens[0].Text; len(text) > 2 && text[0] == '\'' {
			out = engine.Object{Rule: rule, Kind: kindLabel, Schema: o.Schema, Name: strings.ReplaceAll(text[1:len(text)-1], "''", "'"), Of: o.Name, ID: o.ID}
			p.Tokens = p.Tokens[1:]
		}
		return out
	}
	switch {
	case p.Next("ADD", "VALUE"):
		p.Next("IF", "NOT", "EXISTS")
		if made := label(engine.Makes); made.Name != "" && p.Whole {
			return []engine.Object{made}
		}
	case p.Next("RENAME", "VALUE"):
		gone := label(engine.Drops)
		if p.Next("TO"); gone.Name != "" {
			if made := label(engine.Makes); made.Name != "" && p.End() {
				return []engine.Object{gone, made}
			}
		}
	}
	o.Rule, o.Kind = engine.Touches, kindType
	return []engine.Object{o}
}

// parts are the parts of a table that ALTER TABLE names: what others do to the
// rest of it says nothing of the statement. nil where not all of them have
// names.
func (b *scene) parts(schema, table, id string) (out []engine.Object, unseen bool) {
	kinds := map[ddl.PartKind]string{ddl.ColumnPart: kindColumn, ddl.ConstraintPart: kindConstraint, ddl.KeysPart: kindUnique, ddl.ForeignPart: kindForeign}
	rules := map[ddl.Fate]engine.Rule{ddl.Made: engine.Makes, ddl.Gone: engine.Drops, ddl.Changed: engine.Alters}
	parts, unseen := ddl.Read(b.sql, ddl.PostgreSQL()).Parts()
	for _, p := range parts {
		kind := kinds[p.Kind]
		if kind == "" || len(p.Name.Name) >= 64 || p.Name.IsZero() && kind == kindColumn {
			return nil, unseen
		}
		name := p.Name.Name
		for i, c := range p.Over {
			if i > 0 {
				name += ","
			}
			name += c.Name
		}
		if name == "" && (kind == kindUnique || kind == kindForeign) {
			return nil, unseen
		}
		out = append(out, engine.Object{Rule: rules[p.Fate], Kind: kind, Schema: schema, Name: name, Of: table, ID: id})
	}
	return out, unseen
}

// existing finds a relation as the server would, by the session's path.
func (b *scene) existing(name []string) (schema, relation, id string) {
	o := b.ofPath("pg_class WHERE oid = to_regclass(%s)", "relname", "relnamespace", name)
	if o == nil {
		return "", "", ""
	}
	return o.Schema, o.Name, o.ID
}

// ofPath finds an object by its catalogue; nil for none, for several, and
// for a temporary one, which is of this session alone.
func (b *scene) ofPath(where, name, schema string, parts []string) *engine.Object {
	if len(parts) == 0 || len(parts) > 2 || b.err != nil {
		return nil
	}
	quoted := make([]string, len(parts))
	for i, part := range parts {
		quoted[i] = quoteIdent(part)
	}
	path := quoteLiteral(strings.Join(quoted, "."))
	if len(parts) == 2 {
		where = strings.Replace(where, "pg_function_is_visible(oid)", "pronamespace = (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = "+quoteLiteral(parts[0])+")", 1)
	}
	var found []engine.Object
	b.err = b.s.Query(b.ctx, func(scan func(...any) error) error {
		var o engine.Object
		if err := scan(&o.ID, &o.Schema, &o.Name); err != nil {
			return err
		}
		found = append(found, o)
		return nil
	}, fmt.Sprintf("SELECT oid::text, (SELECT n.nspname FROM pg_catalog.pg_namespace AS n WHERE n.oid = "+schema+"), "+name+" FROM pg_catalog."+where, path))
	// An overloaded function is one name.
	for len(found) > 1 && found[1].Schema == found[0].Schema && found[1].Name == found[0].Name {
		found = found[1:]
	}
	if b.err != nil || len(found) != 1 || strings.HasPrefix(found[0].Schema, "pg_temp") {
		return nil
	}
	return &found[0]
}

func (b *scene) text(query string, args ...any) string {
	if b.err != nil {
		return ""
	}
	var rows []string
	rows, b.err = column(b.ctx, b.s, query, args...)
	return strings.Join(rows, "\n")
}

// column is the single column of a query, without its NULLs.
func column(ctx context.Context, s engine.Session, query string, args ...any) ([]string, error) {
	var out []string
	err := s.Query(ctx, func(scan func(...any) error) error {
		var v *string
		if err := scan(&v); err != nil {
			return err
		}
		if v != nil {
			out = append(out, *v)
		}
		return nil
	}, query, args...)
	return out, err
}

// described is all that the catalogue says of a table and what is like one.
// Of what changes by itself (statistics, sizes, files) it holds nothing.
const described = `
SELECT (to_jsonb(c) - '{relfilenode,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,relhasindex,relhasrules,relhastriggers,relhassubclass,relacl}'::text[])::text FROM pg_catalog.pg_class AS c WHERE c.oid = $1::oid
UNION ALL (SELECT (to_jsonb(a) - '{attacl,attmissingval,atthasmissing}'::text[])::text FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = $1::oid AND a.attnum > 0 ORDER BY a.attnum)
UNION ALL (SELECT adnum || ' ' || pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef WHERE adrelid = $1::oid ORDER BY adnum)
UNION ALL (SELECT oid || ' ' || conname || ' ' || convalidated || ' ' || condeferrable || ' ' || condeferred || ' ' || pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint WHERE conrelid = $1::oid ORDER BY oid)
UNION ALL (SELECT indexrelid || ' ' || indisvalid || ' ' || indisclustered || ' ' || indisreplident || ' ' || pg_get_indexdef(indexrelid) FROM pg_catalog.pg_index WHERE indrelid = $1::oid OR indexrelid = $1::oid ORDER BY indexrelid)
UNION ALL (SELECT oid || ' ' || tgname || ' ' || tgenabled::text FROM pg_catalog.pg_trigger WHERE tgrelid = $1::oid AND NOT tgisinternal ORDER BY oid)
UNION ALL (SELECT oid || ' ' || polname FROM pg_catalog.pg_policy WHERE polrelid = $1::oid ORDER BY oid)
UNION ALL (SELECT oid || ' ' || rulename || ' ' || ev_enabled::text || ' ' || pg_get_ruledef(oid) FROM pg_catalog.pg_rewrite WHERE ev_class = $1::oid ORDER BY oid)
UNION ALL (SELECT inhrelid || ' ' || inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = $1::oid OR inhparent = $1::oid ORDER BY inhrelid, inhparent)`

var errNewer = errors.New("a newer release looked at it")

func now(ctx context.Context, s engine.Session, o engine.Object) (string, error) {
	ask := func(query string, args ...any) (string, error) {
		rows, err := column(ctx, s, query, args...)
		return strings.Join(rows, "\n"), err
	}
	digested := func(query string, args ...any) (string, error) {
		text, err := ask(query, args...)
		if text == "" || err != nil {
			return "", err
		}
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:8]), nil
	}
	const relation = "SELECT c.oid::text FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2"
	const class = " = (SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2)"
	switch o.Kind {
	case kindRelation:
		return ask(relation, o.Schema, o.Name)
	case kindIndex:
		return indexNow(ctx, s, o)
	case kindRemains:
		rows, err := column(ctx, s, remains, o.ID)
		if len(rows) == 0 || err != nil {
			return "", err
		}
		return engine.Unfinished + strings.Join(rows, ","), nil
	case kindTable:
		id := o.ID
		if id == "" {
			var err error
			if id, err = ask(relation, o.Schema, o.Name); id == "" || err != nil {
				return "", err
			}
		}
		return digested(described, id)
	case kindRoutine:
		return digested(`SELECT p.oid || ' ' || COALESCE(CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END, '')
			FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
			WHERE n.nspname = $1 AND p.proname = $2 ORDER BY p.oid`, o.Schema, o.Name)
	case kindType:
		if o.ID != "" {
			return digested(typeOf("t.oid = $1::oid"), o.ID)
		}
		return digested(typeOf("n.nspname = $1 AND t.typname = $2"), o.Schema, o.Name)
	case kindTrigger:
		return digested("SELECT t.oid || ' ' || pg_get_triggerdef(t.oid) FROM pg_catalog.pg_trigger AS t WHERE t.tgname = $3 AND t.tgrelid"+class, o.Schema, o.Of, o.Name)
	case kindColumn:
		return digested(`SELECT (to_jsonb(a) - '{attacl,attmissingval,atthasmissing}'::text[])::text || COALESCE((SELECT pg_get_expr(d.adbin, d.adrelid)
			FROM pg_catalog.pg_attrdef AS d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum), '')
			FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = $1::oid AND a.attname = $2 AND NOT a.attisdropped`, o.ID, o.Name)
	case kindConstraint:
		return digested(`SELECT oid || ' ' || convalidated || ' ' || condeferrable || ' ' || condeferred || ' ' || pg_get_constraintdef(oid)
			FROM pg_catalog.pg_constraint WHERE conrelid = $1::oid AND (conname = $2 OR $2 = '' AND contype = 'p')`, o.ID, o.Name)
	case kindUnique, kindForeign:
		types := "{u}"
		if o.Kind == kindForeign {
			types = "{f}"
		}
		return digested(`SELECT 'are ' || COALESCE(string_agg(c.oid::text, ',' ORDER BY c.oid), '') FROM pg_catalog.pg_constraint AS c
			WHERE c.conrelid = $1::oid AND c.contype::text = ANY ($3::text[]) AND $2 = (SELECT string_agg(a.attname::text, ',' ORDER BY k.n)
			FROM unnest(c.conkey) WITH ORDINALITY AS k(num, n) JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.num)`, o.ID, o.Name, types)
	case kindProperty:
		return digested("SELECT 'is ' || COALESCE(to_jsonb(c) ->> $2, '') FROM pg_catalog.pg_class AS c WHERE c.oid = $1::oid", o.ID, o.Name)
	case kindLabel:
		return ask("SELECT oid::text FROM pg_catalog.pg_enum WHERE enumtypid = $1::oid AND enumlabel = $2", o.ID, o.Name)
	case kindPolicy:
		return ask("SELECT p.oid::text FROM pg_catalog.pg_policy AS p WHERE p.polname = $3 AND p.polrelid"+class, o.Schema, o.Of, o.Name)
	}
	query, known := catalogs[o.Kind]
	if !known {
		return "", errNewer
	}
	return ask(query, o.Name)
}

// typeOf describes a type: its name, and its values or columns in order.
func typeOf(where string) string {
	return `SELECT t.oid || ' ' || n.nspname || ' ' || t.typname || ' ' || t.typowner
		|| COALESCE((SELECT string_agg(quote_ident(e.enumlabel), ',' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid), '')
		|| COALESCE((SELECT string_agg(a.attnum || quote_ident(a.attname) || a.atttypid || a.atttypmod, ',' ORDER BY a.attnum)
			FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attrelid <> 0 AND NOT a.attisdropped), '')
		FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace WHERE ` + where
}

// indexNow tells a whole index from one whose build was broken off, and that
// from one at which a backend is still at work, whoever's it is.
func indexNow(ctx context.Context, s engine.Session, o engine.Object) (string, error) {
	building := "EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.index_relid = c.oid)"
	rows, err := column(ctx, s, `SELECT CASE WHEN `+building+` THEN '`+engine.InWork+`' WHEN NOT COALESCE(i.indisvalid, TRUE) THEN '`+engine.Unfinished+`' ELSE '' END || c.oid
		FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
		WHERE n.nspname = $1 AND c.relname = $2`, o.Schema, o.Name)
	return strings.Join(rows, ""), err
}

// remains are the invalid indexes of a table, and of its TOAST table, at which
// nobody is at work.
const remains = `SELECT i.indexrelid::text FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
	WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
	AND (i.indrelid = $1::oid OR i.indrelid = (SELECT t.reltoastrelid FROM pg_catalog.pg_class AS t WHERE t.oid = $1::oid))
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid OR p.relid = i.indrelid)
	ORDER BY i.indexrelid`

// clearLeft drops the invalid index that a broken CREATE INDEX CONCURRENTLY left,
// or those of a REINDEX that were not there before.
func clearLeft(ctx context.Context, s engine.Session, o engine.Object) error {
	drop := func(schema, name string) error {
		_, err := s.Exec(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+quoteIdent(schema)+"."+quoteIdent(name))
		return err
	}
	switch o.Kind {
	case kindIndex:
		return drop(o.Schema, o.Name)
	case kindRemains:
		left, err := column(ctx, s, remains, o.ID)
		if err != nil {
			return err
		}
		before := strings.Split(strings.TrimPrefix(o.Before, engine.Unfinished), ",")
		for _, id := range left {
			if slices.Contains(before, id) {
				continue
			}
			name, err := column(ctx, s, `SELECT x FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace,
				unnest(ARRAY[n.nspname, c.relname]) WITH ORDINALITY AS a (x, i) WHERE c.oid = $1::oid ORDER BY a.i`, id)
			if err != nil {
				return err
			}
			if len(name) == 2 {
				if err := drop(name[0], name[1]); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return errNewer
}
