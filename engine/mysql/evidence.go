package mysql

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// witness reads what the products say of their objects. It trusts only what
// they log as one piece: definitions in InnoDB since MySQL 8.0 and MariaDB
// 10.6. Older ones, and tables of other engines, may be left in between.
func witness() engine.Witness {
	return engine.Witness{Before: before, Presume: presume, Now: now}
}

// Kinds of objects that are looked at in ways of their own. Others are looked
// up by name: see catalogs.
const (
	kindTable      = "table"
	kindIndex      = "index"
	kindColumn     = "column"
	kindPlaced     = "column and its place" // behind which other one it stands, too
	kindConstraint = "constraint"
	kindOption     = "option"           // of those that stand behind the columns
	kindOptions    = "options of table" // all of these
	kindPartition  = "partition"
	kindPartitions = "partitions of table"
	kindOver       = "keys over"         // named are the columns
	kindForeign    = "foreign keys over" // named are the columns
	kindKeys       = "keys of table"
)

// catalogs describe objects that have a definition which can be compared.
var catalogs = map[string]string{
	"view": "SELECT CONCAT_WS(' ', VIEW_DEFINITION, CHECK_OPTION, DEFINER, SECURITY_TYPE) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
	"trigger": "SELECT CONCAT_WS(' ', EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER, ACTION_STATEMENT, DEFINER, SQL_MODE) " +
		"FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? AND TRIGGER_NAME = ?",
	"procedure": routine("PROCEDURE"),
	"function":  routine("FUNCTION"),
	"event": "SELECT CONCAT_WS(' ', EVENT_DEFINITION, EVENT_TYPE, EXECUTE_AT, INTERVAL_VALUE, INTERVAL_FIELD, STARTS, ENDS, STATUS, ON_COMPLETION, EVENT_COMMENT, DEFINER) " +
		"FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? AND EVENT_NAME = ?",
	"sequence": "SELECT 'there' FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND TABLE_TYPE = 'SEQUENCE'",
}

func routine(kind string) string {
	return "SELECT CONCAT_WS(' ', ROUTINE_DEFINITION, DTD_IDENTIFIER, IS_DETERMINISTIC, SQL_DATA_ACCESS, SECURITY_TYPE, DEFINER, SQL_MODE, ROUTINE_COMMENT, " +
		"(SELECT GROUP_CONCAT(CONCAT_WS(' ', p.PARAMETER_MODE, p.PARAMETER_NAME, p.DTD_IDENTIFIER) ORDER BY p.ORDINAL_POSITION) FROM information_schema.PARAMETERS AS p " +
		"WHERE p.SPECIFIC_SCHEMA = r.ROUTINE_SCHEMA AND p.SPECIFIC_NAME = r.ROUTINE_NAME AND p.ROUTINE_TYPE = r.ROUTINE_TYPE)) " +
		"FROM information_schema.ROUTINES AS r WHERE ROUTINE_TYPE = '" + kind + "' AND ROUTINE_SCHEMA = ? AND ROUTINE_NAME = ?"
}

// atomicDDL says whether the server logs each definition as one piece.
func atomicDDL(v engine.Server) bool {
	if v.Product == "MariaDB" {
		return v.Number >= 100600
	}
	return v.Number >= 80000
}

