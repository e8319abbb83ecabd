package scratch

import "context"

// Abandon ends what s holds, as the end of the process does.
func Abandon(s *Scratch) { _ = s.abandon(); s.close = func(context.Context) error { return nil } }
