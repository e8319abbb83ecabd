package myschema

import (
	"context"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readGrants reads rights on tables, views and their columns, as far as the
// account may see them. Rights on the whole database or server are the
// account's, not the schema's.
func (i *inspection) readGrants(ctx context.Context) error {
	var space, table, column, who, what, again string
	return i.rows(ctx, `SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, GRANTEE, PRIVILEGE_TYPE, IS_GRANTABLE FROM (
  SELECT TABLE_SCHEMA, TABLE_NAME, '' AS COLUMN_NAME, GRANTEE, PRIVILEGE_TYPE, IS_GRANTABLE FROM information_schema.TABLE_PRIVILEGES
  UNION ALL
  SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, GRANTEE, PRIVILEGE_TYPE, IS_GRANTABLE FROM information_schema.COLUMN_PRIVILEGES) AS p
 WHERE TABLE_SCHEMA IN (%s) AND PRIVILEGE_TYPE <> 'USAGE'
 ORDER BY TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, GRANTEE, IS_GRANTABLE, PRIVILEGE_TYPE`,
		[]any{&space, &table, &column, &who, &what, &again}, func() {
			if i.mariadb {
				who = strings.TrimSuffix(who, "@''") // a role has no host, and is not found with an empty one
			}
			into := i.grantsOf(space, table, column)
			if into == nil {
				return
			}
			if n := len(*into); n > 0 && (*into)[n-1].To == who && (*into)[n-1].Grantable == (again == "YES") {
				(*into)[n-1].Privileges = append((*into)[n-1].Privileges, what)
				return
			}
			*into = append(*into, schema.Grant{To: who, Privileges: []string{what}, Grantable: again == "YES"})
		})
}

func (i *inspection) grantsOf(space, table, column string) *[]schema.Grant {
	var all *[]schema.Grant
	var columns []schema.Column
	if t := i.table(space, table); t != nil {
		all, columns = &t.Grants, t.Columns
	} else if v := i.view(space, table); v != nil {
		all, columns = &v.Grants, v.Columns
	}
	for n := range columns {
		if columns[n].Name == column {
			return &columns[n].Grants
		}
	}
	if column != "" {
		return nil
	}
	return all
}
