package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	driversqlite "modernc.org/sqlite"

	"github.com/dbwarden-go/dbwarden/engine"
)

// statementError is an error of SQLite's in SQLite's own words, without what
// the driver puts around them. The driver's error is wrapped.
type statementError struct {
	text   string
	err    error
	at     int    // the place of a syntax error, in characters from 1; 0: not looked for
	detail string // what was found out besides
	kept   bool   // the failed statement left something that is committed
}

const keptText = "what the statement did before it failed stays"

func (e *statementError) Error() string {
	if e.kept {
		return e.text + "; " + keptText
	}
	return e.text
}

func (e *statementError) Unwrap() error { return e.err }

// interrupted is a statement that was ended because its context ended.
type interrupted struct{ cause error }

func (e *interrupted) Error() string {
	return "interrupted: " + strings.TrimSuffix(e.cause.Error(), ": "+context.DeadlineExceeded.Error())
}

func (e *interrupted) Unwrap() error { return e.cause }

// clean makes a driver's error presentable.
func clean(ctx context.Context, err error) error {
	var e *driversqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return &interrupted{err}
	case errors.As(err, &e):
		return &statementError{text: message(e), err: err}
	}
	return err
}

// message takes "constraint failed: NOT NULL constraint failed: t.a (1299)"
// down to "NOT NULL constraint failed: t.a".
func message(e *driversqlite.Error) string {
	text := strings.TrimSuffix(e.Error(), " (SQLITE_BUSY)")
	text = strings.TrimSuffix(text, fmt.Sprintf(" (%d)", e.Code()))
	if words := primaries[e.Code()&0xff].words; words != "" {
		if rest, ok := strings.CutPrefix(text, words+": "); ok {
			text = rest
		}
	}
	return text
}

// resultCode is SQLite's extended result code in an error.
func resultCode(err error) (int, bool) {
	var e *driversqlite.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code(), true
}

func fault(err error) engine.Fault {
	if err == nil {
		return engine.Fault{}
	}
	var f engine.Fault
	var stop *interrupted
	var opening *openError
	var e *driversqlite.Error
	var wrong *statementError
	if errors.As(err, &e) {
		f = sqlFault(e)
	}
	if errors.As(err, &wrong) {
		f.Position, f.Detail = wrong.at, wrong.detail
		if wrong.kept {
			f.Detail = keptText
		}
	}
	switch {
	case errors.As(err, &stop):
		return engine.Fault{Kind: engine.Canceled, Code: codeName(codeInterrupt), Message: stop.Error()}
	case errors.As(err, &opening):
		f.Kind, f.Message = opening.kind, opening.Error()
	case e != nil:
	case errors.Is(err, engine.ErrNoDatabase):
		f.Kind, f.Message = engine.NoSuchDatabase, err.Error()
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone):
		f.Kind, f.Message = engine.Lost, "the connection is closed"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		f.Kind, f.Message = engine.Canceled, err.Error()
	}
	return f
}

func sqlFault(e *driversqlite.Error) engine.Fault {
	f := engine.Fault{Code: codeName(e.Code()), Message: message(e)}
	switch e.Code() {
	case codeNotNull:
		f.Kind = engine.NotNull
		f.Table, f.Column = tableColumn(f.Message)
		f.Names[0] = f.Column
		return f
	case codeUnique, codePrimaryKey, codeRowID:
		f.Kind = engine.Duplicate
		f.Table, f.Column = tableColumn(f.Message)
		return f
	}
	switch e.Code() & 0xff {
	case codeBusy, codeLocked, codeProtocol:
		f.Kind, f.WaitedOut = engine.Busy, e.Code()&0xff == codeBusy
	case codeFull:
		f.Kind = engine.Full
	case codeReadOnly:
		f.Kind = engine.ReadOnly
	case codePerm, codeAuth:
		f.Kind = engine.Denied
	case codeInterrupt:
		f.Kind = engine.Canceled
	case codeCantOpen, codeNotADB:
		f.Kind = engine.Unreachable
	case codeError:
		words(&f)
		f.Names = named(f.Message)
	}
	return f
}

// named are the names in a message that says which is missing or taken.
func named(msg string) [2]string {
	for _, before := range []string{"no such table: ", "no such column: ", "no such function: ", "no such index: ", "no such trigger: ",
		"no such view: ", "no such collation sequence: ", "no such module: ", "duplicate column name: ", " has no column named "} {
		if _, name, ok := strings.Cut(msg, before); ok {
			name, _, _ = strings.Cut(name, " - ")
			name = strings.Trim(name, `"`)
			return [2]string{name, name[strings.LastIndexByte(name, '.')+1:]}
		}
	}
	if name, ok := strings.CutSuffix(msg, " already exists"); ok {
		return [2]string{name[strings.LastIndexByte(name, ' ')+1:]}
	}
	return [2]string{}
}

// tableColumn reads "UNIQUE constraint failed: t.a, t.b". Several columns
// name none.
func tableColumn(msg string) (table, column string) {
	_, names, ok := strings.Cut(msg, "constraint failed: ")
	if !ok || strings.HasPrefix(names, "index ") {
		return "", ""
	}
	first, _, several := strings.Cut(names, ", ")
	table, column, _ = strings.Cut(first, ".")
	if several {
		column = ""
	}
	return table, column
}

// words reads the errors that have only the general code.
func words(f *engine.Fault) {
	msg := f.Message
	switch {
	case strings.HasSuffix(msg, ": syntax error") && strings.HasPrefix(msg, `near "`):
		f.Kind = engine.Syntax
		f.Near = strings.TrimSuffix(strings.TrimPrefix(msg, `near "`), `": syntax error`)
	case strings.HasPrefix(msg, `unrecognized token: "`):
		f.Kind = engine.Syntax
		f.Near = strings.TrimSuffix(strings.TrimPrefix(msg, `unrecognized token: "`), `"`)
	case msg == "incomplete input":
		f.Kind = engine.Syntax
	case strings.HasPrefix(msg, "no such table: "):
		f.Kind, f.Table = engine.Missing, strings.TrimPrefix(msg, "no such table: ")
	case strings.HasPrefix(msg, "no such view: "):
		f.Kind, f.Table = engine.Missing, strings.TrimPrefix(msg, "no such view: ")
	case strings.HasPrefix(msg, "no such column: "):
		f.Kind, f.Column = engine.Missing, strings.TrimPrefix(msg, "no such column: ")
		// Since 3.47 a hint follows: no such column: "x" - should this be ...
		f.Column, _, _ = strings.Cut(f.Column, " - ")
		f.Column = strings.Trim(f.Column, `"`)
		if i := strings.LastIndexByte(f.Column, '.'); i >= 0 {
			f.Table, f.Column = f.Column[:i], f.Column[i+1:]
		}
	case strings.HasPrefix(msg, "no such index: "), strings.HasPrefix(msg, "no such trigger: "):
		f.Kind = engine.Missing
	case strings.HasPrefix(msg, "table ") && strings.Contains(msg, " has no column named "):
		f.Kind = engine.Missing
		f.Table, f.Column, _ = strings.Cut(strings.TrimPrefix(msg, "table "), " has no column named ")
	case strings.HasSuffix(msg, " already exists"), strings.HasPrefix(msg, "there is already "),
		strings.Contains(msg, " already another table or index with this name"):
		f.Kind = engine.Duplicate
	case strings.HasPrefix(msg, "duplicate column name: "):
		f.Kind, f.Column = engine.Duplicate, strings.TrimPrefix(msg, "duplicate column name: ")
	}
}
