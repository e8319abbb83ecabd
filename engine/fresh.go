package engine

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Fresh are a product's parts of databases for a program's own tests, each of
// them new and migrated. When one is made, when it is a copy of a template and
// how long a template lives stands above this seam; the database of a URL, like,
// is only the pattern of the new ones, and no session is opened in it.
type Fresh struct {
	// URL is that of another database of the same server, or of another file,
	// with all else as in url. Its errors never hold the password.
	URL func(url, name string) (string, error)

	// Clerk opens a session on the server of like from which databases are
	// made, in none that anybody tests with; nil where a database is a file, and
	// then what is below is nil, too, but for Kin.
	Clerk func(ctx context.Context, like Database) (Session, error)

	// Kin is what a database takes from like besides its migrations, without a
	// secret: a template is for one kin only. clerk is nil for a file.
	Kin func(ctx context.Context, clerk Session, like Database) (string, error)

	// Create makes an empty database with the encoding and the order of letters
	// of like, where that exists, and the same current schema.
	Create func(ctx context.Context, clerk Session, like Database, name string) error

	// Drop takes away a database with a name of NewTestName, and refuses any
	// other; one that is not there is no error. Sessions in it are ended where
	// the product can do so.
	Drop func(ctx context.Context, clerk Session, name string) error

	// Has says whether there is a template. Keep makes one of a database with a
	// name of NewTestName, in which nobody is: a template is there as a whole or
	// not at all, and nobody gets into it. Copy makes a new database of one; false
	// says that it is not there. All are nil where a product copies no databases.
	Has  func(ctx context.Context, clerk Session, template string) (bool, error)
	Keep func(ctx context.Context, clerk Session, name, template string) error
	Copy func(ctx context.Context, clerk Session, template, name string) (bool, error)

	// Sweep drops what killed processes left, test databases that are older
	// than TestAge and in which nobody is, and templates that were not used for
	// TemplateAge. Nobody's test depends on it.
	Sweep func(ctx context.Context, clerk Session)

	// Right is the SQL that gives the right which Create needs.
	Right func(v Server) string
}

const (
	testPrefix     = "dbwarden_test_"
	templatePrefix = "dbwarden_template_"
)

// TestAge is after what time a test's database was left behind, and
// TemplateAge after what time without use a template is one of files that
// nobody has any more.
const (
	TestAge     = 24 * time.Hour
	TemplateAge = 7 * 24 * time.Hour
)

// NewTestName is the name of a new database for a test. It tells when it was
// made, and is random besides: whatever is called so, we made.
func NewTestName(now time.Time) string {
	return fmt.Sprintf("%s%08x_%s", testPrefix, uint32(now.Unix()), strings.ToLower(rand.Text()))
}

// TestNamed says when a database was made for a test, and false where its
// name is none of NewTestName.
func TestNamed(name string) (made time.Time, ok bool) {
	rest, ok := strings.CutPrefix(name, testPrefix)
	stamp, random, cut := strings.Cut(rest, "_")
	if !ok || !cut || len(stamp) != 8 || len(random) != len(rand.Text()) {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseUint(stamp, 16, 32)
	return time.Unix(int64(seconds), 0), err == nil
}

// TemplateName is the name of the template with this digest, in hexadecimal
// digits, of which the first 32 count.
func TemplateName(digest string) string { return templatePrefix + digest[:min(32, len(digest))] }

// IsTemplateName says whether a database is called as templates are.
func IsTemplateName(name string) bool {
	digest, ok := strings.CutPrefix(name, templatePrefix)
	return ok && len(digest) == 32
}
