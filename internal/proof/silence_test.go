package proof_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dbwarden-go/dbwarden/internal/wirelab"
	"github.com/dbwarden-go/dbwarden/migration"
)

// TestMessagesThatVanishEndARunInTime: a request or a reply is swallowed, and
// the connection stays open, so that nobody is told. The server ends a session
// that is silent for as long as its limit says, and with it the run, which
// tells the truth of what it left.
func TestMessagesThatVanishEndARunInTime(t *testing.T) {
	const (
		silent = 5 * time.Second
		bound  = 40 * time.Second
	)
	onEveryServer(t, func(t *testing.T, p product) {
		j := journey{chapters: chapters(p.engine.Name), direction: migration.Up}
		plain := p.lab(t, j, wirelab.Fault{})
		if _, err := j.run(plain.far); err != nil {
			t.Fatal(err)
		}
		all := plain.proxy.Requests()
		var group errgroup.Group
		group.SetLimit(atOnce)
		commits := 0
		for n, r := range all {
			commit := strings.Contains(r.Text, "COMMIT")
			if commit {
				commits++
			}
			for i, a := range []wirelab.Action{wirelab.Lose, wirelab.LoseReply} {
				f := wirelab.Fault{At: n + 1, Action: a}
				name := fmt.Sprintf("%03d %s", n+1, a)
				switch {
				case commit && commits%2 == i:
					f.At, f.Text, name = commits, "COMMIT", fmt.Sprintf("COMMIT %d %s", commits, a)
				case commit, n%10 != 5*i:
					continue
				}
				group.Go(func() error {
					t.Run(name, func(t *testing.T) {
						l := p.lab(t, j, f)
						l.far.limits.Idle = silent
						began := time.Now()
						res, err := j.run(l.far)
						if took := time.Since(began); took > bound {
							t.Errorf("it ended after %s", took)
						}
						if _, met := l.proxy.Met(); !met && err != nil {
							t.Fatalf("nothing was lost, and the run failed: %v", err)
						}
						j.settle(l.near, j.truthful(l.near, res, err), f.At%2 == 0)
						j.finished(l.near)
					})
					return nil
				})
			}
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
	})
}
