package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// errDuration is the one thing that can be wrong with a duration. It does not
// repeat what was written.
var errDuration = errors.New(`not a duration: write "300ms", "5s", "5m", "1h30m", or whole seconds as a number`)

// ParseDuration reads a time limit: Go's spelling ("300ms", "5s", "1h30m"), or
// a whole number, which counts seconds. Negative ones are errors.
func ParseDuration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return seconds(n)
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, errDuration
	}
	if d < 0 {
		return 0, errors.New("a time limit cannot be negative")
	}
	return d, nil
}

func seconds(n int64) (time.Duration, error) {
	if n < 0 {
		return 0, errors.New("a time limit cannot be negative")
	}
	if n > math.MaxInt64/int64(time.Second) {
		return 0, errors.New("a time limit of more than 292 years")
	}
	return time.Duration(n) * time.Second, nil
}

// formatDuration is the spelling that people use: 5m instead of 5m0s.
func formatDuration(d time.Duration) string {
	if d <= 0 {
		return "0"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
