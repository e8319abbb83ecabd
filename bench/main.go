// Bench compares dbwarden with other migration tools and with each product's
// own client, on servers of its own. bench/run starts it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var (
		quick      = flag.Bool("quick", false, "a tenth of the migrations, one run: to see that everything works")
		only       = flag.String("only", "", "the cases with these names, or whose names hold one of these words; with commas between them")
		runs       = flag.Int("runs", 5, "how often each tool does each case; the slow ones a fifth of it")
		out        = flag.String("out", "", "the folder for results.json, table.md and chart.svg (default: build/bench below the repository)")
		list       = flag.Bool("list", false, "list the cases and end")
		repository = flag.String("repository", "..", "the folder of dbwarden's source")
		keep       = flag.String("programs", "", "build into this folder, and take what is there already")
		noPeers    = flag.Bool("no-peers", false, "dbwarden and the products' own clients alone: nothing is fetched")
		from       = flag.String("from", "", "print the table and draw the chart of these files, results.json of other runs with commas between them; measure nothing")
	)
	flag.Parse()
	if *quick {
		*runs = 1
	}
	root, err := filepath.Abs(*repository)
	if err != nil {
		return err
	}
	if *out == "" {
		*out = filepath.Join(root, "build", "bench")
	}
	if *from != "" {
		return redraw(strings.Split(*from, ","), *out, os.Stdout)
	}
	var chosen []testCase
	known := cases(*quick)
	for _, c := range known {
		if *only == "" || meant(c.name, strings.Split(*only, ","), known) {
			chosen = append(chosen, c)
		}
	}
	if *list {
		for _, c := range chosen {
			fmt.Printf("%-24s %s\n", c.name, c.title)
		}
		return nil
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no case is called %q; --list shows them", *only)
	}

	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%6.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	work, err := os.MkdirTemp("", "dbwarden-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	programs := filepath.Join(work, "programs")
	if *keep != "" {
		if programs, err = filepath.Abs(*keep); err != nil {
			return err
		}
	}
	if err := build(root, programs, *keep != "", !*noPeers, say); err != nil {
		return err
	}

	b := &bench{ctx: ctx, work: work, programs: programs, runs: *runs, peers: !*noPeers, say: say}
	defer b.close()
	r := newReport(ctx, root, *runs)
	for _, c := range chosen {
		say("%s", c.name)
		all, err := b.run(c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		r.add(c, all)
		if b.server != nil {
			r.server(b.server.version(ctx))
		}
		// Kept after each case: the next one may take long, or fail.
		if err := r.write(*out, nil); err != nil {
			return err
		}
	}
	return r.write(*out, os.Stdout)
}

// meant says whether one of the words is a case's name, or a part of it that is
// not the name of another.
func meant(name string, words []string, known []testCase) bool {
	for _, w := range words {
		w = strings.TrimSpace(w)
		whole := slices.ContainsFunc(known, func(c testCase) bool { return c.name == w })
		if w != "" && (name == w || !whole && strings.Contains(name, w)) {
			return true
		}
	}
	return false
}
