package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event/promtext"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
)

func (a *app) lockStatusCommand() *cobra.Command {
	var exit, watch bool
	cmd := &cobra.Command{
		Use:   "lock-status",
		Short: "Show whether the migration lock is held, by whom, and what to do",
		Long: "Shows the lock: who holds it, since when, doing what, whether they are alive, and what to do next.\n" +
			"It takes no lock, creates nothing and needs only the right to read.",
		Example: "  dbwarden lock-status\n  dbwarden lock-status -o json\n  dbwarden lock-status --exit-code   # 0 free, 4 held\n  dbwarden lock-status --watch",
	}
	var fleet fleetFlags
	fleet.add(cmd)
	cmd.Flags().BoolVar(&exit, "exit-code", false, "exit with 0 for a free lock and 4 for a held one")
	cmd.Flags().BoolVar(&watch, "watch", false, "look again and again until the lock is free: redrawn on a terminal, a line for each change in a pipe")
	var metrics metricsFlags
	metrics.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		seen := &lockMetrics{now: a.Now, all: map[promtext.Name]*dbwarden.LockReport{}}
		if !watch {
			m, err := a.measure(cmd, &metrics)
			if err != nil {
				return err
			}
			// [metrics] is for runs, whose file and group these would take.
			m.job, m.page, m.configured = "dbwarden_lock", seen.page, false
		} else if metrics != (metricsFlags{}) {
			return usagef("--watch and metrics contradict each other: those are of one look")
		}
		opt := wardenOptions{}
		if watch {
			if err := fleet.refused(cmd, "watch"); err != nil {
				return err
			}
			opt.use = useOne
		}
		return a.over(cmd, &fleet, opt, a.lockJob(opt, exit, seen), func(ctx context.Context, t *target) error {
			if watch {
				return a.watchLock(ctx, cmd, t)
			}
			report, err := t.warden.Lock(ctx)
			if err != nil {
				return a.lockUnknown(cmd, t, err)
			}
			seen.saw(t.Database, report)
			if a.json() {
				err = a.document(cmd, t, a.lockFields(t, report))
			} else {
				a.lockText(a.Stdout, t, report)
			}
			if err == nil && exit && report.Active {
				err = foundError{exitHeld}
			}
			return err
		})
	}
	return cmd
}

// lockUnknown says that the lock could not be looked at: an error is never a
// free lock.
func (a *app) lockUnknown(cmd *cobra.Command, t *target, err error) error {
	e := &runError{err: err, target: t}
	if !a.json() {
		fmt.Fprintln(a.Stdout, "Migration lock: UNKNOWN")
		return e
	}
	a.shown = true
	if err := a.document(cmd, t, map[string]any{"lock": "unknown", "error": a.describe(e, cmd.Context()).document()}); err != nil {
		return err
	}
	return e
}

func (a *app) lockText(w io.Writer, t *target, r dbwarden.LockReport) {
	st := a.style(a.Stdout)
	if !r.Active {
		fmt.Fprintln(w, "Migration lock: "+st.Good("INACTIVE"))
		if r.Follows != "" {
			fmt.Fprintf(w, "\n  %s\n", st.Warn("This is what has arrived on "+r.Follows+": a lock that was taken just now is seen on the primary."))
		}
		if r.SessionLives {
			fmt.Fprintf(w, "\n  %s\n", st.Warn("The lock was released by hand, and the session of "+render.Plain(a.masked(r.Row.Holder))+" still lives: it can commit nothing more. A statement outside a transaction that runs there may still take effect."))
		}
		for i, text := range a.leftBehind(t, r) {
			if i == 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "  %s\n", st.Warn(render.Plain(a.masked(text))))
		}
		return
	}
	fmt.Fprintln(w, "Migration lock: "+st.Bad("ACTIVE"))
	fmt.Fprintln(w, "Another migration process may be running.")
	fmt.Fprintln(w)
	fact := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %s %s\n", st.Dim(fmt.Sprintf("%-9s", name)), render.Plain(a.masked(text)))
		}
	}
	fact("holder", r.Who())
	if at := heldSince(r.Status); !at.IsZero() {
		fact("since", fmt.Sprintf("%s (%s)", at.Format("2006-01-02 15:04:05 MST"), render.Duration(max(0, a.Now().Sub(at)))))
	}
	fact(runWords(r.Status))
	fact("verdict", verdictWords(r.Status))
	fact("session", sessionWords(r.Status))
	fact("doing", doingWords(r.Status))
	if b := r.Beat; b != nil && b.Migration != "" {
		fact("progress", fmt.Sprintf("%s (%s), statement %d of %d", b.Migration, b.Direction, b.Statement, b.Statements))
	}
	fact("detail", whyHeld(r.Status))
	fact("waiting", waitingWords(r.Status))
	if r.Unfinished != nil && (r.Beat == nil || r.Beat.Migration == "") {
		fact("progress", a.halfDoneWords(r))
	}
	for _, next := range a.advice(t, r) {
		fmt.Fprintf(w, "  %s %s\n", st.Accent("next     "), render.Plain(next))
	}
}

