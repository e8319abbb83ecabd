package mycheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/ddl"
)

// What a statement does while it runs, as LOCK and ALGORITHM call it.
var (
	shared = check.Effect{Lock: "SHARED", Rewrite: true}
	scans  = check.Effect{Lock: "SHARED", Scan: true}
	online = check.Effect{Lock: "NONE", Rewrite: true}
)

// look judges one statement.
func look(c *check.Context) {
	s := c.Stmt
	switch s.Verb {
	case ddl.Create:
		switch s.Object {
		case "TABLE":
			create(c)
		case "INDEX":
			if !c.Fresh(s.On) {
				index(c, s.On, &s.Indexes[0], s.At)
				asked(c, s.On)
			}
		}
	case ddl.Drop:
		if s.Object == "INDEX" && !c.Fresh(s.On) {
			asked(c, s.On)
		}
	case ddl.Alter:
		if s.Object != "TABLE" {
			return
		}
		n := s.Names[0]
		for i := range s.Actions {
			action(c, n, &s.Actions[i])
		}
		if !c.Fresh(n) {
			asked(c, n)
			if s.Options["ALGORITHM"] == "" && s.Options["LOCK"] == "" {
				c.Report("no-algorithm", s.At, check.Finding{Message: "the server chooses how to do this, and does not say which way it took",
					Safer: c.SQL.Text + ", ALGORITHM=INPLACE, LOCK=NONE;"}.About(n))
			}
		}
	case ddl.Lock:
		for _, n := range s.Names {
			if !c.Fresh(n) {
				c.Report("lock-tables", n.At, check.Finding{Message: n.Text + " stays locked until UNLOCK TABLES"}.About(n))
			}
		}
	}
}

// asked looks at what the statement itself asks for.
func asked(c *check.Context, n ddl.Name) {
	o := c.Stmt.Options
	if o["ALGORITHM"] == "COPY" || o["LOCK"] == "SHARED" || o["LOCK"] == "EXCLUSIVE" {
		c.Report("asks-for-lock", c.Stmt.At, check.Finding{Message: "the statement asks for what keeps writers from " + n.Text,
			Safer: "-- ALGORITHM=INPLACE, LOCK=NONE: the server refuses where it cannot"}.About(n))
	}
}

func create(c *check.Context) {
	s := c.Stmt
	if s.Temporary {
		return
	}
	n := s.Names[0]
	if e := strings.ToLower(s.Options["ENGINE"]); slices.Contains([]string{"myisam", "aria", "memory", "heap", "csv", "archive", "merge"}, e) {
		c.Report("not-transactional", n.At, check.Finding{Message: n.Text + " has the engine " + s.Options["ENGINE"], Safer: "ENGINE=InnoDB"})
	}
	charset(c, n.At, s.Options["CHARSET"])
	key := map[string]bool{}
	for i := range s.Constraints {
		if k := &s.Constraints[i]; k.Kind == ddl.PrimaryKey && len(k.Columns) == 1 {
			key[k.Columns[0].Name] = true
		}
	}
	for i := range s.Columns {
		col := &s.Columns[i]
		column(c, n, col, col.PrimaryKey || key[col.Name.Name])
	}
}

func charset(c *check.Context, at int, name string) {
	if name = strings.ToLower(name); name == "utf8" || name == "utf8mb3" {
		c.Report("utf8mb3", at, check.Finding{Message: "the character set " + name + " holds no character of four bytes", Safer: "utf8mb4"})
	}
}

// column judges the type of a new column.
func column(c *check.Context, n ddl.Name, col *ddl.Column, key bool) {
	charset(c, col.Type.At, col.Type.Charset)
	switch t := col.Type; {
	case key && integer(t.Name) && t.Name != "bigint":
		c.Report("integer-key", t.At, check.Finding{Message: n.Text + "." + col.Name.Text + " is a primary key of " + t.Text, Safer: col.Name.Text + " bigint unsigned"})
	case t.Name == "timestamp" && !(c.Server.Product == "MariaDB" && c.Version() >= 110500):
		c.Report("timestamp-2038", t.At, check.Finding{Message: n.Text + "." + col.Name.Text + " ends in 2038", Safer: col.Name.Text + " datetime"})
	}
}

func index(c *check.Context, n ddl.Name, x *ddl.Index, at int) {
	switch x.Kind {
	case "FULLTEXT":
		e := scans
		message := "nobody writes to " + n.Text + " while the index is built"
		if !c.Known(n).FullText {
			e.Rewrite, message = true, "nobody writes to "+n.Text+" while it is written anew, for its first FULLTEXT index"
		}
		c.Report("fulltext-index", at, check.Finding{Message: message, Effect: e, Safer: "-- a new table with the index, filled in batches, and renamed into place"}.About(n))
	case "SPATIAL":
		c.Report("spatial-index", at, check.Finding{Message: "nobody writes to " + n.Text + " while the index is built", Effect: scans,
			Safer: "-- a new table with the index, filled in batches, and renamed into place"}.About(n))
	}
}

