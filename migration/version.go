package migration

import (
	"fmt"
	"strings"
)

// Version is a migration's ordered name: the leading digits of its file
// name, of any width. 1, 0001 and 000001 are the same version; it keeps the
// spelling it was written with.
type Version struct{ text string }

// ParseVersion reads a version: digits alone.
func ParseVersion(s string) (Version, error) {
	if s == "" {
		return Version{}, fmt.Errorf("a version is a number, like 0001")
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return Version{}, fmt.Errorf("version %q is not a number", s)
		}
	}
	return Version{s}, nil
}

// String is the version as it was written.
func (v Version) String() string { return v.text }

// IsZero says that there is no version, as for repeatable migrations.
func (v Version) IsZero() bool { return v.text == "" }

// Key is the same text for every spelling of a version.
func (v Version) Key() string {
	k := strings.TrimLeft(v.text, "0")
	if k == "" && v.text != "" {
		return "0"
	}
	return k
}

// Compare orders versions as numbers of any size.
func (v Version) Compare(w Version) int {
	a, b := v.Key(), w.Key()
	if len(a) != len(b) {
		if len(a) < len(b) {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

// Equal says that two spellings mean the same version.
func (v Version) Equal(w Version) bool { return v.Key() == w.Key() }
