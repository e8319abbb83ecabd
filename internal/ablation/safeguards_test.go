package ablation_test

// A safeguard is a piece of the code that keeps a promise, and a test that
// fails without it.
type safeguard struct {
	name string // as docs/lock-protocol.md has it

	// In file, from becomes to. from stands there once.
	file, from, to string

	pkg, test string // which fails then
}

var safeguards = []safeguard{{
	"the fence in the commit", "lock/lock.go",
	`return fmt.Sprintf("(SELECT fencing_token FROM %s WHERE id = 1 AND locked AND release_at IS NULL AND fencing_token = %d AND run_id = '%s'%s)",
		h.lock.table(), h.Token, h.Run, h.lock.Engine.Dialect.ForUpdate)`,
	`return fmt.Sprint(h.Token)`,
	".", "TestReleasedHolderCommitsNothing",
}, {
	"the journal written ahead", "run.go",
	`u.Opening = append(r.restore(), r.start(`,
	`_ = append(r.restore(), r.start(`,
	".", "TestStatementInDoubtIsNeverGuessed",
}, {
	"the native lock", "lock/lock.go",
	`got, err := l.Engine.Native.Try(ctx, s, l.Key())
	if err != nil {
		return nil, Status{}, fmt.Errorf("take the native lock: %w", err)
	}`,
	`got := true`,
	".", "TestTheLivingAreNeverTakenOver",
}, {
	"the watcher", "lock/watch.go",
	`			if w.look(asking, leaseOf) {
				continue
			}`,
	`			if w.look(asking, leaseOf) || true {
				continue
			}`,
	".", "TestWatcherStopsAStatementOfAReleasedHolder",
}, {
	"the beats of the living", "lock/watch.go",
	`	if w.Beat != nil {
		beat = w.Beat(ctx)`,
	`	if w.Beat != nil && w.Every < 0 {
		beat = w.Beat(ctx)`,
	"./lock", "TestWatcher",
}, {
	"eviction of a session that was released by hand", "lock/lock.go",
	`l.Engine.Native.Evict(ctx, s, l.Key(), st.Owner) // see above`,
	`_ = ctx`,
	".", "TestASessionReleasedByHandIsEnded",
}, {
	"eviction by unlock --force", "lock/unlock.go",
	`if err := l.Engine.Native.Evict(limited, s, l.Key(), found.Owner); err != nil {`,
	`if err := error(nil); err != nil {`,
	".", "TestForcedUnlockEndsALivingHolder",
}, {
	"unlock refuses the living", "lock/unlock.go",
	`		if !o.Force {`,
	`		if false {`,
	".", "TestForcedUnlockEndsALivingHolder",
}, {
	"session limits on PostgreSQL", "engine/postgres/setting.go",
	`	add("idle_session_timeout", l.Idle, with.Idle) // 14`, ``,
	"./engine/postgres", "TestTheServerEndsASilentSession",
}, {
	"a half-done migration keeps the lock", "warden.go",
	`if errors.As(err, &failed) && failed.State == Partial {`,
	`if errors.As(err, &failed) && failed.State == "" {`,
	".", "TestResume",
}, {
	"planning anew under the lock", "warden.go",
	"\t} else {\n\t\ttodo = anew\n\t}",
	"\t} else {\n\t\t_ = anew\n\t}",
	".", "TestWhoWaitedPlansAnew",
}, {
	"a plan stays only where nobody wrote meanwhile", "journal/unmoved.go",
	`	return err == nil && last == h.last && `,
	`	return err == nil && last.Valid || `,
	".", "TestAHistoryThatWasWrittenIsNotUnchanged",
}, {
	"the token rises with every hold", "lock/lock.go",
	`"fencing_token = "+token+" + 1, run_id = "`,
	`"fencing_token = "+token+" + 0, run_id = "`,
	".", "TestTokensOnlyRise",
}, {
	"the token rises past a lost row", "lock/lock.go",
	`	if l.Floor != "" {`,
	`	if false {`,
	".", "TestTokensOnlyRise",
}, {
	"recovery only from the gone and the failed", "lock/lock.go",
	`if o.Recover && (status.Verdict == Gone || status.Verdict == Kept) {`,
	`if o.Recover {`,
	".", "TestRecoverSparesTheUnknown",
}, {
	"the hold is looked at before another try", "retry.go",
	"case e == nil:\n\t\t\treturn lock.ErrLost",
	"case e == nil && lock.ErrLost != nil:\n\t\t\treturn nil",
	".", "TestAReleasedRunDoesNotTryAgain",
}, {
	"a lock timeout", "engine/engine.go",
	`		l.Lock = 5 * time.Second`,
	`		l.Lock = -1`,
	".", "TestTheLockTimeoutIsOnByDefault",
}, {
	"unlock compares run and token", "lock/unlock.go",
	`err := l.write(ctx, s, found, same, o)`,
	`_ = same
	err := l.write(ctx, s, found, "locked", o)`,
	".", "TestUnlockLeavesWhatANewerRunKept",
}, {
	"a freeze does not revive the run that was released before it", "lock/lock.go",
	`WHERE id = 1 AND locked AND release_at IS NULL AND fencing_token = %d AND run_id = '%s'%s)"`,
	`WHERE id = 1 AND locked AND fencing_token = %d AND run_id = '%s'%s)"`,
	".", "TestAFreezeAfterAReleaseByHandHolds",
}, {
	"a row that was taken and not heard of is given back", "lock/lock.go",
	`	if condition != free {
		return
	}`,
	`	if true {
		return
	}`,
	".", "TestInterruptWhileTheLockIsTaken",
}, {
	"only the session of the row is ended", "lock/unlock.go",
	`if found.Owner.Held && !l.another(&found.Row, found.Owner) {`,
	`if found.Owner.Held {`,
	".", "TestUnlockEndsNobodyWhoAsks",
}, {
	"the holder's margin of its lease", "lock/lease.go",
	`return term - term/6 }`,
	`return term }`,
	"./lock", "TestLeaseIsTrustedFromBeforeItWasAskedFor",
}, {
	"a lease counts from before it was asked for", "lock/lease.go",
	`until := asked.Add(trusted(l.term))`,
	`until := asked.Add(time.Since(asked) + trusted(l.term))`,
	"./lock", "TestLeaseIsTrustedFromBeforeItWasAskedFor",
}, {
	"a slow answer proves nothing", "lock/lease.go",
	`case answered.Sub(asked) > slowAnswer, asked.Sub(s.last) > wideGap:`,
	`case asked.Sub(s.last) > wideGap:`,
	"./lock", "TestSightOfALease",
}, {
	"who was stopped looks at the clock before it acts", "lock/lease.go",
	`	if c.Context.Err() == nil {
		c.lease.left()
	}`,
	``,
	"./lock", "TestAStoppedProcessFindsOutBeforeItActs",
}, {
	"what a migration makes in its session ends with it", "engine/mysql/reset.go",
	`	return s.sweep(ctx)`,
	`	return nil`,
	".", "TestASessionsThingsAreFoundHoweverTheyAreSpelled",
}, {
	"what a file leaves in the session is put back within a flush", "engine/postgres/flush.go",
	`if i == 0 || !f.stays[i-1] || *u.Fresh`,
	`if i == 0 || false && *u.Fresh`,
	".", "TestNothingLeaksWithinAFlush",
}, {
	"a database file that was replaced is not locked", "engine/sqlite/lock.go",
	`s.lock != nil && s.moved() {`,
	`s.lock != nil && false {`,
	"./engine/sqlite", "TestAFileThatWasReplacedIsNotLocked",
}, {
	"what may have stayed is not run anew", "engine/sqlite/together.go",
	`case !e.RolledBack:`,
	`case false:`,
	"./engine/sqlite", "TestNothingRunsAnewThatMayHaveStayed",
}, {
	"the last commit of a flush waits for the disk", "engine/postgres/flush.go",
	`if i < len(f.units)-1 {
		put(engine.PartBegin, 0, "SET LOCAL synchronous_commit TO off")`,
	`if i < len(f.units) {
		put(engine.PartBegin, 0, "SET LOCAL synchronous_commit TO off")`,
	".", "TestAFlushIsAsDurableAsItsUserWants",
}, {
	"that others may have changed a table is no evidence", "engine/evidence.go",
	`case o.Rule == Touches:`,
	`case false:`,
	"./engine", "TestJudgeGuessesNothing",
}, {
	"a table that was made again is another one", "engine/mysql/evidence.go",
	`if err == nil && o.Rule == engine.Drops {`,
	`if err == nil && o.Rule == "" {`,
	"./engine/mysql", "TestWhatCanBeToldOfAStatement",
}, {
	"files leave a folder when no run can see them any more", "internal/cli/unsquash.go",
	`	for _, one := range k.looked {`,
	`	for _, one := range k.looked[:0] {`,
	"./internal/cli", "TestScriptsOnSQLite/squash_undo_race",
}, {
	"what no inspector compares is not planned", "internal/squash/plannable.go",
	`v.Product == "PostgreSQL" && !seen(`,
	`false && !seen(`,
	"./internal/cli", "TestScriptsOnPostgres/squash_unseen",
}, {
	"files with deferred checks keep a transaction each", "internal/squash/leak.go",
	`	return changes, nil`,
	`	return false, nil`,
	"./internal/cli", "TestScriptsOnPostgres/squash_deferred",
}, {
	"a squash leaves the others their order", "internal/squash/order.go",
	`if i < len(want) && name == want[i] {`,
	`if true {`,
	"./internal/cli", "TestScriptsOnSQLite/squash_order",
}, {
	"a squash is proven with rows, too", "internal/cli/squash.go",
	`err != nil || s.was == nil {`,
	`err != nil || true {`,
	"./internal/cli", "TestScriptsOnSQLite/squash_rows",
}, {
	"the fence of a Conn's own transactions", "link.go",
	`"SELECT "+w.r.hold.Fence()`,
	`"SELECT 1"`,
	".", "TestAReleasedConnCommitsNothingMore",
}, {
	"a transaction that a migration in Go leaves open is rolled back", "function.go",
	`left := w.owner != nil`,
	`left := false`,
	".", "TestAnInTxLeftOpenIsRolledBack",
}, {
	"a migration in Go does not end its transaction", "link.go",
	`case t.Kind == engine.Begin, t.Kind == engine.Commit, t.Kind == engine.Rollback:`,
	`case t.Kind == engine.Begin:`,
	".", "TestAMigrationInGoThatFailsLeavesNothing",
}}
