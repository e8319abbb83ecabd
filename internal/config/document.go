package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
)

// position is a place in the file: line and column from 1, the latter in
// characters.
type position struct{ line, column int }

// entry is one key with its value, or one table ([a.b] or a = {...}), with
// the whole way to it.
type entry struct {
	path  []string
	pos   position
	value value
}

// value is what stands behind a key.
type value struct {
	kind  unstable.Kind // Table and ArrayTable for tables
	text  string        // of strings decoded, else as written
	items []value       // of an Array
	pos   position
}

// parseDocument reads TOML into a flat list in the order of the file. The
// decoder of the TOML package alone would lose the line of each key, which
// every message and every Source needs.
func parseDocument(text []byte, name string) ([]entry, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	d := &document{text: text, name: name}
	p := &d.parser
	p.Reset(text)
	var prefix []string
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.KeyValue:
			d.keyValue(prefix, e)
		default: // Table, ArrayTable
			keys, pos := d.key(e)
			prefix = keys
			d.entries = append(d.entries, entry{path: keys, pos: pos, value: value{kind: e.Kind, pos: pos}})
		}
	}
	if err := p.Error(); err != nil {
		return nil, d.syntaxError(err)
	}
	if err := d.twice(); err != nil {
		return nil, err
	}
	// The parser above checks the grammar alone; the decoder knows the rest:
	// numbers too large, impossible dates, tables that contradict each other.
	var all map[string]any
	if err := toml.Unmarshal(text, &all); err != nil {
		return nil, d.syntaxError(err)
	}
	return d.entries, nil
}

type document struct {
	text    []byte
	name    string
	parser  unstable.Parser
	entries []entry
}

func (d *document) key(n *unstable.Node) (path []string, pos position) {
	for it := n.Key(); it.Next(); {
		if path == nil {
			pos = d.position(int(it.Node().Raw.Offset))
		}
		path = append(path, string(it.Node().Data))
	}
	return path, pos
}

func (d *document) keyValue(prefix []string, n *unstable.Node) {
	keys, pos := d.key(n)
	path := append(slices.Clone(prefix), keys...)
	v := n.Value()
	if v.Kind != unstable.InlineTable {
		d.entries = append(d.entries, entry{path: path, pos: pos, value: d.value(v, pos)})
		return
	}
	d.entries = append(d.entries, entry{path: path, pos: pos, value: value{kind: unstable.Table, pos: pos}})
	for it := v.Children(); it.Next(); {
		if it.Node().Kind == unstable.KeyValue {
			d.keyValue(path, it.Node())
		}
	}
}

func (d *document) value(n *unstable.Node, key position) value {
	v := value{kind: n.Kind, text: string(n.Data), pos: key}
	if n.Raw.Length > 0 {
		v.pos = d.position(int(n.Raw.Offset))
	}
	if n.Kind == unstable.Array {
		for it := n.Children(); it.Next(); {
			v.items = append(v.items, d.value(it.Node(), v.pos))
		}
	}
	return v
}

func (d *document) position(offset int) position {
	before := d.text[:min(offset, len(d.text))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return position{
		line:   bytes.Count(before, []byte("\n")) + 1,
		column: utf8.RuneCount(before[start:]) + 1,
	}
}

// twice finds a key or a table header that stands in the file two times, and
// names both lines, which the decoder would not.
func (d *document) twice() error {
	seen := map[string]position{}
	for _, e := range d.entries {
		if e.value.kind == unstable.ArrayTable {
			return nil // keys repeat below it by right, and it is refused for what it is
		}
		id := strings.Join(e.path, "\x00")
		if first, ok := seen[id]; ok {
			what := "key"
			if e.value.kind == unstable.Table {
				what = "table"
			}
			return &Error{File: d.name, Line: e.pos.line, Column: e.pos.column,
				Msg: fmt.Sprintf("%s is set twice, on line %d and on line %d", named(what, strings.Join(e.path, ".")), first.line, e.pos.line)}
		}
		seen[id] = e.pos
	}
	return nil
}

// syntaxError shows where the file is not TOML.
func (d *document) syntaxError(err error) error {
	e := &Error{File: d.name, Msg: "this is not valid TOML"}
	var parse *unstable.ParserError
	var decode *toml.DecodeError
	var msg string
	switch {
	case errors.As(err, &parse):
		msg = parse.Message
		// The highlight is a piece of the text; how much of the text's memory
		// lies behind it tells where it begins.
		if offset := cap(d.text) - cap(parse.Highlight); offset >= 0 && offset <= len(d.text) {
			pos := d.position(offset)
			e.Line, e.Column = pos.line, pos.column
		}
	case errors.As(err, &decode):
		msg = strings.TrimPrefix(decode.Error(), "toml: ")
		line, column := decode.Position() // in bytes
		e.Line, e.Column = line, column
		if text, ok := d.line(line); ok && column > 0 {
			e.Column = utf8.RuneCountInString(text[:min(column-1, len(text))]) + 1
		}
	default:
		return e
	}
	// No character of the file is repeated: it may be one of a password.
	msg = quotedRune().ReplaceAllString(msg, "")
	if plainMessage().MatchString(msg) {
		e.Msg += ": " + msg
	}
	if text, ok := d.line(e.Line); ok {
		e.Text = showLine(text, strings.Contains(msg, "multiline"))
	}
	switch {
	case strings.Contains(msg, "escape"):
		e.Hint = `a backslash in "..." begins an escape; text in '...' is taken as it is`
	case strings.Contains(msg, "must be quoted"), strings.Contains(msg, "start of value"), strings.Contains(msg, "expected keyword"):
		e.Hint = `text must stand in quotes: "..." or '...'`
	}
	return e
}

var (
	quotedRune   = lazy.Regexp(`(?s)(?: but got|:)? U\+[0-9A-F]+(?: '.+?')?`)
	plainMessage = lazy.Regexp("^[A-Za-z0-9 _.,'\"`=()#\\[\\]{}\\\\-]{1,200}$")
)

func (d *document) line(n int) (string, bool) {
	lines := strings.Split(string(d.text), "\n")
	if n < 1 || n > len(lines) {
		return "", false
	}
	return strings.TrimRight(lines[n-1], "\r"), true
}

var (
	headerLine = lazy.Regexp(`^\s*\[{0,2}[A-Za-z0-9_. -]+\]{0,2}\s*$`)
	valueLine  = lazy.Regexp(`^(\s*[A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=`)
)

// showLine is a line of a broken file as it may be shown: table headers whole,
// of keys the name, and the value only where the key never holds a secret and
// the value does not look like a URL. In a broken file a line may be anything,
// the rest of a string that began above for one, so all else is hidden.
func showLine(text string, hide bool) string {
	switch {
	case strings.TrimSpace(text) == "":
		return ""
	case hide || len(text) > 200:
		return stars
	case headerLine().MatchString(text) && strings.Contains(text, "["):
		return text
	}
	m := valueLine().FindStringSubmatch(text)
	if m == nil {
		return stars
	}
	name := m[1][strings.LastIndexByte(m[1], '.')+1:]
	if harmless(strings.TrimSpace(name)) && !strings.ContainsAny(text, ":@?%&") && strings.Count(text, "=") == 1 && !soundsSecret(text) {
		return text
	}
	return m[1] + " = " + stars
}
