package cli

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/plan"
)

// What is advised must do the same to the same database when it is typed: the
// flags that say which one, and how far, go into every command of ours.

var ourCommand = regexp.MustCompile(`\bdbwarden (plan|migrate|rollback|unlock|status|lock-status|resolve|repair|history|restore|diff)\b`)

// typed adds to the commands in a text what says where they go. URL stands for
// one that was given on the command line, which may hold a password.
func (a *app) typed(t *target, text string) string {
	name := a.database
	if name == "" && a.all && t != nil {
		name = t.Name
	}
	return ourCommand.ReplaceAllStringFunc(text, func(command string) string {
		where := ""
		add := func(flag, value string) {
			if value != "" {
				where += " " + flag + " " + shellWord(value)
			}
		}
		add("-d", name)
		add("--config", a.configFile)
		switch command {
		case "dbwarden plan", "dbwarden migrate", "dbwarden rollback", "dbwarden status", "dbwarden resolve", "dbwarden repair", "dbwarden diff":
			add("--migrations-dir", a.migrationsDir)
		}
		if a.url != "" {
			where += " --url URL"
		}
		return command + where
	})
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./~-]+$`)

func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// goal are the flags of a run that say how far it goes and how, for another one
// behind completed migrations.
func (f *targetFlags) goal(t plan.Target, completed int) string {
	out := ""
	if t.Atomic {
		out += " --atomic"
	}
	if n := t.Count - completed; t.Count > 0 && n > 0 {
		out += " -c " + strconv.Itoa(n)
	}
	if f.to != "" {
		out += " -t " + shellWord(f.to)
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{{t.Empty, "to-empty"}, {t.AllowChanged, "allow-changed"}, {t.AllowMissing, "allow-missing"}, {t.AllowOutOfOrder, "allow-out-of-order"}} {
		if flag.set {
			out += fmt.Sprintf(" --%s", flag.name)
		}
	}
	return out
}
