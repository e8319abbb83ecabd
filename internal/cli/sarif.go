package cli

import (
	"net/url"
	"path/filepath"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/internal/render"
)

// sarif writes what check found as a SARIF 2.1.0 log, which code hosts show
// beside the lines.
func (a *app) sarif(t *target, c *checked) error {
	index := map[string]int{}
	rules := []map[string]any{}
	for _, r := range check.AllRules(c.product) {
		index[r.ID] = len(rules)
		rule := map[string]any{
			"id": r.ID, "shortDescription": text(r.Title), "fullDescription": text(r.Why),
			"defaultConfiguration": map[string]any{"enabled": r.Severity != check.Off, "level": sarifLevel(r.Severity)},
		}
		rules = append(rules, rule)
	}
	results := []map[string]any{}
	add := func(f check.Finding, suppressions []map[string]any) {
		message := f.Message
		if f.Safer != "" {
			message += "\n\nSafer:\n" + f.Safer
		}
		r := map[string]any{
			"ruleId": f.Rule.ID, "ruleIndex": index[f.Rule.ID], "level": sarifLevel(f.Severity), "message": text(a.masked(message)),
			"locations": []map[string]any{{"physicalLocation": map[string]any{
				"artifactLocation": map[string]any{"uri": (&url.URL{Path: filepath.ToSlash(t.path(f.File))}).String()},
				"region":           map[string]any{"startLine": f.Line, "startColumn": f.Column},
			}}},
		}
		if suppressions != nil {
			r["suppressions"] = suppressions
		}
		results = append(results, r)
	}
	for _, f := range c.report.Findings {
		add(f, nil)
	}
	for _, i := range c.report.Ignored {
		add(i.Finding, []map[string]any{{"kind": "inSource", "justification": i.Reason}})
	}
	return render.JSON(a.Stdout, map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []map[string]any{{
			"tool":       map[string]any{"driver": map[string]any{"name": "dbwarden", "version": a.Build.Version, "rules": rules}},
			"columnKind": "unicodeCodePoints",
			"results":    results,
		}},
	}, false)
}

func text(s string) map[string]any { return map[string]any{"text": s} }

// sarifLevel is a severity as SARIF calls it.
func sarifLevel(s check.Severity) string {
	switch s {
	case check.Error, check.Warning:
		return string(s)
	}
	return "note"
}
