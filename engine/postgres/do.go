package postgres

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Do runs a statement of a migration in Go. Values and rows travel as text.
func (s *session) Do(ctx context.Context, c engine.Call) (*engine.Reply, error) {
	s.quiet, s.calm = false, false
	if s.server.Pooled {
		s.sweep.saw(c.Statement)
	}
	if c.Statement.Starts("COPY") {
		switch copyTarget(c.Statement.Text) {
		case "TO STDOUT", "TO STDIN":
			return nil, errCopyOut
		}
	}
	values, err := s.values(ctx, c)
	if err != nil {
		return nil, err
	}
	result := s.conn.ExecParams(ctx, c.Statement.Text, values, nil, nil, nil)
	out := &engine.Reply{}
	fields := result.FieldDescriptions()
	for _, f := range fields {
		out.Columns = append(out.Columns, f.Name)
	}
	for result.NextRow() {
		if !c.Rows {
			continue
		}
		row := make([]driver.Value, len(fields))
		for i, cell := range result.Values() {
			row[i] = valueOf(fields[i].DataTypeOID, cell)
		}
		out.Rows = append(out.Rows, row)
	}
	tag, err := result.Close()
	out.Changed = changed(tag, c.Statement)
	if err = s.explain(ctx, err); err == nil {
		err = s.again(ctx, c.Statement)
	}
	return out, err
}

// Types of the catalogue, by their numbers, which never change.
const (
	oidBool, oidBytea                     = 16, 17
	oidInt8, oidInt2, oidInt4, oidOid     = 20, 21, 23, 26
	oidFloat4, oidFloat8                  = 700, 701
	oidDate, oidTimestamp, oidTimestampTZ = 1082, 1114, 1184
)

// values spells a statement's values. How bytes are spelled depends on where
// they go, which the server is asked.
func (s *session) values(ctx context.Context, c engine.Call) ([][]byte, error) {
	var described *pgconn.StatementDescription
	out := make([][]byte, len(c.Values))
	for i, v := range c.Values {
		switch v := v.(type) {
		case float64:
			out[i] = strconv.AppendFloat(nil, v, 'g', -1, 64)
		case []byte:
			if described == nil {
				var err error
				if described, err = s.conn.Prepare(ctx, "", c.Statement.Text, nil); err != nil {
					return nil, s.explain(ctx, err)
				}
			}
			if i < len(described.ParamOIDs) && described.ParamOIDs[i] == uint32(oidBytea) {
				out[i] = append([]byte(`\x`), hex.EncodeToString(v)...)
			} else {
				out[i] = append([]byte{}, v...)
			}
		default:
			one, err := encode([]any{v})
			if err != nil {
				return nil, err
			}
			out[i] = one[0]
		}
	}
	return out, nil
}

// valueOf reads a value by the type of its column. What has no type of Go's own,
// or is outside of it (infinity), stays text.
func valueOf(oid uint32, cell []byte) driver.Value {
	if cell == nil {
		return nil
	}
	text := string(cell)
	switch int(oid) {
	case oidBool:
		return text == "t"
	case oidInt8, oidInt2, oidInt4, oidOid:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case oidFloat4, oidFloat8:
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	case oidBytea:
		if digits, ok := bytes.CutPrefix(cell, []byte(`\x`)); ok {
			if b, err := hex.DecodeString(string(digits)); err == nil {
				return b
			}
		}
		return unescaped(cell)
	case oidDate, oidTimestamp, oidTimestampTZ:
		return timeOf(text)
	}
	return text
}

// unescaped reads bytes as the server spells them where bytea_output is escape: a
// backslash is two of them, and what is no character of ASCII is three digits
// behind one.
func unescaped(cell []byte) []byte {
	out := make([]byte, 0, len(cell))
	for len(cell) > 0 {
		c := cell[0]
		if c == '\\' && len(cell) > 1 && cell[1] == '\\' {
			cell = cell[1:]
		} else if c == '\\' && len(cell) > 3 {
			if n, err := strconv.ParseUint(string(cell[1:4]), 8, 8); err == nil {
				c, cell = byte(n), cell[3:]
			}
		}
		out, cell = append(out, c), cell[1:]
	}
	return out
}

// timeOf reads a date or time as the server spells it: "2026-11-23",
// "2026-11-23 02:00:11.5", "2026-11-23 02:00:11+05:30".
func timeOf(text string) driver.Value {
	layouts := []string{time.DateOnly, "2006-01-02 15:04:05.999999"}
	if i := strings.LastIndexAny(text, "+-"); i > len(time.DateOnly) {
		layouts = []string{"2006-01-02 15:04:05.999999Z07", "2006-01-02 15:04:05.999999Z07:00", "2006-01-02 15:04:05.999999Z07:00:00"}
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return text
}
