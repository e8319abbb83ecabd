package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
)

// asks reports whether somebody can be asked: standard input and standard
// error are a terminal, and nobody waits for a document.
func (a *app) asks() bool {
	in, ok := a.Stdin.(io.Writer) // as a terminal's file is
	if !ok || a.json() {
		return false
	}
	_, reads := a.Terminal(in)
	_, sees := a.Terminal(a.Stderr)
	return reads && sees
}

// An unconfirmedError says that somebody was asked, and did not say yes.
type unconfirmedError struct{ what string }

func (e *unconfirmedError) Error() string { return e.what }

// confirm asks a question that only yes answers with yes. It is never called
// while the lock is held: somebody who has gone for lunch must keep nobody
// waiting.
func (a *app) confirm(ctx context.Context, question string) (bool, error) {
	fmt.Fprint(a.Stderr, question+" [y/N] ")
	answer := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(a.Stdin).ReadString('\n') // its end without an answer is a no
		answer <- text
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.Stderr)
		return false, context.Cause(ctx)
	case text := <-answer:
		if !strings.HasSuffix(text, "\n") {
			fmt.Fprintln(a.Stderr)
		}
		text = strings.ToLower(strings.TrimSpace(text))
		return text == "y" || text == "yes", nil
	}
}
