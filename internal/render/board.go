package render

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Board is the live part at the foot of a terminal while many things run: how
// many ended, and those that run, each with its time. A nil Board, and one whose
// stream is no terminal, shows nothing.
type Board struct {
	w     io.Writer
	style Style
	total int
	now   func() time.Time

	mu      sync.Mutex
	began   time.Time
	ended   int
	failed  int
	waiting map[string]bool
	running []*row
	drawn   int // lines that are on the screen
	stop    chan struct{}
	stopped chan struct{}
}

// row is one thing that runs.
type row struct {
	name, doing string
	since       time.Time
}

// boardEvery is how often times are drawn anew; mostRows how many lines the
// things that run take at most.
const (
	boardEvery = 200 * time.Millisecond
	mostRows   = 16
)

// NewBoard begins one for total things. It must be closed.
func NewBoard(w io.Writer, style Style, total int, now func() time.Time) *Board {
	b := &Board{w: w, style: style, total: total, now: now, began: now(), waiting: map[string]bool{}}
	if !style.Terminal {
		return b
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	b.stop, b.stopped = stop, stopped // Close takes the first away
	go func() {
		defer close(stopped)
		tick := time.NewTicker(boardEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				b.change(func() {})
			}
		}
	}()
	return b
}

// change changes what is shown, and draws it.
func (b *Board) change(f func()) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	if b.stop != nil {
		io.WriteString(b.w, b.wiped()+b.drawing())
	}
}

// Start says that something runs.
func (b *Board) Start(name string) {
	b.change(func() {
		delete(b.waiting, name)
		b.running = append(b.running, &row{name: name, since: b.now()})
	})
}

// Doing says what it does.
func (b *Board) Doing(name, what string) {
	b.change(func() {
		for _, r := range b.running {
			if r.name == name {
				r.doing = what
			}
		}
	})
}

// Wait says that it has stopped running, until it is started again.
func (b *Board) Wait(name string) {
	b.change(func() {
		b.leave(name)
		b.waiting[name] = true
	})
}

// End says that it has ended.
func (b *Board) End(name string, failed bool) {
	b.change(func() {
		b.leave(name)
		delete(b.waiting, name)
		b.ended++
		if failed {
			b.failed++
		}
	})
}

func (b *Board) leave(name string) {
	for i, r := range b.running {
		if r.name == name {
			b.running = append(b.running[:i], b.running[i+1:]...)
			return
		}
	}
}

// Above writes lines that stay, above the live part.
func (b *Board) Above(write func()) {
	if b == nil {
		write()
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop == nil {
		write()
		return
	}
	io.WriteString(b.w, b.wiped())
	write()
	io.WriteString(b.w, b.drawing())
}

// Close takes the live part away. It may be called again.
func (b *Board) Close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	stop := b.stop
	if stop != nil {
		io.WriteString(b.w, b.wiped())
		b.stop = nil
	}
	b.mu.Unlock()
	if stop != nil {
		close(stop)
		<-b.stopped
	}
}

// wiped takes away what is drawn.
func (b *Board) wiped() string {
	if b.drawn == 0 {
		return ""
	}
	up := fmt.Sprintf("\x1b[%dA\r\x1b[J", b.drawn)
	b.drawn = 0
	return up
}

func (b *Board) drawing() string {
	now := b.now()
	head := fmt.Sprintf("%d of %d ended", b.ended, b.total)
	if b.failed > 0 {
		head += fmt.Sprintf(", %d failed", b.failed)
	}
	if n := len(b.waiting); n > 0 {
		head += fmt.Sprintf(", %d waiting for the lock", n)
	}
	lines := []string{b.style.Bold(b.fit(head + ", " + clock(now.Sub(b.began))))}
	for i, r := range b.running {
		if i == mostRows {
			lines = append(lines, b.style.Dim(b.fit(fmt.Sprintf("  and %d more", len(b.running)-i))))
			break
		}
		lines = append(lines, b.style.Dim(b.fit(fmt.Sprintf("  %6s  %s  %s", clock(now.Sub(r.since)), OneLine(Plain(r.name)), OneLine(Plain(r.doing))))))
	}
	b.drawn = len(lines)
	return strings.Join(lines, "\n") + "\n"
}

// fit cuts a line to the terminal: one that wraps could not be taken away.
func (b *Board) fit(line string) string {
	width := b.style.Width
	if width <= 0 {
		width = 80
	}
	return Shorten(strings.TrimRight(line, " "), max(2, width-1))
}

// clock is a time as it runs, in whole seconds.
func clock(d time.Duration) string {
	d = d.Round(time.Second)
	if d < time.Minute {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return Duration(d)
}
