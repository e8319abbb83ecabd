package proof_test

import (
	"os"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/wirelab"
)

// TestKilledAtEveryMessageAndRunAgain kills the released program with -9 at
// each of its requests to the server: before it has left, while the server
// is at it, and when the answer has come. What is left is told truly,
// released without force, and finished by the next run.
func TestKilledAtEveryMessageAndRunAgain(t *testing.T) {
	onEveryServer(t, func(t *testing.T, p product) {
		actions := []wirelab.Action{wirelab.CutBefore, wirelab.CutBehind, wirelab.CutAfter}
		overWire(t, p, actions, actions, func(t *testing.T, open func(wirelab.Fault) *lab, f wirelab.Fault, j journey) (wirelab.Request, bool) {
			started, dead := make(chan *os.Process, 1), make(chan struct{})
			f.Met = func(wirelab.Request) {
				// What the client sent is in the proxy's hands, and what the
				// server will answer reaches nobody.
				if victim := <-started; victim.Kill() == nil {
					<-dead
				}
			}
			l := open(f)
			victim := l.far.start(j.words()...)
			started <- victim.cmd.Process
			code := victim.wait()
			close(dead)
			r, ok := l.proxy.Met()
			switch {
			case ok && code != -1:
				t.Fatalf("it was killed, and ended otherwise: %s", victim)
			case !ok && code != 0:
				t.Fatalf("it was not killed, and failed: %s", victim)
			}
			// The server may still be at what it was sent.
			l.near.awaitQuiet()
			j.finish(l.near, f.At%2 == 0)
			j.finished(l.near)
			return r, ok
		})
	})
}
