package ddl

import (
	"strings"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Read reads one statement.
func Read(text string, d Dialect) (s *Statement) {
	s = &Statement{}
	toks, whole := sqltext.Lex(text, d.Lexis)
	c := &cursor{d: d, text: text, toks: toks, cut: !whole}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case stop:
			s.Understood, s.StoppedAt = false, p.at
		default:
			panic(p)
		}
	}()
	c.statement(s)
	if c.end() && c.cut && s.Verb != Harmless {
		c.stop()
	}
	s.Understood = true
	return s
}

func (c *cursor) statement(s *Statement) {
	s.At = c.at()
	switch {
	case c.take("CREATE"):
		c.create(s)
	case c.take("ALTER"):
		c.alter(s)
	case c.take("DROP"):
		c.drop(s)
	case c.take("TRUNCATE"):
		s.Verb, s.Object = Truncate, "TABLE"
		c.take("TABLE")
		c.take("ONLY")
		s.At = c.at()
		s.Names = c.names()
		for !c.end() {
			if c.is("CASCADE") {
				s.Cascade = true
			}
			c.i++
		}
	case !c.d.FoldLower && c.take("RENAME", "TABLE"):
		s.Verb, s.Object = Rename, "TABLE"
		c.take("IF", "EXISTS")
		for {
			a := Action{Kind: RenameTable, At: c.at(), Name: c.name()}
			c.need("TO")
			a.To = c.name()
			s.Names = append(s.Names, a.Name)
			s.Actions = append(s.Actions, a)
			if !c.take(",") {
				break
			}
		}
	case c.is("WITH"):
		s.Verb = Other // rows of any kind may be changed inside
		c.with(s)
	case c.take("INSERT"), c.take("REPLACE"):
		s.Verb = Insert
		for !c.end() && !c.take("INTO") {
			c.i++
		}
		s.Names = []Name{c.name()}
		c.find(func() { s.Query = s.Query || c.is("SELECT") || c.is("TABLE") || c.is("WITH") })
	case c.take("UPDATE"):
		s.Verb = Update
		c.take("ONLY")
		if c.take("OR") {
			c.i++
		}
		c.takeOne("LOW_PRIORITY", "IGNORE")
		s.Names = []Name{c.name()}
		c.find(func() { s.Where = s.Where || c.is("WHERE") || c.is("LIMIT") || c.is("JOIN") || c.is("FROM") })
	case c.take("DELETE"):
		s.Verb = Delete
		c.takeOne("LOW_PRIORITY", "QUICK", "IGNORE")
		c.need("FROM")
		c.take("ONLY")
		s.Names = []Name{c.name()}
		c.find(func() { s.Where = s.Where || c.is("WHERE") || c.is("LIMIT") || c.is("USING") || c.is("JOIN") })
	case c.take("VACUUM"):
		s.Verb = Vacuum
		if c.is("(") {
			c.brackets().Words(func(w string, _ bool) { s.Full = s.Full || w == "full" })
		}
		for {
			w := c.takeOne("FULL", "FREEZE", "VERBOSE", "ANALYZE")
			s.Full = s.Full || w == "FULL"
			if w == "" {
				break
			}
		}
		if c.isName() && !c.is("INTO") {
			s.Names = []Name{c.name()}
		}
		c.rest()
	case c.take("REINDEX"):
		s.Verb = Reindex
		if c.is("(") {
			c.brackets().Words(func(w string, _ bool) { s.Concurrently = s.Concurrently || w == "concurrently" })
		}
		s.Object = c.takeOne("INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM")
		s.Concurrently = c.take("CONCURRENTLY") || s.Concurrently
		if c.isName() {
			s.Names = []Name{c.name()}
		}
	case c.take("CLUSTER"):
		s.Verb = Cluster
		c.take("VERBOSE")
		if c.is("(") {
			c.brackets()
		}
		if c.isName() && !c.is("USING") {
			s.Names = []Name{c.name()}
		}
		c.rest()
	case c.take("REFRESH", "MATERIALIZED", "VIEW"):
		s.Verb, s.Object = Refresh, "MATERIALIZED VIEW"
		s.Concurrently = c.take("CONCURRENTLY")
		s.Names = []Name{c.name()}
		s.NoData = c.take("WITH", "NO", "DATA")
		c.rest()
	case c.take("LOCK"):
		s.Verb = Lock
		c.takeOne("TABLE", "TABLES")
		c.take("ONLY")
		s.Names = []Name{c.name()}
		for c.take(",") {
			s.Names = append(s.Names, c.name())
		}
		if c.take("IN") {
			from := c.at()
			for !c.end() && !c.is("MODE") {
				c.i++
			}
			s.Mode = strings.ToUpper(c.upTo(from))
		}
		c.rest()
	case c.take("SET"):
		s.Verb = Set
		c.takeOne("SESSION", "LOCAL")
		if c.tok().Bare {
			n := c.name()
			s.Setting = n.Key()
			if c.take("=") || c.take(":", "=") || c.take("TO") {
				s.Value = strings.ToLower(strings.Trim(c.tok().Text, "'\""))
			}
		}
		c.rest()
	case c.take("PRAGMA"):
		s.Verb = Set
		n := c.name()
		s.Setting = "pragma " + n.Name
		if c.take("=") || c.take("(") {
			s.Value = strings.ToLower(strings.Trim(c.tok().Text, "'\""))
		}
		c.rest()
	case c.takeOne("BEGIN", "COMMIT", "START", "ROLLBACK", "END", "SAVEPOINT", "RELEASE", "ABORT") != "":
		s.Verb = Transaction
		c.rest()
	case c.takeOne("COMMENT") != "":
		s.Verb = Comment
		c.rest()
	case c.takeOne("SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN", "GRANT", "REVOKE", "ANALYZE", "NOTIFY", "LISTEN", "RESET", "USE", "UNLOCK",
		"DISCARD", "CHECKPOINT", "SECURITY", "COPY", "OPTIMIZE", "CHECK", "LOAD", "ATTACH", "DETACH", "FLUSH", "HANDLER") != "":
		s.Verb = Harmless
		c.rest()
	default:
		c.stop()
	}
}

