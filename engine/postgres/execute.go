package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Execute runs one statement of the user's through the simple protocol, to
// the byte as it stands in the file.
func (s *session) Execute(ctx context.Context, st sqltext.Statement) (int64, error) {
	s.quiet, s.calm = false, false
	if s.server.Pooled {
		s.sweep.saw(st)
	}
	switch {
	case st.Starts("COPY"):
		return s.copy(ctx, st)
	case st.Starts("COMMIT"), st.Starts("END"), st.Starts("PREPARE", "TRANSACTION"):
		return 0, s.commit(ctx, st.Text)
	}
	tag, err := s.drain(ctx, st.Text)
	if err == nil {
		err = s.again(ctx, st)
	}
	return changed(tag, st), err
}

// again sets the session's settings behind a statement that has taken them away:
// it leads back to how a session of ours begins, limits and all.
func (s *session) again(ctx context.Context, st sqltext.Statement) error {
	if !st.Starts("RESET", "ALL") && !st.Starts("DISCARD", "ALL") {
		return nil
	}
	settings := s.settingsSQL()
	if s.server.Pooled {
		settings = s.localSQL()
	}
	_, err := s.drain(ctx, settings)
	return err
}

// Ask runs a query of the user's through the simple protocol, as Execute does.
func (s *session) Ask(ctx context.Context, query sqltext.Statement) (*engine.Answer, error) {
	s.quiet, s.calm = false, false
	answer := &engine.Answer{}
	results := s.conn.Exec(ctx, query.Text)
	for n := 0; results.NextResult(); {
		rows := results.ResultReader()
		for _, f := range rows.FieldDescriptions() {
			answer.Columns = append(answer.Columns, f.Name)
		}
		for rows.NextRow() {
			n++
			values := rows.Values()
			row := make([]*string, len(values))
			for i, v := range values {
				if v != nil {
					text := string(v)
					row[i] = &text
				}
			}
			answer.Add(row, n)
		}
		if _, err := rows.Close(); err != nil {
			break // Close below returns it
		}
	}
	return answer, s.explain(ctx, results.Close())
}

// changed counts the rows a statement changed, not those it returned.
func changed(tag pgconn.CommandTag, st sqltext.Statement) int64 {
	word, _, _ := strings.Cut(tag.String(), " ")
	switch word {
	case "INSERT", "UPDATE", "DELETE", "MERGE", "COPY":
		return tag.RowsAffected()
	case "SELECT": // CREATE TABLE AS answers with it too
		if st.Starts("CREATE") {
			return tag.RowsAffected()
		}
	}
	return 0
}

var (
	errCopyOut  = errors.New("COPY ... TO stdout has nowhere to send its rows in a migration")
	errCopyRows = errors.New("COPY ... FROM stdin is not followed by its rows")
)

// copy runs COPY in its three shapes: with rows of the file, between the
// server and its own files, and to the client, which has no use for them.
func (s *session) copy(ctx context.Context, st sqltext.Statement) (int64, error) {
	if st.Copy != nil {
		rows := &gate{from: st.Copy}
		tag, err := s.conn.CopyFrom(ctx, rows, st.Text)
		if cause := rows.close(); cause != nil {
			// The server only knows that we gave up.
			return 0, fmt.Errorf("read the rows of COPY: %w", cause)
		}
		return tag.RowsAffected(), s.explain(ctx, err)
	}
	switch copyTarget(st.Text) {
	case "TO STDOUT", "TO STDIN": // the server takes either word for both ways
		return 0, errCopyOut
	case "FROM STDIN", "FROM STDOUT":
		// The server would wait for them for ever.
		return 0, errCopyRows
	}
	tag, err := s.drain(ctx, st.Text)
	return changed(tag, st), err
}

// copyTarget returns the direction of a COPY and the word behind it, "TO
// STDOUT", skipping what stands in quotes, brackets and comments. A query may
// be long, so the statement's leading words need not reach as far.
func copyTarget(text string) string {
	depth, direction := 0, ""
	for text != "" {
		switch {
		case strings.HasPrefix(text, "--"):
			if _, text, _ = strings.Cut(text, "\n"); text == "" {
				return ""
			}
		case strings.HasPrefix(text, "/*"):
			text = text[commentEnd(text):]
		case text[0] == '\'' || text[0] == '"':
			end := strings.IndexByte(text[1:], text[0])
			if end < 0 {
				return ""
			}
			text = text[end+2:]
		case text[0] == '$' && strings.Contains(text[1:], "$"):
			tag := text[:strings.IndexByte(text[1:], '$')+2]
			rest := text[len(tag):]
			if end := strings.Index(rest, tag); end >= 0 {
				rest = rest[end+len(tag):]
			}
			text = rest
		case text[0] == '(':
			depth++
			text = text[1:]
		case text[0] == ')':
			depth--
			text = text[1:]
		default:
			n := strings.IndexFunc(text, func(r rune) bool { return !isLetter(r) })
			if n < 0 {
				n = len(text)
			}
			word := text[:n]
			text = text[max(n, 1):]
			switch {
			case depth > 0 || word == "":
			case direction != "":
				return strings.ToUpper(direction + " " + word)
			case strings.EqualFold(word, "TO") || strings.EqualFold(word, "FROM"):
				direction = word
			}
		}
	}
	return ""
}

func isLetter(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r > 127
}

// commentEnd returns where a block comment ends; they nest.
func commentEnd(text string) int {
	depth := 0
	for i := 0; i+1 < len(text); i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}

// gate stands between the driver and the rows of a file. When a connection
// breaks, the driver returns while a goroutine of its own may still read; the
// file goes on to the next statement only once it has stopped.
type gate struct {
	lock   sync.Mutex
	from   io.Reader
	closed bool
	err    error // of from, besides io.EOF
}

func (g *gate) Read(p []byte) (int, error) {
	g.lock.Lock()
	defer g.lock.Unlock()
	if g.closed {
		return 0, io.ErrClosedPipe
	}
	n, err := g.from.Read(p)
	if err != nil && err != io.EOF {
		g.err = err
	}
	return n, err
}

// close waits for a Read under way and returns what went wrong with the rows
// themselves.
func (g *gate) close() error {
	g.lock.Lock()
	defer g.lock.Unlock()
	g.closed = true
	return g.err
}