func before(ctx context.Context, s engine.Session, st sqltext.Statement) (engine.Evidence, error) {
	b := &scene{p: engine.ReadPhrase(st, sqltext.MySQL), text: st.Text, server: s.Server()}
	p := b.p
	verb := p.OneOf("CREATE", "DROP", "ALTER", "RENAME", "ANALYZE", "OPTIMIZE", "REPAIR", "CHECK", "FLUSH", "GRANT")
	switch verb {
	case "ANALYZE":
		p.OneOf("NO_WRITE_TO_BINLOG", "LOCAL")
		return engine.Evidence{Again: p.OneOf("TABLE", "TABLES") != ""}, nil // ANALYZE SELECT runs the SELECT
	case "OPTIMIZE", "REPAIR", "CHECK", "GRANT", "FLUSH":
		return engine.Evidence{Again: true}, nil
	}
	if verb == "CREATE" && p.Fleeting() {
		return engine.Evidence{Again: true}, nil
	}
	if !atomicDDL(s.Server()) {
		return engine.Evidence{}, nil
	}
	var err error
	// USE may have led elsewhere.
	if b.schema, err = text(ctx, s, "SELECT COALESCE(DATABASE(), '')"); err != nil {
		return engine.Evidence{}, err
	}
	objects := b.changed(verb)
	if objects == nil {
		return engine.Evidence{}, nil
	}
	return witness().Whole(ctx, s, objects...)
}

// changed are the objects that a statement changes, whose verb is passed.
func (b *scene) changed(verb string) []engine.Object {
	switch verb {
	case "CREATE":
		return b.created()
	case "DROP":
		return b.dropped()
	case "ALTER":
		return b.altered()
	case "RENAME":
		return b.renamed()
	}
	return nil
}

func (b *scene) renamed() []engine.Object {
	p := b.p
	if p.OneOf("TABLE", "TABLES") == "" {
		return nil
	}
	p.Next("IF", "EXISTS")
	from := b.object(engine.Drops, kindTable)
	if from == nil || !p.Next("TO") {
		return nil
	}
	to := b.object(engine.Makes, kindTable)
	if to == nil || !p.End() { // several are not one piece
		return nil
	}
	return []engine.Object{*from, *to}
}

// presume takes of a table that is made that it is not there yet.
func presume(s engine.Session, st sqltext.Statement) (engine.Evidence, string) {
	b := &scene{p: engine.ReadPhrase(st, sqltext.MySQL), schema: s.Server().Schema, server: s.Server()}
	if !atomicDDL(b.server) || !b.p.Next("CREATE") {
		return engine.Evidence{}, ""
	}
	objects := b.created()
	if len(objects) != 1 || objects[0].Kind != kindTable {
		return engine.Evidence{}, ""
	}
	o := objects[0]
	condition := "NOT EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = " + stringLiteral(o.Schema) +
		" AND TABLE_NAME = " + stringLiteral(o.Name) + ")"
	if o.Schema == b.schema {
		// USE may have led elsewhere.
		condition += " AND BINARY DATABASE() = " + stringLiteral(b.schema)
	}
	return engine.Evidence{Objects: objects}, condition
}

// scene is a statement, and where its names lead.
type scene struct {
	p      *engine.Phrase
	text   string
	schema string
	server engine.Server
}

// object reads a name.
func (b *scene) object(rule engine.Rule, kind string) *engine.Object {
	name := b.p.Name()
	o := engine.Object{Rule: rule, Kind: kind, Schema: b.schema}
	switch len(name) {
	case 2:
		o.Schema, o.Name = name[0], name[1]
	case 1:
		o.Name = name[0]
	}
	if o.Name == "" || o.Schema == "" {
		return nil
	}
	return &o
}

func one(o *engine.Object) []engine.Object {
	if o == nil {
		return nil
	}
	return []engine.Object{*o}
}

func (b *scene) created() []engine.Object {
	p := b.p
	rule := engine.Makes
	if p.Next("OR", "REPLACE") {
		rule = engine.Rewords
	}
	if !b.options() {
		return nil
	}
	p.OneOf("UNIQUE", "FULLTEXT", "SPATIAL", "AGGREGATE")
	switch kind := p.OneOf("TABLE", "INDEX", "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "SEQUENCE"); kind {
	case "":
		return nil
	case "INDEX":
		p.Next("IF", "NOT", "EXISTS")
		return b.index(rule)
	case "TABLE", "SEQUENCE":
		p.Next("IF", "NOT", "EXISTS")
		o := b.object(rule, strings.ToLower(kind))
		// The old one is dropped before the new one is made; and what is
		// filled from a query is not one piece.
		if rule == engine.Rewords || kind == "TABLE" && fromQuery(p) {
			return nil
		}
		return one(o)
	case "EVENT":
		p.Next("IF", "NOT", "EXISTS")
		o := b.object(rule, strings.ToLower(kind))
		// One that comes to an end drops itself: that it is not there proves
		// nothing.
		if !p.Next("ON", "SCHEDULE", "EVERY") || p.Has("ENDS") {
			return nil
		}
		return one(o)
	default:
		p.Next("IF", "NOT", "EXISTS")
		return one(b.object(rule, strings.ToLower(kind)))
	}
}

