package sqlite

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"
)

// mostTries is how many places are looked at for one syntax error.
const mostTries = 200

// locate finds the place of a syntax error whose word stands in the statement
// more than once: SQLite quotes the word, and the driver keeps to itself where
// it stands.
//
// SQLite reads from the left and stops at the first word that cannot follow.
// So the place is the end of the shortest beginning of the statement that is
// refused with the same words. EXPLAIN reads a statement and does not run it.
func (s *session) locate(ctx context.Context, text string, err error) {
	var wrong *statementError
	if !errors.As(err, &wrong) || strings.EqualFold(firstWord(text), "EXPLAIN") {
		return
	}
	word, ok := strings.CutPrefix(strings.TrimSuffix(wrong.text, `": syntax error`), `near "`)
	if !ok || word == "" || strings.Count(text, word) < 2 {
		return
	}
	for from, tries := 0, 0; tries < mostTries; tries++ {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return
		}
		i += from
		from = i + 1
		_, err := s.conn.ExecContext(ctx, "EXPLAIN "+text[:i+len(word)])
		var same *statementError
		if errors.As(clean(ctx, err), &same) && same.text == wrong.text {
			wrong.at = utf8.RuneCountInString(text[:i]) + 1
			return
		}
	}
}
