//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// unstopped catches SIGTSTP. SIGTTOU, which stops a background process that
// writes to a terminal set so, is ignored meanwhile: then the write succeeds.
func unstopped(asked func()) (undo func()) {
	stops := make(chan os.Signal, 1)
	signal.Notify(stops, syscall.SIGTSTP)
	ignored := signal.Ignored(syscall.SIGTTOU)
	signal.Ignore(syscall.SIGTTOU)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range stops {
			asked()
		}
	}()
	return func() {
		signal.Stop(stops)
		if !ignored {
			signal.Reset(syscall.SIGTTOU)
		}
		close(stops)
		<-done
	}
}
