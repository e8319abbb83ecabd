package foreign

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/migration"
)

// gooseHistory: a row for each time that a version went up or, in older
// releases, down. Version 0 is the table's own beginning.
func gooseHistory(h *historian) error {
	if err := h.needs("version_id", "is_applied", "tstamp"); err != nil {
		return err
	}
	return h.each([]string{text("version_id"), text(yes("is_applied")), h.at("tstamp")}, "ORDER BY id", func(v []string) {
		if v[0] == "0" {
			return
		}
		c := h.number(v[0])
		switch {
		case v[1] == "1":
			h.add(c, "version "+v[0], Row{At: moment(v[2]), Duration: -1})
		case c != nil:
			h.remove(c)
		default:
			h.unknown = slices.DeleteFunc(h.unknown, func(n string) bool { return n == "version "+v[0] })
		}
	})
}

// golangHistory: one row, with the newest version and whether it failed.
func golangHistory(h *historian) error {
	if err := h.needs("version", "dirty"); err != nil {
		return err
	}
	version, dirty := "", false
	err := h.each([]string{text("version"), text(yes("dirty"))}, "", func(v []string) { version, dirty = v[0], v[1] == "1" })
	switch {
	case err != nil, version == "":
		return err
	case dirty:
		return h.refuse(fmt.Sprintf("version %s is dirty: it failed, and what it left is not known", version),
			fmt.Sprintf("look at what it left, mend that, and say so with golang-migrate: migrate force %s where it is complete, migrate force with the version before where nothing of it is there", version))
	}
	h.upTo(version, unknownRow())
	return nil
}

// dbmateHistory: a row for each version that is applied.
func dbmateHistory(h *historian) error {
	if err := h.needs("version"); err != nil {
		return err
	}
	if h.has("dirty") {
		return h.refuse("is a history of golang-migrate, not of dbmate", "say --from golang-migrate")
	}
	return h.each([]string{"version"}, "ORDER BY version", func(v []string) {
		h.add(h.number(v[0]), "version "+v[0], unknownRow())
	})
}

// flywayHistory: a row for each run, numbered.
func flywayHistory(h *historian) error {
	if err := h.needs("installed_rank", "version", "script", "checksum", "type", "installed_by", "installed_on", "execution_time", "success"); err != nil {
		return err
	}
	failed := ""
	sums := map[*Change]string{}
	columns := []string{"version", "description", text("type"), "script", text("checksum"), "installed_by", h.at("installed_on"), text("execution_time"), text(yes("success"))}
	err := h.each(columns, "ORDER BY installed_rank", func(v []string) {
		version, kind, script := v[0], strings.ToUpper(v[2]), v[3]
		if v[8] != "1" {
			failed = script
			return
		}
		row := Row{At: moment(v[6]), By: v[5], Duration: -1}
		if ms, err := strconv.ParseInt(v[7], 10, 64); err == nil {
			row.Duration = time.Duration(ms) * time.Millisecond
		}
		switch {
		case kind == "SCHEMA":
		case kind == "BASELINE" || kind == "SQL_BASELINE":
			// Flyway takes all up to it as there.
			row.Duration = -1
			for _, c := range h.p.Changes {
				if c.Kind == migration.Versioned && compareDotted(c.Version, version) <= 0 {
					h.add(c, "", row)
				}
			}
		case strings.HasPrefix(kind, "UNDO") || kind == "DELETE":
			if c := h.number(version); c != nil && version != "" {
				h.remove(c)
			}
			h.unknown = slices.DeleteFunc(h.unknown, func(n string) bool { return n == script })
		case version == "":
			c := h.repeatable(v[1])
			h.add(c, script, row)
			sums[c] = v[4]
		default:
			c := h.number(version)
			h.add(c, script, row)
			sums[c] = v[4]
		}
	})
	if err != nil {
		return err
	}
	if failed != "" {
		return h.refuse(failed+" failed, and what it left is not known", "look at what it left, mend that, then: flyway repair")
	}
	// What runs always runs the next time anyway.
	h.record.Rows = slices.DeleteFunc(h.record.Rows, func(r Row) bool { return r.Change.Kind == migration.RunsAlways })
	for _, r := range slices.Clone(h.record.Rows) {
		c := r.Change
		if sum := sums[c]; sum == "" || sum == c.Sum || sum == c.filled {
			continue
		}
		switch {
		case c.Kind != migration.Versioned:
			h.remove(c)
			h.record.Notes = append(h.record.Notes, Note{File: c.Source.File, Text: "changed since Flyway ran it: the next migrate runs it"})
		case !h.o.AllowChanged:
			h.changed = append(h.changed, c.Source.File)
		}
	}
	return nil
}

// repeatable is the one of that description, in which Flyway writes blanks
// for underscores.
func (h *historian) repeatable(description string) *Change {
	for _, c := range h.p.Changes {
		if c.Kind != migration.Versioned && strings.ReplaceAll(c.Name, "_", " ") == description {
			return c
		}
	}
	return nil
}

// ternHistory: one row with the newest version.
func ternHistory(h *historian) error {
	if err := h.needs("version"); err != nil {
		return err
	}
	version := ""
	err := h.each([]string{text("version")}, "", func(v []string) { version = v[0] })
	if err != nil || version == "" || version == "0" {
		return err
	}
	h.upTo(version, unknownRow())
	return nil
}

// sqlMigrateHistory: a row for each file. The time is the program's, not the
// server's, and Go's drivers send it in UTC.
func sqlMigrateHistory(h *historian) error {
	if err := h.needs("id", "applied_at"); err != nil {
		return err
	}
	return h.each([]string{"id", h.e.Dialect.UTC("applied_at")}, "ORDER BY applied_at, id", func(v []string) {
		h.add(h.key(v[0]), v[0], Row{At: moment(v[1]), Duration: -1})
	})
}

