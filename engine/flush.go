package engine

import "context"

// Flush is how much of a run a session takes at once; see Session.RunAll. The
// zero Flush is a session that wants one unit after another.
type Flush struct {
	Units int // at most
	Bytes int // of the statements' text, at most, where there is more than one unit

	// Shared units are one transaction: nothing of them stays before all of
	// them do. A unit by itself gains nothing then.
	Shared bool
}

// RunEach is Session.RunAll for a product that does one unit after another.
func RunEach(ctx context.Context, s Session, units []Unit) (done int, err error) {
	for i, u := range units {
		if err := ctx.Err(); err != nil {
			return i, &UnitError{Part: PartBegin, Err: context.Cause(ctx), RolledBack: true}
		}
		if u.Fresh != nil {
			if err := s.Reset(ctx, *u.Fresh); err != nil {
				return i, &UnitError{Part: PartBegin, Err: err, RolledBack: true}
			}
		}
		if err := s.Run(ctx, u); err != nil {
			return i, err
		}
	}
	return len(units), nil
}
