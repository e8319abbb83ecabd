package ddl

import "strings"

// alter is what follows ALTER.
func (c *cursor) alter(s *Statement) {
	s.Verb = Alter
	c.takeOne("ONLINE", "IGNORE")
	s.At = c.at()
	switch {
	case c.take("TABLE"):
		s.Object = "TABLE"
		s.IfExists = c.take("IF", "EXISTS")
		s.Only = c.take("ONLY")
		s.Names = []Name{c.name()}
		c.take("*")
		c.take("NOWAIT")
		if c.take("WAIT") {
			c.i++
		}
		c.actions(s, c.tableAction)
	case c.take("FOREIGN", "TABLE"):
		s.Object = "FOREIGN TABLE"
		c.rest()
	case c.take("TYPE"):
		s.Object = "TYPE"
		s.Names = []Name{c.name()}
		c.actions(s, c.typeAction)
	case c.take("DOMAIN"):
		s.Object = "DOMAIN"
		s.Names = []Name{c.name()}
		c.actions(s, c.domainAction)
	case c.take("INDEX"):
		c.altered(s, "INDEX")
	case c.take("MATERIALIZED", "VIEW"):
		c.altered(s, "MATERIALIZED VIEW")
	case c.take("VIEW"):
		c.altered(s, "VIEW")
	case c.take("SCHEMA"):
		c.altered(s, "SCHEMA")
	case c.take("SEQUENCE"):
		c.altered(s, "SEQUENCE")
	default:
		for _, o := range []string{"DATABASE", "FUNCTION", "PROCEDURE", "ROLE", "USER", "EXTENSION", "DEFAULT", "POLICY", "TRIGGER", "SYSTEM", "GROUP",
			"PUBLICATION", "SUBSCRIPTION", "SERVER", "STATISTICS", "COLLATION", "OPERATOR", "AGGREGATE", "RULE", "EVENT", "TEXT", "LANGUAGE", "PROCEDURAL"} {
			if c.take(o) {
				s.Object = o
				c.rest()
				return
			}
		}
		c.stop()
	}
}

// altered is an object of which only a rename or a move matters.
func (c *cursor) altered(s *Statement, object string) {
	s.Object = object
	s.IfExists = c.take("IF", "EXISTS")
	s.Names = []Name{c.name()}
	a := Action{At: c.at()}
	switch {
	case c.take("RENAME", "TO"):
		a.Kind, a.To = RenameTable, c.name()
	case c.take("RENAME", "COLUMN"):
		a.Kind, a.Name = RenameColumn, c.one()
		c.need("TO")
		a.To = c.one()
	case c.take("SET", "SCHEMA"):
		a.Kind, a.To = SetSchema, c.name()
	}
	c.rest()
	a.Text = c.upTo(a.At)
	s.Actions = []Action{a}
}

func (c *cursor) actions(s *Statement, one func(*Statement, *Action)) {
	for {
		a := Action{At: c.at()}
		one(s, &a)
		a.Text = c.upTo(a.At)
		s.Actions = append(s.Actions, a)
		if !c.take(",") && !c.recut() {
			break
		}
	}
	if !c.end() {
		c.stop()
	}
}

// recut is how a table is cut, which stands behind all else, without a comma.
func (c *cursor) recut() bool {
	return !c.d.FoldLower && (c.is("PARTITION", "BY") || c.is("REMOVE", "PARTITIONING"))
}

