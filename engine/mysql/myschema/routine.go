package myschema

import (
	"context"
	"database/sql"
	"regexp"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readRoutines puts functions and procedures together from their parameters,
// their properties and their bodies.
func (i *inspection) readRoutines(ctx context.Context) error {
	parameters, err := i.parameters(ctx)
	if err != nil {
		return err
	}
	var space, name, kind, deterministic, access, security, comment, who, me string
	var body, returns, charset, collation sql.NullString
	return i.rows(ctx, `SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, DTD_IDENTIFIER, CHARACTER_SET_NAME, COLLATION_NAME, IS_DETERMINISTIC,
 SQL_DATA_ACCESS, SECURITY_TYPE, ROUTINE_COMMENT, DEFINER, CURRENT_USER(), ROUTINE_DEFINITION
 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA IN (%s) AND ROUTINE_TYPE IN ('FUNCTION', 'PROCEDURE')
 ORDER BY ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE`,
		[]any{&space, &name, &kind, &returns, &charset, &collation, &deterministic, &access, &security, &comment, &who, &me, &body}, func() {
			r := schema.Routine{
				Schema: space, Name: name, Kind: strings.ToLower(kind), Definer: definer(who, me), Comment: comment, Language: "sql",
				Arguments: parameters[[3]string{space, name, kind}],
			}
			if space == i.state.Home {
				if _, taken := i.names[name]; !taken {
					i.names[name] = r.ID()
				}
			}
			word := kind
			if kind == "FUNCTION" && fetchesGroup.MatchString(body.String) {
				word = "AGGREGATE FUNCTION"
			}
			text := "CREATE " + definedBy(r.Definer) + word + " " + quote(name) + "(" + r.Arguments + ")"
			if kind == "FUNCTION" {
				r.Returns = i.typed(space, returns.String, charset, collation)
				text += " RETURNS " + r.Returns
			}
			if deterministic == "YES" {
				text += "\n    DETERMINISTIC"
			}
			if access != "CONTAINS SQL" {
				text += "\n    " + access
			}
			if security == "INVOKER" {
				text += "\n    SQL SECURITY INVOKER"
			}
			if comment != "" {
				text += "\n    COMMENT " + literal(comment)
			}
			if body.Valid { // else it may not be seen
				r.Definition = text + "\n" + body.String
			}
			i.state.Routines = append(i.state.Routines, r)
		})
}

// fetchesGroup finds what an aggregate function alone may do, and must. The
// catalogue does not tell it from any other function.
var fetchesGroup = regexp.MustCompile(`(?i)\bFETCH\s+GROUP\s+NEXT\s+ROW\b`)

// parameters are what stands in a routine's brackets.
func (i *inspection) parameters(ctx context.Context) (map[[3]string]string, error) {
	all := map[[3]string]string{}
	var space, routine, kind, typ string
	var mode, name, charset, collation sql.NullString
	return all, i.rows(ctx, `SELECT SPECIFIC_SCHEMA, SPECIFIC_NAME, ROUTINE_TYPE, PARAMETER_MODE, PARAMETER_NAME, DTD_IDENTIFIER, CHARACTER_SET_NAME, COLLATION_NAME
 FROM information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA IN (%s) AND ORDINAL_POSITION > 0
 ORDER BY SPECIFIC_SCHEMA, SPECIFIC_NAME, ROUTINE_TYPE, ORDINAL_POSITION`,
		[]any{&space, &routine, &kind, &mode, &name, &typ, &charset, &collation}, func() {
			key := [3]string{space, routine, kind}
			if all[key] != "" {
				all[key] += ", "
			}
			if kind == "PROCEDURE" && mode.String != "IN" {
				all[key] += mode.String + " "
			}
			all[key] += quote(name.String) + " " + i.typed(space, typ, charset, collation)
		})
}

// typed is a type with its collation, where that is not the database's.
func (i *inspection) typed(space, typ string, charset, collation sql.NullString) string {
	if !collation.Valid || collation.String == i.defaults[space] || !charset.Valid {
		return typ
	}
	return typ + " CHARSET " + charset.String + " COLLATE " + collation.String
}
