package myschema

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/schema"
)

func (i *inspection) readSchemas(ctx context.Context) error {
	comment := "''"
	if i.mariadb && i.number >= 100500 {
		comment = "SCHEMA_COMMENT"
	}
	var name, collation, text string
	return i.rows(ctx, `SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME, `+comment+` FROM information_schema.SCHEMATA
 WHERE SCHEMA_NAME IN (%s) ORDER BY SCHEMA_NAME`, []any{&name, &collation, &text}, func() {
		i.defaults[name] = collation
		i.state.Schemas = append(i.state.Schemas, schema.Namespace{Name: name, Comment: text})
	})
}

func (i *inspection) readViews(ctx context.Context) error {
	algorithm := "'UNDEFINED'"
	if i.mariadb {
		algorithm = "ALGORITHM"
	}
	var space, name, query, check, security, who, me, how string
	err := i.rows(ctx, `SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION, CHECK_OPTION, SECURITY_TYPE, DEFINER, CURRENT_USER(), `+algorithm+`
 FROM information_schema.VIEWS WHERE TABLE_SCHEMA IN (%s) ORDER BY TABLE_SCHEMA, TABLE_NAME`,
		[]any{&space, &name, &query, &check, &security, &who, &me, &how}, func() {
			if len(i.o.Tables) > 0 && !i.wanted(name, i.o.Tables) {
				return
			}
			v := schema.View{Schema: space, Name: name, Definer: definer(who, me), Columns: []schema.Column{}}
			var needs []schema.ID
			v.Definition, needs = i.foundAtHome(query)
			for _, id := range needs {
				i.state.Depends = append(i.state.Depends, schema.Dependency{Object: v.ID(), Needs: id})
			}
			if how != "UNDEFINED" {
				v.Options = append(v.Options, "ALGORITHM="+how)
			}
			if security == "INVOKER" {
				v.Options = append(v.Options, "SQL SECURITY INVOKER")
			}
			if check != "NONE" {
				v.Options = append(v.Options, "WITH "+check+" CHECK OPTION")
			}
			i.state.Views = append(i.state.Views, v)
		})
	// The catalogue's order is that of a collation.
	slices.SortFunc(i.state.Views, func(a, b schema.View) int {
		return cmp.Or(strings.Compare(a.Schema, b.Schema), strings.Compare(a.Name, b.Name))
	})
	return err
}

// readTriggers gives them in the order in which they fire; one that fires
// behind another says so.
func (i *inspection) readTriggers(ctx context.Context) error {
	var space, table, name, timing, event, who, me, last, lastOf string
	var body sql.NullString
	var place int
	return i.rows(ctx, `SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT, COALESCE(DEFINER, ''),
 CURRENT_USER(), ACTION_ORDER
 FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA IN (%s)
 ORDER BY EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER`,
		[]any{&space, &table, &name, &timing, &event, &body, &who, &me, &place}, func() {
			of := space + "\x00" + table + "\x00" + timing + event
			behind := ""
			if of == lastOf {
				behind = " FOLLOWS " + quote(last)
			}
			last, lastOf = name, of
			t := i.table(space, table)
			if t == nil {
				return
			}
			g := schema.Trigger{Name: name}
			if body.Valid { // else it may not be seen
				g.Definition = fmt.Sprintf("CREATE %sTRIGGER %s %s %s ON %s FOR EACH ROW%s %s",
					definedBy(definer(who, me)), quote(name), timing, event, quote(table), behind, body.String)
			}
			t.Triggers = append(t.Triggers, g)
		})
}

// readSequences asks each for its options, all in one query: the catalogue
// does not tell them. One that the account may not read is there by its name
// alone.
func (i *inspection) readSequences(ctx context.Context) error {
	if len(i.sequences) == 0 {
		return nil
	}
	var parts []string
	for _, name := range i.sequences {
		parts = append(parts, "SELECT "+literal(name)+" AS name, start_value, minimum_value, maximum_value, increment, cache_size, cycle_option FROM "+
			quote(i.state.Home)+"."+quote(name))
	}
	read := func(query string) (all []schema.Sequence, err error) {
		return all, i.s.Query(ctx, func(scan func(...any) error) error {
			s := schema.Sequence{Schema: i.state.Home}
			err := scan(&s.Name, &s.Start, &s.Min, &s.Max, &s.Increment, &s.Cache, &s.Cycle)
			all = append(all, s)
			return err
		}, query)
	}
	all, err := read(strings.Join(parts, " UNION ALL ") + " ORDER BY name")
	if !denied(err) {
		i.state.Sequences = all
		return err
	}
	for n, name := range i.sequences {
		one, err := read(parts[n])
		switch {
		case denied(err):
			one = []schema.Sequence{{Schema: i.state.Home, Name: name}}
		case err != nil:
			return err
		}
		i.state.Sequences = append(i.state.Sequences, one...)
	}
	slices.SortFunc(i.state.Sequences, func(a, b schema.Sequence) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// denied reports whether the account has no right to what it asked for.
func denied(err error) bool {
	m, ok := errors.AsType[*mysqldriver.MySQLError](err)
	return ok && m.Number == 1142 // ER_TABLEACCESS_DENIED_ERROR
}

func (i *inspection) readEvents(ctx context.Context) error {
	var space, name, who, me, body, completion, status, comment, kind string
	var at, every, unit, starts, ends sql.NullString
	return i.rows(ctx, `SELECT EVENT_SCHEMA, EVENT_NAME, DEFINER, CURRENT_USER(), EVENT_DEFINITION, ON_COMPLETION, STATUS, EVENT_COMMENT, EVENT_TYPE,
 CAST(EXECUTE_AT AS CHAR), INTERVAL_VALUE, INTERVAL_FIELD, CAST(STARTS AS CHAR), CAST(ENDS AS CHAR)
 FROM information_schema.EVENTS WHERE EVENT_SCHEMA IN (%s) ORDER BY EVENT_SCHEMA, EVENT_NAME`,
		[]any{&space, &name, &who, &me, &body, &completion, &status, &comment, &kind, &at, &every, &unit, &starts, &ends}, func() {
			e := schema.Event{Schema: space, Name: name, Definer: definer(who, me), Comment: comment}
			text := "CREATE " + definedBy(e.Definer) + "EVENT " + quote(name) + " ON SCHEDULE "
			if kind == "ONE TIME" {
				text += "AT '" + at.String + "'"
			} else {
				text += "EVERY " + interval(every.String, unit.String)
				if starts.Valid {
					text += " STARTS '" + starts.String + "'"
				}
				if ends.Valid {
					text += " ENDS '" + ends.String + "'"
				}
			}
			text += " ON COMPLETION " + completion
			switch {
			case strings.HasPrefix(status, "SLAVESIDE"):
				text += " DISABLE ON SLAVE"
			case status == "DISABLED":
				text += " DISABLE"
			}
			if comment != "" {
				text += " COMMENT " + literal(comment)
			}
			e.Definition = text + " DO " + body
			i.state.Events = append(i.state.Events, e)
		})
}

// interval spells how often an event runs; what is not a plain number is
// quoted already.
func interval(every, unit string) string {
	if !strings.HasPrefix(every, "'") && strings.Contains(unit, "_") {
		every = "'" + every + "'"
	}
	return every + " " + unit
}