// heldSince is since when the lock is held; zero where nobody knows: an UPDATE by
// hand leaves what the last run wrote, unless it sets that as well.
func heldSince(s lock.Status) time.Time {
	if s.Verdict == lock.ByHand && !s.Row.ReleasedAt.IsZero() && !s.Row.AcquiredAt.After(s.Row.ReleasedAt) {
		return time.Time{}
	}
	return s.Row.AcquiredAt
}

// whyHeld is why it was kept, or what somebody who locked by hand wrote there;
// not how the last run was released.
func whyHeld(s lock.Status) string {
	if s.Verdict == lock.ByHand && s.Row.State == lock.Forced && strings.HasPrefix(s.Row.Detail, "released by ") {
		return ""
	}
	return s.Row.Detail
}

// runWords name the run that has the lock; where it was locked by hand, the last
// one that had it.
func runWords(s lock.Status) (name, text string) {
	if s.Row.Run == "" {
		return "run", ""
	}
	name, text = "run", fmt.Sprintf("%s (fencing token %d)", s.Row.Run, s.Row.Token)
	if s.Verdict == lock.ByHand {
		name = "last run"
		if at := s.Row.ReleasedAt; !at.IsZero() {
			text += ", whose lock was released at " + at.Format("2006-01-02 15:04:05 MST")
		}
	}
	return name, text
}

// halfDoneWords say how far an unfinished attempt came.
func (a *app) halfDoneWords(r dbwarden.LockReport) string {
	e := r.Unfinished
	text := fmt.Sprintf("%s (%s): %s", e.File, e.Direction, r.Progress)
	if r.Progress.Doubt > 0 {
		text += fmt.Sprintf("; statement %d was begun", r.Progress.Doubt)
		if sql := r.Progress.Begun; sql != "" {
			text += ": " + render.Shorten(render.OneLine(a.masked(sql)), 100)
		}
	}
	return text
}

