package cli_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// promCommand is "prom FILE NAME [WANT]": the file is a text of metrics, strictly
// valid, and has one sample whose name, or name with its labels, is NAME, and
// whose value matches WANT. "! prom FILE NAME": it has none.
func promCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: prom FILE NAME [WANT]")
	}
	samples, err := readMetrics(ts.ReadFile(args[0]))
	if err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	var found []string
	for series, value := range samples {
		name, _, _ := strings.Cut(series, "{")
		if series == args[1] || name == args[1] {
			found = append(found, value)
		}
	}
	switch {
	case neg && len(found) > 0:
		ts.Fatalf("%s is there: %v", args[1], found)
	case !neg && len(found) != 1:
		ts.Fatalf("%d samples of %s, want 1; there are %v", len(found), args[1], samples)
	case !neg && len(args) == 3 && !regexp.MustCompile("^(?:"+args[2]+")$").MatchString(found[0]):
		ts.Fatalf("%s is %s, want %s", args[1], found[0], args[2])
	}
}

var (
	metricHead   = regexp.MustCompile(`^# (HELP|TYPE) ([a-z_]+) (.+)$`)
	metricSample = regexp.MustCompile(strings.ReplaceAll(`^([a-z_]+)((?:\{LABEL(?:,LABEL)*\})?) (\S+)$`, "LABEL", `[a-z_]+="(?:[^"\\]|\\\\|\\n|\\")*"`))
)

// readMetrics reads what this program may write of the text exposition format:
// each family once, its HELP ahead of its TYPE ahead of its samples, gauges
// alone, in base units, and no series twice.
func readMetrics(text string) (map[string]string, error) {
	samples, seen := map[string]string{}, map[string]bool{}
	if !strings.HasSuffix(text, "\n") {
		return nil, fmt.Errorf("no line end at the end of %q", text)
	}
	help, family := "", ""
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		bad := func(why string) error { return fmt.Errorf("line %d, %s: %s", i+1, why, line) }
		if m := metricHead.FindStringSubmatch(line); m != nil {
			switch {
			case m[1] == "HELP" && seen[m[2]]:
				return nil, bad("a family twice")
			case m[1] == "HELP":
				help, family, seen[m[2]] = m[2], "", true
			case m[2] != help || m[3] != "gauge":
				return nil, bad("a TYPE without its HELP, or of no gauge")
			default:
				family = m[2]
			}
			continue
		}
		m := metricSample.FindStringSubmatch(line)
		if m == nil {
			return nil, bad("this is no sample")
		}
		if m[1] != family {
			return nil, bad("a sample apart from its family")
		}
		for _, wrong := range []string{"_total", "_count", "_sum", "_bucket", "_ms", "_kb"} {
			if strings.HasSuffix(family, wrong) {
				return nil, bad("this is no name of a gauge in base units")
			}
		}
		if _, err := strconv.ParseFloat(m[3], 64); err != nil {
			return nil, bad(err.Error())
		}
		if _, ok := samples[m[1]+m[2]]; ok {
			return nil, bad("a series twice")
		}
		samples[m[1]+m[2]] = m[3]
	}
	return samples, nil
}
