package dbwarden

import (
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/migration"
)

// strayed refuses a folder without files that has some further down: what is
// embedded has its folder's name in front, and a service that forgets fs.Sub
// would begin with a database in which nothing is.
func strayed(folder fs.FS, set *migration.Set) error {
	if folder == nil || slices.ContainsFunc(set.Migrations, func(m *migration.Migration) bool { return m.Kind != migration.InGo }) {
		return nil
	}
	below := beneath(folder)
	if below == "" {
		return nil
	}
	return migration.Problems{{File: below, Msg: fmt.Sprintf(
		"migrations stand here, below the folder that was named, which has none of its own: name this one (fs.Sub(files, %q), or migrations_dir)", below)}}
}

// beneath is the first folder below the top that has a file called like a
// migration, "" for none. It does not look everywhere: the folder may be
// anything, the root of a disk as well.
func beneath(folder fs.FS) (found string) {
	const deepest, most = 3, 1000
	like := regexp.MustCompile(`(?i)^([0-9]+[_-].*|(RA|ROC)__.+)\.sql$`)
	looked := 0
	// What cannot be read has no migrations that anybody meant.
	_ = fs.WalkDir(folder, ".", func(name string, e fs.DirEntry, err error) error {
		looked++
		hidden := name != "." && strings.HasPrefix(path.Base(name), ".")
		switch {
		case looked > most:
			return fs.SkipAll
		case err != nil, e.IsDir() && (hidden || strings.Count(name, "/") >= deepest):
			if e != nil && e.IsDir() {
				return fs.SkipDir
			}
		case !e.IsDir() && !hidden && strings.Contains(name, "/") && like.MatchString(path.Base(name)):
			found = path.Dir(name)
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// nameOf is where a folder is on the disk, "" where it cannot tell: what os.DirFS
// returns is the name itself.
func nameOf(folder fs.FS) string {
	if v := reflect.ValueOf(folder); v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}