// verdictWords say whether the holder lives, and how that is known.
func verdictWords(s lock.Status) string {
	if s.Node != "" && s.Beat != nil {
		switch s.Verdict {
		case lock.Alive:
			return "ALIVE: its beats arrive, from node " + s.Node
		case lock.Silent:
			return fmt.Sprintf("NOT ANSWERING: no beat of it has arrived for %s; its session is on node %s", render.Duration(s.Beat.Age), s.Node)
		case lock.Gone:
			return fmt.Sprintf("GONE: its lease has run out: no beat of it has arrived for %s; its session was on node %s", render.Duration(s.Beat.Age), s.Node)
		}
	}
	switch s.Verdict {
	case lock.Alive:
		text := "ALIVE: its session holds the database's own lock"
		if s.Beat != nil {
			text += fmt.Sprintf(", and it said that it lives %s ago", render.Duration(max(0, s.Beat.Age)))
		}
		return text
	case lock.Silent:
		return fmt.Sprintf("NOT ANSWERING: its session holds the database's own lock, but it has not said that it lives for %s", render.Duration(s.Beat.Age))
	case lock.Gone:
		if s.Owner.Held {
			return "GONE: its session has ended; the database's own lock is with another dbwarden process just now, which asks for it or releases it"
		}
		return "GONE: the database's own lock, which it took, is free: its run is over, and none is running now"
	case lock.Kept:
		if strings.HasSuffix(s.Row.Detail, dbwarden.Resolved) {
			return "KEPT: a migration is half done, and what was in doubt of it is resolved: none is running now"
		}
		if strings.HasSuffix(s.Row.Detail, dbwarden.HalfRestored) {
			return "KEPT: a backup was not put back as a whole, and its process has ended: none is running now"
		}
		return "KEPT: a migration failed half-way, and its process has ended: none is running now"
	case lock.ByHand:
		return "FROZEN: locked by hand, without a run"
	}
	if s.Follows != "" {
		text := "UNKNOWN: the lock of the database's own is on the primary and not seen here: " + s.Follows
		if s.Beat != nil {
			text += "; the last sign of life that came here is " + render.Duration(s.Beat.Age) + " old"
		}
		return text
	}
	if s.Row.Script() {
		return "UNKNOWN: a script of migrate --sql has taken it, and whether its client still runs cannot be seen here"
	}
	return "UNKNOWN: the holder took no lock of the database's own"
}

// waitingWords name those who wait, where the database tells.
func waitingWords(s lock.Status) string {
	names := s.Waiting
	switch n := len(names); {
	case n == 0:
		return ""
	case n > 5:
		return fmt.Sprintf("%d other dbwarden processes: %s and %d more", n, strings.Join(names[:5], ", "), n-5)
	case n > 1:
		return fmt.Sprintf("%d other dbwarden processes: %s", n, strings.Join(names, ", "))
	}
	return "1 other dbwarden process: " + names[0]
}

func sessionWords(s lock.Status) string {
	var parts []string
	for _, p := range []string{s.Owner.Session, s.Owner.User, s.Owner.From} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if s.Owner.Pid > 0 {
		parts = append(parts, fmt.Sprintf("process %d", s.Owner.Pid))
	}
	return strings.Join(parts, ", ")
}

func doingWords(s lock.Status) string {
	if s.Owner.Doing == "" {
		return ""
	}
	text := render.Shorten(render.OneLine(s.Owner.Doing), 200)
	if s.Owner.For > 0 {
		text += " for " + render.Duration(s.Owner.For)
	}
	return text
}

// advice is lockAdvice for who is shown it now.
func (a *app) advice(t *target, r dbwarden.LockReport) []string {
	out := lockAdvice(t, r, "")
	if e := r.Unfinished; e != nil && (r.Verdict == lock.Gone || r.Verdict == lock.Kept) && t.lacks(e) {
		if migration.IsGoFile(e.File) {
			return append([]string{a.typed(t, "dbwarden unlock")}, fmt.Sprintf("then start the program again that has %s: it is a migration in Go, which this command cannot go on with", e.File))
		}
		out = append([]string{fmt.Sprintf("put %s back into %s first: without it nothing goes on", e.File, t.MigrationsDir)}, out...)
	}
	for i := range out {
		out[i] = a.typed(t, out[i])
	}
	return out
}

