package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// over does something to whatever is chosen: to each in turn at length, or to
// many as a fleet.
func (a *app) over(cmd *cobra.Command, f *fleetFlags, opt wardenOptions, many job, do func(context.Context, *target) error) error {
	targets, err := a.chosen(cmd, opt.use)
	if err != nil {
		return err
	}
	if !f.fans(cmd, targets) {
		return a.inTurn(cmd, targets, opt, do)
	}
	return a.fan(cmd, f, targets, many)
}

// runJob is migrate and rollback of many targets.
func (a *app) runJob(opt wardenOptions, d migration.Direction, wait *waitFlags, r running) job {
	what, nothing := "applied", "up to date"
	if d == migration.Down {
		what, nothing = "reverted", "nothing to roll back"
	}
	return job{
		opt: opt, writes: true, ask: r.askAll,
		wait: func(d config.Database) time.Duration { return wait.of(d.Lock.Wait) },
		do: func(ctx context.Context, tg *target) (did, error) {
			res, err := r.do(ctx, tg.warden)
			n := len(res.Completed)
			out := did{text: fmt.Sprintf("%d %s", n, what), count: n, idle: n == 0,
				fields: map[string]any{"run": res.Run, "completed": migrationsOf(res.Completed)}}
			if n == 0 {
				out.text = nothing
			}
			out.current, out.ran = err == nil && res.Pending == 0, map[string]bool{}
			for _, m := range res.Completed {
				out.ran[m.File] = true
			}
			if made := tg.backup; made != nil {
				out.text += ", backup in " + render.Plain(a.relative(made.Path))
				out.fields["backup"] = backupDocument(made)
			}
			if drift := res.Drift; drift != nil {
				out.fields["drift"] = driftDocument(drift)
				out.warnings = append(out.warnings, fmt.Sprintf("the schema is not as the last run left it: %s; %s", counted(drift.Total, "difference"), a.typed(tg, driftNext)))
			}
			return out, a.ended(ctx, &r, tg, res, wait, err)
		},
		sum: func(all []did) string { return fmt.Sprintf("%d migrations %s", sum(all), what) },
	}
}

func sum(all []did) (n int) {
	for _, d := range all {
		n += d.count
	}
	return n
}

// previewJob is --dry-run of many targets.
func (a *app) previewJob(opt wardenOptions, d migration.Direction, to plan.Target) job {
	what := "pending"
	if d == migration.Down {
		what = "to roll back"
	}
	return job{
		opt: opt,
		do: func(ctx context.Context, tg *target) (did, error) {
			p, err := tg.warden.Preview(ctx, d, to)
			if err != nil {
				return did{}, &runError{err: err, target: tg, result: &dbwarden.Result{Direction: d}}
			}
			var ms []*migration.Migration
			out := did{text: "nothing " + what, idle: true, count: len(p.Steps)}
			for _, s := range p.Steps {
				ms = append(ms, s.Migration)
				s.Close()
			}
			if len(ms) > 0 {
				out.text = fmt.Sprintf("%d %s: %s", len(ms), what, shortList(ms))
			}
			if p.Lock.Active {
				out.warnings = []string{mayChange(p)}
			}
			out.fields = map[string]any{"dry_run": true, "planned": migrationsOf(ms), "lock_active": p.Lock.Active}
			return out, nil
		},
		sum: func(all []did) string { return fmt.Sprintf("%d migrations %s", sum(all), what) },
	}
}

// shortList names migrations, the first and the last of many.
func shortList(ms []*migration.Migration) string {
	name := func(m *migration.Migration) string { return render.Plain(migrationName(m.Version.String(), m.File)) }
	text := name(ms[0])
	if len(ms) == 2 {
		text += ", " + name(ms[1])
	} else if len(ms) > 2 {
		text += " to " + name(ms[len(ms)-1])
	}
	return text
}

// statusJob is status of many targets.
func (a *app) statusJob(opt wardenOptions, exit bool) job {
	return job{
		opt: opt,
		do: func(ctx context.Context, tg *target) (did, error) {
			s, err := tg.warden.Status(ctx)
			if err != nil {
				return did{}, &runError{err: err, target: tg}
			}
			out := did{idle: true, count: s.PendingTotal, text: fmt.Sprintf("%d applied, %d pending", s.AppliedTotal, s.PendingTotal)}
			counts := map[string]int{}
			for _, o := range stateOrder {
				if n := s.Counts[o.state]; n > 0 {
					out.text += fmt.Sprintf(", %d %s", n, strings.ToLower(o.name))
				}
				counts[string(o.state)] = s.Counts[o.state]
			}
			out.fields = map[string]any{"applied": s.AppliedTotal, "pending": s.PendingTotal, "counts": counts, "clean": s.Clean()}
			if s.Restoring != "" {
				out.text += ", in pieces: a backup was put back in part"
				out.fields["restoring"] = s.Restoring
			}
			switch {
			case s.LockUnknown != nil:
				out.fields["lock"] = map[string]any{"state": "unknown"}
			case s.Lock.Active:
				out.text += ", locked"
				out.fields["lock"] = map[string]any{"state": "active", "holder": a.masked(s.Lock.Who()), "verdict": s.Lock.Verdict}
			}
			return out, nil
		},
		sum: func(all []did) string {
			behind := 0
			for _, d := range all {
				if d.fields != nil && d.fields["clean"] != true {
					behind++
				}
			}
			return fmt.Sprintf("%d of them not up to date", behind)
		},
		exit: func(all []did) error {
			for _, d := range all {
				if exit && d.fields != nil && d.fields["clean"] != true {
					return foundError{exitFound}
				}
			}
			return nil
		},
	}
}

// lockJob is lock-status of many targets.
func (a *app) lockJob(opt wardenOptions, exit bool, seen *lockMetrics) job {
	return job{
		opt: opt,
		do: func(ctx context.Context, tg *target) (did, error) {
			report, err := tg.warden.Lock(ctx)
			if err != nil {
				return did{}, &runError{err: err, target: tg}
			}
			seen.saw(tg.Database, report)
			out := did{idle: true, text: "INACTIVE", fields: a.lockFields(tg, report)}
			if report.Active {
				out.count = 1
				out.text = "ACTIVE, " + a.masked(verdictWords(report.Status))
				if report.Verdict != lock.ByHand {
					out.text = "ACTIVE, held by " + render.Plain(a.masked(report.Who())) + ", " + verdictWords(report.Status)
				}
			}
			return out, nil
		},
		sum: func(all []did) string { return fmt.Sprintf("%d locks held", sum(all)) },
		exit: func(all []did) error {
			if exit && sum(all) > 0 {
				return foundError{exitHeld}
			}
			return nil
		},
	}
}
