package dbtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// A Conn is a plain connection to PostgreSQL or MariaDB, for what a test does
// behind the product's back. It is closed when the test ends.
type Conn struct{ s session }

// session is one connection of a driver. The text may hold several
// statements; the rows are those of the last.
type session interface {
	rows(ctx context.Context, queries string) ([][]string, error)
	close(ctx context.Context) error
}

// Dial connects to a URL of a server.
func Dial(t testing.TB, address string) *Conn {
	t.Helper()
	c, err := TryDial(t, address)
	if err != nil {
		t.Fatalf("dbtest: connect: %v", err)
	}
	return c
}

// TryDial is Dial for a test that expects an error.
func TryDial(t testing.TB, address string) (*Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), adminTime)
	defer cancel()
	s, err := productOf(address).dial(ctx, address)
	if err != nil {
		return nil, err
	}
	c := &Conn{s}
	t.Cleanup(c.Close)
	return c, nil
}

// Exec runs SQL; each text may hold several statements.
func (c *Conn) Exec(t testing.TB, queries ...string) {
	t.Helper()
	for _, q := range queries {
		c.Rows(t, q)
	}
}

// Rows runs SQL and returns the last statement's rows as the server spells
// their values, NULL as "NULL".
func (c *Conn) Rows(t testing.TB, queries string) [][]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), adminTime)
	defer cancel()
	rows, err := c.s.rows(ctx, queries)
	if err != nil {
		t.Fatalf("dbtest: %s: %v", queries, err)
	}
	return rows
}

// Try runs SQL for a test that expects an error, or to wait for something
// under a context of its own.
func (c *Conn) Try(ctx context.Context, queries string) error {
	_, err := c.s.rows(ctx, queries)
	return err
}

// Close ends the connection; closing twice is fine.
func (c *Conn) Close() {
	// Whether the server still listened to our farewell proves nothing.
	_ = c.s.close(context.Background())
}

func productOf(address string) product {
	if strings.HasPrefix(address, "postgres") {
		return postgres{}
	}
	return mariadb{}
}

func do(ctx context.Context, p product, address, query string) error {
	s, err := p.dial(ctx, address)
	if err != nil {
		return err
	}
	if _, err := s.rows(ctx, query); err != nil {
		_ = s.close(ctx) // the first error is the one to tell
		return fmt.Errorf("%s: %w", query, err)
	}
	return s.close(ctx)
}

func texts(row [][]byte) []string {
	out := make([]string, len(row))
	for i, cell := range row {
		out[i] = "NULL"
		if cell != nil {
			out[i] = string(cell)
		}
	}
	return out
}
