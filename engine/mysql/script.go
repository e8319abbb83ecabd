package mysql

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// script is for mariadb and mysql. What a file sets of its session is not
// taken back: that takes a look at the session first.
func script() *engine.Script {
	return &engine.Script{
		Client:   "mariadb",
		Usage:    "mariadb --comments -h HOST -u USER -p < FILE",
		Settings: scriptSettings,
		Guard:    scriptGuard,
		Columns: func(schema, table string) string {
			return "(SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = " + stringLiteral(schema) + " AND TABLE_NAME = " + stringLiteral(table) + ")"
		},
		Take:    func(k engine.Key) string { return "GET_LOCK('" + lockName(k) + "', 0) = 1" },
		Free:    func(k engine.Key) string { return "DO RELEASE_LOCK('" + lockName(k) + "');" },
		Session: "CAST(CONNECTION_ID() AS CHAR)",
		Query:   func(q engine.Query) (string, error) { return bind(q.Text, q.Timeless()) },
		Statement: func(w io.Writer, st sqltext.Statement) error {
			_, err := io.WriteString(w, strings.Join(delimited(st.Text), "\n")+"\n")
			return err
		},
	}
}

func scriptSettings(_ context.Context, s engine.Session, l engine.Limits) ([]string, error) {
	mine := own(s)
	if mine == nil {
		return nil, fmt.Errorf("a session of type %T is not MySQL's", s)
	}
	client := &session{names: mine.names, server: mine.server, limits: l.WithDefaults()}
	client.limits.Idle = 8 * time.Hour // a person may look at the script while it runs
	return []string{"USE " + quote(mine.server.Database) + ";", "SET " + client.settings() + ";"}, nil
}

// scriptGuard: a statement that raises by itself is MariaDB's alone. MySQL is
// made to look for a table whose name is the message.
func scriptGuard(v engine.Server, condition, message string) []string {
	if v.Product == "MariaDB" {
		return delimited("BEGIN NOT ATOMIC IF (" + condition + ") IS NOT TRUE THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = " + stringLiteral(message) + "; END IF; END")
	}
	name := quote(message[:min(len(message), 64)])
	return []string{
		"SET @dbwarden_guard = IF((" + condition + ") IS TRUE, 'DO 0', " + stringLiteral("SELECT * FROM "+name) + ");",
		"PREPARE dbwarden_guard FROM @dbwarden_guard;", "EXECUTE dbwarden_guard;", "DEALLOCATE PREPARE dbwarden_guard;",
	}
}

// delimited are a statement's lines, with another delimiter where its text has
// the client's.
func delimited(text string) []string {
	if !strings.Contains(text, ";") {
		return []string{strings.TrimSuffix(engine.Terminated(text), "\n")}
	}
	for _, d := range []string{"//", "$$", "@@@", "||||"} {
		if !strings.Contains(text, d) {
			return []string{"DELIMITER " + d, text, d, "DELIMITER ;"}
		}
	}
	return []string{strings.TrimSuffix(engine.Terminated(text), "\n")}
}
