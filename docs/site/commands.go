package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// listed is a command as the program's help lists it.
var listed = regexp.MustCompile(`(?m)^  ([a-z-]+) +(.*)$`)

// commands builds the program and makes a page of what it says of itself.
func commands(root string) (string, error) {
	dir, err := os.MkdirTemp("", "dbwarden-site")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "dbwarden.exe")
	c := exec.Command("go", "build", "-o", bin, "./cmd/dbwarden")
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	help := func(args ...string) (string, error) {
		out, err := exec.Command(bin, append(args, "-h")...).Output()
		return strings.TrimSpace(string(out)), err
	}
	top, err := help()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# What each command says of itself\n\nThe help of each command, as the program prints it. [Commands](commands.md) explains them.\n\n```text\n%s\n```\n", top)
	_, list, _ := strings.Cut(top, "Available Commands:")
	list, _, _ = strings.Cut(list, "\nFlags:")
	found := listed.FindAllStringSubmatch(list, -1)
	if len(found) == 0 {
		return "", fmt.Errorf("the help lists no command:\n%s", top)
	}
	for _, m := range found {
		text, err := help(m[1])
		if err != nil {
			return "", fmt.Errorf("dbwarden %s -h: %w", m[1], err)
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n```text\n%s\n```\n", m[1], strings.TrimSuffix(strings.TrimSpace(m[2]), "."), text)
	}
	return b.String(), nil
}
