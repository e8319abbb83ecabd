package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// session is one pinned connection.
type session struct {
	db       *sql.DB
	conn     *sql.Conn
	errands  driver.Connector // makes the short-lived connections that interrupt this one
	password engine.Password  // database.password

	server    engine.Server
	id        uint64
	host      string // as the server's process list has it
	role      string // as CURRENT_ROLE() gave it at the start
	maxPacket int
	names     string
	limits    engine.Limits
	readOnly  bool // transactions of this session write nothing
	notice    func(severity, message string)

	grace, reach time.Duration // graceTime and reachTime; shorter in tests

	// lost is why the connection is gone; set once and for all.
	lost error

	// used is set by a statement of the user's that may have changed the
	// session, and strange by one that was perhaps meant to; begun is what the
	// session's variables were before the first statement.
	used, strange bool
	begun         *state

	// variables are those of the package's list that this server has, by
	// their index there.
	variables []int

	insertID insertID
	shield   shield

	// ordered: a statement runs that stops every commit of the cluster.
	ordered atomic.Bool

	leaks  leaks
	litter litter

	packets  int         // that were made
	packless bool        // the server refused one
	closing  atomic.Bool // of the packet under way nothing is left but what is ours

	closed bool
}

// ID is the connection's number. The nodes of a cluster number their
// connections each on its own.
func (s *session) ID() string { return onNode(s, int64(s.id)) }

func (s *session) Server() engine.Server { return s.server }

// Close ends the session. The server rolls back what is open and frees what
// is locked.
func (s *session) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	if s.conn != nil {
		// What a lost connection says at its end changes nothing.
		_ = s.conn.Close()
	}
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

// Exec runs one statement of ours.
func (s *session) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	text, err := bind(query, args)
	if err != nil {
		return 0, err
	}
	if err := s.insertID.save(ctx, s, text); err != nil {
		return 0, err
	}
	how := manners(text)
	if how == patient {
		// Whatever completion_type a file has set: the session goes on, and
		// outside of any transaction.
		text += " AND NO CHAIN NO RELEASE"
	}
	r, err := s.send(ctx, text, how)
	return r.rows, err
}

// manners says what a cancelled context does to a statement of ours: the
// end of a transaction is waited for, since half of an answer to COMMIT is
// worth nothing.
func manners(text string) haste {
	if text == "COMMIT" || text == "ROLLBACK" {
		return patient
	}
	return interruptible
}

// reply is what the server said to a statement.
type reply struct {
	rows     int64 // changed, by all of its results together
	insertID int64 // of the last result
}

// send runs text as it is and drains all of its results.
func (s *session) send(ctx context.Context, text string, how haste) (r reply, err error) {
	if limit := s.maxPacket; limit > 0 && len(text) >= limit {
		return r, fmt.Errorf("the statement has %d bytes, and the server's max_allowed_packet is %d", len(text), limit)
	}
	err = s.call(ctx, how, func(ctx context.Context) error {
		return s.conn.Raw(func(c any) error {
			result, err := c.(driver.ExecerContext).ExecContext(ctx, text, nil)
			if err != nil {
				return err
			}
			for _, n := range result.(mysqldriver.Result).AllRowsAffected() {
				r.rows += n
			}
			r.insertID, err = result.LastInsertId()
			return err
		})
	})
	return r, err
}

// Query runs one query of ours. A transaction may be open.
func (s *session) Query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
	if err := s.shield.raise(ctx, s, true); err != nil {
		return err
	}
	return s.query(ctx, each, query, args...)
}

func (s *session) query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
	text, err := bind(query, args)
	if err != nil {
		return err
	}
	return s.call(ctx, interruptible, func(ctx context.Context) error {
		rows, err := s.conn.QueryContext(ctx, text)
		if err != nil {
			return err
		}
		for rows.Next() {
			if err := each(rows.Scan); err != nil {
				return errors.Join(err, rows.Close())
			}
		}
		return errors.Join(rows.Err(), rows.Close())
	})
}

// Execute runs one statement of the user's, exactly as written. Procedures
// may return several results; all are drained.
func (s *session) Execute(ctx context.Context, st sqltext.Statement) (int64, error) {
	return s.perform(ctx, st, func(ctx context.Context) (reply, error) { return s.send(ctx, st.Text, s.hasteOf(st)) })
}

