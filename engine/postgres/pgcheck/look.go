package pgcheck

import (
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/plan"
)

// look judges one statement.
func look(c *check.Context) {
	s := c.Stmt
	slow, what := false, ""
	switch s.Verb {
	case ddl.Create:
		slow, what = create(c)
	case ddl.Alter:
		switch s.Object {
		case "TABLE":
			for i := range s.Actions {
				if is, why := action(c, &s.Actions[i]); is {
					slow, what = true, why
				}
			}
		case "TYPE":
			typeActions(c)
		case "DOMAIN":
			for i := range s.Actions {
				a := &s.Actions[i]
				if (a.Kind == ddl.AddConstraint && !a.Constraint.NotValid || a.Kind == ddl.SetNotNull) && !c.Schema.Fresh("DOMAIN", s.Names[0]) {
					f := check.Finding{Message: "every column of " + s.Names[0].Text + " is read, in every table that has one"}
					if a.Kind == ddl.AddConstraint {
						f.Safer = fmt.Sprintf("ALTER DOMAIN %s %s NOT VALID;\n-- in a later migration:\nALTER DOMAIN %s VALIDATE CONSTRAINT %s;",
							s.Names[0].Text, a.Text, s.Names[0].Text, or(a.Name.Text, "NAME"))
					}
					c.Report("domain-constraint", a.At, f)
				}
			}
		}
	case ddl.Drop:
		if s.Object == "INDEX" && !s.Concurrently {
			for _, n := range s.Names {
				if t := c.Schema.IndexTable(n); t != nil && t.Fresh {
					continue
				}
				f := check.Finding{Message: "it waits for the table of " + n.Text + ", and everybody else waits behind it",
					Safer: "-- in a migration of its own:\nDROP INDEX CONCURRENTLY " + n.Text + ";", Effect: check.Effect{Lock: accessExclusive}}
				if t := c.Schema.IndexTable(n); t != nil {
					f = f.About(t.Name)
				}
				c.Report("drop-index-not-concurrent", s.At, f)
			}
		}
	case ddl.Reindex:
		if !s.Concurrently && len(s.Names) > 0 {
			n := s.Names[0]
			f := check.Finding{Message: "nobody writes to the table while " + n.Text + " is built anew",
				Safer:  fmt.Sprintf("-- in a migration of its own:\nREINDEX %s CONCURRENTLY %s;", s.Object, n.Text),
				Effect: check.Effect{Lock: share, Scan: true}}
			if s.Object == "TABLE" {
				f = f.About(n)
			} else if t := c.Schema.IndexTable(n); t != nil {
				f = f.About(t.Name)
			}
			c.Report("reindex-not-concurrent", 0, f)
			slow, what = true, "an index is built here"
		}
	case ddl.Vacuum, ddl.Cluster:
		if s.Verb == ddl.Cluster || s.Full {
			f := check.Finding{Message: "every table is written anew", Effect: check.Effect{Lock: accessExclusive, Rewrite: true},
				Safer: "-- autovacuum keeps the free space for new rows; the extension pg_repack gives it back without that lock"}
			if len(s.Names) > 0 {
				f.Message = s.Names[0].Text + " is written anew"
				f = f.About(s.Names[0])
			}
			c.Report("rewrite-table", 0, f)
		}
	case ddl.Refresh:
		if n := s.Names[0]; !s.Concurrently && !s.NoData && !c.Schema.Fresh("MATERIALIZED VIEW", n) {
			c.Report("refresh-not-concurrent", 0, check.Finding{Message: "nobody reads " + n.Text + " while its query runs",
				Safer: fmt.Sprintf("-- with a unique index on columns of it:\nREFRESH MATERIALIZED VIEW CONCURRENTLY %s;", n.Text), Effect: check.Effect{Lock: accessExclusive, Rewrite: true}}.About(n))
		}
		slow, what = true, "the query of the view runs here"
	case ddl.Lock:
		for _, l := range Locks(s) {
			if blocks(l.Mode) && !c.Fresh(l.Table) {
				c.Report("lock-table", l.Table.At, check.Finding{Message: l.Table.Text + " stays locked (" + l.Mode + ") to the end of the transaction",
					Effect: check.Effect{Lock: l.Mode}}.About(l.Table))
			}
		}
	case ddl.Update, ddl.Delete:
		if !c.Fresh(s.Names[0]) {
			slow, what = true, "rows of "+s.Names[0].Text+" are changed here"
		}
	case ddl.Insert:
		if s.Query {
			slow, what = true, "rows are copied here"
		}
	}
	transaction(c, slow, what)
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func create(c *check.Context) (slow bool, what string) {
	s := c.Stmt
	switch s.Object {
	case "TABLE":
		if s.Temporary {
			return
		}
		key := map[string]bool{}
		for i := range s.Constraints {
			if k := &s.Constraints[i]; k.Kind == ddl.PrimaryKey && len(k.Columns) == 1 {
				key[k.Columns[0].Name] = true
			}
		}
		for i := range s.Columns {
			col := &s.Columns[i]
			columnTypes(c, s.Names[0], col, col.PrimaryKey || key[col.Name.Name])
		}
		return s.Query, "a table is filled by a query here"
	case "INDEX":
		if s.Concurrently {
			if s.IfNotExists {
				c.Report("concurrent-if-not-exists", s.At, check.Finding{Message: "an invalid " + s.Names[0].Text + " that a failed build left counts as existing",
					Safer: fmt.Sprintf("DROP INDEX CONCURRENTLY IF EXISTS %s;\nCREATE INDEX CONCURRENTLY %s ...;", s.Names[0].Text, s.Names[0].Text)})
			}
			return
		}
		if c.Fresh(s.On) || c.Schema.Fresh("MATERIALIZED VIEW", s.On) {
			return
		}
		if s.Only {
			return // of a partitioned table alone, to be completed by ATTACH
		}
		if c.Known(s.On).Partitioned {
			name := or(s.Indexes[0].Name.Text, "NAME")
			c.Report("index-on-partitioned", s.At, check.Finding{Message: "nobody writes to any partition of " + s.On.Text + " while their indexes are built",
				Safer: fmt.Sprintf("CREATE INDEX %s ON ONLY %s ...;\n-- for each partition, in a migration of its own:\nCREATE INDEX CONCURRENTLY %s_1 ON PARTITION ...;\n-- then:\nALTER INDEX %s ATTACH PARTITION %s_1;",
					name, s.On.Text, name, name, name), Effect: check.Effect{Lock: share}}.About(s.On))
			return true, "an index is built here"
		}
		c.Report("index-not-concurrent", s.At, check.Finding{Message: "nobody writes to " + s.On.Text + " while the index is built",
			Safer:  "-- in a migration of its own:\n" + concurrently(c.SQL.Text) + ";",
			Effect: check.Effect{Lock: share, Scan: true}}.About(s.On))
		return true, "an index is built here"
	case "DOMAIN":
		if col := s.Columns[0]; col.Check != nil || col.NotNull {
			c.Report("domain-constraint", s.At, check.Finding{Message: "a later change of this rule reads every table that has a column of " + s.Names[0].Text,
				Safer: "-- the type alone, and a CHECK ... NOT VALID at each table"})
		}
	}
	return false, ""
}

// concurrently puts the word behind INDEX.
func concurrently(text string) string {
	i := strings.Index(strings.ToUpper(text), "INDEX")
	if i < 0 {
		return text
	}
	return text[:i+5] + " CONCURRENTLY" + text[i+5:]
}

// action judges one action of ALTER TABLE, and says whether it takes its time.
func action(c *check.Context, a *ddl.Action) (slow bool, what string) {
	n := c.Stmt.Names[0]
	if c.Fresh(n) {
		if a.Kind == ddl.AddColumn {
			columnTypes(c, n, a.Column, a.Column.PrimaryKey)
		}
		return
	}
	known := c.Known(n)
	full := func(lock string, rewrite, scan bool) check.Effect {
		return check.Effect{Lock: lock, Rewrite: rewrite, Scan: scan}
	}
	tell := func(rule, message, safer string, e check.Effect) {
		c.Report(rule, a.At, check.Finding{Message: message, Safer: safer, Effect: e}.About(n))
	}
	switch a.Kind {
	case ddl.AlterType:
		return alterType(c, n, a)
	case ddl.SetNotNull:
		if checked(known, a.Name.Name) {
			return
		}
		safer := fmt.Sprintf("ALTER TABLE %[1]s ADD CONSTRAINT %[2]s_not_null CHECK (%[3]s IS NOT NULL) NOT VALID;\n-- in a later migration:\n"+
			"ALTER TABLE %[1]s VALIDATE CONSTRAINT %[2]s_not_null;\n-- and behind that:\nALTER TABLE %[1]s ALTER COLUMN %[3]s SET NOT NULL;\nALTER TABLE %[1]s DROP CONSTRAINT %[2]s_not_null;",
			n.Text, a.Name.Name, a.Name.Text)
		if c.Version() >= 180000 {
			safer = fmt.Sprintf("ALTER TABLE %[1]s ADD CONSTRAINT %[2]s_not_null NOT NULL %[3]s NOT VALID;\n-- in a later migration:\nALTER TABLE %[1]s VALIDATE CONSTRAINT %[2]s_not_null;",
				n.Text, a.Name.Name, a.Name.Text)
		}
		tell("set-not-null", "the whole of "+n.Text+" is read while nobody else can", safer, full(accessExclusive, false, true))
		return true, "the whole of " + n.Text + " is read here"
	case ddl.DropNotNull:
		tell("drop-not-null", n.Text+"."+a.Name.Text+" may be NULL from here on", "", check.Effect{})
	case ddl.AddColumn:
		columnTypes(c, n, a.Column, a.Column.PrimaryKey)
		return addColumn(c, n, a)
	case ddl.AddConstraint:
		return addConstraint(c, n, a)
	case ddl.ValidateConstraint:
		return true, "the whole of " + n.Text + " is read here"
	case ddl.AddIdentity:
		// On a column that is there: its rows stay as they are.
	case ddl.SetLogged, ddl.SetUnlogged, ddl.SetAccessMethod, ddl.SetTablespace:
		e := full(accessExclusive, true, false)
		tell("rewrite-table", n.Text+" is written anew", "", e)
		return true, n.Text + " is written anew here"
	case ddl.SetExpression:
		tell("add-generated-column", n.Text+" is written anew", "", full(accessExclusive, true, false))
		return true, n.Text + " is written anew here"
	case ddl.AttachPartition:
		if p := c.Known(a.Name); !c.Fresh(a.Name) && !hasCheck(p) {
			f := check.Finding{Message: "the whole of " + a.Name.Text + " is read while nobody else can",
				Safer: fmt.Sprintf("ALTER TABLE %[1]s ADD CONSTRAINT %[2]s_fits CHECK (...) NOT VALID; -- the partition's bounds\n-- in a later migration:\n"+
					"ALTER TABLE %[1]s VALIDATE CONSTRAINT %[2]s_fits;\n-- and behind that:\n%[3]s;\nALTER TABLE %[1]s DROP CONSTRAINT %[2]s_fits;",
					a.Name.Text, a.Name.Name, c.SQL.Text), Effect: full(accessExclusive, false, true)}
			c.Report("attach-partition", a.At, f.About(a.Name))
			return true, "the whole of " + a.Name.Text + " is read here"
		}
	case ddl.DetachPartition:
		if !a.Concurrently && c.Version() >= 140000 {
			tell("detach-partition-not-concurrent", "everybody who uses "+n.Text+" waits",
				fmt.Sprintf("-- in a migration of its own:\nALTER TABLE %s DETACH PARTITION %s CONCURRENTLY;", n.Text, a.Name.Text), full(accessExclusive, false, false))
		}
	case ddl.DisableTrigger:
		tell("disable-trigger", "what anybody writes to "+n.Text+" meanwhile is checked by nothing", "", full(shareRowExclusive, false, false))
	}
	return false, ""
}

// checked says that a validated constraint excludes NULL already.
func checked(t *check.Table, column string) bool {
	for _, k := range t.Checks {
		if k.NotValid {
			continue
		}
		if k.Kind == ddl.NotNull && k.Columns[0].Name == column {
			return true
		}
		if k.Kind != ddl.Check || k.Expr == nil {
			continue
		}
		var words []string
		for _, tok := range k.Expr.Tokens {
			if tok.Text != "(" && tok.Text != ")" {
				words = append(words, strings.ToLower(strings.Trim(tok.Text, `"`)))
			}
		}
		if strings.Join(words, " ") == strings.ToLower(column)+" is not null" {
			return true
		}
	}
	return false
}

func hasCheck(t *check.Table) bool {
	for _, k := range t.Checks {
		if k.Kind == ddl.Check && !k.NotValid {
			return true
		}
	}
	return false
}

func alterType(c *check.Context, n ddl.Name, a *ddl.Action) (slow bool, what string) {
	old := c.Known(n).Column(a.Name.Name)
	message := fmt.Sprintf("%s is written anew, with all its indexes, while nobody else can read it", n.Text)
	e := check.Effect{Lock: accessExclusive, Rewrite: true}
	if old == nil {
		message = fmt.Sprintf("unless %s has nearly this type already, %s is written anew while nobody else can read it", a.Name.Text, n.Text)
		e.Rewrite = false
	} else {
		if narrower(old.Type, a.Type) {
			c.Report("narrow-type", a.At, check.Finding{Message: fmt.Sprintf("not every %s fits into %s, and %s is written anew while nobody else can read it", old.Type.Text, a.Type.Text, n.Text),
				Effect: e}.About(n))
			return true, n.Text + " is written anew here"
		}
		switch change(old.Type, a.Type) {
		case stays:
			if a.Using == nil || len(a.Using.Tokens) == 1 && strings.EqualFold(strings.Trim(a.Using.Text, `"`), a.Name.Name) {
				return
			}
		case depends:
			message = fmt.Sprintf("%s is written anew unless the session's time zone is UTC", n.Text)
			e.Rewrite = false
		}
	}
	c.Report("change-type", a.At, check.Finding{Message: message, Effect: e, Safer: fmt.Sprintf(
		"ALTER TABLE %[1]s ADD COLUMN %[2]s_new %[3]s;\n-- then: write both columns, copy in batches, read the new one; in a later migration:\nALTER TABLE %[1]s DROP COLUMN %[4]s;",
		n.Text, a.Name.Name, a.Type.Text, a.Name.Text)}.About(n))
	return true, n.Text + " is written anew here"
}

func addColumn(c *check.Context, n ddl.Name, a *ddl.Action) (slow bool, what string) {
	col := a.Column
	name := n.Text + "." + col.Name.Text
	anew := "every row of " + n.Text + " is written anew while nobody else can read it"
	tell := func(rule, message, safer string, e check.Effect) {
		c.Report(rule, a.At, check.Finding{Message: message, Safer: safer, Effect: e}.About(n))
	}
	rewrite := check.Effect{Lock: accessExclusive, Rewrite: true}
	plain := fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s;", n.Text, col.Name.Text, col.Type.Text)
	backfill := plain + fmt.Sprintf("\nALTER TABLE %s ALTER COLUMN %s SET DEFAULT %%s;\n-- and in batches, each in a transaction of its own:\nUPDATE %s SET %s = DEFAULT WHERE %s IS NULL AND id BETWEEN 1 AND 10000;",
		n.Text, col.Name.Text, n.Text, col.Name.Text, col.Name.Text)
	switch {
	case serial(col.Type.Name) || col.Identity:
		tell("add-serial-column", anew, "-- a new table with that column, filled in batches, and renamed into place", rewrite)
		return true, n.Text + " is written anew here"
	case col.Generated != nil && !col.Virtual && (col.Stored || c.Version() < 180000):
		safer := plain + "\n-- and a trigger that fills it; or an expression in the queries, with an index on it"
		if c.Version() >= 180000 {
			safer = fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s GENERATED ALWAYS AS (%s) VIRTUAL;", n.Text, col.Name.Text, col.Type.Text, col.Generated.Text)
		}
		tell("add-generated-column", anew, safer, rewrite)
		return true, n.Text + " is written anew here"
	case col.NotNull && (col.Default == nil || col.Default.Null()) && col.Generated == nil, col.PrimaryKey && col.Default == nil:
		tell("add-required-column", "this fails where "+n.Text+" has a row; and who does not know "+name+" can insert nothing",
			check.RequiredColumn(n, col), check.Effect{})
	case col.Default != nil && !col.Default.Null():
		yes, unknown := volatile(col.Default)
		if yes {
			tell("volatile-default", anew, fmt.Sprintf(backfill, col.Default.Text), rewrite)
			return true, n.Text + " is written anew here"
		}
		if unknown != "" {
			c.Unsure(col.Default.At, "it is not known whether "+unknown+"() gives every row the same value")
		}
	}
	if c.Schema.Domains[col.Type.Name] && col.Default == nil {
		tell("add-domain-column", anew, "", rewrite)
		return true, n.Text + " is written anew here"
	}
	scan := check.Effect{Lock: accessExclusive, Scan: true}
	switch {
	case col.PrimaryKey:
		tell("primary-key-not-using-index", "an index is built while nobody else can read "+n.Text, usingIndex(n, []ddl.Name{col.Name}, ddl.Name{}, "PRIMARY KEY", plain+"\n"), scan)
	case col.Unique:
		tell("unique-not-using-index", "an index is built while nobody else can read "+n.Text, usingIndex(n, []ddl.Name{col.Name}, ddl.Name{}, "UNIQUE", plain+"\n"), scan)
	case col.Check != nil:
		tell("check-not-valid", "the whole of "+n.Text+" is read while nobody else can",
			plain+"\n"+fmt.Sprintf("ALTER TABLE %[1]s ADD CONSTRAINT %[2]s_check CHECK (%[3]s) NOT VALID;\n-- in a later migration:\nALTER TABLE %[1]s VALIDATE CONSTRAINT %[2]s_check;",
				n.Text, col.Name.Name, col.Check.Text), scan)
	case col.References != nil && col.Default != nil && !col.Default.Null():
		tell("foreign-key-not-valid", "all rows are looked up in "+col.References.Table.Text+" while nobody writes to either table", plain+"\n"+
			notValid(n, fmt.Sprintf("ADD CONSTRAINT %s_fkey FOREIGN KEY (%s) REFERENCES %s", col.Name.Name, col.Name.Text, col.References.Table.Text), col.Name.Name+"_fkey"), scan)
	default:
		return false, ""
	}
	return true, "the whole of " + n.Text + " is read here"
}

func serial(name string) bool {
	return name == "serial" || name == "bigserial" || name == "smallserial"
}

func notValid(n ddl.Name, action, constraint string) string {
	return fmt.Sprintf("ALTER TABLE %[1]s %[2]s NOT VALID;\n-- in a later migration:\nALTER TABLE %[1]s VALIDATE CONSTRAINT %[3]s;", n.Text, action, constraint)
}

func usingIndex(n ddl.Name, columns []ddl.Name, name ddl.Name, kind, before string) string {
	var texts []string
	for _, col := range columns {
		texts = append(texts, col.Text)
	}
	constraint := or(name.Text, strings.Trim(n.Name, `"`)+"_key")
	return fmt.Sprintf("-- in a migration of its own:\n%[5]sCREATE UNIQUE INDEX CONCURRENTLY %[2]s ON %[1]s (%[3]s);\n-- then:\nALTER TABLE %[1]s ADD CONSTRAINT %[2]s %[4]s USING INDEX %[2]s;",
		n.Text, constraint, strings.Join(texts, ", "), kind, before)
}

func addConstraint(c *check.Context, n ddl.Name, a *ddl.Action) (slow bool, what string) {
	k := a.Constraint
	scan := check.Effect{Lock: accessExclusive, Scan: true}
	tell := func(rule, message, safer string, e check.Effect) {
		c.Report(rule, a.At, check.Finding{Message: message, Safer: safer, Effect: e}.About(n))
	}
	named := a.Text
	name := k.Name.Text
	if name == "" {
		name = strings.Trim(n.Name, `"`) + "_" + map[ddl.ConstraintKind]string{ddl.ForeignKey: "fkey", ddl.Check: "check", ddl.NotNull: "not_null"}[k.Kind]
		if rest, ok := strings.CutPrefix(strings.ToUpper(named), "ADD "); ok {
			named = "ADD CONSTRAINT " + name + " " + named[len(named)-len(rest):]
		}
	}
	read := "the whole of " + n.Text + " is read"
	switch k.Kind {
	case ddl.ForeignKey:
		if k.NotValid || k.Unenforced {
			return
		}
		tell("foreign-key-not-valid", "all rows are looked up in "+k.References.Table.Text+" while nobody writes to either table", notValid(n, named, name),
			check.Effect{Lock: shareRowExclusive, Scan: true})
	case ddl.Check:
		if k.NotValid || k.Unenforced {
			return
		}
		tell("check-not-valid", read+" while nobody else can", notValid(n, named, name), scan)
	case ddl.NotNull:
		if k.NotValid || checked(c.Known(n), k.Columns[0].Name) {
			return
		}
		tell("set-not-null", read+" while nobody else can", notValid(n, named, name), scan)
	case ddl.Unique, ddl.PrimaryKey:
		rule, kind := "unique-not-using-index", "UNIQUE"
		if k.Kind == ddl.PrimaryKey {
			rule, kind = "primary-key-not-using-index", "PRIMARY KEY"
		}
		if !k.UsingIndex.IsZero() {
			return
		}
		tell(rule, "an index is built while nobody else can read "+n.Text, usingIndex(n, k.Columns, k.Name, kind, ""), scan)
	case ddl.Exclude:
		tell("exclusion-constraint", "an index is built while nobody else can read "+n.Text, "-- a new table with the constraint, filled in batches, and renamed into place", scan)
	default:
		return
	}
	return true, read + " here"
}

func typeActions(c *check.Context) {
	s := c.Stmt
	for i := range s.Actions {
		a := &s.Actions[i]
		if c.Schema.Fresh("TYPE", s.Names[0]) {
			continue
		}
		switch a.Kind {
		case ddl.AddValue:
			c.Report("enum-value", a.At, check.Finding{Message: "no statement takes " + a.Value + " out of " + s.Names[0].Text + " again"})
			if !a.Placed {
				c.Report("enum-value-place", a.At, check.Finding{Message: a.Value + " comes behind all the others", Safer: "ALTER TYPE " + s.Names[0].Text + " ADD VALUE " + a.Value + " AFTER ...;"})
			}
			used := 0
			c.Behind(func(number int, _ *ddl.Statement, text string) {
				if used == 0 && c.Group.Mode == plan.InTransaction && number <= c.Group.To && strings.Contains(text, a.Value) {
					used = number
				}
			})
			if used > 0 {
				c.Report("enum-value-used", a.At, check.Finding{Message: "statement " + itoa(used) + " of the same transaction uses " + a.Value + ", and PostgreSQL refuses that",
					Safer: "-- in a migration of its own, before this one:\n" + c.SQL.Text + ";"})
			}
		case ddl.RenameValue:
			c.Report("rename-column", a.At, check.Finding{Message: "who knows the value " + a.Value + " of " + s.Names[0].Text + " fails from here on"})
		}
	}
}
