package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/plan"
)

const notUnderstood = "not-understood"

// commonRules are those that hold for every product.
func commonRules() []Rule {
	return []Rule{
		{ID: "drop-table", Severity: Error, Title: "a table is dropped",
			Why: "Its rows are gone, and a version of the application that still runs fails at the next query of it. No rollback brings the rows back."},
		{ID: "drop-column", Severity: Error, Title: "a column is dropped",
			Why: "Its values are gone, and a version of the application that still runs and names the column fails, which ORMs do in every SELECT and INSERT."},
		{ID: "drop-schema", Severity: Error, Title: "a schema, a database or everything of an owner is dropped",
			Why: "All that is in it is gone at once."},
		{ID: "drop-cascade", Severity: Error, Title: "something is dropped with all that depends on it",
			Why: "CASCADE drops views, foreign keys and functions that the file does not name, and that a reviewer does not see."},
		{ID: "drop-object", Severity: Warning, Title: "a view, a function or a type is dropped",
			Why: "A version of the application that still runs fails at the next use."},
		{ID: "truncate", Severity: Error, Title: "a table is emptied",
			Why: "All rows are gone, without triggers that could keep them; and the table is locked against everybody until the transaction ends."},
		{ID: "delete-all", Severity: Warning, Title: "DELETE without WHERE",
			Why: "All rows are gone. A forgotten WHERE looks the same."},
		{ID: "update-all", Severity: Warning, Sized: true, Title: "UPDATE without WHERE",
			Why: "Every row is written in one transaction: writers of those rows wait until its end, and the table grows by as much."},
		{ID: "rename-table", Severity: Error, Title: "a table is renamed or moved",
			Why: "A version of the application that still runs does not know the new name, and the new version not the old one: one of the two fails while both run."},
		{ID: "rename-column", Severity: Error, Title: "a column is renamed",
			Why: "A version of the application that still runs does not know the new name, and the new version not the old one: one of the two fails while both run."},
		{ID: "reserved-name", Severity: Warning, Title: "a name that the product keeps for itself",
			Why: "It must be quoted wherever it is used, by everybody, for ever."},
		{ID: "naming", Severity: Info, Title: "a name that must be quoted, or that minds the case",
			Why: "Names of lower-case letters, digits and _ mean the same with and without quotes, in every product and every tool."},
		{ID: "long-name", Severity: Warning, Title: "a name that is too long",
			Why: "PostgreSQL cuts it silently, so that two names may become one and the next migration does not find its object; others refuse it."},
		{ID: "no-primary-key", Severity: Warning, Title: "a table without a primary key",
			Why: "No row can be named: not by an ORM, not by logical replication, not by a backfill in batches."},
		{ID: "foreign-key-without-index", Severity: Warning, Sized: true, Title: "a foreign key whose columns have no index",
			Why: "Each DELETE in the table that it leads to, and each UPDATE of the key there, reads the whole of this table."},
		{ID: "wide-index", Severity: Info, Title: "an index of more than three columns",
			Why: "The columns behind the third one seldom help a query, and each write pays for them. A unique index is left alone."},
		{ID: "duplicate-index", Severity: Warning, Title: "an index that another one makes needless",
			Why: "Each write pays for both, and no query needs the shorter one."},
		{ID: "no-rollback", Severity: Warning, Title: "a migration without a rollback section",
			Why: "dbwarden rollback refuses it, and all that ran before it with it."},
		{ID: "empty-rollback", Severity: Warning, Title: "a rollback section without a statement",
			Why: "dbwarden rollback takes the migration out of the history and leaves what it did in the database, so that migrate fails at it the next time."},
		{ID: "rollback-incomplete", Severity: Warning, Title: "a rollback that leaves something of the upgrade behind",
			Why: "After rollback and migrate the same statement finds what it made the first time, and fails."},
		{ID: "rollback-loses-data", Severity: Info, Title: "a rollback that cannot bring back what the upgrade threw away",
			Why: "It makes the table or the column again, and leaves it empty: the way back is one for the schema alone."},
		{ID: "cannot-run", Severity: Error, Title: "statements that cannot run the way they are put together",
			Why: "migrate refuses the file before it runs anything of it."},
		{ID: "mixed-transactions", Severity: Warning, Title: "statements inside and outside of transactions in one file",
			Why: "When one of them fails, those before it stay: the migration is half applied, and somebody has to mend it before anything else runs."},
		{ID: "transaction-command", Severity: Info, Title: "BEGIN or COMMIT in the file",
			Why: "A migration is a transaction anyway. Its own commands cut it into several, of which the first may stay when the next one fails."},
		{ID: "no-lock-timeout", Severity: Warning, Title: "a wait for locked tables that never ends",
			Why: "While a migration waits for a table, everybody who comes after it waits behind it: one long query and one ALTER stop the application."},
		{ID: "no-statement-timeout", Severity: Off, Title: "statements that may run without a limit",
			Why: "A statement that takes longer than anybody thought goes on, with its locks, until somebody sees it."},
		{ID: "not-robust", Severity: Off, Title: "a statement outside of a transaction without IF EXISTS or IF NOT EXISTS",
			Why: "Run again by hand, or by another tool, it fails at what it left the first time. dbwarden itself knows what has run, and goes on behind it."},
		{ID: "unqualified-name", Severity: Off, Title: "a new table without its schema",
			Why: "Where it is made depends on the search path of whoever runs the migration."},
		{ID: "slow-under-lock", Severity: Warning, Sized: true, Title: "something slow while the transaction holds a table locked",
			Why: "A lock lasts to the end of its transaction: whoever wants the table waits as long as the slow statement takes."},
		{ID: "several-tables-locked", Severity: Info, Title: "one transaction locks several tables that are in use",
			Why: "It waits for the second one while it keeps everybody from the first; and an application that takes them in another order deadlocks with it."},
		{ID: "bad-ignore", Severity: Warning, Title: "a check comment that does not do what it seems to",
			Why: "It ignores nothing, or does not say why."},
		{ID: "unused-ignore", Severity: Info, Title: "a check comment without anything to ignore",
			Why: "The next danger of that kind would be passed over silently."},
		{ID: notUnderstood, Severity: Info, Title: "a statement that no rule could look at",
			Why: "The reader does not know this grammar. Nothing is claimed about the statement."},
	}
}

