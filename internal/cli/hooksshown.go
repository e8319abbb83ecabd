package cli

import (
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/render"
)

// callsOf is what a run calls at a moment, in the order in which it does.
func (a *app) callsOf(c config.HookConfig, at dbwarden.Moment) (sql string, program []string) {
	return a.masked(c.SQL[string(at)]), a.maskedAll(c.Programs[string(at)])
}

// showCalls has a dry run say what would be called at a moment.
func (a *app) showCalls(c config.HookConfig, at dbwarden.Moment) {
	sql, program := a.callsOf(c, at)
	if sql != "" {
		fmt.Fprintf(a.Stdout, "-- hook %s: %s\n", at, strings.ReplaceAll(render.Plain(sql), "\n", "\n--   "))
	}
	if len(program) > 0 {
		fmt.Fprintf(a.Stdout, "-- hook %s, a program: %s\n", at, render.Plain(strings.Join(program, " ")))
	}
}

// hooksDocument is the same as a document's list.
func (a *app) hooksDocument(c config.HookConfig) []map[string]any {
	all := []map[string]any{}
	for _, at := range moments {
		sql, program := a.callsOf(c, at)
		if sql != "" {
			all = append(all, map[string]any{"at": at, "sql": sql})
		}
		if len(program) > 0 {
			all = append(all, map[string]any{"at": at, "program": program})
		}
	}
	return all
}
