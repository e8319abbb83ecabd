package engine

import (
	"crypto/x509"
	"errors"
	"strings"
)

// TLSWords are how a product's URL spells what decides about certificates.
type TLSWords struct {
	Authority string // names the file with whoever signs the server's
	Nameless  string // leaves the host's name unchecked
	Own       string // names the client's own
}

// Refused says of an error of a connection which certificate was refused, and by
// whom; "" where none was.
func (w TLSWords) Refused(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "who signed the server's certificate is not trusted here: " + w.Authority + " names the file of the authority that did"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "name the server in the URL as its certificate does; " + w.Nameless + " leaves the name unchecked"
	}
	if bad, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if bad.Reason == x509.Expired {
			return "the server needs a new certificate, or one of the two clocks is wrong"
		}
		return "the server's certificate is no good for a server, or its authority's for signing it"
	}
	// The server refused ours. What it sends is a number, which crypto/tls spells.
	if text := err.Error(); strings.Contains(text, "remote error: tls: ") && (strings.Contains(text, "certificate") || strings.Contains(text, "unknown certificate authority")) {
		return "the server does not take the certificate of this client, or wants one: " + w.Own
	}
	return ""
}