// lockAdvice is what to do about a held lock. t is nil where the engine is
// not known; typed is the run that was asked for and met it, "" for none.
func lockAdvice(t *target, r dbwarden.LockReport, typed string) []string {
	if r.Verdict == lock.Kept && strings.HasSuffix(r.Row.Detail, dbwarden.HalfRestored) || r.Restoring != "" && r.Verdict == lock.Gone {
		return []string{"the database is in pieces; put the backup back as a whole: dbwarden restore --yes FILE"}
	}
	if e := r.Unfinished; e != nil && r.Progress.Settleable() && (r.Verdict == lock.Gone || r.Verdict == lock.Kept && r.Row.Detail == "") {
		return []string{fmt.Sprintf("dbwarden unlock, then: dbwarden %s, which looks whether statement %d of %s took effect, and goes on", verbOf(e.Direction), r.Progress.Doubt, e.File)}
	} else if e != nil && r.Progress.Doubt > 0 && (r.Verdict == lock.Gone || r.Verdict == lock.Kept) {
		return []string{
			fmt.Sprintf("look in the database whether statement %d of %s took effect", r.Progress.Doubt, e.File),
			fmt.Sprintf("then: dbwarden resolve %s --done (or --retry), dbwarden unlock, and: dbwarden %s", migrationName(e.Version, e.File), verbOf(e.Direction)),
		}
	}
	if r.Verdict == lock.Unknown && r.Follows != "" {
		return []string{"look on the primary: dbwarden lock-status --url URL"}
	}
	end := "end it: dbwarden unlock --force"
	if t.isFile() {
		end = t.product.Engine.Native.EvictHint(r.Owner)
	}
	switch r.Verdict {
	case lock.Alive:
		return []string{"wait for it (dbwarden migrate waits), or " + end}
	case lock.Silent:
		if !t.isFile() {
			// On SQLite what a process did has ended with it.
			return []string{"it may be stopped or cut off, or its process killed while its statement goes on here; look at its process, or " + end}
		}
		return []string{"it may be stopped, or its machine busy; look at its process, or " + end}
	case lock.Gone:
		if hint := t.hint(r.Owner); r.Owner.Held && hint != "" {
			return []string{"see what it did (dbwarden status), then: dbwarden unlock", "should the other process's session stay (it may be stopped), end it: " + hint}
		}
		if e := r.Unfinished; e != nil {
			return []string{fmt.Sprintf("see what it did (dbwarden status), then: dbwarden unlock, and: dbwarden %s, which goes on at statement %d of %s, or says why it cannot",
				verbOf(e.Direction), r.Progress.Done+1, e.File)}
		}
		return []string{"see what it did (dbwarden status), then: dbwarden unlock"}
	case lock.Kept:
		verb := "migrate"
		if e := r.Unfinished; e != nil && e.Direction == migration.Down || e == nil && strings.HasPrefix(r.Row.Detail, string(migration.Down)+" ") {
			verb = "rollback"
		}
		if strings.HasSuffix(r.Row.Detail, dbwarden.Resolved) {
			return []string{"dbwarden unlock, and: dbwarden " + verb}
		}
		if e := r.Unfinished; e != nil && e.Direction == migration.Up && strings.HasPrefix(r.Row.Detail, string(migration.Down)+" ") {
			return []string{"mend the rollback section (dbwarden status names the file), then: dbwarden unlock, and: dbwarden rollback; or go on upwards with: dbwarden unlock, and: dbwarden migrate"}
		}
		run := "dbwarden " + verb
		if e := r.Unfinished; e != nil && e.Direction == migration.Up {
			goOn, back := "dbwarden migrate", "dbwarden rollback"
			if strings.HasPrefix(typed, back) {
				return []string{"see what stopped it (dbwarden status names it), then: dbwarden unlock, and: " + typed + ", which takes it back; or mend it and go on with: " + goOn}
			}
			if typed != "" {
				goOn = typed
			}
			run = goOn + "; or take it back: dbwarden unlock, and: " + back
		} else if e == nil && typed != "" {
			run = typed
		}
		return []string{"see to what stopped it (dbwarden status names it), then: dbwarden unlock, and: " + run}
	case lock.ByHand:
		return []string{"ask who froze it; to go on: dbwarden unlock"}
	}
	if r.Row.Script() {
		return []string{"wait while somebody runs that script (it releases the lock at its end); did it stop, see what it did (dbwarden status), then: dbwarden unlock, and: dbwarden migrate"}
	}
	return []string{"see that no such process runs (ps aux | grep dbwarden), then: dbwarden unlock"}
}