// fromQuery tells CREATE TABLE with rows from a query, or what cannot be told
// from one.
func fromQuery(p *engine.Phrase) bool {
	for i, t := range p.Tokens {
		switch {
		case t.Is("SELECT"), t.Is("TABLE"):
			return true
		case t.Is("VALUES"): // else of a partition
			if i+1 == len(p.Tokens) || !p.Tokens[i+1].Is("LESS") && !p.Tokens[i+1].Is("IN") {
				return true
			}
		}
	}
	return !p.Whole
}

// options passes what may stand before the kind; false where it cannot be
// read.
func (b *scene) options() bool {
	p := b.p
	for {
		switch {
		case p.Next("ALGORITHM", "="), p.Next("SQL", "SECURITY"):
			p.OneOf("UNDEFINED", "MERGE", "TEMPTABLE", "DEFINER", "INVOKER")
		case p.Next("DEFINER", "="):
			if p.OneOf("CURRENT_USER", "CURRENT_ROLE") != "" {
				p.Next("(", ")")
				continue
			}
			if !b.account() {
				return false
			}
		default:
			return true
		}
	}
}

// account passes user[@host], in whatever quotes.
func (b *scene) account() bool {
	p := b.p
	for range 2 {
		if len(p.Tokens) == 0 {
			return false
		}
		p.Tokens = p.Tokens[1:]
		if !p.Next("@") {
			return true
		}
	}
	return false
}

// index reads name ... ON table.
func (b *scene) index(rule engine.Rule) []engine.Object {
	name := b.p.Name()
	if len(name) != 1 || !b.p.To("ON") {
		return nil
	}
	o := b.object(rule, kindIndex)
	if o == nil {
		return nil
	}
	o.Name, o.Of = name[0], o.Name
	return []engine.Object{*o}
}

