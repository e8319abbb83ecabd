package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/lazy"
)

// What is advised must do the same to the same database when it is typed: the
// flags that say which one, how far, and whether it runs at all go into every
// command of ours.

// Those with a hyphen come first: the shorter name is a word in them.
var ourCommand = lazy.Regexp(`\bdbwarden (check-db|lock-status|make-migrations|plan|migrate|rollback|unlock|status|resolve|repair|history|restore|diff|rebase|check|verify|squash|config|new|import|export|models|diagram|docs)\b`)

// ofFolder are those of them that read the migrations, or tell of their folder.
var ofFolder = []string{"plan", "migrate", "rollback", "status", "resolve", "repair", "diff", "rebase", "check", "verify", "squash", "config", "new", "make-migrations", "import", "export", "models", "diagram", "docs"}

// ofNoTarget are those that take no target: what they tell is of all of them.
var ofNoTarget = []string{"config", "new"}

// typed adds to the commands in a text what says where they go. URL stands for
// one that was given on the command line, which may hold a password, and VALUE
// for a variable's that nobody is to see.
func (a *app) typed(t *target, text string) string {
	var out strings.Builder
	from := 0
	for _, at := range ourCommand().FindAllStringIndex(text, -1) {
		rest, _, _ := strings.Cut(text[at[1]:], "dbwarden ")
		out.WriteString(text[from:at[1]] + a.where(t, strings.TrimPrefix(text[at[0]:at[1]], "dbwarden "), rest))
		from = at[1]
	}
	return out.String() + text[from:]
}

// where are the flags that lead a command to where this one went. rest is what
// the advice says behind its name: it may lead elsewhere by itself.
func (a *app) where(t *target, command, rest string) string {
	out := ""
	add := func(flag, value string) {
		if value != "" {
			out += " " + flag + " " + shellWord(value)
		}
	}
	switch {
	case rest == " --all" || strings.HasPrefix(rest, " --all "): // and not --allow-missing
	case a.whole && a.all:
		out += " --all"
	default:
		name := a.database
		if name == "" && a.all && t != nil {
			name = t.Name
		}
		add("-d", name)
		switch {
		case slices.Contains(ofNoTarget, command):
		case a.whole:
			for _, pattern := range a.targets {
				add("--target", pattern)
			}
		case t != nil:
			add("--target", t.Target)
		}
	}
	add("--config", a.configFile)
	if slices.Contains(ofFolder, command) {
		add("--migrations-dir", a.migrationsDir)
		add("--env", a.env)
		for _, one := range a.vars {
			if name, text, ok := strings.Cut(one, "="); ok && config.HidesVariable(name, text) {
				one = name + "=VALUE"
			}
			add("--var", one)
		}
	}
	if a.url != "" && !strings.Contains(rest, " --url ") {
		out += " --url URL"
	}
	return out
}

var plainWord = lazy.Regexp(`^[\w@%+=:,./~-]+$`)

func shellWord(s string) string {
	if plainWord().MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// own are the flags of the command's own that were given, in that order, but
// for some. Of so many migrations those that were completed do not count again.
func (a *app) own(completed int, but ...string) string {
	if a.running == nil {
		return ""
	}
	if !a.whole {
		but = append(but, fleetFlagNames...)
	}
	flags := a.running.Flags()
	sorted := flags.SortFlags
	flags.SortFlags = false
	defer func() { flags.SortFlags = sorted }()
	out := ""
	flags.Visit(func(f *pflag.Flag) {
		if slices.Contains(but, f.Name) || a.running.InheritedFlags().Lookup(f.Name) != nil {
			return
		}
		name, value := " --"+f.Name, f.Value.String()
		if f.Shorthand != "" {
			name = " -" + f.Shorthand
		}
		switch f.Name {
		case "count":
			n, _ := strconv.Atoi(value)
			if n -= completed; n < 1 {
				return
			}
			value = strconv.Itoa(n)
		case "metrics-push":
			value = "URL" // which may hold a password
		}
		switch {
		case f.Value.Type() != "bool":
			out += name + " " + shellWord(value)
		case value == "true":
			out += name
		default:
			out += " --" + f.Name + "=" + value
		}
	})
	return out
}

// again is the command that runs, to be typed once more: without the flags of
// but, and with what is added. Where another one runs, which only looks, it is
// the verb alone.
func (a *app) again(verb, add string, but ...string) string {
	if a.running != nil {
		if name := a.running.Name(); name == verb || name == "plan" && verb == "migrate" {
			return "dbwarden " + name + a.own(0, but...) + add
		}
	}
	return "dbwarden " + verb + add
}

// allowing is again with a flag that lets it go on, or the command that has it.
func (a *app) allowing(flag string) string {
	if a.running == nil || a.running.Flags().Lookup(flag) == nil {
		return "dbwarden migrate --" + flag
	}
	return a.again("migrate", " --"+flag)
}

// goal are the flags for another run that does what this one was to do, behind
// completed migrations. Whether it may take over is told beside them.
func (a *app) goal(completed int) string { return a.own(completed, "recover") }