// common judges a statement by the rules for all products.
func (r *run) common(c *Context) {
	s := c.Stmt
	if c.Group.Mode == plan.Alone && r.o.Engine.Caps.TransactionalDDL && (s.Verb == ddl.Create && !s.IfNotExists || s.Verb == ddl.Drop && !s.IfExists) {
		c.Report("not-robust", 0, Finding{Message: "run a second time, this fails"})
	}
	switch s.Verb {
	case ddl.Drop:
		r.dropped(c)
	case ddl.Truncate:
		for _, n := range s.Names {
			if !c.Fresh(n) {
				c.Report("truncate", n.At, Finding{Message: "all rows of " + n.Text + " are gone", Effect: r.effect(c)}.About(n))
			}
		}
		if s.Cascade {
			c.Report("drop-cascade", s.At, Finding{Message: "TRUNCATE ... CASCADE empties every table that refers to " + list(s.Names) + " as well"})
		}
	case ddl.Delete:
		if !s.Where && !c.Fresh(s.Names[0]) {
			c.Report("delete-all", 0, Finding{Message: "all rows of " + s.Names[0].Text + " are deleted"}.About(s.Names[0]))
		}
	case ddl.Update:
		if !s.Where && !c.Fresh(s.Names[0]) {
			n := s.Names[0]
			c.Report("update-all", 0, Finding{Message: "every row of " + n.Text + " is written in one transaction",
				Safer: fmt.Sprintf("-- in batches, each in a transaction of its own:\nUPDATE %s SET ... WHERE id BETWEEN 1 AND 10000;", n.Text)}.About(n))
		}
	case ddl.Transaction:
		if w := c.SQL.Word(0); w != "BEGIN" && w != "START" && w != "COMMIT" {
			break
		}
		c.Report("transaction-command", 0, Finding{Message: "the file cuts itself into transactions"})
	case ddl.Rename:
		for _, a := range s.Actions {
			r.renamed(c, a.Name, a)
		}
	case ddl.Alter:
		for i := range s.Actions {
			r.altered(c, &s.Actions[i])
		}
	case ddl.Create:
		r.created(c)
	case ddl.Set:
		if (s.Setting == "lock_timeout" || s.Setting == "lock_wait_timeout") && (s.Value == "0" || s.Value == "default") && c.Server.Product != "" {
			if s.Setting == "lock_timeout" {
				c.Report("no-lock-timeout", 0, Finding{Message: "from here on a statement waits for a locked table without a limit",
					Safer: "-- leave it out: migrate sets lock_timeout to 5s, or to what run.lock_timeout says"})
			}
		}
	}
}

