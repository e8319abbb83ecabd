package postgres

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// encode spells values as text. Their types are left to the server, which
// takes them from where they stand in the statement.
func encode(args []any) ([][]byte, error) {
	out := make([][]byte, len(args))
	for i, arg := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, fmt.Errorf("value $%d: %w", i+1, err)
		}
		switch v := v.(type) {
		case nil:
		case string:
			// Not nil where it is empty: that would be NULL.
			out[i] = append([]byte{}, v...)
		case int64:
			out[i] = strconv.AppendInt(nil, v, 10)
		case bool:
			out[i] = strconv.AppendBool(nil, v)
		case time.Time:
			out[i] = v.UTC().AppendFormat(nil, "2006-01-02T15:04:05.999999Z07:00")
		default:
			return nil, fmt.Errorf("value $%d: a %T cannot be sent", i+1, arg)
		}
	}
	return out, nil
}

// scanRow stores a row's text in dest, as sql.Rows.Scan does.
func scanRow(row [][]byte, dest []any) error {
	if len(row) != len(dest) {
		return fmt.Errorf("the row has %d columns, %d are expected", len(row), len(dest))
	}
	for i, cell := range row {
		if err := store(cell, dest[i]); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func store(cell []byte, dest any) error {
	// What a long history is made of.
	switch d := dest.(type) {
	case *sql.NullString:
		*d = sql.NullString{String: string(cell), Valid: cell != nil}
		return nil
	case *int64:
		if cell != nil {
			n, err := strconv.ParseInt(string(cell), 10, 64)
			*d = n
			return err
		}
	}
	if s, ok := dest.(interface{ Scan(src any) error }); ok {
		if cell == nil {
			return s.Scan(nil)
		}
		return s.Scan(string(cell))
	}
	v := reflect.ValueOf(dest)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("a %T is not a pointer", dest)
	}
	v = v.Elem()
	if cell == nil {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface, reflect.Slice:
			v.SetZero()
			return nil
		}
		return fmt.Errorf("NULL does not go into a %s", v.Type())
	}
	text := string(cell)
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return store(cell, v.Interface())
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return err
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return err
		}
		v.SetUint(n)
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return fmt.Errorf("text does not go into a %s", v.Type())
		}
		v.SetBytes([]byte(text))
	case reflect.Interface:
		if v.NumMethod() > 0 {
			return fmt.Errorf("text does not go into a %s", v.Type())
		}
		v.Set(reflect.ValueOf(text))
	default:
		return fmt.Errorf("text does not go into a %s", v.Type())
	}
	return nil
}