// fileOf names the migration by its file, as the person who looks for it
// knows it.
func (t *target) fileOf(v migration.Version) string {
	names, _ := os.ReadDir(t.MigrationsDir) // without it the version has to do
	for _, e := range names {
		if p := versionPrefix().FindStringSubmatch(e.Name()); p != nil {
			if of, err := migration.ParseVersion(p[1]); err == nil && of.Key() == v.Key() {
				return e.Name()
			}
		}
	}
	return "migration " + v.String()
}

// lacks says that the folder can be read, and has no file of the migration that
// an entry is about.
func (t *target) lacks(e *journal.Entry) bool {
	if t == nil {
		return false
	}
	names, err := os.ReadDir(t.MigrationsDir)
	if err != nil {
		return false // not known
	}
	v, err := migration.ParseVersion(e.Version)
	return !slices.ContainsFunc(names, func(n os.DirEntry) bool {
		if err != nil || n.Name() == e.File {
			return n.Name() == e.File
		}
		p := versionPrefix().FindStringSubmatch(n.Name())
		if p == nil {
			return false
		}
		of, err := migration.ParseVersion(p[1])
		return err == nil && of.Key() == v.Key()
	})
}

// hint is how the owner of the database's own lock is ended by hand; "" where
// the engine is not known.
func (t *target) hint(o engine.Owner) string {
	if t == nil {
		return ""
	}
	return t.product.Engine.Native.EvictHint(o)
}

// isFile says that the database is a file, whose processes are all here; not
// of an unknown one.
func (t *target) isFile() bool { return t != nil && t.product.Engine.Caps.File }

func verbOf(d migration.Direction) string {
	if d == migration.Down {
		return "rollback"
	}
	return "migrate"
}

func (a *app) lockFields(t *target, r dbwarden.LockReport) map[string]any {
	if !r.Active {
		out := map[string]any{"lock": "inactive", "released_session_alive": r.SessionLives}
		if r.Follows != "" {
			out["seen_on"] = r.Follows
		}
		if next := a.leftBehind(t, r); next != nil {
			out["next"] = next
		}
		putUnfinished(out, r)
		return out
	}
	holder := map[string]any{"name": r.Who(), "verdict": r.Verdict, "run": r.Row.Run, "fencing_token": r.Row.Token, "state": r.Row.State,
		"session": r.Row.Session, "native_lock": r.Owner.Held}
	if at := heldSince(r.Status); !at.IsZero() {
		holder["since"] = at.UTC().Format(time.RFC3339Nano)
		holder["held_ms"] = max(0, a.Now().Sub(at)).Milliseconds()
	}
	if why := whyHeld(r.Status); why != "" {
		holder["detail"] = a.masked(why)
	}
	if r.Owner.Doing != "" {
		holder["doing"], holder["doing_ms"] = a.masked(r.Owner.Doing), r.Owner.For.Milliseconds()
	}
	if b := r.Beat; b != nil {
		holder["beat_age_ms"] = b.Age.Milliseconds()
		if b.Migration != "" {
			holder["progress"] = map[string]any{"file": b.Migration, "direction": b.Direction, "statement": b.Statement, "statements": b.Statements}
		}
	}
	if r.Owner.Pid > 0 {
		holder["pid"] = r.Owner.Pid
	}
	out := map[string]any{"lock": "active", "holder": holder, "next": a.advice(t, r)}
	if r.Follows != "" {
		out["seen_on"] = r.Follows
	}
	if r.WaitersKnown {
		waiting := make([]string, len(r.Waiting))
		for i, name := range r.Waiting {
			waiting[i] = a.masked(name)
		}
		out["waiting"] = waiting
	}
	putUnfinished(out, r)
	return out
}

// putUnfinished adds what is half done to a document.
func putUnfinished(doc map[string]any, r dbwarden.LockReport) {
	if e := r.Unfinished; e != nil {
		doc["unfinished"] = map[string]any{"version": e.Version, "file": e.File, "direction": e.Direction,
			"done": r.Progress.Done, "skipped": r.Progress.Skipped, "total": r.Progress.Total, "in_doubt": r.Progress.Doubt}
	}
}