func (c *cursor) tableAction(s *Statement, a *Action) {
	switch {
	case c.take("ADD"):
		c.add(s, a)
	case c.take("DROP"):
		c.drop1(a)
	case c.is("ALTER") && (c.peek(1).Is("INDEX") || c.peek(1).Is("CONSTRAINT") || c.peek(1).Is("CHECK") || c.peek(1).Is("KEY")):
		c.skipTo()
	case c.take("ALTER"):
		c.take("COLUMN")
		c.take("IF", "EXISTS")
		a.Name = c.one()
		c.alterColumn(a)
	case c.take("MODIFY"):
		c.take("COLUMN")
		a.IfExists = c.take("IF", "EXISTS")
		a.Kind = ModifyColumn
		col := c.column()
		a.Column, a.Name = &col, col.Name
	case c.take("CHANGE"):
		c.take("COLUMN")
		a.IfExists = c.take("IF", "EXISTS")
		a.Kind = ModifyColumn
		a.Name = c.one()
		col := c.column()
		a.Column = &col
	case c.take("VALIDATE", "CONSTRAINT"):
		a.Kind, a.Name = ValidateConstraint, c.one()
	case c.take("RENAME"):
		c.rename(a)
	case c.take("ATTACH", "PARTITION"):
		a.Kind, a.Name = AttachPartition, c.name()
		c.rest()
	case c.take("DETACH", "PARTITION"):
		a.Kind, a.Name = DetachPartition, c.name()
		a.Concurrently = c.take("CONCURRENTLY")
		c.take("FINALIZE")
	case c.take("SET"):
		c.set(a)
	case c.takeOne("DISABLE", "ENABLE", "REPLICA", "FORCE", "NO", "RESET", "CLUSTER", "INHERIT", "OWNER", "OF", "NOT", "IMPORT", "DISCARD") != "":
		if c.toks[c.i-1].Is("DISABLE") && c.is("TRIGGER") {
			a.Kind = DisableTrigger
		} else if c.toks[c.i-1].Is("FORCE") && !c.d.FoldLower {
			a.Kind = Force
		}
		c.skipTo()
	case c.d.FoldLower || c.d.LooseTypes:
		c.stop()
	case c.take("CONVERT", "TO"):
		a.Kind = ConvertCharset
		if !c.take("CHARACTER", "SET") {
			c.need("CHARSET")
		}
		a.Value = strings.ToLower(c.tok().Text)
		c.i++
		if c.take("COLLATE") {
			c.i++
		}
	case c.take("ORDER", "BY"):
		a.Kind = OrderBy
		c.rest()
	case c.takeOne("PARTITION", "COALESCE", "REORGANIZE", "EXCHANGE", "TRUNCATE", "ANALYZE", "CHECK", "OPTIMIZE", "REBUILD", "REMOVE", "CONVERT") != "":
		a.Kind = PartitionChange
		a.Option = strings.ToUpper(c.toks[c.i-1].Text)
		c.rest()
	case c.takeOne("ALGORITHM", "LOCK") != "":
		name := strings.ToUpper(c.toks[c.i-1].Text)
		a.Option = "how"
		c.take("=")
		s.option(name, strings.ToUpper(c.tok().Text))
		c.i++
	case c.takeOne("WITHOUT", "WITH") != "":
		c.skipTo()
	default:
		a.Kind = TableOption
		a.Option, a.Value = c.option()
		for !c.end() && !c.is(",") && !c.recut() { // options need no comma between them
			name, value := c.option()
			if name == "ALGORITHM" || name == "LOCK" {
				s.option(name, strings.ToUpper(value))
			}
		}
	}
}

// add is what follows ADD.
func (c *cursor) add(s *Statement, a *Action) {
	switch {
	case c.is("PARTITION"):
		a.Kind, a.Option = PartitionChange, "ADD"
		c.rest()
		return
	case c.is("SYSTEM", "VERSIONING"), c.is("PERIOD"):
		a.Kind = SystemVersioning
		c.skipTo()
		return
	case c.startsIndex() && !(c.is("UNIQUE") || c.is("KEY") && false):
		a.Kind = AddIndex
		x := c.index()
		a.Index, a.Name = &x, x.Name
		return
	case c.startsIndex() && c.is("UNIQUE"):
		a.Kind = AddIndex
		x := c.index()
		a.Index, a.Name = &x, x.Name
		return
	case c.startsConstraint():
		a.Kind = AddConstraint
		k := c.constraint()
		a.Constraint, a.Name = &k, k.Name
		return
	}
	c.take("COLUMN")
	a.IfNotExists = c.take("IF", "NOT", "EXISTS")
	a.Kind = AddColumn
	if c.take("(") { // MySQL: several at once
		for {
			col := c.column()
			b := Action{Kind: AddColumn, At: col.Name.At, Column: &col, Name: col.Name}
			b.Text = "ADD COLUMN " + c.upTo(b.At)
			if !c.take(",") {
				*a = b
				break
			}
			s.Actions = append(s.Actions, b)
		}
		c.need(")")
		return
	}
	col := c.column()
	a.Column, a.Name = &col, col.Name
}

// drop1 is what follows DROP in ALTER TABLE.
func (c *cursor) drop1(a *Action) {
	switch {
	case c.take("CONSTRAINT"):
		a.Kind = DropConstraint
	case !c.d.FoldLower && c.take("PRIMARY", "KEY"):
		a.Kind = DropPrimaryKey
		return
	case !c.d.FoldLower && c.take("FOREIGN", "KEY"):
		a.Kind = DropForeignKey
	case !c.d.FoldLower && (c.take("INDEX") || c.take("KEY")):
		a.Kind = DropIndex
	case !c.d.FoldLower && c.take("CHECK"):
		a.Kind = DropConstraint
	case !c.d.FoldLower && c.is("PARTITION"):
		a.Kind, a.Option = PartitionChange, "DROP"
		c.rest()
		return
	case !c.d.FoldLower && (c.is("SYSTEM", "VERSIONING") || c.is("PERIOD")):
		a.Kind = SystemVersioning
		c.skipTo()
		return
	default:
		c.take("COLUMN")
		a.Kind = DropColumn
	}
	a.IfExists = c.take("IF", "EXISTS")
	a.Name = c.one()
	if c.take("CASCADE") {
		a.Cascade = true
	} else {
		c.take("RESTRICT")
	}
}

