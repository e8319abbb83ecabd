package fleet

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// A Shard is one part of a fleet that is split over machines. The zero Shard
// is the whole.
type Shard struct{ Number, Of int } // Number from 1

// ParseShard reads "2/8".
func ParseShard(text string) (Shard, error) {
	number, of, ok := strings.Cut(text, "/")
	n, err1 := strconv.Atoi(number)
	m, err2 := strconv.Atoi(of)
	if !ok || err1 != nil || err2 != nil || n < 1 || m < n {
		return Shard{}, fmt.Errorf("want a part and how many there are, like 2/8")
	}
	return Shard{n, m}, nil
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Number, s.Of) }

// Has reports whether a target belongs to this part. Its name alone decides:
// machines that read the list a moment apart, between which a tenant came or
// went, agree about all others.
func (s Shard) Has(name string) bool {
	if s.Of == 0 {
		return true
	}
	sum := sha256.Sum256([]byte(name))
	return int(binary.BigEndian.Uint64(sum[:8])%uint64(s.Of))+1 == s.Number
}

// Keep are the targets of this part, in their order.
func (s Shard) Keep(targets []Target) (kept []Target) {
	for _, t := range targets {
		if s.Has(t.Name) {
			kept = append(kept, t)
		}
	}
	return kept
}
