package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

func fresh() engine.Fresh {
	return engine.Fresh{
		URL:    withDatabase,
		Clerk:  freshClerk,
		Kin:    kin,
		Create: createFresh,
		Drop:   dropFresh,
		Has: func(ctx context.Context, clerk engine.Session, template string) (bool, error) {
			_, there, err := lookTemplate(ctx, clerk, template)
			return there, err
		},
		Keep:  keepTemplate,
		Copy:  copyTemplate,
		Sweep: sweepFresh,
		Right: func(v engine.Server) string { return "ALTER ROLE " + quoteIdent(v.User) + " CREATEDB;" },
	}
}

// templateMark begins the comment on a template; when it was last used, to
// the day, follows.
const templateMark = "dbwarden: a template of tests' databases, last used "

// withDatabase puts another name in the place where the URL has one, or would
// have it. What stands before and behind is not read, and so neither changed nor
// shown.
func withDatabase(raw, name string) (string, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return "", errors.New("it does not begin with postgres:// or postgresql://")
	}
	place, query, _ := strings.Cut(rest, "?")
	authority, _, _ := strings.Cut(place, "/")
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if key, _, _ := strings.Cut(pair, "="); pair != "" && key != "dbname" && key != "database" {
			kept = append(kept, pair)
		}
	}
	out := scheme + "://" + authority + "/" + name
	if len(kept) > 0 {
		out += "?" + strings.Join(kept, "&")
	}
	return out, nil
}

func freshClerk(ctx context.Context, like engine.Database) (engine.Session, error) {
	d, ok := like.(*database)
	if !ok {
		return nil, fmt.Errorf("a database like %T", like)
	}
	// It is silent while a template is migrated, for as long as that takes.
	s, err := d.clerk(ctx, engine.Limits{Idle: -1})
	if err == nil && s.Server().Pooled {
		s.Close()
		return nil, errors.New("the URL leads through a pooler: give that of the server itself")
	}
	return s, err
}

// currentSchema is where a new database must have a schema, so that the URL
// works there: "" for public.
func (d *database) currentSchema() string {
	if d.schema != "" {
		return d.schema
	}
	for name := range strings.SplitSeq(d.config.RuntimeParams["search_path"], ",") {
		name = strings.TrimSpace(name)
		if len(name) > 1 && name[0] == '"' {
			name = strings.ReplaceAll(strings.Trim(name, `"`), `""`, `"`)
		} else {
			name = strings.ToLower(name)
		}
		if name != "" && name != "$user" && !strings.HasPrefix(name, "pg_") {
			return name
		}
	}
	return ""
}

// kin: the user owns what is in a template, and nobody else may use a copy.
func kin(ctx context.Context, clerk engine.Session, like engine.Database) (string, error) {
	d, ok := like.(*database)
	if !ok {
		return "", fmt.Errorf("a database like %T", like)
	}
	var m model
	if _, err := m.ask(ctx, clerk, databaseName(d.config)); err != nil {
		return "", err
	}
	parts := []string{clerk.Server().User, m.options(), d.currentSchema()}
	for _, name := range slices.Sorted(maps.Keys(d.config.RuntimeParams)) {
		if name != "application_name" {
			parts = append(parts, name+"="+d.config.RuntimeParams[name])
		}
	}
	return strings.Join(parts, "\x00"), nil
}

func createFresh(ctx context.Context, clerk engine.Session, like engine.Database, name string) error {
	d, ok := like.(*database)
	if !ok {
		return fmt.Errorf("a database like %T", like)
	}
	var m model
	if _, err := m.ask(ctx, clerk, databaseName(d.config)); err != nil {
		return err
	}
	if _, err := clerk.Exec(ctx, "CREATE DATABASE "+quoteIdent(name)+" "+m.options()); err != nil {
		return err
	}
	schema := d.currentSchema()
	if schema == "" || schema == "public" {
		return nil
	}
	s, err := d.at(name, "").Connect(ctx, engine.ConnectOptions{App: "dbwarden test", Foreign: true})
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+quoteIdent(schema))
	return err
}

func dropFresh(ctx context.Context, clerk engine.Session, name string) error {
	if _, ok := engine.TestNamed(name); !ok {
		return fmt.Errorf("the database %s was not made for a test", name)
	}
	force := ""
	if clerk.Server().Number >= 130000 {
		force = " WITH (FORCE)"
	}
	_, err := clerk.Exec(ctx, "DROP DATABASE IF EXISTS "+quoteIdent(name)+force)
	return err
}