func (r *run) effect(c *Context) Effect {
	if r.o.Product.Effect == nil {
		return Effect{}
	}
	return r.o.Product.Effect(c)
}

func list(names []ddl.Name) string {
	var texts []string
	for _, n := range names {
		texts = append(texts, n.Text)
	}
	return strings.Join(texts, ", ")
}

func (r *run) dropped(c *Context) {
	s := c.Stmt
	for _, n := range s.Names {
		switch s.Object {
		case "TABLE":
			if !c.Fresh(n) && !c.Rebuilt(n) {
				f := Finding{Message: "the rows of " + n.Text + " are gone, and whoever uses it fails",
					Safer:  "-- first release a version that does not use it; keep it for a while under another name\nALTER TABLE " + n.Text + " RENAME TO " + bare(n) + "_old;",
					Effect: r.effect(c)}
				c.Report("drop-table", n.At, f.About(n))
			}
		case "SCHEMA", "DATABASE":
			if !c.Schema.Fresh(s.Object, n) {
				c.Report("drop-schema", n.At, Finding{Message: "all that is in " + n.Text + " is gone"})
			}
		case "VIEW", "MATERIALIZED VIEW", "FUNCTION", "PROCEDURE", "TYPE", "DOMAIN", "SEQUENCE", "AGGREGATE", "ROUTINE", "EXTENSION":
			if !c.Schema.Fresh(s.Object, n) {
				c.Report("drop-object", n.At, Finding{Message: "whoever uses " + n.Text + " fails from here on"})
			}
		}
	}
	if s.Object == "OWNED" {
		c.Report("drop-schema", s.At, Finding{Message: "all that the role owns is gone, and all that it may do"})
	}
	if s.Cascade && len(s.Names) > 0 && s.Object != "SCHEMA" {
		c.Report("drop-cascade", s.At, Finding{Message: "all that depends on " + list(s.Names) + " goes with it, and the file does not say what that is",
			Safer: "-- name what depends on it, and drop that first; then\nDROP " + s.Object + " " + list(s.Names) + ";"})
	}
}

func bare(n ddl.Name) string { return strings.Trim(n.Name, "\"`[]") }

func (r *run) renamed(c *Context, from ddl.Name, a ddl.Action) {
	if c.Fresh(from) {
		return
	}
	c.Report("rename-table", a.At, Finding{Message: fmt.Sprintf("who knows %s fails from here on, and who knows %s failed before", from.Text, a.To.Text),
		Safer: fmt.Sprintf("ALTER TABLE %s RENAME TO %s;\n-- in the same transaction, until nobody uses the old name:\nCREATE VIEW %s AS SELECT * FROM %s;",
			from.Text, a.To.Text, from.Text, a.To.Text), Effect: r.effect(c)}.About(from))
}

// worksOutAnew reports whether a statement that drops a column adds one of the
// same name that is generated, too. No value is gone where the old one was
// generated as well, and nobody sees the table without it.
func worksOutAnew(s *ddl.Statement, column string) bool {
	return slices.ContainsFunc(s.Actions, func(a ddl.Action) bool {
		return a.Kind == ddl.AddColumn && a.Column != nil && a.Column.Name.Name == column && a.Column.Generated != nil
	})
}