const another = "-- a new table of that shape, filled in batches while triggers keep it up to date, and renamed into place (pt-online-schema-change, gh-ost)"

// action judges one action of ALTER TABLE.
func action(c *check.Context, n ddl.Name, a *ddl.Action) {
	fresh := c.Fresh(n)
	tell := func(rule, message, safer string, e check.Effect) {
		if !fresh {
			c.Report(rule, a.At, check.Finding{Message: message, Safer: safer, Effect: e}.About(n))
		}
	}
	stop := "nobody writes to " + n.Text + " while it is copied"
	switch a.Kind {
	case ddl.AddColumn:
		col := a.Column
		column(c, n, col, col.PrimaryKey)
		switch {
		case col.Identity:
			tell("add-auto-increment-column", "nobody writes to "+n.Text+" while it is written anew", another, shared)
		case col.Generated != nil && col.Stored:
			tell("add-generated-column", stop, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s AS (%s) VIRTUAL;", n.Text, col.Name.Text, col.Type.Text, col.Generated.Text), shared)
		case col.PrimaryKey:
			tell("primary-key", n.Text+" is written anew", another, check.Effect{})
		case col.NotNull && col.Default == nil && col.Generated == nil:
			tell("add-required-column", "the rows of "+n.Text+" get a value that nobody chose, and who does not know "+col.Name.Text+" can insert nothing",
				check.RequiredColumn(n, col), check.Effect{})
		}
		if col.Check != nil {
			tell("check-constraint", stop, "", shared)
		}
	case ddl.ModifyColumn:
		modify(c, n, a, tell)
	case ddl.AddIndex:
		if !fresh {
			index(c, n, a.Index, a.At)
		}
	case ddl.AddConstraint:
		switch a.Constraint.Kind {
		case ddl.ForeignKey:
			tell("foreign-key", stop+", and each row is looked up in "+a.Constraint.References.Table.Text,
				"-- first see that there is no row without its match; then, at a quiet time, without looking again:\nSET foreign_key_checks = 0;\n"+c.SQL.Text+", ALGORITHM=INPLACE, LOCK=NONE;\nSET foreign_key_checks = 1;", shared)
		case ddl.Check:
			tell("check-constraint", stop, another, shared)
		case ddl.PrimaryKey:
			tell("primary-key", n.Text+" is written anew, with all its indexes", another, online)
		}
	case ddl.DropPrimaryKey:
		if !slices.ContainsFunc(c.Stmt.Actions, func(b ddl.Action) bool { return b.Constraint != nil && b.Constraint.Kind == ddl.PrimaryKey }) {
			tell("primary-key", stop, another, shared)
		}
	case ddl.ConvertCharset:
		charset(c, a.At, a.Value)
		tell("convert-charset", stop, another, shared)
	case ddl.OrderBy:
		tell("rewrite-table", stop, "", shared)
	case ddl.Force:
		tell("rewrite-table", n.Text+" is written anew", "", online)
	case ddl.TableOption:
		switch a.Option {
		case "ENGINE":
			if e := strings.ToLower(a.Value); e == "innodb" {
				tell("rewrite-table", n.Text+" is written anew", "", online)
			} else {
				tell("rewrite-table", stop, "", shared)
			}
		case "ROW_FORMAT", "KEY_BLOCK_SIZE":
			tell("rewrite-table", n.Text+" is written anew", "", online)
		}
	case ddl.PartitionChange:
		switch a.Option {
		case "DROP", "TRUNCATE":
			tell("drop-partition", "the rows of that partition are gone", "", check.Effect{})
		case "PARTITION", "REMOVE", "COALESCE", "REORGANIZE", "REBUILD":
			tell("partition-change", stop, another, shared)
		}
	}
}

func modify(c *check.Context, n ddl.Name, a *ddl.Action, tell func(rule, message, safer string, e check.Effect)) {
	col := a.Column
	charset(c, col.Type.At, col.Type.Charset)
	stop := "nobody writes to " + n.Text + " while it is copied"
	old := c.Known(n).Column(a.Name.Name)
	switch {
	case old == nil:
		tell("change-type", "unless "+a.Name.Text+" has nearly this type already, "+stop, another, check.Effect{})
	case narrower(old.Type, col.Type):
		tell("narrow-type", fmt.Sprintf("not every %s fits into %s, and %s", old.Type.Text, col.Type.Text, stop), "", shared)
	case copies(old.Type, col.Type, c.Server.Product == "MariaDB") && old.Type.Name == col.Type.Name && (col.Type.Name == "enum" || col.Type.Name == "set"):
		tell("enum-order", stop, fmt.Sprintf("ALTER TABLE %s MODIFY COLUMN %s ENUM(%s, ...);", n.Text, col.Name.Text, strings.Join(old.Type.Args, ", ")), shared)
	case copies(old.Type, col.Type, c.Server.Product == "MariaDB"):
		tell("change-type", stop, another, shared)
	case old.NotNull != col.NotNull && !old.PrimaryKey:
		tell("change-null", n.Text+" is written anew", "", online)
	}
}