// find passes over the rest and calls look at every token outside brackets.
func (c *cursor) find(look func()) {
	for !c.end() {
		if c.is("(") {
			inner := c.i
			c.brackets()
			if c.toks[inner+1].Is("SELECT") {
				// A bracket that holds the query itself: INSERT INTO t (SELECT ...).
				end := c.i
				c.i = inner + 1
				look()
				c.i = end
			}
			continue
		}
		look()
		c.i++
	}
}

// with is WITH name AS (...) before the statement that it belongs to.
func (c *cursor) with(s *Statement) {
	c.i++
	c.take("RECURSIVE")
	for {
		c.one()
		if c.is("(") {
			c.brackets()
		}
		c.need("AS")
		if c.take("NOT") {
			c.need("MATERIALIZED")
		} else {
			c.take("MATERIALIZED")
		}
		for _, t := range c.brackets().Tokens {
			if t.Is("UPDATE") || t.Is("DELETE") || t.Is("INSERT") || t.Is("MERGE") {
				c.stop() // two statements in one
			}
		}
		if !c.take(",") {
			break
		}
	}
	c.statement(s)
}

// drop is what follows DROP.
func (c *cursor) drop(s *Statement) {
	s.Verb = Drop
	c.take("TEMPORARY")
	s.At = c.at()
	for _, o := range [][]string{{"TABLE"}, {"INDEX"}, {"MATERIALIZED", "VIEW"}, {"VIEW"}, {"SCHEMA"}, {"DATABASE"}, {"SEQUENCE"}, {"TYPE"}, {"DOMAIN"},
		{"FUNCTION"}, {"PROCEDURE"}, {"AGGREGATE"}, {"TRIGGER"}, {"EXTENSION"}, {"POLICY"}, {"RULE"}, {"OWNED"}, {"ROLE"}, {"USER"}, {"FOREIGN", "TABLE"}, {"EVENT"},
		{"STATISTICS"}, {"COLLATION"}, {"PUBLICATION"}, {"SUBSCRIPTION"}, {"SERVER"}, {"CAST"}, {"OPERATOR"}, {"TABLESPACE"}, {"LANGUAGE"}, {"ROUTINE"}} {
		if !c.take(o...) {
			continue
		}
		s.Object = strings.Join(o, " ")
		s.Concurrently = c.take("CONCURRENTLY")
		s.IfExists = c.take("IF", "EXISTS")
		switch s.Object {
		case "OWNED", "CAST", "OPERATOR", "USER", "ROLE":
			c.rest()
			return
		}
		s.Names = []Name{c.name()}
		for !c.end() {
			switch {
			case c.is("("):
				c.brackets()
			case c.take(","):
				s.Names = append(s.Names, c.name())
			case c.take("ON"):
				s.On = c.name()
			case c.take("CASCADE"):
				s.Cascade = true
			case c.takeOne("RESTRICT", "FORCE") != "":
			case c.take("WITH"):
				c.brackets()
			case c.take("WAIT"), c.take("NOWAIT"):
				c.rest()
			case !c.d.FoldLower && c.tok().Bare:
				name, value := c.option()
				s.option(name, strings.ToUpper(value))
			default:
				c.stop()
			}
		}
		return
	}
	c.stop()
}
