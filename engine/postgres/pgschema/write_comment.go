package pgschema

import "github.com/dbwarden-go/dbwarden/schema"

// remark is the comment of one thing: an object, or a part of one.
type remark struct {
	object schema.ID // as Diff spells it
	part   schema.ID // the object again, where the remark is on itself
	on     string    // as COMMENT ON has it
	text   string
}

func (r remark) sql() string {
	if r.text == "" {
		return "COMMENT ON " + r.on + " IS NULL"
	}
	return "COMMENT ON " + r.on + " IS " + literal(r.text)
}

func (w *writer) comments() {
	for _, r := range w.remarks() {
		if r.text != "" {
			w.out = append(w.out, r.sql())
		}
	}
}

// remarks lists everything that can have a comment.
func (w *writer) remarks() []remark {
	st := w.state
	var r remarks
	for _, n := range st.Schemas {
		r.of(st.Relative(schema.ID{Kind: schema.KindSchema, Name: n.Name}), "SCHEMA "+ident(n.Name), n.Comment)
	}
	for _, t := range st.Types {
		name, word := w.name(t.Schema, t.Name), "TYPE "
		if t.Kind == "domain" {
			word = "DOMAIN "
		}
		r.of(st.Relative(t.ID()), word+name, t.Comment)
		r.columns(name, t.Columns)
		for _, c := range t.Checks {
			r.part(schema.KindCheck, c.Name, "CONSTRAINT "+ident(c.Name)+" ON DOMAIN "+name, c.Comment)
		}
	}
	for _, s := range st.Sequences {
		r.of(st.Relative(s.ID()), "SEQUENCE "+w.name(s.Schema, s.Name), s.Comment)
	}
	for _, x := range st.Routines {
		on := w.routine(x)
		if x.Kind == "aggregate" {
			on = "AGGREGATE " + on[len("FUNCTION "):]
		}
		r.of(st.Relative(x.ID()), on, x.Comment)
	}
	for _, t := range st.Tables {
		w.tableRemarks(&r, t)
	}
	for _, v := range st.Views {
		name, word := w.name(v.Schema, v.Name), "VIEW "
		if v.Materialized {
			word = "MATERIALIZED VIEW "
		}
		r.of(st.Relative(v.ID()), word+name, v.Comment)
		r.columns(name, v.Columns)
		w.indexRemarks(&r, v.Schema, name, v.Indexes)
		r.triggers(name, v.Triggers)
	}
	return r.all
}

func (w *writer) tableRemarks(r *remarks, t schema.Table) {
	name := w.name(t.Schema, t.Name)
	r.of(w.state.Relative(t.ID()), "TABLE "+name, t.Comment)
	r.columns(name, t.Columns)
	constraint := func(kind schema.Kind, id, of, text string) {
		r.part(kind, id, "CONSTRAINT "+ident(of)+" ON "+name, text)
	}
	if k := t.PrimaryKey; k != nil {
		constraint(schema.KindPrimaryKey, "", k.Name, k.Comment)
	}
	w.indexRemarks(r, t.Schema, name, t.Indexes)
	for _, f := range t.ForeignKeys {
		constraint(schema.KindForeignKey, f.Name, f.Name, f.Comment)
	}
	for _, c := range t.Checks {
		constraint(schema.KindCheck, c.Name, c.Name, c.Comment)
	}
	for _, p := range t.Policies {
		r.part(schema.KindPolicy, p.Name, "POLICY "+ident(p.Name)+" ON "+name, p.Comment)
	}
	r.triggers(name, t.Triggers)
}

func (w *writer) indexRemarks(r *remarks, space, table string, all []schema.Index) {
	for _, x := range all {
		on := "INDEX " + w.name(space, x.Name)
		if x.Constraint != "" {
			on = "CONSTRAINT " + ident(x.Name) + " ON " + table
		}
		r.part(schema.KindIndex, x.Name, on, x.Comment)
	}
}

// remarks collects them, object by object.
type remarks struct {
	object schema.ID
	all    []remark
}

func (r *remarks) of(id schema.ID, on, text string) {
	r.object = id
	r.all = append(r.all, remark{id, id, on, text})
}

func (r *remarks) part(kind schema.Kind, name, on, text string) {
	r.all = append(r.all, remark{r.object, part(r.object, kind, name), on, text})
}

func (r *remarks) columns(of string, columns []schema.Column) {
	for _, c := range columns {
		r.part(schema.KindColumn, c.Name, "COLUMN "+of+"."+ident(c.Name), c.Comment)
	}
}

func (r *remarks) triggers(of string, all []schema.Trigger) {
	for _, g := range all {
		r.part(schema.KindTrigger, g.Name, "TRIGGER "+ident(g.Name)+" ON "+of, g.Comment)
	}
}

// part is the ID of what belongs to an object, as Diff spells it.
func part(of schema.ID, kind schema.Kind, name string) schema.ID {
	return schema.ID{Kind: kind, Schema: of.Schema, Of: of.Name, Name: name}
}
