package cli

import (
	"os"
	"runtime"
	"runtime/debug"
)

// firstCollection is at how much of the usual growth the collector begins: Go
// collects for the first time at 4 MiB of heap, so at 16 MiB here. A run that
// finds nothing to do on 10,000 migrations allocates 13 MiB in all, and
// would collect on every processor meanwhile, for nothing.
const firstCollection = 400

// spare leaves the collector alone at first. From its first collection on it
// works as always, so that a long run needs no more memory than before. Whoever
// set GOGC or GOMEMLIMIT has chosen.
func spare() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	usual := debug.SetGCPercent(firstCollection)
	type canary struct{ *int }
	runtime.SetFinalizer(&canary{new(int)}, func(*canary) { debug.SetGCPercent(usual) })
}