// key is the change that the tool's history calls so, nil where there is none.
func (h *historian) key(key string) *Change {
	for _, c := range h.p.Changes {
		if c.Key == key {
			return c
		}
	}
	return nil
}

// atlasHistory: a row for each revision, with how far it came.
func atlasHistory(h *historian) error {
	if err := h.needs("version", "type", "applied", "total", "executed_at", "execution_time"); err != nil {
		return err
	}
	partial := ""
	err := h.each([]string{"version", text("type"), text("applied"), text("total"), h.at("executed_at"), text("execution_time")}, "ORDER BY executed_at, version", func(v []string) {
		const baseline = 1 // a bit of type
		row := Row{At: moment(v[4]), Duration: -1}
		if ns, err := strconv.ParseInt(v[5], 10, 64); err == nil {
			row.Duration = time.Duration(ns)
		}
		kind, _ := strconv.Atoi(v[1]) // a number in every release
		switch {
		case strings.HasPrefix(v[0], "."): // Atlas's own
		case v[2] != v[3]:
			partial = fmt.Sprintf("version %s stopped at statement %s of %s", v[0], v[2], v[3])
		case kind&baseline != 0:
			row.Duration = -1
			for _, c := range h.p.Changes {
				if c.Key <= v[0] {
					h.add(c, "", row)
				}
			}
		default:
			h.add(h.key(v[0]), "version "+v[0], row)
		}
	})
	if err == nil && partial != "" {
		return h.refuse(partial, "mend the file and finish it with: atlas migrate apply; or take back by hand what has run of it and delete its row")
	}
	return err
}

// alembicHistory: a row for each head; what comes before a head is applied.
func alembicHistory(h *historian) error {
	if err := h.needs("version_num"); err != nil {
		return err
	}
	applied := map[string]bool{}
	var visit func(key string)
	visit = func(key string) {
		if c := h.key(key); c != nil && !applied[key] {
			applied[key] = true
			for _, p := range c.Parents {
				visit(p)
			}
		}
	}
	var heads []string
	if err := h.each([]string{"version_num"}, "ORDER BY version_num", func(v []string) { heads = append(heads, v[0]) }); err != nil {
		return err
	}
	for _, head := range heads {
		if h.key(head) == nil {
			h.add(nil, "revision "+head, unknownRow())
		}
		visit(head)
	}
	for _, c := range h.p.Changes {
		if applied[c.Key] {
			h.add(c, c.Key, unknownRow())
		}
	}
	return nil
}

// liquibaseHistory: a row for each changeset.
func liquibaseHistory(h *historian) error {
	if err := h.needs("id", "author", "filename", "dateexecuted", "orderexecuted", "exectype"); err != nil {
		return err
	}
	failed := ""
	err := h.each([]string{"id", "author", "filename", h.at("dateexecuted"), "exectype"}, "ORDER BY orderexecuted", func(v []string) {
		name := fmt.Sprintf("%s::%s::%s", v[2], v[0], v[1])
		switch v[4] {
		case "FAILED":
			failed = name
			return
		case "SKIPPED":
			return
		}
		c := h.changeset(v[0], v[1], v[2])
		if c == nil && h.p.skipped[v[0]+"\x00"+v[1]] {
			return // left out, as was said
		}
		h.add(c, name, Row{At: moment(v[3]), Duration: -1})
	})
	if err == nil {
		err = h.liquibaseLock()
	}
	if err == nil && failed != "" {
		return h.refuse("changeset "+failed+" failed", "mend it and run it with Liquibase first")
	}
	for _, r := range h.record.Rows {
		if r.Change.Kind == migration.RunsOnChange {
			h.record.Notes = append(h.record.Notes, Note{File: r.Change.Source.File, Line: r.Change.Source.Line,
				Text: "counts as run as it is now: whether it changed since Liquibase ran it cannot be told"})
		}
	}
	// What runs always runs the next time anyway.
	h.record.Rows = slices.DeleteFunc(h.record.Rows, func(r Row) bool { return r.Change.Kind == migration.RunsAlways })
	return err
}

// liquibaseLock refuses while Liquibase runs, or was killed.
func (h *historian) liquibaseLock() error {
	beside := &historian{ctx: h.ctx, s: h.s, e: h.e, p: h.p}
	for _, name := range []string{"databasechangeloglock", "DATABASECHANGELOGLOCK"} {
		found, err := beside.find(name)
		if err != nil || !found {
			if err != nil {
				return err
			}
			continue
		}
		by := ""
		if err := beside.each([]string{"COALESCE(lockedby, 'somebody')"}, "WHERE locked", func(v []string) { by = v[0] }); err != nil {
			return err
		}
		if by != "" {
			return &HistoryError{Table: name, Msg: "is locked by " + by, Next: []string{"wait until Liquibase has ended; was it killed: liquibase releaseLocks"}}
		}
	}
	return nil
}

// changeset finds one by id, author and the end of its file's path, which
// Liquibase has from where it was run, with "classpath:" at times.
func (h *historian) changeset(id, author, file string) *Change {
	file = strings.TrimPrefix(strings.TrimPrefix(file, "classpath:"), "/")
	var found *Change
	for _, c := range h.p.Changes {
		parts := strings.Split(c.Key, "\x00")
		if parts[0] != id || parts[1] != author {
			continue
		}
		if same := parts[2]; same == file || strings.HasSuffix(file, "/"+same) || strings.HasSuffix(same, "/"+file) {
			if found != nil && len(found.Key) > len(c.Key) {
				continue // the longer path fits better
			}
			found = c
		}
	}
	return found
}
