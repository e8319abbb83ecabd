package sqltext

// Work returns how many bytes the scanner has looked at and moved, for the
// test that its time is linear.
func (s *Scanner) Work() (looked, moved int64) { return s.work, s.in.moved }

// Held returns the size of the scanner's buffer.
func (s *Scanner) Held() int { return len(s.in.base) }
