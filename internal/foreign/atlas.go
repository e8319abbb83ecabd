package foreign

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
	"github.com/dbwarden-go/dbwarden/migration"
)

const atlasSum = "atlas.sum"

// atlasDirective is a line that speaks to Atlas.
var atlasDirective = lazy.Regexp(`^\s*--\s*atlas:(\w+)(?:\s+(.*?))?\s*$`)

// readAtlas reads a folder of Atlas.
func readAtlas(r *reader) {
	r.read = append(r.read, atlasSum)
	all := r.files(false, func(name string) bool { return strings.HasSuffix(name, ".sql") || isNumbered(name) })
	slices.SortStableFunc(all, func(a, b file) int { return strings.Compare(a.base(), b.base()) })
	r.checkAtlasSum(all)
	for _, f := range all {
		version, name, _ := strings.Cut(strings.TrimSuffix(f.base(), ".sql"), "_")
		c := &Change{Key: version, Version: version, Name: name, Kind: migration.Versioned, Source: Place{f.name, 1}}
		r.atlas(f, c)
		r.changes = append(r.changes, c)
	}
}

func (r *reader) atlas(f file, c *Change) {
	w := writer{part: &c.Up}
	delimiter, head := "", true
	for i, line := range f.lines {
		m := atlasDirective().FindStringSubmatch(line)
		trimmed := strings.TrimSpace(line)
		if m == nil || !head && m[1] != "txmode" && m[1] != "delimiter" && m[1] != "checkpoint" {
			head = head && (trimmed == "" || strings.HasPrefix(trimmed, "--"))
			w.line(line, i+1)
			continue
		}
		switch m[1] {
		case "txmode":
			switch m[2] {
			case "none":
				c.Up.Bare = true
			case "file":
			case "all":
				r.note(f.name, i+1, "txmode all: run migrate with --atomic for one transaction around all of a run")
			default:
				r.fail(f.name, i+1, "txmode %s has no counterpart here", m[2])
			}
		case "delimiter":
			delimiter = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t").Replace(strings.Trim(m[2], `"`))
			if delimiter == "" {
				r.fail(f.name, i+1, "a delimiter of nothing")
			}
		case "nolint", "sum", "assert":
			// What a linter reads, and the sum file's own: no part of what
			// runs, and kept as the comments that they are.
			w.line(line, i+1)
		case "checkpoint":
			r.fail(f.name, i+1, "a checkpoint, which stands for the files before it as well: say which go on, with --leave %s or --leave for each of those", f.name)
		default:
			r.fail(f.name, i+1, "atlas:%s has no counterpart here", m[1])
		}
	}
	if delimiter != "" && delimiter != ";" {
		c.Up.Pieces = cutAt(c.Up.Pieces, regexp.MustCompile(regexp.QuoteMeta(delimiter)))
	}
}

// cutAt cuts pieces at a delimiter into those that are sent whole.
func cutAt(pieces []Piece, delimiter *regexp.Regexp) (out []Piece) {
	for _, p := range pieces {
		text := strings.ReplaceAll(p.Text, "\r\n", "\n")
		line := p.Line
		for len(text) > 0 {
			one, rest := text, ""
			if at := delimiter.FindStringIndex(text); at != nil && at[1] > at[0] {
				one, rest = text[:at[0]], text[at[1]:]
			}
			if strings.TrimSpace(one) != "" {
				at := line + strings.Count(one[:len(one)-len(strings.TrimLeft(one, " \t\r\n"))], "\n")
				out = append(out, Piece{Text: strings.TrimSpace(one) + "\n", Line: at, Whole: true})
			}
			line += strings.Count(text[:len(text)-len(rest)], "\n")
			text = rest
		}
	}
	return out
}

// checkAtlasSum compares the files with atlas.sum, where there is one: what
// was edited behind Atlas's back would be refused by it.
func (r *reader) checkAtlasSum(all []file) {
	text, err := fs.ReadFile(r.fsys, atlasSum)
	if errors.Is(err, fs.ErrNotExist) {
		r.note(atlasSum, 0, "there is none: the files were not compared with it")
		return
	}
	if err != nil {
		r.fail(atlasSum, 0, "%v", err)
		return
	}
	if len(r.left) > 0 {
		r.note(atlasSum, 0, "not compared, as files were left out")
		return
	}
	sums := map[string]string{}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range lines[1:] {
		if name, sum, ok := strings.Cut(strings.TrimSpace(line), " h1:"); ok {
			sums[name] = sum
		}
	}
	// Each file's hash goes on from that of the file before.
	h := sha256.New()
	for _, f := range all {
		h.Write([]byte(f.name))
		if strings.Contains(f.text, "atlas:sum ignore") {
			continue
		}
		raw, err := fs.ReadFile(r.fsys, f.name)
		if err != nil {
			r.fail(f.name, 0, "%v", err)
			return
		}
		h.Write(raw)
		want, ok := sums[f.name]
		delete(sums, f.name)
		if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); !ok || got != want {
			r.fail(f.name, 0, "is not what atlas.sum says: put it back, or, where it is right, run atlas migrate hash")
			return
		}
	}
	for name := range sums {
		r.fail(atlasSum, 0, "names %s, which is not there", name)
	}
}
