package squash

import (
	"fmt"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// Probe is a text with the new file's header and nothing to do: enough to see
// where it would stand.
func (r *Range) Probe() string { return r.header(false) + "\n-- upgrade\nSELECT 1;\n" }

// KeepsOrder refuses what would have a new database run the other files in
// another order, or at another place, than databases that ran the old ones. old is the
// folder without the new file, which is called file, now the one with it.
//
// A squashed migration stands where the last of what it replaces does, by number. Where
// depends_on runs against the numbers, what stands in between comes ahead of it,
// and ran behind some of what it replaces.
func (r *Range) KeepsOrder(old, now *migration.Set, file string) error {
	was, err := order(old)
	if err != nil {
		return err
	}
	is, err := order(now)
	if err != nil {
		return err
	}
	replaced := map[string]bool{}
	for _, m := range r.Old {
		replaced[m.File] = true
	}
	var want []string
	for _, name := range was {
		if !replaced[name] {
			want = append(want, name)
			continue
		}
		if n := len(want); n == 0 || want[n-1] != file {
			want = append(want, file)
		}
	}
	for i, name := range is {
		if i < len(want) && name == want[i] {
			continue
		}
		why := "the squashed file would change the order in which the others run"
		if i < len(want) {
			why = fmt.Sprintf("a new database would run it ahead of %s, and those that ran the old files ran it behind: take it in, or fewer files, by --from and --to", want[i])
		}
		return &Error{migration.Problems{{File: name, Msg: why}}}
	}
	return nil
}

// order are the files in the order in which a fresh database runs them.
func order(set *migration.Set) (names []string, err error) {
	all, err := plan.Up(set, journal.NewHistory(nil, nil), plan.Target{})
	if err != nil {
		return nil, err
	}
	for _, st := range all.Steps {
		names = append(names, st.Migration.File)
	}
	return names, nil
}
