package ui

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Whoever may open a connection to the page may read it. A browser opens one
// for any page that it has open, of anybody: so a request must name us as we
// are called (else a name of somebody else's that leads to 127.0.0.1 would
// read along), must not come from another site's page, and must only look.

// hosts are the names by which a request may call us.
type hosts struct {
	port    string
	exposed []string // beside those of loopback, with their ports
}

// ours says that a Host header, or the host of an Origin, names us.
func (h hosts) ours(host string) bool {
	host = strings.ToLower(host)
	for _, name := range h.exposed {
		if host == strings.ToLower(name) {
			return true
		}
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), "80"
	}
	if port != h.port {
		return false
	}
	if name == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// refusal says why a request gets no answer: a status and words, or 0.
func (h hosts) refusal(r *http.Request) (int, string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return http.StatusMethodNotAllowed, "This page only shows: GET and HEAD are all that it answers."
	}
	if !h.ours(r.Host) {
		return http.StatusMisdirectedRequest, "This page answers to the address that dbwarden ui has printed, and to no other name."
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		scheme, host, _ := strings.Cut(origin, "://")
		if scheme != "http" && scheme != "https" || !h.ours(host) {
			return http.StatusForbidden, "Another site's page has asked for this one, and gets no answer."
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		// A link that a person follows shows the page to that person alone.
		if r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document" {
			return http.StatusForbidden, "Another site's page has asked for this one, and gets no answer."
		}
	}
	return 0, ""
}

// policy is what a page of ours may do: show, with our own style, script and
// pictures, in no frame.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// protect sets what keeps others out of an answer.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
