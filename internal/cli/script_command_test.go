package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// asRoot says that file permissions do not bind this process.
func asRoot() bool { return os.Geteuid() == 0 }

// adminCommand is "admin QUERY": it runs a query as the administrator in the
// script's own database, whatever DBWARDEN_DATABASE_URL has become since.
func adminCommand(ts *testscript.TestScript, e *engine.Engine, neg bool, args []string) {
	err := query(ts, e, ts.Getenv("DATABASE_OF_SCRIPT"), strings.Join(args, " "))
	if neg && err == nil {
		ts.Fatalf("the query succeeded")
	}
	if !neg {
		ts.Check(err)
	}
}

// roleCommand is "role": it makes an account without rights. $ROLE is its
// name, $ROLE_URL the script's database as that account.
func roleCommand(t *testing.T, ts *testscript.TestScript, server *dbtest.Server) {
	if server == nil {
		ts.Fatalf("SQLite has no accounts")
	}
	user, password := server.NewRole(t)
	ts.Setenv("ROLE", user)
	ts.Setenv("ROLE_URL", server.WithUser(ts.Getenv("DATABASE_OF_SCRIPT"), user, password))
}

// urlCommand is "url [PART=VALUE]...": DBWARDEN_DATABASE_URL becomes the
// script's own URL with these parts replaced (user, password, host, path,
// query), each as it is spelled in a URL.
func urlCommand(ts *testscript.TestScript, args []string) {
	parts := regexp.MustCompile(`^(\w+)://(?:([^:@/]*):([^@/]*)@)?([^/]*)/([^?]*)\??(.*)$`).FindStringSubmatch(ts.Getenv("DATABASE_OF_SCRIPT"))
	names := []string{"", "scheme", "user", "password", "host", "path", "query"}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		i := slices.Index(names, name)
		if i < 1 {
			ts.Fatalf("url: no part %s", name)
		}
		parts[i] = value
	}
	account := ""
	if parts[2] != "" {
		account = parts[2] + ":" + parts[3] + "@"
	}
	query := ""
	if parts[6] != "" {
		query = "?" + parts[6]
	}
	ts.Setenv("DBWARDEN_DATABASE_URL", parts[1]+"://"+account+parts[4]+"/"+parts[5]+query)
}

// strangerCommand is "stranger TEXT": some other program at a port, which says
// TEXT to whoever comes and then nothing more. $STRANGER is its place.
func strangerCommand(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv("STRANGER", l.Addr().String())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			// Kept open until the other side has had enough of it.
			go func() {
				defer c.Close()
				io.WriteString(c, args[0])
				io.Copy(io.Discard, c)
			}()
		}
	}()
}

// jsonCommand is "json [-stderr] [-lines] PATH [WANT]": it reads the last
// command's output as one document (with -lines: as a list of several) and
// compares what the path leads to. A path's parts, between slashes, are keys, numbers in lists
// (from 0, -1 is the last), or key=value for the first element of a list that
// has it; "len" is a list's length. Texts are compared bare, anything else as
// JSON. Without WANT it must be there; with ! it must not.
func jsonCommand(ts *testscript.TestScript, neg bool, args []string) {
	stream, lines := "stdout", false
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-stderr":
			stream = "stderr"
		case "-lines":
			lines = true
		default:
			ts.Fatalf("json: unknown flag %s", args[0])
		}
		args = args[1:]
	}
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: json [-stderr] [-lines] PATH [WANT]")
	}
	docs, err := decode(ts.ReadFile(stream))
	ts.Check(err)
	var at any = docs
	if !lines {
		if len(docs) != 1 {
			ts.Fatalf("%s holds %d JSON documents, want 1", stream, len(docs))
		}
		at = docs[0]
	}
	got, err := follow(at, strings.Split(args[0], "/"))
	switch {
	case err != nil && neg:
	case err != nil:
		ts.Fatalf("json %s: %v", args[0], err)
	case len(args) == 1 && neg:
		ts.Fatalf("json %s: it is there: %s", args[0], spell(got))
	case len(args) == 2 && neg == (spell(got) == args[1]):
		ts.Fatalf("json %s: got %s, want %s", args[0], spell(got), args[1])
	}
}

func decode(text string) ([]any, error) {
	var docs []any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	for {
		var v any
		switch err := d.Decode(&v); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		docs = append(docs, v)
	}
}

func follow(v any, path []string) (any, error) {
	for _, part := range path {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[part]
			if !ok {
				return nil, fmt.Errorf("no key %s", part)
			}
			v = next
		case []any:
			i, err := index(at, part)
			if err != nil {
				return nil, err
			}
			if part == "len" {
				v = json.Number(strconv.Itoa(i))
				continue
			}
			v = at[i]
		default:
			return nil, fmt.Errorf("nothing below %s", spell(v))
		}
	}
	return v, nil
}

func index(list []any, part string) (int, error) {
	if part == "len" {
		return len(list), nil
	}
	i, err := strconv.Atoi(part)
	if key, want, ok := strings.Cut(part, "="); ok {
		i, err = slices.IndexFunc(list, func(v any) bool {
			m, ok := v.(map[string]any)
			return ok && m[key] != nil && spell(m[key]) == want
		}), nil
		if i < 0 {
			return 0, fmt.Errorf("no element with %s", part)
		}
	}
	if i < 0 {
		i += len(list)
	}
	if err != nil || i < 0 || i >= len(list) {
		return 0, fmt.Errorf("no element %s of %d", part, len(list))
	}
	return i, nil
}

func spell(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
