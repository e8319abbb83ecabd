package mysql

import (
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// bind writes values into a query of ours in place of its question marks.
//
// It is done here and not by the driver or a prepared statement, because a
// migration may have changed everything that those rely on: the client's
// character set (SET NAMES gbk), backslash escapes, and sql_modes that read
// an empty string as NULL. What is written is read alike under all of them.
func bind(query string, args []any) (string, error) {
	if len(args) == 0 {
		return query, nil
	}
	var b strings.Builder
	b.Grow(len(query) + 32*len(args))
	var quoted byte
	n := 0
	for i := range len(query) {
		c := query[i]
		switch {
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quoted = c
		case c == '?':
			if n == len(args) {
				return "", errors.New("query has more placeholders than values")
			}
			if err := appendLiteral(&b, args[n]); err != nil {
				return "", fmt.Errorf("value %d: %w", n+1, err)
			}
			n++
			continue
		}
		b.WriteByte(c)
	}
	if n < len(args) {
		return "", errors.New("query has fewer placeholders than values")
	}
	return b.String(), nil
}

// verbatim is a value that is an expression of ours.
type verbatim string

func appendLiteral(b *strings.Builder, arg any) error {
	if v, ok := arg.(verbatim); ok {
		b.WriteString(string(v))
		return nil
	}
	value, err := driver.DefaultParameterConverter.ConvertValue(arg)
	if err != nil {
		return err
	}
	switch v := value.(type) {
	case nil:
		b.WriteString("NULL")
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
	case bool:
		if v {
			b.WriteByte('1')
		} else {
			b.WriteByte('0')
		}
	case string:
		b.WriteString(stringLiteral(v))
	case []byte:
		b.WriteString("X'" + hex.EncodeToString(v) + "'")
	case time.Time:
		b.WriteString("'" + v.UTC().Format("2006-01-02 15:04:05.000000") + "'")
	default:
		return fmt.Errorf("a value of type %T cannot be sent", arg)
	}
	return nil
}

// stringLiteral spells text so that it is read alike whatever the session's
// settings are: plainly where it consists of characters that no setting
// touches, which keeps process lists readable, else by its bytes.
func stringLiteral(s string) string {
	if plain(s) {
		return "'" + s + "'"
	}
	return "_utf8mb4 X'" + hex.EncodeToString([]byte(s)) + "'"
}

func plain(s string) bool {
	if s == "" {
		return false // EMPTY_STRING_IS_NULL
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte(" _-.,:;/+=()", c) >= 0:
		default:
			return false
		}
	}
	return true
}
