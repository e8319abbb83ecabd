package lock

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// RunTable is where a living holder says that it lives and how far it is. It
// stands apart from the lock's row, because a row that is written every two
// seconds would make every serializable migration fail at its fence, and
// because the fence would keep the beat waiting.
const RunTable = "dbwarden_lock_run"

// Stale is the age from which a beat no longer counts as a sign of life: five
// looks that did not get through.
const Stale = 10 * time.Second

// Beat is what a holder last said of itself.
type Beat struct {
	Age time.Duration // by the server's clock; of a lease, by that of who looks
	At  string        // as the server wrote it
	Progress
}

func (l Lock) runTable() string { return l.Engine.Dialect.Qualify(l.Schema, RunTable) }

// ensureRuns creates the table of beats, under the native lock. Where the
// native lock itself carries the beat there is none.
func (l Lock) ensureRuns(ctx context.Context, s engine.Session) error {
	if l.Engine.Native.Beat != nil {
		return nil
	}
	have, err := l.Engine.Columns(ctx, s, l.Schema, RunTable)
	if err != nil || have != nil {
		return err
	}
	d := l.Engine.Dialect
	cols := []string{
		"run_id " + d.Types.Varchar(64) + " NOT NULL PRIMARY KEY",
		"beat_at " + d.Types.Timestamp + " NOT NULL",
		"migration " + d.Types.Varchar(500) + " NULL",
		"direction " + d.Types.Varchar(20) + " NULL",
		"statement_no INTEGER NULL",
		"statements INTEGER NULL",
	}
	_, err = s.Exec(ctx, "CREATE TABLE "+l.runTable()+" (\n    "+strings.Join(cols, ",\n    ")+"\n)"+d.TableSuffix)
	if err != nil {
		return fmt.Errorf("create %s: %w", RunTable, err)
	}
	return nil
}

// beat says that the run lives.
func (h *Hold) beat(ctx context.Context, s engine.Session, p Progress) error {
	l, d := h.lock, h.lock.Engine.Dialect
	n, err := s.Exec(ctx, "UPDATE "+l.runTable()+" SET beat_at = "+d.Now+", migration = "+d.Bind(1)+", direction = "+d.Bind(2)+
		", statement_no = "+d.Bind(3)+", statements = "+d.Bind(4)+" WHERE run_id = "+d.Bind(5),
		engine.Fit(p.Migration, 500), p.Direction, int64(p.Statement), int64(p.Statements), h.Run)
	if err != nil || n > 0 {
		return err
	}
	// The first beat of this run takes away those of earlier ones.
	if _, err := s.Exec(ctx, "DELETE FROM "+l.runTable()+" WHERE run_id <> "+d.Bind(1), h.Run); err != nil {
		return err
	}
	_, err = s.Exec(ctx, "INSERT INTO "+l.runTable()+" (run_id, beat_at, migration, direction, statement_no, statements) VALUES ("+d.Bind(1)+", "+d.Now+", "+
		d.Bind(2)+", "+d.Bind(3)+", "+d.Bind(4)+", "+d.Bind(5)+")",
		h.Run, engine.Fit(p.Migration, 500), p.Direction, int64(p.Statement), int64(p.Statements))
	return err
}

// recall adds what a holder last said of itself, also of one that is
// gone; what one failed at that ended in good order is in the journal.
func (l Lock) recall(ctx context.Context, s engine.Session, st *Status) (err error) {
	if (st.Beat == nil || st.Beat.At == "") && st.Verdict != Kept {
		st.Beat, err = l.readBeat(ctx, s, st.Row.Run)
	}
	return err
}

// firstSign takes for a beat that the row was taken: a holder that was killed
// before its first beat, while its statement goes on in the server, must not
// be alive for ever.
func (l Lock) firstSign(ctx context.Context, s engine.Session, row Row) (b *Beat, err error) {
	if row.AcquiredAt.IsZero() {
		return nil, nil
	}
	d := l.Engine.Dialect
	err = s.Query(ctx, func(scan func(...any) error) error {
		var now sql.NullString
		if err := scan(&now); err != nil {
			return err
		}
		if at := parseTime(now.String); !at.IsZero() {
			b = &Beat{Age: at.Sub(row.AcquiredAt)}
		}
		return nil
	}, "SELECT "+d.UTC(d.Now))
	return b, err
}

// readBeat returns the last beat of a run, nil where there is none yet.
func (l Lock) readBeat(ctx context.Context, s engine.Session, run string) (*Beat, error) {
	if l.Engine.Native.Beat != nil || run == "" {
		return nil, nil
	}
	d := l.Engine.Dialect
	var b *Beat
	err := s.Query(ctx, func(scan func(...any) error) error {
		var at, now, migration, direction sql.NullString
		var no, of sql.NullInt64
		if err := scan(&at, &now, &migration, &direction, &no, &of); err != nil {
			return err
		}
		b = &Beat{Age: parseTime(now.String).Sub(parseTime(at.String)), At: at.String,
			Progress: Progress{migration.String, direction.String, int(no.Int64), int(of.Int64)}}
		return nil
	}, "SELECT "+d.UTC("beat_at")+", "+d.UTC(d.Now)+", migration, direction, statement_no, statements FROM "+l.runTable()+" WHERE run_id = "+d.Bind(1), run)
	if err != nil && l.Engine.Fault(err).Kind == engine.Missing {
		return nil, nil // a table of an earlier release
	}
	return b, err
}