// leftBehind is what whoever released a lock should know of the run that had
// it: the release takes nothing back.
func (a *app) leftBehind(t *target, r dbwarden.LockReport) []string {
	if r.Unfinished == nil {
		return nil
	}
	if e := r.Unfinished; r.Progress.Doubt == 0 && t.lacks(e) && migration.IsGoFile(e.File) {
		return []string{fmt.Sprintf("%s (%s) is half done: %s; it is a migration in Go: the program that has it goes on with it", e.File, e.Direction, r.Progress)}
	}
	if e := r.Unfinished; r.Progress.Doubt == 0 && t.lacks(e) {
		return []string{a.typed(t, fmt.Sprintf("%s (%s) is half done: %s; put its file back into %s, it is missing, and dbwarden %s goes on there",
			e.File, e.Direction, r.Progress, t.MigrationsDir, verbOf(e.Direction)))}
	}
	return []string{a.typed(t, leftBehind(r))}
}

func leftBehind(r dbwarden.LockReport) string {
	e := r.Unfinished
	switch {
	case r.Progress.Settleable():
		return fmt.Sprintf("statement %d of %s (%s) was begun: dbwarden %s looks whether it took effect, and goes on", r.Progress.Doubt, e.File, e.Direction, verbOf(e.Direction))
	case r.Progress.Doubt > 0:
		return fmt.Sprintf("statement %d of %s (%s) was begun, and whether it took effect is not known: look in the database, then: dbwarden resolve %s --done (or --retry)",
			r.Progress.Doubt, e.File, e.Direction, migrationName(e.Version, e.File))
	}
	return fmt.Sprintf("%s (%s) is half done: %s; dbwarden %s goes on there, or says why it cannot", e.File, e.Direction, r.Progress, verbOf(e.Direction))
}

func (a *app) unlockCommand() *cobra.Command {
	var force bool
	var reason string
	cmd := &cobra.Command{
		Use:   "unlock",
		Short: "Release the migration lock of a run that is gone",
		Long: "Releases the lock of a run that is gone, failed, or was frozen by hand. A living holder is refused;\n" +
			"with --force its database session is ended first. A released holder can commit nothing more.",
		Example: "  dbwarden lock-status\n  dbwarden unlock\n  dbwarden unlock --force --reason \"stuck since 02:00, see ticket 4711\"",
	}
	cmd.Flags().BoolVar(&force, "force", false, "end the session of a living holder")
	cmd.Flags().StringVar(&reason, "reason", "", "`WHY`, for the journal")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.each(cmd, wardenOptions{use: useOne}, func(ctx context.Context, t *target) error {
			found, err := t.warden.Unlock(ctx, force, reason)
			if errors.Is(err, lock.ErrNotHeld) && !a.json() {
				// The command's answer, not a mishap: the line alone.
				fmt.Fprintln(a.Stdout, notHeldLine)
				return foundError{exitError}
			}
			if err != nil {
				return &runError{err: err, target: t}
			}
			a.released(t.Database, found)
			for _, w := range a.leftBehind(t, found) {
				a.warn(w)
			}
			if a.json() {
				doc := map[string]any{"released": true, "holder": found.Who(), "verdict": found.Verdict, "run": found.Row.Run}
				putUnfinished(doc, found)
				return a.document(cmd, t, doc)
			}
			fmt.Fprintln(a.Stdout, "Migration lock released successfully.")
			return nil
		})
	}
	return cmd
}

const notHeldLine = "Failed to release lock. Lock may not be held."

// migrationName is what resolve is told: repeatable migrations have no version.
func migrationName(version, file string) string {
	if version == "" {
		return file
	}
	return version
}

