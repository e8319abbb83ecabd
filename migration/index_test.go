package migration

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestAnIndexFindsWhatAMapFinds, however versions are numbered and in whatever
// order they come.
func TestAnIndexFindsWhatAMapFinds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{"0", "00", "1", "01", "18446744073709551615", "18446744073709551616", "018446744073709551616", "9999999999999999999", "99999999999999999999", "20240101120000",
		strings.Repeat("0", 40) + "7", strings.Repeat("7", 255)}
	for n := range 12 {
		texts = append(texts, strings.Repeat("0", n%3)+string(rune('0'+n%10)), "1"+string(rune('0'+n%10)))
	}
	for range 2000 {
		x, want := NewIndex[int](random.IntN(5)), map[string]*int{}
		for range random.IntN(30) {
			v, at := Version{texts[random.IntN(len(texts))]}, new(int)
			x.Put(v, at)
			want[v.Key()] = at
			for _, text := range texts {
				if w := (Version{text}); x.Find(w) != want[w.Key()] {
					t.Fatalf("version %s is not found as it was put, behind %s", text, v)
				}
			}
		}
	}
	var zero Index[int]
	if zero.Find(Version{"1"}) != nil || zero.Find(Version{}) != nil {
		t.Error("an empty index finds something")
	}
}
