package ddl

// create is what follows CREATE.
func (c *cursor) create(s *Statement) {
	s.Verb = Create
	s.OrReplace = c.take("OR", "REPLACE")
	for {
		switch {
		case c.takeOne("TEMP", "TEMPORARY") != "":
			s.Temporary = true
			continue
		case c.takeOne("LOCAL", "GLOBAL") != "":
			continue
		case c.take("UNLOGGED"):
			s.Unlogged = true
			continue
		}
		break
	}
	s.At = c.at()
	switch {
	case c.take("TABLE"):
		s.Object = "TABLE"
		c.createTable(s)
	case c.is("UNIQUE"), c.is("INDEX"), c.is("FULLTEXT"), c.is("SPATIAL"):
		s.Object = "INDEX"
		c.createIndex(s)
	case c.take("MATERIALIZED", "VIEW"):
		c.created(s, "MATERIALIZED VIEW")
	case c.take("VIEW"), c.take("RECURSIVE", "VIEW"):
		c.created(s, "VIEW")
	case c.take("TYPE"):
		c.created(s, "TYPE")
		if i := c.i; !c.end() {
			c.i = i
		}
	case c.take("DOMAIN"):
		c.created(s, "DOMAIN")
	case c.take("SCHEMA"):
		s.IfNotExists = c.take("IF", "NOT", "EXISTS")
		s.Object = "SCHEMA"
		if !c.is("AUTHORIZATION") {
			s.Names = []Name{c.name()}
		}
		c.rest()
	case c.take("DATABASE"):
		c.created(s, "DATABASE")
	case c.take("SEQUENCE"):
		c.created(s, "SEQUENCE")
	case c.take("EXTENSION"):
		c.created(s, "EXTENSION")
	case c.take("TRIGGER"), c.take("CONSTRAINT", "TRIGGER"):
		s.Object = "TRIGGER"
		s.IfNotExists = c.take("IF", "NOT", "EXISTS")
		s.Names = []Name{c.name()}
		for !c.end() && !c.is("ON") {
			c.i++
		}
		if c.take("ON") {
			s.On = c.name()
		}
		c.rest()
	case c.take("VIRTUAL", "TABLE"):
		c.created(s, "VIRTUAL TABLE")
	default:
		for _, o := range []string{"FUNCTION", "PROCEDURE", "AGGREGATE", "RULE", "POLICY", "ROLE", "USER", "STATISTICS", "COLLATION", "OPERATOR",
			"PUBLICATION", "SUBSCRIPTION", "SERVER", "FOREIGN", "CAST", "EVENT", "DEFINER", "ALGORITHM", "SQL", "TRUSTED", "LANGUAGE", "PROCEDURAL", "TEXT", "TABLESPACE"} {
			if c.take(o) {
				s.Object = o
				if o == "FUNCTION" || o == "PROCEDURE" {
					c.take("IF", "NOT", "EXISTS")
					s.Names = []Name{c.name()}
				}
				c.rest()
				return
			}
		}
		c.stop()
	}
}

// rest passes over what is of no interest.
func (c *cursor) rest() { c.i = len(c.toks) }

// created is an object of which its name alone matters.
func (c *cursor) created(s *Statement, object string) {
	s.Object = object
	s.IfNotExists = c.take("IF", "NOT", "EXISTS")
	s.Names = []Name{c.name()}
	if object == "DOMAIN" {
		c.take("AS")
		col := c.columnAfterName(s.Names[0])
		s.Columns = []Column{col}
		return
	}
	if object == "TYPE" && c.take("AS", "ENUM") {
		inner := c.brackets()
		for _, t := range inner.Tokens {
			if t.Text != "," {
				s.Labels = append(s.Labels, t.Text)
			}
		}
	}
	c.rest()
}

func (c *cursor) columnAfterName(n Name) Column {
	col := Column{Name: n, Type: c.typ()}
	for !c.end() {
		c.columnPart(&col)
	}
	return col
}

