package pgschema

import (
	"context"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readTriggers leaves out those that a partition has from its table, and
// those behind foreign keys.
func (i *inspection) readTriggers(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var g schema.Trigger
		if err := scan(&oid, &g.Name, &g.State, &g.Comment, &g.Definition); err != nil {
			return err
		}
		if t := i.tables[oid]; t != nil {
			t.Triggers = append(t.Triggers, g)
		} else if v := i.views[oid]; v != nil {
			v.Triggers = append(v.Triggers, g)
		}
		return nil
	}, `SELECT c.oid, g.tgname, CASE g.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE '' END,
			`+comment("g.oid", "pg_trigger")+`, pg_catalog.pg_get_triggerdef(g.oid, true)`+from+`
		JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = c.oid AND NOT g.tgisinternal
		WHERE `+i.relations("'r', 'p', 'v'")+` AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
			WHERE d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND d.objid = g.oid AND d.deptype IN ('P', 'S'))
		ORDER BY c.oid, g.tgname COLLATE "C"`)
}

func (i *inspection) readRules(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var r schema.Rule
		if err := scan(&oid, &r.Name, &r.Definition); err != nil {
			return err
		}
		if t := i.tables[oid]; t != nil {
			t.Rules = append(t.Rules, r)
		} else if v := i.views[oid]; v != nil {
			v.Rules = append(v.Rules, r)
		}
		return nil
	}, `SELECT c.oid, r.rulename, pg_catalog.rtrim(pg_catalog.pg_get_ruledef(r.oid, true), ';')`+from+`
		JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'
		WHERE `+i.relations("'r', 'p', 'v'")+`
		ORDER BY c.oid, r.rulename COLLATE "C"`)
}

func (i *inspection) readPolicies(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var p schema.Policy
		if err := scan(&oid, &p.Name, &p.Command, &p.Permissive, names(&p.Roles), &p.Using, &p.WithCheck, &p.Comment); err != nil {
			return err
		}
		if t := i.tables[oid]; t != nil {
			t.Policies = append(t.Policies, p)
		}
		return nil
	}, `SELECT c.oid, p.polname,
			CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
			p.polpermissive,
			`+array(`ARRAY(SELECT pg_catalog.pg_get_userbyid(r)::text FROM pg_catalog.unnest(p.polroles) AS r WHERE r <> 0
				ORDER BY pg_catalog.pg_get_userbyid(r)::text COLLATE "C")`)+`,
			coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), ''),
			`+comment("p.oid", "pg_policy")+from+`
		JOIN pg_catalog.pg_policy AS p ON p.polrelid = c.oid
		WHERE `+i.relations("'r', 'p'")+`
		ORDER BY c.oid, p.polname COLLATE "C"`)
}
