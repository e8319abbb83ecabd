package render

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// TestABoardThatIsDrawnCanBeClosed closes boards in the moment in which their
// time is drawn anew.
func TestABoardThatIsDrawnCanBeClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 2000 {
			b := NewBoard(io.Discard, Style{Terminal: true}, 1, time.Now)
			b.Start("x")
			time.Sleep(boardEvery)
			b.Close()
			b.Close()
		}
	})
}
