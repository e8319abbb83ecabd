package proof_test

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// What the program must do behind a killed run, whatever killed it.

// quiet has the program look at the lock until nobody lives in it any more,
// and checks that it says one of the things that may be said then.
func (b *bench) quiet() seen {
	b.t.Helper()
	for end := time.Now().Add(noticed); ; {
		doc, _ := b.ask([]int{0}, "lock-status")
		switch {
		case doc.Lock == "inactive" && !doc.SessionLives, doc.Lock == "active" && slices.Contains([]string{"gone", "kept"}, doc.Holder.Verdict):
			return doc
		case doc.Lock == "active" && !slices.Contains([]string{"alive", "not answering"}, doc.Holder.Verdict):
			b.t.Fatalf("lock-status calls the dead %s", doc.Holder.Verdict)
		case time.Now().After(end):
			b.t.Fatalf("lock-status still says %+v", doc)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// finish brings a killed run's journey to its end with the program alone:
// lock-status, unlock without force and the same command again, or with
// --recover at once; resolve where a statement is called in doubt.
func (j journey) finish(b *bench, takeOver bool) {
	b.t.Helper()
	left := b.quiet()
	again := j.words()
	if left.Lock == "active" {
		b.must(4, "lock-status", "--exit-code")
		if doc, code := b.ask([]int{0, 4}, append(again, "--no-wait")...); code == 0 && len(doc.Planned) > 0 || code == 4 && doc.Error.Code != "lock_held" && doc.Error.Code != "in_doubt" {
			b.t.Fatalf("a run that was not told to take over: exit %d, %+v", code, doc)
		}
		if !takeOver {
			b.must(0, "unlock")
		}
	} else if p := b.must(1, "unlock"); p.stdout.String() != "Failed to release lock. Lock may not be held.\n" {
		b.t.Errorf("unlock of a free lock: %s", p)
	}
	if takeOver {
		again = append(again, "--recover")
	}
	for range 2 * len(j.chapters) {
		doc, code := b.ask([]int{0, 4}, again...)
		if code == 4 && doc.Error.Code != "in_doubt" {
			b.t.Fatalf("the next run: %+v", doc.Error)
		}
		now, _ := b.ask([]int{0}, "lock-status")
		if code == 0 {
			if now.Lock == "active" {
				b.t.Errorf("the run ended well and left the lock %+v", now)
			}
			return
		}
		j.look(b, doc)
		if now.Lock == "active" {
			b.must(0, "unlock")
		}
	}
	b.t.Fatal("the journey does not come to its end")
}

var doubted = regexp.MustCompile(`statement (\d+) ran`)

// look answers what is in doubt by a look into the database.
func (j journey) look(b *bench, refused seen) {
	b.t.Helper()
	version, n := inDoubt(refused)
	for _, c := range j.chapters {
		if n == 0 || !strings.HasPrefix(c.file, version+"_") {
			continue
		}
		how := "--retry"
		if c.changes(j.direction)[n-1].seen(b) {
			how = "--done"
		}
		b.must(0, "resolve", version, how)
		return
	}
	b.t.Fatalf("in doubt is %+v, which is not of the folder", refused.Error)
}
