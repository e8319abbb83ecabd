//go:build unix

package proof_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestManyAtRandomKeepTheOrder has many processes migrate, roll back, unlock
// with and without force and look, and kills or stops some of them, all at
// random. Every statement leaves a row that says which it was, so that
// whatever the processes said, the rows tell what happened in which order.
//
// The seed is in the test's log; DBWARDEN_TEST_SEED repeats what is chosen,
// though not when the machine does it.
func TestManyAtRandomKeepTheOrder(t *testing.T) {
	s := soak{seed: uint64(time.Now().UnixNano()), time: 8 * time.Second, atOnce: 12, atLeast: 100}
	switch text := os.Getenv("DBWARDEN_TEST_SOAK"); {
	case text != "":
		var err error
		if s.time, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		s.atOnce = 34 // a hundred, on three engines
	case raced, testing.Short():
		s.time, s.atOnce, s.atLeast = time.Second, 6, 20
	}
	if text := os.Getenv("DBWARDEN_TEST_SEED"); text != "" {
		var err error
		if s.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	onEvery(t, func(t *testing.T, p product) {
		t.Logf("DBWARDEN_TEST_SEED=%d", s.seed)
		b := newBench(t, p, p.newDatabase(t), soakFiles(p.engine.Name))
		b.must(0, "migrate", "-t", "1")
		run := soakRun{soak: s, bench: b, started: time.Now()}
		defer func() {
			if t.Failed() {
				t.Logf("what the processes did:\n%s", strings.Join(run.log[max(0, len(run.log)-300):], "\n"))
				t.Logf("what the statements left:\n%s", strings.ReplaceAll(b.list("SELECT what FROM witness ORDER BY id"), ",", "\n"))
			}
		}()
		run.all()
		b.settle()
		b.replay()
		b.consistent()
		if !t.Failed() {
			t.Logf("%d processes, %s statements: %s", run.count.Load(), b.value("SELECT COUNT(*) FROM witness"), run.summary())
		}
	})
}

// soak is how long and how many.
type soak struct {
	seed            uint64
	time            time.Duration
	atOnce, atLeast int
}

type soakRun struct {
	soak
	*bench
	started time.Time
	count   atomic.Int64

	still sync.RWMutex // locked by who wants that nothing runs
	lock  sync.Mutex
	log   []string
	codes map[string]int
}

// all keeps so many processes going at once until the time is over.
func (r *soakRun) all() {
	var slots sync.WaitGroup
	for slot := range r.atOnce {
		slots.Go(func() {
			dice := rand.New(rand.NewPCG(r.seed, uint64(slot)))
			for time.Since(r.started) < r.time || r.count.Load() < int64(r.atLeast) {
				r.count.Add(1)
				r.one(dice)
			}
		})
	}
	slots.Wait()
}

// one is one process, from its start to its end.
func (r *soakRun) one(dice *rand.Rand) {
	args := r.choose(dice)
	if args == nil {
		r.answer(dice)
		return
	}
	r.still.RLock()
	defer r.still.RUnlock()
	p := r.command(append(args, "-o", "json")...)
	has := &ear{word: []byte("lock_acquired"), out: &p.stderr, heard: make(chan struct{})}
	p.cmd.Stderr = has
	begun := time.Since(r.started)
	if err := p.cmd.Start(); err != nil {
		r.t.Error(err)
		return
	}
	ended, fate := make(chan struct{}), make(chan string, 1)
	go func() { fate <- befall(dice, p.cmd.Process, args[0], has.heard, ended) }()
	_ = p.cmd.Wait() // its exit code is looked at
	close(ended)
	what := <-fate
	r.note(p, args, begun, what)
}

// ear writes on, and tells when it has heard a word.
type ear struct {
	word  []byte
	out   *bytes.Buffer
	heard chan struct{}
	once  sync.Once
}

func (e *ear) Write(text []byte) (int, error) {
	n, err := e.out.Write(text)
	if bytes.Contains(e.out.Bytes(), e.word) {
		e.once.Do(func() { close(e.heard) })
	}
	return n, err
}

// choose picks a command; nil is a person who answers what is in doubt.
func (r *soakRun) choose(dice *rand.Rand) []string {
	patience := [][]string{{"--no-wait"}, {"--wait", "1s"}, {"--wait", "1s", "--recover"}, {"--no-wait", "--recover"}}
	switch n := dice.IntN(100); {
	case n < 40:
		return append([]string{"migrate"}, patience[dice.IntN(len(patience))]...)
	case n < 65:
		far := [][]string{{"-c", "1"}, {"-c", "2"}, {"-t", "3"}, {"-t", "1"}}
		return slices.Concat([]string{"rollback"}, far[dice.IntN(len(far))], patience[dice.IntN(len(patience))])
	case n < 77:
		return []string{"unlock"}
	case n < 84:
		return []string{"unlock", "--force"}
	case n < 90:
		return []string{"lock-status"}
	}
	return nil
}

// befall kills or stops a process, or leaves it alone, and says what it did:
// some time after it began, or after it has the lock.
func befall(dice *rand.Rand, p *os.Process, command string, has, ended chan struct{}) string {
	n, when, rest := dice.IntN(100), time.Duration(dice.IntN(150))*time.Millisecond, time.Duration(dice.IntN(1500))*time.Millisecond
	if command == "lock-status" || n >= 45 {
		return ""
	}
	if n%5 > 0 {
		select {
		case <-has:
		case <-ended:
			return ""
		}
	}
	select {
	case <-ended:
		return ""
	case <-time.After(when):
	}
	if n < 25 {
		_ = p.Signal(syscall.SIGKILL) // it may have ended just now
		return fmt.Sprintf("killed after %s", when)
	}
	_ = p.Signal(syscall.SIGSTOP)
	select {
	case <-ended:
	case <-time.After(rest):
		_ = p.Signal(syscall.SIGCONT)
	}
	return fmt.Sprintf("stopped after %s for %s", when, rest)
}

// codesOf are the exit codes that a command may have here, whatever happens
// around it.
var codesOf = map[string][]int{
	"migrate":     {0, 1, 4, 5},
	"rollback":    {0, 1, 2, 4, 5},
	"unlock":      {0, 1, 4},
	"lock-status": {0},
	"resolve":     {0},
}

// refused are the reasons for which 1 and 2 are right.
var refused = []string{"irreversible", "half_rolled_back", "below_half_applied", "not_applied", "not_held"}

var gone = regexp.MustCompile("connection is lost|session is gone")

// note writes a process into the log, and objects to how it ended.
func (r *soakRun) note(p *process, args []string, begun time.Duration, fate string) {
	code := p.cmd.ProcessState.ExitCode()
	killed := strings.HasPrefix(fate, "killed") && code == -1
	doc, err := p.document()
	line := fmt.Sprintf("%6.3f-%6.3f pid %d %s: exit %d %s", begun.Seconds(), time.Since(r.started).Seconds(), p.cmd.Process.Pid, strings.Join(args, " "), code, fate)
	if doc.Error.Code != "" {
		line += " (" + doc.Error.Code + ": " + doc.Error.Message + ")"
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	r.log = append(r.log, line)
	if r.codes == nil {
		r.codes = map[string]int{}
	}
	r.codes[strings.TrimSpace(fmt.Sprintf("%s %d %s", args[0], code, doc.Error.Code))]++
	switch {
	case killed:
	case code == 1 && doc.Error.Code == "error" && gone.MatchString(doc.Error.Message) && !strings.Contains(p.stderr.String(), "lock_acquired"):
		// unlock --force ended its session before the lock was its own.
	case err != nil, !slices.Contains(codesOf[args[0]], code), code > 0 && code < 3 && !slices.Contains(refused, doc.Error.Code), strings.Contains(p.stderr.String(), "goroutine "):
		r.t.Errorf("%s\n%s", line, p)
	}
}

func (r *soakRun) summary() string {
	var parts []string
	for what, n := range r.codes {
		parts = append(parts, fmt.Sprintf("%s: %d", what, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// answer is a person who starts a run, is told that a statement is in doubt,
// sees to it that nobody else is at it, looks, and says what they saw. (With
// others about, a rollback may undo what was in doubt between the look and
// the answer.)
func (r *soakRun) answer(dice *rand.Rand) {
	verb := []string{"migrate", "rollback"}[dice.IntN(2)]
	r.still.RLock()
	doc := r.tell(verb, "--no-wait", "--recover")
	r.still.RUnlock()
	if doc.Error.Code != "in_doubt" {
		return
	}
	r.still.Lock()
	defer r.still.Unlock()
	r.quiet()
	if doc = r.tell(verb, "--no-wait", "--recover"); doc.Error.Code != "in_doubt" {
		return
	}
	version, n := inDoubt(doc)
	r.tell("resolve", version, r.tookEffect(version, doc.Direction, n))
	if r.quiet().Lock == "active" {
		r.tell("unlock")
	}
}

// tell runs a process that nothing befalls.
func (r *soakRun) tell(args ...string) seen {
	begun := time.Since(r.started)
	p, _ := r.dbwarden(append(args, "-o", "json")...)
	r.note(p, args, begun, "")
	doc, _ := p.document() // note has seen to it
	return doc
}
