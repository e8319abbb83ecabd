package engine

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTextsFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"", 0, ""},
		{"web-1", 5, "web-1"},
		{"web-12", 5, "web-1"},
		{"веб-12", 5, "веб-1"},
		{"猫猫猫", 2, "猫猫"},
		{"猫猫猫", 0, "猫猫猫"},
		{"a\x00b\xff\xfec", 0, "ab\uFFFDc"},
		{"a\xffbc", 2, "a\uFFFD"},
		{"\x00\x00\x00ab", 2, "ab"},
		{"😀😀", 1, "😀"},
	} {
		if got := Fit(c.text, c.most); got != c.want {
			t.Errorf("Fit(%q, %d) is %q, want %q", c.text, c.most, got, c.want)
		}
	}
	if got := FitBytes("веб-1", 5); got != "ве" {
		t.Errorf("5 bytes of it are %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))
		most := rapid.IntRange(1, 20).Draw(t, "most")
		got, bytes := Fit(text, most), FitBytes(text, most)
		whole := Fit(text, 0)
		if !utf8.ValidString(got) || !utf8.ValidString(bytes) || strings.Contains(whole, "\x00") {
			t.Fatalf("%q and %q", got, bytes)
		}
		if n := utf8.RuneCountInString(got); n > most || len(bytes) > most || !strings.HasPrefix(whole, got) || !strings.HasPrefix(whole, bytes) || n < most && got != whole {
			t.Fatalf("%q became %q, and %q", text, got, bytes)
		}
	})
}
