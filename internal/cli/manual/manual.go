// Package manual writes the manual pages, of the commands themselves: what
// help says is what the page says. It knows roff's man macros and nothing of
// what the commands do.
package manual

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Facts are what the pages tell beside the commands.
type Facts struct {
	Program string // its name and version, for the foot
	Date    string // of the release, "2026-11-26"; "" for none

	Exits       []Entry // exit codes
	Environment []Entry
}

// Entry is a word and what it means.
type Entry struct{ Word, Meaning string }

// Page is one file.
type Page struct{ Name, Text string }

// Pages are those of root and of all its commands that help lists.
func Pages(root *cobra.Command, f Facts) []Page {
	pages := []Page{of(root, root, f)}
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			pages = append(pages, of(root, c, f))
		}
	}
	return pages
}

// name is that of a command's page: dbwarden-migrate.
func name(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

func of(root, c *cobra.Command, f Facts) Page {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"%s\" \"%s\" \"User Commands\"\n", strings.ToUpper(name(c)), text(f.Date), text(f.Program))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", text(name(c)), text(lower(c.Short)))
	b.WriteString(".SH SYNOPSIS\n")
	use := c.UseLine()
	if c == root {
		use = root.Name() + " COMMAND [flags]"
	}
	fmt.Fprintf(&b, ".B %s\n", text(strings.TrimSuffix(use, " [flags]")+" [flags]"))
	b.WriteString(".SH DESCRIPTION\n")
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	paragraphs(&b, long)
	if c == root {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range root.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", text(name(sub)), text(sub.Short))
			}
		}
	}
	flags(&b, "OPTIONS", c.NonInheritedFlags())
	if c != root {
		flags(&b, "OPTIONS OF ALL COMMANDS", c.InheritedFlags())
	}
	entries(&b, "EXIT STATUS", f.Exits)
	entries(&b, "ENVIRONMENT", f.Environment)
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", text(c.Example))
	}
	b.WriteString(".SH SEE ALSO\n")
	if c == root {
		b.WriteString("The pages of the commands, and\n.B dbwarden help\n.IR COMMAND .\n")
	} else {
		fmt.Fprintf(&b, ".BR %s (1)\n", text(root.Name()))
	}
	return Page{Name: name(c) + ".1", Text: b.String()}
}

// lower begins a NAME line, which is no sentence.
func lower(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

func paragraphs(b *strings.Builder, s string) {
	for i, p := range regexp.MustCompile(`\n\s*\n`).Split(strings.TrimSpace(s), -1) {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		// Indented lines, a list or a piece of a file, stay as they are.
		if strings.HasPrefix(p, " ") || strings.Contains(p, "\n  ") {
			fmt.Fprintf(b, ".nf\n%s\n.fi\n", text(p))
			continue
		}
		fmt.Fprintf(b, "%s\n", text(p))
	}
}

func flags(b *strings.Builder, title string, set *pflag.FlagSet) {
	if !set.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		spelled := "--" + f.Name
		if f.Shorthand != "" {
			spelled = "-" + f.Shorthand + ", " + spelled
		}
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR", text(spelled))
		if value != "" {
			fmt.Fprintf(b, " \\fI%s\\fR", text(value))
		}
		fmt.Fprintf(b, "\n%s\n", text(usage))
	})
}

func entries(b *strings.Builder, title string, list []Entry) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	for _, e := range list {
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", text(e.Word), text(e.Meaning))
	}
}

// text spells s so that roff takes it literally: a backslash, a hyphen that
// can be copied, a quote, what is not ASCII, and a line that begins like a
// request.
func text(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "\t", "    ").Replace(s)
	var ascii strings.Builder
	for _, r := range s {
		if r > 126 {
			fmt.Fprintf(&ascii, `\[u%04X]`, r)
		} else {
			ascii.WriteRune(r)
		}
	}
	lines := strings.Split(ascii.String(), "\n")
	for i, l := range lines {
		l = strings.TrimRight(l, " ")
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, " .") {
			l = `\&` + l
		}
		lines[i] = l
	}
	return strings.Join(lines, "\n")
}
