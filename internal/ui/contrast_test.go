package ui

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every text can be read on what is behind it, light and dark: WCAG 2.2 asks
// for 4.5 to 1 (1.4.3), and 3 to 1 for what is not text (1.4.11).
func TestTextCanBeReadOnEveryGround(t *testing.T) {
	t.Parallel()
	light, dark, ok := strings.Cut(style, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("there is no dark scheme")
	}
	dark, _, _ = strings.Cut(dark, "\n}\n")
	for name, sheet := range map[string]string{"light": light, "dark": dark} {
		colour := map[string]float64{}
		for _, m := range regexp.MustCompile(`--(\w+): #([0-9a-f]{6})`).FindAllStringSubmatch(sheet, -1) {
			colour[m[1]] = luminance(t, m[2])
		}
		for _, c := range []struct {
			front string
			least float64
			backs string
		}{
			{"ink", 4.5, "paper ground code goodfill busyfill badfill"},
			{"soft", 4.5, "paper ground code busyfill badfill"}, // numbers of marked lines
			{"link", 4.5, "paper ground"},
			{"good", 4.5, "paper goodfill"}, {"busy", 4.5, "paper busyfill"}, {"bad", 4.5, "paper badfill"},
			{"focus", 3, "paper ground code busyfill badfill"}, {"link", 3, "edge"}, // the bar of progress
		} {
			for _, back := range strings.Fields(c.backs) {
				a, there := colour[c.front]
				b, also := colour[back]
				if !there || !also {
					t.Fatalf("%s: no colour %s or %s", name, c.front, back)
				}
				if r := (max(a, b) + 0.05) / (min(a, b) + 0.05); r < c.least {
					t.Errorf("%s: %s on %s has a contrast of %.2f, less than %.1f", name, c.front, back, r, c.least)
				}
			}
		}
	}
	if rest := regexp.MustCompile(`(?s):root \{.*?\}`).ReplaceAllString(style, ""); regexp.MustCompile(`#[0-9a-f]{3}|rgb|hsl`).MatchString(rest) {
		t.Error("a colour stands outside of the two schemes")
	}
}

// luminance is WCAG's relative one.
func luminance(t *testing.T, hex string) float64 {
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	part := func(shift uint) float64 {
		v := float64(n>>shift&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}
