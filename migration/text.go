package migration

import (
	"fmt"
	"io/fs"
	"strings"
)

// SectionText is a section as it stands in its file, without its marker:
// comments, rows of COPY and the DELIMITER lines of a client included. It is ""
// for a section that is not there. ErrFileChanged says that the file is not the
// one that was loaded, as far as its markers tell.
func (m *Migration) SectionText(d Direction) (string, error) {
	s, other := m.Section(d), &m.Rollback
	if d == Down {
		other = &m.Upgrade
	}
	if !s.Present {
		return "", nil
	}
	all, err := fs.ReadFile(m.in.fsys, m.File)
	if err != nil {
		return "", fmt.Errorf("read the migration again: %w", err)
	}
	lines := strings.SplitAfter(string(all), "\n")
	end := len(lines)
	if other.Present && other.Line > s.Line {
		end = other.Line - 1
	}
	if s.Line > end || end > len(lines) {
		return "", s.problem(s.Line, ErrFileChanged)
	}
	if is, ok := marker(lines[s.Line-1]); !ok || is != d {
		return "", s.problem(s.Line, ErrFileChanged)
	}
	return strings.Join(lines[s.Line:end], ""), nil
}