// alterColumn is what follows ALTER COLUMN name.
func (c *cursor) alterColumn(a *Action) {
	switch {
	case c.take("TYPE"), c.take("SET", "DATA", "TYPE"):
		a.Kind = AlterType
		a.Type = c.typ()
		if c.take("COLLATE") {
			c.name()
		}
		if c.take("USING") {
			a.Using = c.until()
		}
	case c.take("SET", "NOT", "NULL"):
		a.Kind = SetNotNull
		c.conflict()
	case c.take("DROP", "NOT", "NULL"):
		a.Kind = DropNotNull
	case c.take("SET", "DEFAULT"):
		a.Kind = SetDefault
		a.Default = c.until()
	case c.take("DROP", "DEFAULT"):
		a.Kind = DropDefault
	case c.take("SET", "EXPRESSION"):
		a.Kind = SetExpression
		c.skipTo()
	case c.take("DROP", "EXPRESSION"):
		a.Kind = DropExpression
		c.take("IF", "EXISTS")
	case c.take("ADD", "GENERATED"):
		a.Kind = AddIdentity
		c.skipTo()
	case c.is("DROP", "IDENTITY"), c.is("SET"), c.is("RESET"), c.is("RESTART"):
		c.skipTo()
	default:
		c.stop()
	}
}

// rename is what follows RENAME in ALTER TABLE.
func (c *cursor) rename(a *Action) {
	switch {
	case c.take("CONSTRAINT"), !c.d.FoldLower && c.take("INDEX"), !c.d.FoldLower && c.take("KEY"):
		a.Kind, a.Name = RenameOther, c.one()
		c.need("TO")
		a.To = c.one()
	case c.takeOne("TO", "AS") != "":
		a.Kind, a.To = RenameTable, c.name()
	case c.take("COLUMN"), c.peek(1).Is("TO"):
		a.Kind = RenameColumn
		c.take("IF", "EXISTS")
		a.Name = c.one()
		c.need("TO")
		a.To = c.one()
	default:
		if c.d.FoldLower || c.d.LooseTypes {
			c.stop()
		}
		a.Kind, a.To = RenameTable, c.name()
	}
}

// set is what follows SET in ALTER TABLE.
func (c *cursor) set(a *Action) {
	switch {
	case c.take("SCHEMA"):
		a.Kind, a.To = SetSchema, c.one()
	case c.take("TABLESPACE"):
		a.Kind, a.To = SetTablespace, c.one()
		c.take("NOWAIT")
	case c.take("LOGGED"):
		a.Kind = SetLogged
	case c.take("UNLOGGED"):
		a.Kind = SetUnlogged
	case c.take("ACCESS", "METHOD"):
		a.Kind = SetAccessMethod
		c.one()
	default:
		c.skipTo() // storage parameters, WITHOUT CLUSTER
	}
}

func (c *cursor) typeAction(_ *Statement, a *Action) {
	switch {
	case c.take("ADD", "VALUE"):
		a.Kind = AddValue
		a.IfNotExists = c.take("IF", "NOT", "EXISTS")
		a.Value = c.tok().Text
		c.i++
		a.Placed = c.is("BEFORE") || c.is("AFTER")
		c.skipTo()
	case c.take("RENAME", "VALUE"):
		a.Kind = RenameValue
		a.Value = c.tok().Text
		c.skipTo()
	case c.take("RENAME", "TO"):
		a.Kind, a.To = RenameTable, c.one()
	case c.take("RENAME", "ATTRIBUTE"):
		a.Kind, a.Name = RenameColumn, c.one()
		c.need("TO")
		a.To = c.one()
		c.skipTo()
	case c.take("DROP", "ATTRIBUTE"):
		a.Kind = DropColumn
		a.IfExists = c.take("IF", "EXISTS")
		a.Name = c.one()
		c.skipTo()
	case c.take("ALTER", "ATTRIBUTE"):
		a.Kind, a.Name = AlterType, c.one()
		c.skipTo()
	case c.take("ADD", "ATTRIBUTE"):
		a.Kind = AddAttribute
		c.skipTo()
	default:
		c.skipTo()
	}
}

func (c *cursor) domainAction(_ *Statement, a *Action) {
	switch {
	case c.take("ADD"):
		a.Kind = AddConstraint
		k := c.constraint()
		a.Constraint, a.Name = &k, k.Name
	case c.take("SET", "NOT", "NULL"):
		a.Kind = SetNotNull
	case c.take("VALIDATE", "CONSTRAINT"):
		a.Kind, a.Name = ValidateConstraint, c.one()
	case c.take("RENAME", "TO"):
		a.Kind, a.To = RenameTable, c.one()
	default:
		c.skipTo()
	}
}
