package check

// A table below both of these is small: what is slow there is over before
// anybody notices. One above any of the larger two is large.
const (
	SmallRows, SmallBytes = 10_000, 16 << 20
	LargeRows, LargeBytes = 1_000_000, 1 << 30
)

// weigh asks for the size of the tables at stake, and makes of a rule's
// severity the finding's: a rewrite of ten rows is not one of ten million.
func (r *run) weigh() error {
	if r.o.Sizes == nil || len(r.tables) == 0 {
		return nil
	}
	sizes, err := r.o.Sizes(r.tables)
	if err != nil {
		return err
	}
	for i := range r.out.Findings {
		f := &r.out.Findings[i]
		size, ok := sizes[f.key]
		if !ok || !f.Rule.Sized {
			continue
		}
		f.Size = &size
		if _, fixed := r.o.Severity[f.Rule.ID]; fixed {
			continue // the configuration knows better
		}
		switch {
		case size.Rows > LargeRows || size.Bytes > LargeBytes:
			f.Severity = Error
		case size.Rows < 0 && size.Bytes < 0:
		case size.Rows <= SmallRows && size.Bytes <= SmallBytes:
			f.Severity = Info
		}
	}
	return nil
}