func (a *app) resolveCommand() *cobra.Command {
	var done, retry, skip bool
	var only int
	var wait waitFlags
	cmd := &cobra.Command{
		Use:   "resolve VERSION|FILE",
		Short: "Say how a statement ended that was interrupted",
		Long: "After a crash in the middle of a statement that runs outside a transaction, only a look into the database\n" +
			"tells whether it took effect. This writes what was found into the journal; the next migrate goes on from there.",
		Example: "  dbwarden resolve 0007 --done    # it took effect\n  dbwarden resolve 0007 --retry   # it did not: run it again\n  dbwarden resolve 0007 --skip    # leave out the statement that it stands at",
		Args:    oneArg("version"),
	}
	cmd.Flags().BoolVar(&done, "done", false, "the statement took effect")
	cmd.Flags().BoolVar(&retry, "retry", false, "it did not; run it again")
	cmd.Flags().BoolVar(&skip, "skip", false, "leave out the next statement of a half-done migration")
	cmd.Flags().IntVar(&only, "statement", 0, "say it of statement `N` alone: refuse where it is another")
	wait.addWait(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		v, err := migration.ParseVersion(args[0])
		if err != nil && !strings.HasSuffix(args[0], ".sql") {
			return usagef("%v", err)
		}
		if given := []bool{done, retry, skip}; len(slices.DeleteFunc(given, func(b bool) bool { return !b })) != 1 {
			return &usageError{"say --done, --retry or --skip", cmd.CommandPath() + " -h"}
		}
		if cmd.Flags().Changed("statement") && only < 1 {
			return usagef("--statement %d: want a number from 1", only)
		}
		if err := wait.check(cmd); err != nil {
			return err
		}
		return a.each(cmd, wardenOptions{use: useOne, folder: true, wait: &wait, observe: a.observer(words{})}, func(ctx context.Context, t *target) error {
			n, err := dbwarden.Range{}, error(nil)
			if skip {
				n, err = t.warden.Skip(ctx, args[0], only)
			} else {
				n, err = t.warden.Resolve(ctx, args[0], done, only)
			}
			a.letStop()
			if err != nil {
				return &runError{err: err, target: t}
			}
			next := a.afterResolve(ctx, t)
			if a.json() {
				return a.document(cmd, t, map[string]any{"version": v.String(), "statement": n.From, "statement_to": n.To, "done": done || skip, "skipped": skip, "next": next})
			}
			several := n.From != n.To // they were begun together
			what := "will run again"
			switch {
			case done && several:
				what = "count as done, all of them"
			case done:
				what = "counts as done"
			case skip && several:
				what = "are skipped: all of them count as done, and do not run"
			case skip:
				what = "is skipped: it counts as done, and does not run"
			}
			file := args[0]
			if !v.IsZero() {
				file = t.fileOf(v)
			}
			fmt.Fprintf(a.Stdout, "S%s of %s %s.\n", n.String()[1:], render.Plain(file), what)
			for _, s := range next {
				fmt.Fprintf(a.Stdout, "  %s%s\n", a.style(a.Stdout).Accent("next: "), render.Plain(s))
			}
			return nil
		})
	}
	a.completeArgs(cmd)
	return cmd
}

// afterResolve is what comes next. A lock that cannot be looked at, just behind a
// resolve that took it, is told of by the next command.
func (a *app) afterResolve(ctx context.Context, t *target) []string {
	next, unlock := []string{}, ""
	r, err := t.warden.Lock(ctx)
	if err != nil || r.Unfinished == nil {
		return append(next, a.typed(t, "dbwarden status"))
	}
	if r.Active {
		unlock = "dbwarden unlock, and: "
	}
	if e := r.Unfinished; migration.IsGoFile(e.File) && t.lacks(e) {
		if unlock != "" {
			next = append(next, a.typed(t, "dbwarden unlock"))
		}
		return append(next, "start the program again that has "+e.File+": it goes on there")
	}
	run := "dbwarden " + verbOf(r.Unfinished.Direction)
	switch {
	case r.Progress.Doubt > 0:
	case r.Progress.Done == r.Progress.Total:
		run += ", which writes the history"
	default:
		run += fmt.Sprintf(", which goes on at statement %d of %d", r.Progress.Done+1, r.Progress.Total)
	}
	next = append(next, a.typed(t, unlock+run))
	if r.Unfinished.Direction == migration.Up {
		next = append(next, a.typed(t, "or take the migration back: "+unlock+"dbwarden rollback"))
	}
	return next
}
