package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/internal/ui"
)

// uiAddress is where the page is served unless somebody says otherwise.
const uiAddress = "127.0.0.1:8090"

// uiFlags say where the page is served, and to whom.
type uiFlags struct {
	listen string
	expose []string
}

func (a *app) uiCommand() *cobra.Command {
	var f uiFlags
	cmd := &cobra.Command{
		Use:   "ui",
		Short: "Serve a page to look at: lock, status, history, pending SQL, diagram",
		Long: "Serves a page that shows the lock as it is now, how far a running migration is, what is applied and pending, the SQL of\n" +
			"what is pending with the findings of check, and the schema. It changes nothing: it takes no lock, creates nothing, and\n" +
			"opens sessions that only read, while somebody looks. Ctrl-C ends it.\n\n" +
			"The page is for this machine. Another address than one of loopback is refused without --expose: whoever reaches it sees\n" +
			"everything, since there is no password; put a proxy in front that asks for one. docs/ui.md tells more.",
		Example: "  dbwarden ui\n  dbwarden ui --all\n  dbwarden ui -d billing --listen 127.0.0.1:0   # any free port",
	}
	cmd.Flags().StringVar(&f.listen, "listen", uiAddress, "serve on this `ADDRESS`, as host:port; port 0 is any free one")
	cmd.Flags().StringArrayVar(&f.expose, "expose", nil, "also serve beyond this machine, to requests for this `HOST`, as host:port; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.check(); err != nil {
			return err
		}
		targets, err := a.chosen(cmd, useEach)
		if err != nil {
			return err
		}
		if len(targets) == 0 {
			return a.noTargets(cmd)
		}
		opt := wardenOptions{folder: true}
		var shown []ui.Database
		for _, one := range targets {
			t, err := a.target(cmd, one.Database, opt)
			if missing := (*folderError)(nil); errors.As(err, &missing) {
				// The lock is there to be seen all the same.
				t, err = a.target(cmd, one.Database, wardenOptions{})
			}
			if err != nil {
				return err
			}
			d := a.onPage(t)
			if d.Name = one.Name; d.Name == "" {
				d.Name = "database"
			}
			shown = append(shown, d)
		}
		return a.serve(cmd, f, shown)
	}
	return cmd
}

// check refuses an address that others can reach, unless that is meant.
func (f *uiFlags) check() error {
	host, port, err := net.SplitHostPort(f.listen)
	if n, e := strconv.Atoi(port); err != nil || e != nil || n < 0 || n > 65535 {
		return &usageError{fmt.Sprintf("--listen %s: want host:port", f.listen), "for example --listen " + uiAddress}
	}
	for _, name := range f.expose {
		if h, p, err := net.SplitHostPort(name); err != nil || h == "" || p == "" {
			return &usageError{fmt.Sprintf("--expose %s: want host:port, as a browser will ask for it", name), "for example --expose migrations.internal:" + port}
		}
	}
	if !loopback(host) && len(f.expose) == 0 {
		return &usageError{fmt.Sprintf("--listen %s: others than this machine could reach it, and the page asks for no password", f.listen),
			"serve on loopback (" + uiAddress + ") and go there through ssh -L, or name the host that is to be asked for with --expose HOST:PORT, behind a proxy that asks for a password"}
	}
	return nil
}

