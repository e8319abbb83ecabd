package pgschema

import "github.com/dbwarden-go/dbwarden/schema"

// grants compares who may do what with an object to what its owner and
// everybody may do with a new one of its kind. No list of rights means that
// nobody has touched them. What the owner took from itself is not told.
func grants(acl, kind, owner string) string {
	usual := "pg_catalog.acldefault('" + kind + "', " + owner + ")"
	return rights(acl, usual, owner)
}

func rights(acl, usual, owner string) string {
	entries := func(list string) string {
		return "SELECT grantee, privilege_type, is_grantable FROM pg_catalog.aclexplode(" + list + ") WHERE grantee <> " + owner
	}
	return `(CASE WHEN ` + acl + ` IS NULL THEN '[]' ELSE
		(SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('to', who, 'privileges', what, 'grantable', again, 'revoked', gone)
			ORDER BY who, again, gone), '[]')::text
		FROM (SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee)::text END COLLATE "C" AS who,
				pg_catalog.array_agg(privilege_type ORDER BY privilege_type COLLATE "C") AS what, is_grantable AS again, gone
			FROM (SELECT *, false AS gone FROM (` + entries(acl) + ` EXCEPT ` + entries(usual) + `) AS more
				UNION ALL SELECT *, true FROM (` + entries(usual) + ` EXCEPT ` + entries(acl) + `) AS less) AS entry
			GROUP BY grantee, is_grantable, gone) AS one) END)`
}

func granted(into *[]schema.Grant) listed[schema.Grant] { return listed[schema.Grant]{into} }
