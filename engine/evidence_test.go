package engine_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestJudgeGuessesNothing(t *testing.T) {
	t.Parallel()
	type pair struct{ before, now string }
	for _, c := range []struct {
		name  string
		rule  engine.Rule
		pairs []pair
		want  engine.Outcome
		clear int
	}{
		{"made", engine.Makes, []pair{{"", "1"}}, engine.Took, 0},
		{"not made", engine.Makes, []pair{{"", ""}}, engine.TookNot, 0},
		{"made before", engine.Makes, []pair{{"1", "1"}}, engine.TookNot, 0},
		{"made anew by somebody", engine.Makes, []pair{{"1", "2"}}, engine.Unsure, 0},
		{"dropped", engine.Drops, []pair{{"1", ""}}, engine.Took, 0},
		{"not dropped", engine.Drops, []pair{{"1", "1"}}, engine.TookNot, 0},
		{"dropped and made anew", engine.Drops, []pair{{"1", "2"}}, engine.Unsure, 0},
		{"both dropped", engine.Drops, []pair{{"1", ""}, {"2", ""}}, engine.Took, 0},
		{"one of two dropped", engine.Drops, []pair{{"1", ""}, {"2", "2"}}, engine.Unsure, 0},
		{"one of two, the other never there", engine.Drops, []pair{{"1", ""}, {"", ""}}, engine.Took, 0},
		{"none of them was there", engine.Drops, []pair{{"", ""}, {"", ""}}, engine.TookNot, 0},
		{"altered", engine.Alters, []pair{{"1", "2"}}, engine.Took, 0},
		{"not altered", engine.Alters, []pair{{"1", "1"}}, engine.TookNot, 0},
		{"touched by somebody", engine.Touches, []pair{{"1", "2"}}, engine.Unsure, 0},
		{"not touched", engine.Touches, []pair{{"1", "1"}}, engine.TookNot, 0},
		{"gone instead of altered", engine.Alters, []pair{{"1", ""}}, engine.Unsure, 0},
		{"rewritten", engine.Rewrite, []pair{{"1", "2"}}, engine.Took, 0},
		{"rewritten or not", engine.Rewrite, []pair{{"1", "1"}}, engine.Unsure, 0},
		{"reworded", engine.Rewords, []pair{{"1", "2"}}, engine.Took, 0},
		{"taken away to be reworded", engine.Rewords, []pair{{"1", ""}}, engine.TookNot, 0},
		{"one of that name fewer", engine.Trims, []pair{{"1", ""}}, engine.Took, 0},
		{"built", engine.Builds, []pair{{"", "1"}}, engine.Took, 0},
		{"built half", engine.Builds, []pair{{"", engine.Unfinished + "1"}}, engine.TookNot, 1},
		{"built half by another before", engine.Builds, []pair{{engine.Unfinished + "1", engine.Unfinished + "1"}}, engine.Unsure, 0},
		{"another one is there, and half", engine.Builds, []pair{{"1", engine.Unfinished + "2"}}, engine.Unsure, 0},
		{"built before", engine.Builds, []pair{{"1", "1"}}, engine.TookNot, 0},
		{"gone, and was there", engine.Builds, []pair{{"1", ""}}, engine.Unsure, 0},
		{"somebody is at it", engine.Builds, []pair{{"", engine.InWork + "1"}}, engine.Unsure, 0},
		{"a rule of later", "later", []pair{{"", "1"}}, engine.Unsure, 0},
	} {
		var e engine.Evidence
		var now []string
		for _, p := range c.pairs {
			e.Objects = append(e.Objects, engine.Object{Rule: c.rule, Kind: "thing", Name: "x", Before: p.before})
			now = append(now, p.now)
		}
		if f := e.Judge(now); f.Outcome != c.want || len(f.Clear) != c.clear || f.Saw == "" {
			t.Errorf("%s: %+v, want %d and %d to clear", c.name, f, c.want, c.clear)
		}
	}
	if f := (engine.Evidence{}).Judge(nil); f.Outcome != engine.Unsure {
		t.Errorf("no evidence: %+v", f)
	}
}