// loopback says that an address is of this machine alone. A name other than
// localhost may be looked up to be anything.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// serve answers until somebody ends it.
func (a *app) serve(cmd *cobra.Command, f uiFlags, shown []ui.Database) error {
	ctx := cmd.Context()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", f.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return &usageError{f.listen + " is in use", "it may be another dbwarden ui; --listen 127.0.0.1:0 takes any free port"}
	}
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer l.Close()
	at := l.Addr().(*net.TCPAddr)
	if host, _, _ := net.SplitHostPort(f.listen); strings.EqualFold(host, "localhost") && !at.IP.IsLoopback() {
		return usagef("--listen %s: localhost is %s here, which others can reach", f.listen, at.IP)
	}
	port := strconv.Itoa(at.Port)
	address := "http://" + at.String() + "/"
	if at.IP.IsUnspecified() {
		address = "http://" + f.expose[0] + "/"
	}
	if len(f.expose) > 0 {
		a.warn("the page asks for no password: whoever reaches " + at.String() + " and asks for " + strings.Join(f.expose, " or ") + " sees what it shows")
	}
	if a.json() {
		err = a.document(cmd, nil, map[string]any{"url": address, "databases": len(shown)})
	} else {
		_, err = fmt.Fprintf(a.Stdout, "Looking at %s: %s\n", counted(len(shown), "database"), address)
	}
	if err != nil {
		return err
	}
	if !a.quiet && !a.json() {
		fmt.Fprintln(a.Stderr, "Ctrl-C ends it.")
	}
	site := ui.New(ui.Options{Databases: shown, Port: port, Exposed: f.expose, Version: a.Build.Version, Now: a.Now})
	if err := site.Serve(ctx, l); err != nil {
		return fmt.Errorf("serve the page: %w", err)
	}
	return context.Cause(ctx)
}

// trouble is an error as a page shows it.
func (a *app) trouble(ctx context.Context, t *target, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*folderError](err); !ok {
		err = &runError{err: err, target: t}
	}
	d := a.describe(err, ctx)
	out := &ui.Trouble{Message: d.Message}
	for _, p := range d.Problems {
		out.Message += "; " + p.Error()
	}
	for _, text := range d.State {
		out.Message += "; " + text
	}
	for _, n := range d.Next {
		out.Next = append(out.Next, phrase(n))
	}
	return out
}

// seenBy wraps a reading for a page.
func seenBy[T any](a *app, t *target, read func(context.Context) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		v, err := read(ctx)
		return v, a.trouble(ctx, t, err)
	}
}

// maskedText is a text through which no secret gets, whatever its lines are: it
// is masked in pieces that are cut where no secret is.
type maskedText struct {
	mask func(string) string
	from io.Reader
	rest []byte // of what was read, not yet masked
	out  []byte
	err  error
}

// What is cut in two is not known again: of a piece so much is kept back for
// the next one as the longest secret may have.
const (
	maskedPiece   = 64 << 10
	longestSecret = 8 << 10
)

func (m *maskedText) Read(p []byte) (int, error) {
	for len(m.out) == 0 {
		if m.err != nil && len(m.rest) == 0 {
			return 0, m.err
		}
		for m.err == nil && len(m.rest) < maskedPiece {
			n := len(m.rest)
			m.rest = append(m.rest, make([]byte, maskedPiece-n)...)
			var read int
			read, m.err = m.from.Read(m.rest[n:])
			m.rest = m.rest[:n+read]
		}
		piece := string(m.rest)
		cut := len(piece)
		if m.err == nil {
			if cut = m.cut(piece); cut == 0 {
				m.rest, m.err = nil, errors.New("the rest is not shown: it is full of secrets")
				continue
			}
		}
		m.out, m.rest = []byte(m.mask(piece[:cut])), append([]byte(nil), piece[cut:]...)
	}
	n := copy(p, m.out)
	m.out = m.out[n:]
	return n, nil
}

// cut is where a piece can be cut: where both parts by themselves are what the
// whole is. Behind a line it mostly is. 0: nowhere.
func (m *maskedText) cut(piece string) int {
	whole, last := m.mask(piece), len(piece)-longestSecret
	if i := strings.LastIndexByte(piece[:last], '\n'); i > last/2 {
		last = i + 1
	}
	for at := last; at > 0 && at > last-longestSecret; at-- {
		if utf8.RuneStart(piece[at]) && m.mask(piece[:at])+m.mask(piece[at:]) == whole {
			return at
		}
	}
	return 0
}
