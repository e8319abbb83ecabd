// Package docs keeps the documentation true. It holds tests alone: they run
// every shell block of README.md and of the pages in docs, compare what the
// program prints with what the page says it prints, follow every link, and
// look every command, flag, exit code, key, variable and code of the program
// up in the page that must tell of it.
//
// A page directs its tests by comments above a block, which no reader sees:
//
//	<!-- project: kept -->     the folder that the block runs in; see project_test.go
//	<!-- in: repository -->    a copy of this repository instead
//	<!-- expect: exit 4 -->    the exit code of the block's last command
//	<!-- not run: REASON -->   the block is left alone
//	<!-- file: NAME -->        the sql block is this migration of a recipe; see recipes_test.go
//	<!-- finds: RULE -->       the sql block is what a recipe does not do, and the rule finds it
//
// A text or json block behind a shell block is what it prints: each of its
// lines must come, in that order. Others may come between them, unless the
// block holds a line "…": then lines are left out there and nowhere else.
// Times, ids and names of machines may be others.
package docs