func (b *scene) dropped() []engine.Object {
	p := b.p
	kind := p.OneOf("TABLE", "TABLES", "INDEX", "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "SEQUENCE")
	p.Next("IF", "EXISTS")
	switch kind {
	case "":
		return nil
	case "INDEX":
		return b.index(engine.Drops)
	case "TABLES":
		kind = "TABLE"
	}
	var out []engine.Object
	for {
		o := b.object(engine.Drops, strings.ToLower(kind))
		if o == nil {
			return nil
		}
		out = append(out, *o)
		if !p.Next(",") {
			break
		}
	}
	p.OneOf("CASCADE", "RESTRICT")
	if !p.End() {
		return nil
	}
	return out
}

func (b *scene) altered() []engine.Object {
	p := b.p
	if p.OneOf("DATABASE", "SCHEMA") != "" {
		return nil
	}
	p.OneOf("ONLINE", "IGNORE")
	p.Next("IGNORE")
	if !p.Next("TABLE") {
		if b.options() && p.Next("VIEW") {
			return one(b.object(engine.Rewords, "view"))
		}
		return nil
	}
	p.Next("IF", "EXISTS")
	table := b.object(engine.Touches, kindTable)
	// These change rows, or change them for others, and show in no definition.
	if table == nil || !p.Whole || p.Has("TRUNCATE", "EXCHANGE", "DISCARD", "IMPORT", "WAIT") {
		return nil
	}
	for p.To("RENAME") {
		if p.OneOf("COLUMN", "INDEX", "KEY") != "" {
			continue
		}
		p.OneOf("TO", "AS")
		p.Next("=")
		to := b.object(engine.Makes, kindTable)
		if to == nil || p.Has("RENAME") {
			return nil
		}
		table.Rule = engine.Drops
		return []engine.Object{*table, *to}
	}
	if parts, unseen := b.parts(*table); parts != nil || unseen {
		return parts
	}
	return []engine.Object{*table}
}

// parts are the parts of a table that ALTER TABLE names: what others do to the
// rest of it says nothing of the statement. nil where not all of them have
// names.
func (b *scene) parts(table engine.Object) (out []engine.Object, unseen bool) {
	kinds := map[ddl.PartKind]string{ddl.ColumnPart: kindColumn, ddl.IndexPart: kindIndex, ddl.ConstraintPart: kindConstraint,
		ddl.OptionPart: kindOption, ddl.PartitionPart: kindPartition, ddl.KeysPart: kindOver, ddl.ForeignPart: kindForeign}
	together := map[ddl.PartKind]string{ddl.OptionPart: kindOptions, ddl.PartitionPart: kindPartitions, ddl.KeysPart: kindKeys}
	rules := map[ddl.Fate]engine.Rule{ddl.Made: engine.Makes, ddl.Gone: engine.Drops, ddl.Changed: engine.Alters}
	parts, unseen := ddl.Read(b.text, ddl.MySQL()).Parts()
	for _, p := range parts {
		o := engine.Object{Rule: rules[p.Fate], Kind: kinds[p.Kind], Schema: table.Schema, Name: p.Name.Name, Of: table.Name}
		for i, c := range p.Over {
			if i > 0 {
				o.Name += ","
			}
			o.Name += c.Name
		}
		switch {
		case p.Placed:
			o.Kind = kindPlaced
		case p.Kind == ddl.ConstraintPart && o.Name == "":
			o.Name = "PRIMARY"
		case o.Name == "":
			if o.Kind, o.Name, o.Of = together[p.Kind], table.Name, ""; p.Fate == ddl.Changed {
				o.Rule = engine.Touches
			}
		}
		out = append(out, o)
	}
	return out, unseen
}

var errOtherEngine = errors.New("the table is not one of InnoDB, which alone logs a change as one piece")

var errOtherSpelling = errors.New("sql_mode, or another setting of the session's, changes how definitions are spelled")

func now(ctx context.Context, s engine.Session, o engine.Object) (string, error) {
	switch o.Kind {
	case kindTable:
		return tableNow(ctx, s, o)
	case kindKeys:
		if there, err := inInnoDB(ctx, s, o.Schema, o.Name); !there || err != nil {
			return "", err
		}
		keys, err := text(ctx, s, "SELECT CONCAT(COUNT(DISTINCT INDEX_NAME), ' ', GROUP_CONCAT(DISTINCT INDEX_NAME ORDER BY INDEX_NAME)) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", o.Schema, o.Name)
		if err != nil {
			return "", err
		}
		constraints, err := text(ctx, s, "SELECT CONCAT(COUNT(*), ' ', GROUP_CONCAT(CONSTRAINT_NAME ORDER BY CONSTRAINT_NAME)) FROM information_schema.TABLE_CONSTRAINTS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", o.Schema, o.Name)
		return digest("keys "+keys+" constraints "+constraints, err)
	case kindOption:
		columns, options, _, err := shown(ctx, s, o.Schema, o.Of)
		if columns == "" || err != nil {
			return "", err
		}
		return digest("is "+regexp.MustCompile(`\b`+regexp.QuoteMeta(o.Name)+`=(?:'(?:[^']|'')*'|\S+)`).FindString(options), nil)
	case kindOptions, kindPartitions:
		columns, options, partitions, err := shown(ctx, s, o.Schema, o.Name)
		if columns == "" || err != nil {
			return "", err
		}
		if o.Kind == kindPartitions {
			options = partitions
		}
		return digest(options, nil)
	}
	if o.Of != "" {
		if there, err := inInnoDB(ctx, s, o.Schema, o.Of); !there || err != nil {
			return "", err
		}
	}
	switch o.Kind {
	case kindColumn, kindPlaced:
		place := "''"
		if o.Kind == kindPlaced {
			place = "(SELECT b.COLUMN_NAME FROM information_schema.COLUMNS AS b WHERE b.TABLE_SCHEMA = c.TABLE_SCHEMA AND b.TABLE_NAME = c.TABLE_NAME " +
				"AND b.ORDINAL_POSITION = c.ORDINAL_POSITION - 1)"
		}
		return digest(text(ctx, s, "SELECT CONCAT_WS(' ', c.COLUMN_TYPE, c.IS_NULLABLE, COALESCE(c.COLUMN_DEFAULT, '-'), c.EXTRA, c.COLLATION_NAME, "+
			"c.COLUMN_COMMENT, c.GENERATION_EXPRESSION, "+place+") FROM information_schema.COLUMNS AS c WHERE c.TABLE_SCHEMA = ? AND c.COLUMN_NAME = ? AND c.TABLE_NAME = ?",
			o.Schema, o.Name, o.Of))
	case kindConstraint:
		return digest(text(ctx, s, "SELECT GROUP_CONCAT(CONCAT_WS(' ', t.CONSTRAINT_TYPE, (SELECT CONCAT_WS(' ', r.REFERENCED_TABLE_NAME, r.UPDATE_RULE, r.DELETE_RULE) "+
			"FROM information_schema.REFERENTIAL_CONSTRAINTS AS r WHERE r.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = t.CONSTRAINT_NAME AND r.TABLE_NAME = t.TABLE_NAME), "+
			"(SELECT GROUP_CONCAT(k.COLUMN_NAME ORDER BY k.ORDINAL_POSITION) FROM information_schema.KEY_COLUMN_USAGE AS k WHERE k.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA "+
			"AND k.CONSTRAINT_NAME = t.CONSTRAINT_NAME AND k.TABLE_NAME = t.TABLE_NAME))) "+
			"FROM information_schema.TABLE_CONSTRAINTS AS t WHERE t.TABLE_SCHEMA = ? AND t.CONSTRAINT_NAME = ? AND t.TABLE_NAME = ?", o.Schema, o.Name, o.Of))
	case kindOver:
		names, err := text(ctx, s, "SELECT GROUP_CONCAT(k.INDEX_NAME ORDER BY k.INDEX_NAME) FROM (SELECT INDEX_NAME, GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX) AS over_columns "+
			"FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? GROUP BY INDEX_NAME) AS k WHERE k.over_columns = ?", o.Schema, o.Of, o.Name)
		return digest("are "+names, err)
	case kindForeign:
		names, err := text(ctx, s, "SELECT GROUP_CONCAT(k.CONSTRAINT_NAME ORDER BY k.CONSTRAINT_NAME) FROM (SELECT CONSTRAINT_NAME, GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION) AS over_columns "+
			"FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND REFERENCED_TABLE_NAME IS NOT NULL GROUP BY CONSTRAINT_NAME) AS k WHERE k.over_columns = ?", o.Schema, o.Of, o.Name)
		return digest("are "+names, err)
	case kindPartition:
		return digest(text(ctx, s, "SELECT CONCAT_WS(' ', GROUP_CONCAT(PARTITION_DESCRIPTION), COUNT(*)) FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = ? AND PARTITION_NAME = ? AND TABLE_NAME = ? HAVING COUNT(*) > 0",
			o.Schema, o.Name, o.Of))
	case kindIndex:
		return digest(text(ctx, s, "SELECT GROUP_CONCAT(CONCAT_WS(' ', NON_UNIQUE, COLUMN_NAME, SUB_PART, INDEX_TYPE, INDEX_COMMENT) ORDER BY SEQ_IN_INDEX) "+
			"FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND INDEX_NAME = ? AND TABLE_NAME = ?", o.Schema, o.Name, o.Of))
	}
	query, known := catalogs[o.Kind]
	if !known {
		return "", errors.New("a newer release looked at it")
	}
	return digest(text(ctx, s, query, o.Schema, o.Name))
}

// autoIncrement rises with the rows.
var autoIncrement = lazily(`(?m)^\).* AUTO_INCREMENT=[0-9]+`)

// tableNow is a table's own text; of one that is to go also when it was made,
// since one made in its place may look alike.
func tableNow(ctx context.Context, s engine.Session, o engine.Object) (string, error) {
	columns, options, partitions, err := shown(ctx, s, o.Schema, o.Name)
	if columns == "" || err != nil {
		return "", err
	}
	// Triggers are not in it.
	more, err := text(ctx, s, "SELECT GROUP_CONCAT(TRIGGER_NAME ORDER BY TRIGGER_NAME) FROM information_schema.TRIGGERS "+
		"WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ?", o.Schema, o.Name)
	if err == nil && o.Rule == engine.Drops {
		var made string
		made, err = text(ctx, s, "SELECT UNIX_TIMESTAMP(CREATE_TIME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", o.Schema, o.Name)
		more += " made " + made
	}
	return digest(columns+options+partitions+more, err)
}

// inInnoDB reports whether a table is there, whose change is one piece and
// whose words can be compared. The name is compared as the server does it, by
// having the server look for it.
func inInnoDB(ctx context.Context, s engine.Session, schema, name string) (bool, error) {
	var kind string
	var spelled int
	err := s.Query(ctx, func(scan func(...any) error) error { return scan(&kind, &spelled) },
		"SELECT COALESCE(ENGINE, TABLE_TYPE), @@sql_quote_show_create AND @@character_set_results LIKE 'utf8%' AND NOT @@sql_mode REGEXP "+
			"'ANSI|ORACLE|MSSQL|DB2|MAXDB|POSTGRESQL|MYSQL323|MYSQL40|_OPTIONS|NO_BACKSLASH_ESCAPES' FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", schema, name)
	switch {
	case err != nil || kind == "":
		return false, err
	case !strings.EqualFold(kind, "InnoDB"):
		return false, errOtherEngine
	case spelled == 0:
		// A text that is spelled otherwise would look like another table.
		return false, errOtherSpelling
	}
	return true, nil
}

// shown is the text of a table, in three pieces; none for one that is not
// there.
func shown(ctx context.Context, s engine.Session, schema, name string) (columns, options, partitions string, err error) {
	if there, err := inInnoDB(ctx, s, schema, name); !there || err != nil {
		return "", "", "", err
	}
	var definition string
	err = s.Query(ctx, func(scan func(...any) error) error {
		var title string
		return scan(&title, &definition)
	}, "SHOW CREATE TABLE "+quote(schema)+"."+quote(name))
	if err != nil {
		return "", "", "", fmt.Errorf("read the definition of %s: %w", name, err)
	}
	columns, tail := definition, ""
	for _, end := range []string{"\n)", "\n PARTITION BY", "\n/*!"} { // the last two may stand in no column's line
		if end == "\n)" {
			last := strings.LastIndex(definition, end) + 1
			columns, tail = definition[:last], definition[last:]
			continue
		}
		if at := strings.Index(tail, end); at >= 0 && partitions == "" {
			tail, partitions = tail[:at], tail[at:]
		}
	}
	options = autoIncrement().ReplaceAllStringFunc(tail, func(m string) string { return m[:strings.LastIndex(m, " AUTO_INCREMENT=")] })
	return columns, options, partitions, nil
}

func text(ctx context.Context, s engine.Session, query string, args ...any) (string, error) {
	var v sql.NullString
	err := s.Query(ctx, func(scan func(...any) error) error { return scan(&v) }, query, args...)
	return v.String, err
}

// digest shortens a definition; none stays none.
func digest(definition string, err error) (string, error) {
	if definition == "" || err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(definition))
	return hex.EncodeToString(sum[:8]), nil
}