func (r *run) altered(c *Context, a *ddl.Action) {
	s := c.Stmt
	if len(s.Names) == 0 {
		return
	}
	n := s.Names[0]
	fresh := c.Fresh(n)
	if s.Object != "TABLE" {
		fresh = c.Schema.Fresh(s.Object, n)
	}
	switch a.Kind {
	case ddl.DropColumn:
		col := c.Known(n).Column(a.Name.Name)
		if fresh || col != nil && (col.Fresh || col.Generated != nil && worksOutAnew(s, a.Name.Name)) {
			break
		}
		f := Finding{Message: fmt.Sprintf("the values of %s.%s are gone, and whoever names the column fails", n.Text, a.Name.Text),
			Safer:  "-- first release a version that does not name the column, then drop it in a later migration",
			Effect: r.effect(c)}
		c.Report("drop-column", a.At, f.About(n))
		if a.Cascade {
			c.Report("drop-cascade", a.At+1, Finding{Message: "all that depends on " + a.Name.Text + " goes with it, and the file does not say what that is"})
		}
	case ddl.DropConstraint:
		if a.Cascade && !fresh {
			c.Report("drop-cascade", a.At, Finding{Message: "the foreign keys that lead to " + a.Name.Text + " go with it, and the file does not say which they are"})
		}
	case ddl.RenameColumn:
		if !fresh {
			c.Report("rename-column", a.At, Finding{Message: fmt.Sprintf("who knows %s.%s fails from here on, and who knows %s failed before", n.Text, a.Name.Text, a.To.Text),
				Safer: fmt.Sprintf("-- add %s beside it, write both, copy in batches, read the new one, and drop %s in a later migration", a.To.Text, a.Name.Text), Effect: r.effect(c)}.About(n))
		}
	case ddl.RenameTable, ddl.SetSchema:
		if s.Object == "TABLE" || s.Object == "VIEW" || s.Object == "MATERIALIZED VIEW" || s.Object == "SCHEMA" || s.Object == "TYPE" {
			if a.Kind == ddl.RenameTable && s.Object == "TABLE" {
				r.renamed(c, n, *a)
			} else if !fresh {
				c.Report("rename-table", a.At, Finding{Message: fmt.Sprintf("who knows %s fails from here on", n.Text)})
			}
		}
		r.named(c, a.To, true)
	case ddl.ModifyColumn:
		if a.Column.Name.Name != a.Name.Name && !fresh {
			c.Report("rename-column", a.At, Finding{Message: fmt.Sprintf("who knows %s.%s fails from here on, and who knows %s failed before", n.Text, a.Name.Text, a.Column.Name.Text),
				Safer: fmt.Sprintf("-- add %s beside it, write both, copy in batches, read the new one, and drop %s in a later migration", a.Column.Name.Text, a.Name.Text), Effect: r.effect(c)}.About(n))
		}
	case ddl.AddColumn:
		r.named(c, a.Column.Name, true)
		if ref := a.Column.References; ref != nil && !fresh {
			r.foreignKey(c, n, []ddl.Name{a.Column.Name}, a.At)
		}
	case ddl.AddConstraint:
		r.named(c, a.Constraint.Name, false)
		if a.Constraint.Kind == ddl.ForeignKey {
			r.foreignKey(c, n, a.Constraint.Columns, a.At)
		}
	case ddl.AddIndex:
		r.named(c, a.Index.Name, false)
		r.indexed(c, n, a.Index)
	}
}

// foreignKey asks for an index of its columns. Products that make one
// themselves have no such rule.
func (r *run) foreignKey(c *Context, n ddl.Name, columns []ddl.Name, at int) {
	if r.o.Product.IndexesForeignKeys || len(columns) == 0 || r.later(c, n, columns[0]) {
		return
	}
	t := c.Schema.Table(n)
	if t == nil || !t.Whole || t.Indexed(columns[0].Name) {
		return // where the table was not seen whole, there may be one
	}
	c.Report("foreign-key-without-index", at, Finding{Message: fmt.Sprintf("no index begins with %s.%s", n.Text, columns[0].Text),
		Safer: fmt.Sprintf("CREATE INDEX %s_%s_idx ON %s (%s);", bare(n), columns[0].Name, n.Text, list(columns))}.About(n))
}

