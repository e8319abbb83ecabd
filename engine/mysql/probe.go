package mysql

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
)

// facts is the question that a new session asks. Each product reads its own
// kind of comment as code: CURRENT_ROLE is missing on MySQL before 8.
//
// The database's name is taken from the catalogue, since a server that
// folds the case of names lets anybody spell it otherwise. The host with
// the client's port tells this connection from one that has the same number
// after a restart of the server.
const facts = `SELECT VERSION(), @@version_comment, CONNECTION_ID(), CURRENT_USER(),
 COALESCE((SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()
  ORDER BY SCHEMA_NAME = BINARY DATABASE() DESC LIMIT 1), DATABASE(), ''),
 COALESCE((SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()), ''),
 @@global.read_only, @@innodb_read_only, @@max_allowed_packet,
 COALESCE(/*!80000 CURRENT_ROLE(), */ /*M! CURRENT_ROLE(), */ '')`

func (s *session) probe(ctx context.Context) error {
	// First: a node that is not ready answers little else.
	if err := s.probeCluster(ctx); err != nil {
		return err
	}
	var comment, readOnly, innodbReadOnly string
	err := s.conn.QueryRowContext(ctx, facts).Scan(&s.server.Version, &comment, &s.id, &s.server.User,
		&s.server.Database, &s.host, &readOnly, &innodbReadOnly, &s.maxPacket, &s.role)
	if err != nil {
		return err
	}
	s.server.Schema, s.server.User = s.server.Database, account(s.server.User)
	s.server.Product, s.server.Number = product(s.server.Version, comment)
	switch {
	case isOn(innodbReadOnly):
		s.server.ReadOnly = "innodb_read_only is on (a reader of a cluster)"
		s.server.Follows = s.server.ReadOnly
	case isOn(readOnly):
		s.server.Follows = "read_only is on (a replica, or a server set so)"
		return s.probeReadOnly(ctx)
	}
	return nil
}

// probeReadOnly asks whether read_only binds this account: who may write
// nevertheless may begin a transaction that says so. That covers
// super_read_only, the rights' different names, and roles.
func (s *session) probeReadOnly(ctx context.Context) error {
	_, err := s.conn.ExecContext(ctx, begin+" READ WRITE")
	if m, ok := errors.AsType[*driver.MySQLError](err); ok && m.Number == errOptionPrevents {
		s.server.ReadOnly = s.server.Follows
		return nil
	}
	if err == nil {
		_, err = s.conn.ExecContext(ctx, "ROLLBACK")
	}
	return err
}

// account spells a user as the server's messages and GRANT do, from the bare
// form that CURRENT_USER has: 'app'@'%'.
func account(bare string) string {
	user, host := bare, ""
	if i := strings.LastIndexByte(bare, '@'); i >= 0 {
		user, host = bare[:i], bare[i+1:]
	}
	spell := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	if host == "" {
		return spell(user) // a role
	}
	return spell(user) + "@" + spell(host)
}

// grant gives an account what it needs. In a database's name, GRANT reads _
// and % as patterns unless they are escaped.
func grant(v engine.Server, write bool) string {
	rights := "SELECT"
	if write {
		rights = "ALL PRIVILEGES"
	}
	database := strings.NewReplacer("_", `\_`, "%", `\%`).Replace(v.Database)
	return "GRANT " + rights + " ON " + quote(database) + ".* TO " + v.User + ";"
}

func isOn(v string) bool {
	return v != "" && v != "0" && !strings.EqualFold(v, "OFF")
}

// product reads a version such as "10.11.19-MariaDB-0+deb12u1" or "8.0.31".
func product(version, comment string) (string, int) {
	name := "MySQL"
	if strings.Contains(strings.ToLower(version+comment), "mariadb") {
		name = "MariaDB"
	}
	number, rest := 0, version
	for range 3 {
		var part string
		part, rest, _ = strings.Cut(rest, ".")
		digits := part
		if i := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
			digits, rest = part[:i], ""
		}
		n, _ := strconv.Atoi(digits) // nothing there: 0
		number = number*100 + n
	}
	return name, number
}

func (s *session) mariadb() bool { return s.server.Product == "MariaDB" }

// endless is the longest wait in seconds that all versions and platforms
// take: 24 days.
const endless = 2147483

// allRows is no sql_select_limit: the server, or its init_connect, may have one for
// whoever reads too much by accident, and would cut off the history.
const allRows = "18446744073709551615"

// settings is what a session starts with and gets back: all that follows
// SET.
//
// A statement's longest run is kept by the server on MariaDB. MySQL's
// max_execution_time knows SELECT alone, so there the client keeps it, by
// cancelling.
func (s *session) settings() string {
	idle, lock := seconds(s.limits.Idle), seconds(s.limits.Lock)
	text := fmt.Sprintf("NAMES %s, autocommit = 1, sql_select_limit = %s, wait_timeout = %d, lock_wait_timeout = %d, innodb_lock_wait_timeout = %d",
		s.names, allRows, idle, lock, lock)
	if s.readOnly {
		text += ", " + s.readOnlyName() + " = 1"
	}
	if s.server.Cluster == galera {
		// Reads, updates and inserts (1, 2, 4) see what any node has
		// committed before them.
		text += ", wsrep_sync_wait = 7"
	}
	switch limit := s.limits.ServerStatement(); {
	case s.mariadb():
		text += ", max_statement_time = " + strconv.FormatFloat(limit.Seconds(), 'f', 6, 64)
	case s.server.Number >= 50708:
		text += ", max_execution_time = " + strconv.FormatInt(limit.Milliseconds(), 10)
	}
	return text
}

// readOnlyName is what the variable is called by which transactions only read.
func (s *session) readOnlyName() string {
	if s.mariadb() || s.server.Number < 50720 {
		return "tx_read_only"
	}
	return "transaction_read_only"
}

// seconds rounds up: the server counts whole ones, and 0 is not "a little".
func seconds(d time.Duration) int {
	if d < 0 {
		return endless
	}
	return min(endless, max(1, int((d+time.Second-1)/time.Second)))
}
