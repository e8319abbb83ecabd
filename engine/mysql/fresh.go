package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// fresh has no templates: neither MariaDB nor MySQL copies a database, and a
// copy made of SHOW CREATE and INSERT ... SELECT is not exact.
func fresh() engine.Fresh {
	return engine.Fresh{
		URL:    withDatabase,
		Clerk:  freshClerk,
		Kin:    kin,
		Create: createFresh,
		Drop:   dropFresh,
		Sweep:  sweepFresh,
		Right: func(v engine.Server) string {
			return "GRANT ALL PRIVILEGES ON `dbwarden\\_test\\_%`.* TO " + v.User + ";"
		},
	}
}

// withDatabase puts another name in the place where the URL has one. What
// stands before and behind is not read, and so neither changed nor shown.
func withDatabase(raw, name string) (string, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return "", errors.New("no scheme, as in mysql://user:password@host:3306/database")
	}
	rest, _, _ = strings.Cut(rest, "#")
	place, query, asked := strings.Cut(rest, "?")
	authority, _, _ := strings.Cut(place, "/")
	out := scheme + "://" + authority + "/" + name
	if asked {
		out += "?" + query
	}
	return out, nil
}

func freshClerk(ctx context.Context, like engine.Database) (engine.Session, error) {
	d, ok := like.(*database)
	if !ok {
		return nil, fmt.Errorf("a database like %T", like)
	}
	return d.at("").Connect(ctx, engine.ConnectOptions{App: "dbwarden test", Foreign: true, Limits: engine.Limits{Idle: -1}})
}

func kin(ctx context.Context, clerk engine.Session, like engine.Database) (string, error) {
	d, ok := like.(*database)
	if !ok {
		return "", fmt.Errorf("a database like %T", like)
	}
	options, err := collationOf(ctx, clerk, d.config.DBName)
	return clerk.Server().User + "\x00" + d.names + "\x00" + options, err
}

func createFresh(ctx context.Context, clerk engine.Session, like engine.Database, name string) error {
	d, ok := like.(*database)
	if !ok {
		return fmt.Errorf("a database like %T", like)
	}
	options, err := collationOf(ctx, clerk, d.config.DBName)
	if err != nil {
		return err
	}
	if _, err := clerk.Exec(ctx, "CREATE DATABASE "+quote(name)+options); err != nil {
		return err
	}
	return keepCollation(ctx, clerk, name, options)
}

// dropFresh waits for whoever is in it, no longer than the session's limits
// for a lock.
func dropFresh(ctx context.Context, clerk engine.Session, name string) error {
	if _, ok := engine.TestNamed(name); !ok {
		return fmt.Errorf("the database %s was not made for a test", name)
	}
	_, err := clerk.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name))
	return err
}

func sweepFresh(ctx context.Context, clerk engine.Session) {
	var old []string
	_ = clerk.Query(ctx, func(scan func(...any) error) error {
		var name string
		var all bool
		if err := scan(&name, &all); err != nil {
			return err
		}
		age := engine.TestAge
		if !all {
			age *= unseenFactor
		}
		if made, ok := engine.TestNamed(name); ok && time.Since(made) > age {
			old = append(old, name)
		}
		return nil
	}, `SELECT SCHEMA_NAME, `+seesAll+` FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'dbwarden\\_test\\_%'
 AND SCHEMA_NAME NOT IN `+usedDatabases)
	for _, name := range old {
		_, _ = clerk.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name))
	}
}
