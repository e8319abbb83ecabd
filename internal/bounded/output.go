// Package bounded keeps what other programs print, up to a bound: one that
// prints without end must not take all of the machine's memory.
package bounded

import (
	"bytes"
	"fmt"
)

// Output keeps what is written to it. It is no bytes.Buffer itself, whose
// ReadFrom io.Copy would use in place of Write.
type Output struct {
	Most int // bytes

	text bytes.Buffer
	err  error
}

// Write fails once there is more than o.Most.
func (o *Output) Write(p []byte) (int, error) {
	if o.text.Len()+len(p) > o.Most {
		o.err = fmt.Errorf("it printed more than %d KiB", o.Most>>10)
		return 0, o.err
	}
	return o.text.Write(p)
}

// String is what was kept.
func (o *Output) String() string { return o.text.String() }

// Err says that there was more. The program may have ended of that, by a
// broken pipe, so this is asked before its own end is.
func (o *Output) Err() error { return o.err }
