package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
)

// work is what the migrations of a folder do.
type work string

const (
	tables work = "tables" // each makes a table
	rows   work = "rows"   // the first makes a table, the others put a row in
)

// up and down are the statements of migration n, from 1.
func (w work) up(n int) string {
	if w == tables {
		return fmt.Sprintf("CREATE TABLE t_%05d (\n    id INTEGER NOT NULL,\n    name VARCHAR(100)\n);\n", n)
	}
	if n == 1 {
		return "CREATE TABLE facts (\n    id INTEGER NOT NULL,\n    name VARCHAR(100)\n);\n"
	}
	return fmt.Sprintf("INSERT INTO facts (id, name)\nVALUES (%d, 'the fact number %d');\n", n, n)
}

func (w work) down(n int) string {
	if w == tables {
		return fmt.Sprintf("DROP TABLE t_%05d;\n", n)
	}
	if n == 1 {
		return "DROP TABLE facts;\n"
	}
	return fmt.Sprintf("DELETE FROM facts WHERE id = %d;\n", n)
}

// A format is how a tool wants its migrations.
type format struct {
	file func(n int) string // "" for the name
	text func(up, down string) string

	// second is a file of the way back's own, nil where it stands in the first.
	second func(n int) string
}

func (f format) write(folder string, w work, from, to int) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for n := from; n <= to; n++ {
		up, down := w.up(n), w.down(n)
		if f.second != nil {
			if err := os.WriteFile(filepath.Join(folder, f.second(n)), []byte(down), 0o644); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(folder, f.file(n)), []byte(f.text(up, down)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func sqlFile(n int) string { return fmt.Sprintf("%05d_change.sql", n) }

var (
	wardenFormat = format{file: sqlFile, text: func(up, down string) string { return "-- upgrade\n" + up + "\n-- rollback\n" + down }}
	gooseFormat  = format{file: sqlFile, text: func(up, down string) string { return "-- +goose Up\n" + up + "\n-- +goose Down\n" + down }}
	rubenvFormat = format{file: sqlFile, text: func(up, down string) string { return "-- +migrate Up\n" + up + "\n-- +migrate Down\n" + down }}
	ternFormat   = format{file: sqlFile, text: func(up, down string) string { return up + "\n---- create above / drop below ----\n\n" + down }}
	golangFormat = format{
		file:   func(n int) string { return fmt.Sprintf("%05d_change.up.sql", n) },
		second: func(n int) string { return fmt.Sprintf("%05d_change.down.sql", n) },
		text:   func(up, down string) string { return up },
	}
)

// script writes one file for a native client: every migration with a row in a
// history, in a transaction. joined is what stands between the statements of
// one migration: psql sends what is joined by \; in one message.
func script(name string, w work, n int, begin, joined string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	b := bufio.NewWriter(f)
	fmt.Fprintln(b, "CREATE TABLE history (version INTEGER NOT NULL, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);")
	for i := 1; i <= n; i++ {
		up := w.up(i)
		fmt.Fprintf(b, "%s%s%s%sINSERT INTO history (version) VALUES (%d)%sCOMMIT;\n", begin, joined, up[:len(up)-2], joined, i, joined)
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// large writes one migration of about size bytes: INSERTs, or the rows of a
// COPY.
func large(folder string, size int64, copied bool) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(folder, "00001_large.sql"))
	if err != nil {
		return err
	}
	defer f.Close()
	b := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprint(b, "-- upgrade\nCREATE TABLE large (id INTEGER NOT NULL, name VARCHAR(200));\n")
	if copied {
		fmt.Fprint(b, "COPY large (id, name) FROM stdin;\n")
	}
	const filler = "all work and no play makes the server a dull machine, and the client too, which has to send all of this text"
	written := int64(0)
	for i := 0; written < size; i++ {
		var n int
		if copied {
			n, err = fmt.Fprintf(b, "%d\t%s\n", i, filler)
		} else {
			// Many rows a statement, as a dump has them.
			n, err = fmt.Fprintf(b, "INSERT INTO large (id, name) VALUES (%d, '%s')", i, filler)
			for k := 0; k < 100 && err == nil; k++ {
				var m int
				m, err = fmt.Fprintf(b, ",\n    (%d, '%s')", i, filler)
				n += m
			}
			fmt.Fprint(b, ";\n")
		}
		if err != nil {
			return err
		}
		written += int64(n)
	}
	if copied {
		fmt.Fprint(b, "\\.\n")
	}
	fmt.Fprint(b, "\n-- rollback\nDROP TABLE large;\n")
	if err := b.Flush(); err != nil {
		return err
	}
	return f.Close()
}
