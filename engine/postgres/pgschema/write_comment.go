package pgschema

import "github.com/dbwarden-go/dbwarden/schema"

func (w *writer) comments() {
	st := w.state
	for _, n := range st.Schemas {
		w.comment("SCHEMA "+ident(n.Name), n.Comment)
	}
	for _, t := range st.Types {
		name := w.name(t.Schema, t.Name)
		if t.Kind == "domain" {
			w.comment("DOMAIN "+name, t.Comment)
		} else {
			w.comment("TYPE "+name, t.Comment)
		}
		w.columnComments(name, t.Columns)
		for _, c := range t.Checks {
			w.comment("CONSTRAINT "+ident(c.Name)+" ON DOMAIN "+name, c.Comment)
		}
	}
	for _, s := range st.Sequences {
		w.comment("SEQUENCE "+w.name(s.Schema, s.Name), s.Comment)
	}
	for _, r := range st.Routines {
		object := w.routine(r)
		if r.Kind == "aggregate" {
			object = "AGGREGATE " + object[len("FUNCTION "):]
		}
		w.comment(object, r.Comment)
	}
	for _, t := range st.Tables {
		w.tableComments(t)
	}
	for _, v := range st.Views {
		name, word := w.name(v.Schema, v.Name), "VIEW "
		if v.Materialized {
			word = "MATERIALIZED VIEW "
		}
		w.comment(word+name, v.Comment)
		w.columnComments(name, v.Columns)
		w.indexComments(v.Schema, name, v.Indexes)
		w.triggerComments(name, v.Triggers)
	}
}

func (w *writer) tableComments(t schema.Table) {
	name := w.name(t.Schema, t.Name)
	w.comment("TABLE "+name, t.Comment)
	w.columnComments(name, t.Columns)
	constraint := func(of, text string) { w.comment("CONSTRAINT "+ident(of)+" ON "+name, text) }
	if t.PrimaryKey != nil {
		constraint(t.PrimaryKey.Name, t.PrimaryKey.Comment)
	}
	w.indexComments(t.Schema, name, t.Indexes)
	for _, f := range t.ForeignKeys {
		constraint(f.Name, f.Comment)
	}
	for _, c := range t.Checks {
		constraint(c.Name, c.Comment)
	}
	for _, p := range t.Policies {
		w.comment("POLICY "+ident(p.Name)+" ON "+name, p.Comment)
	}
	w.triggerComments(name, t.Triggers)
}

func (w *writer) columnComments(of string, columns []schema.Column) {
	for _, c := range columns {
		w.comment("COLUMN "+of+"."+ident(c.Name), c.Comment)
	}
}

func (w *writer) indexComments(space, table string, all []schema.Index) {
	for _, x := range all {
		if x.Constraint != "" {
			w.comment("CONSTRAINT "+ident(x.Name)+" ON "+table, x.Comment)
		} else {
			w.comment("INDEX "+w.name(space, x.Name), x.Comment)
		}
	}
}

func (w *writer) triggerComments(of string, all []schema.Trigger) {
	for _, g := range all {
		w.comment("TRIGGER "+ident(g.Name)+" ON "+of, g.Comment)
	}
}

func (w *writer) comment(on, text string) {
	if text != "" {
		w.add("COMMENT ON %s IS %s", on, literal(text))
	}
}