func (c *cursor) createTable(s *Statement) {
	s.IfNotExists = c.take("IF", "NOT", "EXISTS")
	s.Names = []Name{c.name()}
	switch {
	case c.take("PARTITION", "OF"):
		s.Parent = c.name()
		c.rest()
		return
	case c.take("LIKE"):
		c.rest()
		return
	case c.take("OF"):
		c.rest()
		return
	case c.is("AS"), c.is("SELECT"):
		s.Query = true
		c.rest()
		return
	}
	if c.is("(") && (c.peek(1).Is("SELECT") || c.peek(1).Is("LIKE")) {
		s.Query = c.peek(1).Is("SELECT")
		c.rest()
		return
	}
	if c.is("(") && c.listsNames() {
		s.Query = true // CREATE TABLE t (a, b) AS SELECT
		c.rest()
		return
	}
	c.need("(")
	for !c.is(")") {
		switch {
		case c.startsIndex() && !c.is("UNIQUE"):
			s.Indexes = append(s.Indexes, c.index())
		case c.startsConstraint():
			s.Constraints = append(s.Constraints, c.constraint())
		case c.take("LIKE"):
			c.skipTo()
		case c.take("PERIOD", "FOR"):
			c.skipTo()
		default:
			s.Columns = append(s.Columns, c.column())
		}
		if !c.take(",") {
			break
		}
	}
	c.need(")")
	c.tableTail(s)
}

// listsNames says that the brackets here hold names and commas alone, and a
// query follows.
func (c *cursor) listsNames() bool {
	if c.d.LooseTypes {
		return false
	}
	i := c.i
	defer func() { c.i = i }()
	c.i++
	for c.isName() {
		c.i++
		if c.take(")") {
			return c.is("AS")
		}
		if !c.take(",") {
			return false
		}
	}
	return false
}

func (c *cursor) tableTail(s *Statement) {
	for !c.end() {
		switch {
		case c.take("PARTITION", "BY"):
			s.Partitioned = true
			c.rest()
		case c.take("INHERITS"), c.d.FoldLower && c.take("WITH"):
			c.brackets()
		case c.take("WITH", "SYSTEM", "VERSIONING"):
		case c.take("USING"), c.d.FoldLower && c.take("TABLESPACE"):
			c.one()
		case c.take("ON", "COMMIT"):
			c.rest()
		case c.take("WITHOUT", "OIDS"):
		case c.take("WITHOUT", "ROWID"):
		case c.take("STRICT"):
			s.Strict = true
		case c.take(","):
		case c.is("AS"), c.is("SELECT"):
			s.Query = true
			c.rest()
		case c.d.FoldLower || c.d.LooseTypes:
			c.stop()
		default:
			name, value := c.option()
			s.option(name, value)
		}
	}
}

func (s *Statement) option(name, value string) {
	if s.Options == nil {
		s.Options = map[string]string{}
	}
	s.Options[name] = value
}

func (c *cursor) createIndex(s *Statement) {
	x := Index{At: c.at()}
	x.Unique = c.take("UNIQUE")
	if k := c.takeOne("FULLTEXT", "SPATIAL"); k != "" {
		x.Kind = k
	}
	c.need("INDEX")
	s.Concurrently = c.take("CONCURRENTLY")
	s.IfNotExists = c.take("IF", "NOT", "EXISTS")
	if !c.is("ON") {
		x.Name = c.name()
		s.Names = []Name{x.Name}
	}
	if !c.d.FoldLower && c.take("USING") {
		c.i++
	}
	c.need("ON")
	s.Only = c.take("ONLY")
	s.On = c.name()
	if c.take("USING") {
		c.one()
	}
	x.Columns = c.indexKeys()
	if c.d.FoldLower {
		c.includes()
	} else {
		c.indexOptions()
		for !c.end() && !c.is("WHERE") {
			name, value := c.option() // ALGORITHM, LOCK
			s.option(name, value)
		}
	}
	if c.take("WHERE") {
		from := c.i
		c.rest()
		x.Where = c.expr(from)
	}
	if !c.end() {
		c.stop()
	}
	s.Indexes = []Index{x}
}