// keepTemplate: the name comes last, and with it the template is whole. Who is
// still in it by then, for a moment more, the server waits for; nobody comes in
// any more, since CREATE DATABASE refuses a template that somebody is in.
func keepTemplate(ctx context.Context, clerk engine.Session, name, template string) error {
	if _, ok := engine.TestNamed(name); !ok || !engine.IsTemplateName(template) {
		return fmt.Errorf("the database %s cannot be the template %s", name, template)
	}
	for _, query := range []string{
		"ALTER DATABASE " + quoteIdent(name) + " WITH ALLOW_CONNECTIONS false",
		"COMMENT ON DATABASE " + quoteIdent(name) + " IS " + quoteLiteral(templateMark+time.Now().UTC().Format(time.DateOnly)),
		"ALTER DATABASE " + quoteIdent(name) + " RENAME TO " + quoteIdent(template),
	} {
		if _, err := clerk.Exec(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// lookTemplate says when a template was last used. One of another owner is not
// ours, whatever it is called.
func lookTemplate(ctx context.Context, clerk engine.Session, template string) (used string, there bool, err error) {
	err = clerk.Query(ctx, func(scan func(...any) error) error {
		there = true
		return scan(&used)
	}, `SELECT coalesce(pg_catalog.shobj_description(oid, 'pg_database'), '') FROM pg_catalog.pg_database
		WHERE datname = $1 AND NOT datallowconn AND pg_catalog.pg_get_userbyid(datdba) = current_user`, template)
	return used, there, err
}

func copyTemplate(ctx context.Context, clerk engine.Session, template, name string) (bool, error) {
	used, there, err := lookTemplate(ctx, clerk, template)
	if err != nil || !there {
		return false, err
	}
	if _, err := clerk.Exec(ctx, "CREATE DATABASE "+quoteIdent(name)+" TEMPLATE "+quoteIdent(template)); err != nil {
		if fault(err).Kind == engine.NoSuchDatabase {
			return false, nil // it was swept away just now
		}
		return false, err
	}
	if err := dressAs(ctx, clerk, template, name); err != nil {
		return false, fmt.Errorf("give it the template's settings and rights: %w", err)
	}
	if now := templateMark + time.Now().UTC().Format(time.DateOnly); used != now {
		// Of several who say so at once some are refused, which is as good.
		_, _ = clerk.Exec(ctx, "COMMENT ON DATABASE "+quoteIdent(template)+" IS "+quoteLiteral(now))
	}
	return true, nil
}

// dressAs gives a copy what belongs to the database itself and is not copied: the
// settings of ALTER DATABASE and ALTER ROLE IN DATABASE, and who may do what in
// it. A migration sets them for current_database().
func dressAs(ctx context.Context, clerk engine.Session, template, name string) error {
	var todo []string
	err := clerk.Query(ctx, func(scan func(...any) error) error {
		var role, setting string
		if err := scan(&role, &setting); err != nil {
			return err
		}
		alter := "ALTER DATABASE " + quoteIdent(name)
		if role != "" {
			alter = "ALTER ROLE " + quoteIdent(role) + " IN DATABASE " + quoteIdent(name)
		}
		key, value, _ := strings.Cut(setting, "=")
		if !listed(listSettings, strings.ToLower(key)) { // a list is kept as it is written
			value = quoteLiteral(value)
		}
		var parts []string
		for part := range strings.SplitSeq(key, ".") {
			parts = append(parts, quoteIdent(part))
		}
		todo = append(todo, alter+" SET "+strings.Join(parts, ".")+" TO "+value)
		return nil
	}, `SELECT coalesce(o.rolname, ''), c.setting FROM pg_catalog.pg_database AS d JOIN pg_catalog.pg_db_role_setting AS s ON s.setdatabase = d.oid
		LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = s.setrole CROSS JOIN LATERAL unnest(s.setconfig) AS c (setting) WHERE d.datname = $1`, template)
	if err != nil {
		return err
	}
	changed := false
	err = clerk.Query(ctx, func(scan func(...any) error) error {
		var role, right string
		var further bool
		if err := scan(&role, &right, &further); err != nil {
			return err
		}
		if !changed {
			changed = true
			todo = append(todo, "REVOKE ALL ON DATABASE "+quoteIdent(name)+" FROM PUBLIC")
		}
		switch role {
		case clerk.Server().User: // its owner, who has them by himself
			return nil
		case "":
			role = "PUBLIC"
		default:
			role = quoteIdent(role)
		}
		grant := "GRANT " + right + " ON DATABASE " + quoteIdent(name) + " TO " + role
		if further {
			grant += " WITH GRANT OPTION"
		}
		todo = append(todo, grant)
		return nil
	}, `SELECT coalesce(o.rolname, ''), a.privilege_type, a.is_grantable FROM pg_catalog.pg_database AS d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) AS a
		LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = a.grantee WHERE d.datname = $1`, template)
	for _, query := range todo {
		if err == nil {
			_, err = clerk.Exec(ctx, query)
		}
	}
	return err
}

// listSettings are those whose values are lists of names, each in quotes where it
// needs them.
const listSettings = "local_preload_libraries search_path session_preload_libraries temp_tablespaces"

func sweepFresh(ctx context.Context, clerk engine.Session) {
	var old []string
	_ = clerk.Query(ctx, func(scan func(...any) error) error {
		var name, comment string
		if err := scan(&name, &comment); err != nil {
			return err
		}
		if made, ok := engine.TestNamed(name); ok && time.Since(made) > engine.TestAge {
			old = append(old, name)
		}
		used, err := time.Parse(time.DateOnly, strings.TrimPrefix(comment, templateMark))
		if engine.IsTemplateName(name) && strings.HasPrefix(comment, templateMark) && err == nil && time.Since(used) > engine.TemplateAge {
			old = append(old, name)
		}
		return nil
	}, `SELECT d.datname, coalesce(pg_catalog.shobj_description(d.oid, 'pg_database'), '') FROM pg_catalog.pg_database AS d
		WHERE (d.datname LIKE 'dbwarden\_test\_%' OR d.datname LIKE 'dbwarden\_template\_%') AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid)`)
	for _, name := range old {
		// Without force: the server refuses where somebody came in meanwhile.
		_, _ = clerk.Exec(ctx, "DROP DATABASE IF EXISTS "+quoteIdent(name))
	}
}
