package pgschema

import (
	"context"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readRoutines reads functions, procedures and aggregates.
func (i *inspection) readRoutines(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var prefix, aggregate string
		var r schema.Routine
		if err := scan(&oid, &r.Schema, &r.Name, &r.Arguments, &r.Kind, &r.Returns, &r.Language, &r.Comment, &r.Definition, &aggregate, &prefix, granted(&r.Grants)); err != nil {
			return err
		}
		if r.Kind == "aggregate" {
			r.Definition = aggregate
		} else if r.Schema == i.state.Home {
			// The server names its schema always, the house only abroad.
			r.Definition = strings.Replace(r.Definition, " "+prefix+".", " ", 1)
		}
		r.Definition = strings.TrimRight(r.Definition, "\n")
		i.state.Routines = append(i.state.Routines, r)
		i.ids[entry{pgProc, oid}] = r.ID()
		return nil
	}, `SELECT p.oid, n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid),
			CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window' ELSE 'function' END,
			coalesce(pg_catalog.pg_get_function_result(p.oid), ''), CASE p.prokind WHEN 'a' THEN '' ELSE l.lanname END,
			`+comment("p.oid", "pg_proc")+`,
			CASE p.prokind WHEN 'a' THEN '' ELSE pg_catalog.pg_get_functiondef(p.oid) END,
			CASE p.prokind WHEN 'a' THEN `+aggregate+` ELSE '' END, pg_catalog.quote_ident(n.nspname),
			`+grants("p.proacl", "f", "p.proowner")+`
		FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
		JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
		LEFT JOIN pg_catalog.pg_aggregate AS ag ON ag.aggfnoid = p.oid
		WHERE `+i.spaces+` AND `+notOfExtension("pg_proc", "p.oid")+`
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
				AND d.objid = p.oid AND d.deptype = 'i')
		ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C", pg_catalog.pg_get_function_identity_arguments(p.oid) COLLATE "C"`)
}

// aggregate spells CREATE AGGREGATE, for which the server has no function.
var aggregate = `'CREATE AGGREGATE ' || ` + name("p", "proname", "pronamespace") + ` || '(' || CASE p.pronargs WHEN 0 THEN '*'
		ELSE pg_catalog.pg_get_function_arguments(p.oid) END || E') (\n    ' || pg_catalog.concat_ws(E',\n    ',
		'SFUNC = ' || ag.aggtransfn::pg_catalog.regproc::text, 'STYPE = ' || pg_catalog.format_type(ag.aggtranstype, NULL),
		'SSPACE = ' || nullif(ag.aggtransspace, 0), ` + supports("FINALFUNC", "aggfinalfn") + `,
		CASE WHEN ag.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
		CASE WHEN ag.aggfinalmodify <> CASE ag.aggkind WHEN 'n' THEN 'r' ELSE 'w' END THEN 'FINALFUNC_MODIFY = '
			|| CASE ag.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
		` + supports("COMBINEFUNC", "aggcombinefn") + `, ` + supports("SERIALFUNC", "aggserialfn") + `, ` + supports("DESERIALFUNC", "aggdeserialfn") + `,
		'INITCOND = ' || pg_catalog.quote_literal(ag.agginitval),
		` + supports("MSFUNC", "aggmtransfn") + `, ` + supports("MINVFUNC", "aggminvtransfn") + `,
		CASE WHEN ag.aggmtranstype <> 0 THEN 'MSTYPE = ' || pg_catalog.format_type(ag.aggmtranstype, NULL) END,
		'MSSPACE = ' || nullif(ag.aggmtransspace, 0), ` + supports("MFINALFUNC", "aggmfinalfn") + `, 'MINITCOND = ' || pg_catalog.quote_literal(ag.aggminitval),
		CASE WHEN ag.aggsortop <> 0 THEN 'SORTOP = ' || ag.aggsortop::pg_catalog.regoper::text END,
		CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN 'PARALLEL = RESTRICTED' END,
		CASE ag.aggkind WHEN 'h' THEN 'HYPOTHETICAL' END) || E'\n)'`

func supports(word, column string) string {
	return "'" + word + " = ' || nullif(ag." + column + "::pg_catalog.regproc::text, '-')"
}
