// Command site makes a website of the documentation: static pages of the
// Markdown in docs, and a reference of the commands, of what the program itself
// says of them. It can be opened as files, or served by anything; its one script
// is a search, and without scripts all else is there.
//
//	cd docs/site && go run . FOLDER
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run . FOLDER")
		os.Exit(2)
	}
	n, err := build("../..", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d pages in %s: open index.html\n", n, os.Args[1])
}