// perform runs a statement of the user's with what stands around it.
func (s *session) perform(ctx context.Context, st sqltext.Statement, run func(context.Context) (reply, error)) (int64, error) {
	if readsLocalFile(st.Words) {
		return 0, errors.New("LOAD DATA LOCAL INFILE is refused: the server would read files of the machine that runs the migration; " +
			"use INSERT, or LOAD DATA INFILE with a file on the server")
	}
	if err := s.remember(ctx); err != nil {
		return 0, fmt.Errorf("remember the session's settings: %w", err)
	}
	if limit := s.limits.Statement; limit > 0 && !s.mariadb() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the statement ran longer than its limit of %s", limit))
		defer cancel()
	}
	if err := s.insertID.restore(ctx, s); err != nil {
		return 0, err
	}
	t := classify(st.Words, s.server)
	s.leaks.note(st, t, s)
	s.litter.note(st, t)
	s.used = s.used || !inert(st)
	s.strange = s.strange || t.Holds || t.Kind != engine.Data && t.Kind != engine.Definition
	s.ordered.Store(s.server.Cluster == galera && t.Commits)
	started := time.Now()
	r, err := run(ctx)
	s.ordered.Store(false)
	if err == nil {
		err = s.overran(ctx, started)
	}
	if err != nil {
		return 0, &statementError{err: err, text: st.Text, words: st.Words, more: s.more(ctx, err)}
	}
	s.insertID.note(t, st.Text, r)
	s.warnings(ctx)
	return r.rows, nil
}

// Ask runs a query of the user's.
func (s *session) Ask(ctx context.Context, query sqltext.Statement) (*engine.Answer, error) {
	if err := s.remember(ctx); err != nil {
		return nil, fmt.Errorf("remember the session's settings: %w", err)
	}
	if limit := s.limits.Statement; limit > 0 && !s.mariadb() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the query ran longer than its limit of %s", limit))
		defer cancel()
	}
	s.used = true // a function of the user's may be in it
	answer := &engine.Answer{}
	started := time.Now()
	err := s.call(ctx, s.hasteOf(query), func(ctx context.Context) error {
		rows, err := s.conn.QueryContext(ctx, query.Text)
		if err != nil {
			return err
		}
		return errors.Join(answer.Read(rows), rows.Close())
	})
	if err == nil {
		err = s.overran(ctx, started)
	}
	if err != nil {
		err = &statementError{err: err, text: query.Text, words: query.Words, more: s.more(ctx, err)}
	}
	return answer, err
}

// hasteOf says what a cancelled context does to a statement of the user's. A
// killed SLEEP returns as if it had slept, and a killed DO, of which nothing
// stays, as if it had done all: so success of a statement that only sleeps and
// reads, and of DO, counts as cancelled; any other success is one.
func (s *session) hasteOf(st sqltext.Statement) haste {
	if len(st.Words) > 0 && st.Words[0] == "DO" {
		return sleeping
	}
	if classify(st.Words, s.server).Kind == engine.Read && len(st.Text) <= smallText && strings.Contains(strings.ToUpper(st.Text), "SLEEP") {
		return sleeping
	}
	return interruptible
}

// overran is the server's error that a statement ran into its limit, where it
// is answered with success all the same: DO takes every error for none. It is
// asked for only where the time says that it may be so: a statement that reads
// no table leaves in the list of errors what an earlier one wrote.
func (s *session) overran(ctx context.Context, started time.Time) (over error) {
	if limit := s.limits.Statement; limit <= 0 || !s.mariadb() || time.Since(started) < limit-limit/10 {
		return nil
	}
	// A connection that is lost shows at the next call.
	_ = s.query(ctx, func(scan func(...any) error) error {
		e := &mysqldriver.MySQLError{}
		var level string
		if err := scan(&level, &e.Number, &e.Message); err != nil {
			return err
		}
		if e.Number == errStatementTime {
			over = e
		}
		return nil
	}, "SHOW ERRORS LIMIT 50")
	return over
}

// smallText is up to where a statement is searched for a function's name.
const smallText = 64 << 10

func readsLocalFile(words []string) bool {
	return len(words) > 2 && words[0] == "LOAD" && (words[1] == "DATA" || words[1] == "XML") &&
		slices.Contains(words[2:min(len(words), 4)], "LOCAL")
}

// warnings passes on what the server noted about the last statement.
func (s *session) warnings(ctx context.Context) {
	if s.notice == nil {
		return
	}
	// The statement has succeeded: nothing about its warnings can change
	// that, and a lost connection shows at the next call.
	_ = s.eachWarning(ctx, func(level string, _ int, message string) { s.notice(level, message) })
}

// more is what the server notes beside an error, where the error alone says
// little: "Can't create table" does not say which column is at fault.
func (s *session) more(ctx context.Context, err error) string {
	m, ok := errors.AsType[*mysqldriver.MySQLError](err)
	if !ok || m.Number != errCreateTable && m.Number != errForeignKey {
		return ""
	}
	var notes []string
	// Without them the error is told as it is.
	_ = s.eachWarning(ctx, func(_ string, code int, message string) {
		if message != m.Message && code != errStackTrace {
			notes = append(notes, message)
		}
	})
	return strings.Join(notes, "\n")
}

func (s *session) eachWarning(ctx context.Context, each func(level string, code int, message string)) error {
	return s.query(ctx, func(scan func(...any) error) error {
		var level, message string
		var code int
		if err := scan(&level, &code, &message); err != nil {
			return err
		}
		each(level, code, message)
		return nil
	}, "SHOW WARNINGS LIMIT 50")
}