func (r *run) created(c *Context) {
	s := c.Stmt
	if s.Object == "TABLE" && !s.Temporary && s.Names[0].Schema == "" {
		c.Report("unqualified-name", s.Names[0].At, Finding{Message: s.Names[0].Text + " is made in whatever schema comes first", Safer: "CREATE TABLE SCHEMA." + s.Names[0].Text + " ..."})
	}
	for _, n := range s.Names {
		r.named(c, n, s.Object == "TABLE" || s.Object == "VIEW")
	}
	if s.Object == "INDEX" {
		r.indexed(c, s.On, &s.Indexes[0])
		return
	}
	if s.Object != "TABLE" || s.Temporary {
		return
	}
	if n := s.Names[0]; s.OrReplace && !c.Fresh(n) {
		c.Report("drop-table", n.At, Finding{Message: "OR REPLACE drops " + n.Text + " where it is there already: its rows are gone",
			Safer: "CREATE TABLE IF NOT EXISTS " + n.Text + " ..."}.About(n))
	}
	key := false
	for i := range s.Columns {
		col := &s.Columns[i]
		key = key || col.PrimaryKey
		r.named(c, col.Name, true)
		if col.References != nil && !col.PrimaryKey && !col.Unique {
			r.newForeignKey(c, []ddl.Name{col.Name}, col.Name.At)
		}
	}
	for i := range s.Constraints {
		k := &s.Constraints[i]
		key = key || k.Kind == ddl.PrimaryKey
		r.named(c, k.Name, false)
		if k.Kind == ddl.ForeignKey {
			r.newForeignKey(c, k.Columns, k.At)
		}
	}
	if !key && len(s.Columns) > 0 && !s.Query && !r.laterKey(c, s.Names[0]) {
		c.Report("no-primary-key", s.Names[0].At, Finding{Message: s.Names[0].Text + " has no primary key"})
	}
}

// newForeignKey is foreignKey for a table that is being made.
func (r *run) newForeignKey(c *Context, columns []ddl.Name, at int) {
	if r.o.Product.IndexesForeignKeys || len(columns) == 0 {
		return
	}
	scratch := newSchema()
	scratch.create(c.Stmt, true)
	n := c.Stmt.Names[0]
	if t := scratch.Table(n); t == nil || t.Indexed(columns[0].Name) || r.later(c, n, columns[0]) {
		return
	}
	c.Report("foreign-key-without-index", at, Finding{Message: fmt.Sprintf("no index begins with %s.%s", n.Text, columns[0].Text),
		Safer: fmt.Sprintf("CREATE INDEX %s_%s_idx ON %s (%s);", bare(n), columns[0].Name, n.Text, list(columns))})
}

// later says that a statement further down makes an index that begins with
// the column.
func (r *run) later(c *Context, n, column ddl.Name) bool {
	for _, s := range r.ahead[min(c.Number, len(r.ahead)):] {
		if !s.ddl.Understood {
			continue
		}
		for i := range s.ddl.Indexes {
			x := &s.ddl.Indexes[i]
			if s.ddl.Object == "INDEX" && s.ddl.On.Name == n.Name && x.Columns[0].Name.Name == column.Name {
				return true
			}
		}
		for i := range s.ddl.Actions {
			a := &s.ddl.Actions[i]
			if a.Constraint != nil && len(a.Constraint.Columns) > 0 && s.ddl.Names[0].Name == n.Name && a.Constraint.Columns[0].Name == column.Name &&
				(a.Constraint.Kind == ddl.PrimaryKey || a.Constraint.Kind == ddl.Unique) {
				return true
			}
		}
	}
	return false
}

// laterKey says that a statement further down gives the table its key.
func (r *run) laterKey(c *Context, n ddl.Name) bool {
	for _, s := range r.ahead[min(c.Number, len(r.ahead)):] {
		for i := range s.ddl.Actions {
			a := &s.ddl.Actions[i]
			if len(s.ddl.Names) > 0 && s.ddl.Names[0].Name == n.Name && a.Constraint != nil && a.Constraint.Kind == ddl.PrimaryKey {
				return true
			}
		}
	}
	return false
}

