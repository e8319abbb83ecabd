package postgres

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden/engine"
)

// fault reads an error of this engine's sessions and databases.
func fault(err error) engine.Fault {
	var (
		f       engine.Fault
		pg      *pgconn.PgError
		lost    *lostError
		connect *connectError
		schema  *schemaError
		evict   *evictError
		pooler  *poolerError
	)
	if errors.As(err, &pg) {
		f = engine.Fault{
			Kind:     kindOf(pg.Code),
			Code:     pg.Code,
			Message:  pg.Message,
			Detail:   pg.Detail,
			Hint:     pg.Hint,
			Context:  pg.Where,
			Position: int(pg.Position),
			Column:   pg.ColumnName,
			Table:    pg.TableName,

			WaitedOut: pg.Code == "55P03",
			// A function that meets a text which cannot be read gives no
			// place in the statement that called it.
			Refused: pg.Code == "42601" && pg.Position > 0,
		}
		f.Names, f.Row = named(pg), copyRow(pg.Where)
		if m := copyValue().FindStringSubmatch(pg.Where); m != nil && f.Row > 0 {
			f.Names = [2]string{m[1]}
		}
		if q := strings.TrimSpace(pg.InternalQuery); q != "" {
			f.Inner, f.InnerPosition = pg.InternalQuery, int(pg.InternalPosition)
		}
	}
	if errors.As(err, &pooler) || errors.As(poolerSays(err), &pooler) {
		f.Message, f.Hint = pooler.text, pooler.hint
	}
	switch {
	case err == nil:
	case errors.As(err, &connect):
		if f.Message == "" {
			f.Message, f.Hint = connect.reason(), cmp.Or(f.Hint, connectHint(connect.err))
		}
		if hint := untrusted(connect.err, f); hint != "" {
			f.Kind, f.Hint = engine.Untrusted, cmp.Or(f.Hint, hint)
		}
		if f.Code == "08P01" {
			f.Kind = poolerKind(f.Message)
		}
		switch f.Kind {
		case engine.Login, engine.NoSuchDatabase, engine.Denied, engine.Crowded, engine.Untrusted:
		default:
			f.Kind = engine.Unreachable
			if errors.Is(err, context.Canceled) {
				f.Kind = engine.Canceled
			}
		}
	case errors.As(err, &lost), errors.Is(err, pgconn.ErrConnClosed):
		f.Kind = engine.Lost
		if f.Message == "" {
			f.Message = errText(err, lost)
		}
	case pg != nil:
	case errors.As(err, &schema):
		f = engine.Fault{Kind: schema.kind, Message: schema.text}
	case errors.As(err, &evict):
		f = engine.Fault{Kind: evict.kind, Message: evict.text}
	case errors.Is(err, errAborted):
		f = engine.Fault{Code: "25P02", Message: errAborted.Error()}
	}
	return f
}

var (
	keyValue   = lazily(`\((.+)\)=\((.+)\)`) // "Key (email)=(a@x.org) already exists."
	quotedName = lazily(`"([^"]+)"`)         // relation "custmers" does not exist
	copyValue  = lazily(`(?m)^COPY .*?, line \d+, [^:]*: "(.*)"$`)
	copyLine   = lazily(`(?m)^COPY .*?, line (\d+)`) // COPY a, line 3, column id: "three"
)

// named are what a message names where it tells no place: the value of a key
// that is taken or missing, else what it quotes first.
func named(pg *pgconn.PgError) (names [2]string) {
	switch pg.Code {
	case "23505", "23503":
		if m := keyValue().FindStringSubmatch(pg.Detail); m != nil {
			names[0] = m[2]
		}
		return names
	case "23502":
		return [2]string{pg.ColumnName}
	}
	if !strings.HasPrefix(pg.Code, "42") && pg.Code != "58P01" && pg.Code != "0A000" && pg.Code != "2BP01" && pg.Code != "3F000" {
		return names
	}
	if m := quotedName().FindStringSubmatch(pg.Message); m != nil {
		names[0] = m[1]
	}
	return names
}

// copyRow is the row of COPY's data that is refused. It is said in the
// server's language, and not found in others.
func copyRow(where string) int {
	m := copyLine().FindStringSubmatch(where)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1]) // digits, as matched
	return n
}

// poolerKind reads the words of PgBouncer, which has one code for all that
// ends a login.
func poolerKind(message string) engine.FaultKind {
	switch {
	case strings.Contains(message, "authentication failed"), strings.Contains(message, "no such user"):
		return engine.Login
	case strings.HasPrefix(message, "database ") && strings.HasSuffix(message, " does not exist"),
		strings.HasPrefix(message, "no such database"):
		return engine.NoSuchDatabase
	case strings.HasPrefix(message, "no more connections allowed"):
		return engine.Crowded
	}
	return engine.Unreachable
}

func errText(err error, lost *lostError) string {
	if lost != nil {
		err = lost.err
	}
	return err.Error()
}

// kindOf reads an SQLSTATE.
func kindOf(code string) engine.FaultKind {
	switch code {
	case "55P03", "40P01", "40001":
		return engine.Busy
	case "57014":
		return engine.Canceled
	case "53300":
		return engine.Crowded
	case "53100", "53200":
		return engine.Full
	case "42501":
		return engine.Denied
	case "42P01", "42703", "3F000":
		return engine.Missing
	case "23502":
		return engine.NotNull
	case "23505", "42P07", "42710", "42701", "42P06", "42723", "42P04":
		return engine.Duplicate
	case "3D000":
		return engine.NoSuchDatabase
	case "25006":
		return engine.ReadOnly
	case "42601":
		return engine.Syntax
	case "57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04":
		return engine.Lost
	}
	if strings.HasPrefix(code, "28") {
		return engine.Login
	}
	// Not 08 either: in a session that lives it is some foreign server's.
	return engine.Unknown
}