func (r *run) indexed(c *Context, n ddl.Name, x *ddl.Index) {
	if len(x.Columns) > 3 && !x.Unique {
		c.Report("wide-index", x.At, Finding{Message: fmt.Sprintf("this index has %d columns", len(x.Columns))})
	}
	t := c.Schema.Table(n)
	if t == nil || x.Where != nil || x.Kind != "" {
		return
	}
	mine := strings.Join(keys(*x), ",")
	for name, have := range t.Indexes {
		if have.Where != nil || have.Kind != "" {
			continue
		}
		other := strings.Join(keys(*have), ",")
		if other == mine || strings.HasPrefix(other, mine+",") && !x.Unique {
			what := "the index " + name
			if strings.HasPrefix(name, "?") {
				what = "the key (" + other + ")"
			}
			c.Report("duplicate-index", x.At, Finding{Message: fmt.Sprintf("%s of %s serves the same queries", what, n.Text)})
			return
		}
	}
}

// named judges a new name. object says that people write it in queries.
func (r *run) named(c *Context, n ddl.Name, object bool) {
	if n.IsZero() {
		return
	}
	p := r.o.Product
	switch {
	case object && p.Reserved != nil && p.Reserved(strings.ToLower(n.Name)):
		c.Report("reserved-name", n.At, Finding{Message: n.Text + " is a reserved word"})
	case p.LongestName > 0 && len(n.Name) > p.LongestName:
		c.Report("long-name", n.At, Finding{Message: fmt.Sprintf("%s has %d bytes, and %d are the most", n.Text, len(n.Name), p.LongestName)})
	case n.Quoted && !plain(unquoted(n.Text)):
		c.Report("naming", n.At, Finding{Message: n.Text + " must be quoted wherever it is used"})
	}
}

func unquoted(text string) string {
	text = text[strings.LastIndexByte(text, '.')+1:]
	return strings.Trim(text, "\"`[]")
}

func plain(name string) bool {
	for i, c := range name {
		if !(c == '_' || 'a' <= c && c <= 'z' || i > 0 && '0' <= c && c <= '9') {
			return false
		}
	}
	return name != ""
}

// modes judges how the upgrade is cut into transactions.
func (r *run) modes(m mig, up []read, groups []plan.Group, whole []*ignore) {
	in, out := 0, -1
	for _, g := range groups {
		switch g.Mode {
		case plan.InTransaction:
			if g.To-g.From > 1 || !g.Sole {
				in++
			}
		case plan.Alone:
			if out < 0 {
				out = g.From
			}
		}
	}
	alone := 0
	for _, g := range groups {
		if g.Mode == plan.Alone {
			alone++
		}
	}
	if !r.o.Engine.Caps.TransactionalDDL {
		// Every definition commits: with more than one, a failure leaves the
		// first.
		if alone+in > 1 && out >= 0 {
			first := groups[groupOf(groups, out)]
			next := min(first.To, len(up)-1)
			r.report("mixed-transactions", at(m, up[next], Finding{Number: next + 1,
				Message: fmt.Sprintf("each of these %d statements commits by itself: when this one fails, the ones before it stay", alone+in),
				Safer:   "-- one definition in a migration"}), append(up[next].own, whole...))
		}
		return
	}
	if out >= 0 && (in > 0 || alone > 1) {
		r.report("mixed-transactions", at(m, up[out], Finding{Number: out + 1,
			Message: "this statement runs outside of a transaction, and the file has others: when one of them fails, the ones before it stay",
			Safer:   "-- in a migration of its own:\n" + up[out].sql.Text + ";"}), append(up[out].own, whole...))
	}
}

func at(m mig, s read, f Finding) Finding {
	f.File, f.Line, f.Column, f.Section = m.File, s.sql.Start.Line, s.sql.Start.Column, "upgrade"
	return f
}
