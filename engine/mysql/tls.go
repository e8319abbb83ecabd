package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
)

var tlsWords = engine.TLSWords{Authority: "ssl_ca", Nameless: "ssl_mode=VERIFY_CA", Own: "ssl_cert and ssl_key name it"}

// secure fills in how the connection is encrypted.
//
// tls is true (certificate and host name are checked), skip-verify
// (encrypted, unchecked), preferred (encrypted where the server can) or
// false, the default; verify-ca leaves the host name unchecked. ssl_mode speaks the words of MySQL's own client.
// ssl_ca, ssl_cert and ssl_key name PEM files and imply tls=true;
// ssl_verify_cert=false and ssl_verify_identity=false weaken it. Relative
// files start at dir.
func (a *address) secure(config *driver.Config, dir string) error {
	mode, err := a.tlsMode()
	if err != nil {
		return err
	}
	verifyCert, err := a.flag("ssl_verify_cert", true)
	if err != nil {
		return err
	}
	verifyHost, err := a.flag("ssl_verify_identity", mode != "verify-ca")
	if err != nil {
		return err
	}
	cleartext, err := a.flag("allow_cleartext_passwords", false)
	if err != nil {
		return err
	}
	if cleartext && (mode == "false" || mode == "preferred") {
		return errors.New("parameter allow_cleartext_passwords: only with tls=true or tls=skip-verify, or the password could be read on the way")
	}
	config.AllowCleartextPasswords = cleartext
	if mode == "false" {
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if config.Net == "tcp" {
		c.ServerName = a.host
	}
	if name := a.params["ssl_ca"]; name != "" {
		pem, err := os.ReadFile(beside(dir, name))
		if err != nil {
			return fmt.Errorf("parameter ssl_ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("parameter ssl_ca: %s holds no certificate", name)
		}
	}
	cert, key := a.params["ssl_cert"], a.params["ssl_key"]
	if (cert == "") != (key == "") {
		return errors.New("parameters ssl_cert and ssl_key: one needs the other")
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(beside(dir, cert), beside(dir, key))
		if err != nil {
			return fmt.Errorf("parameters ssl_cert and ssl_key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	switch {
	case mode == "skip-verify" || mode == "preferred" || !verifyCert:
		c.InsecureSkipVerify = true
		config.AllowFallbackToPlaintext = mode == "preferred"
	case !verifyHost:
		// crypto/tls checks the chain only together with the name, so the
		// chain alone is checked here.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(state tls.ConnectionState) error {
			o := x509.VerifyOptions{Roots: c.RootCAs, Intermediates: x509.NewCertPool()}
			for _, cert := range state.PeerCertificates[1:] {
				o.Intermediates.AddCert(cert)
			}
			_, err := state.PeerCertificates[0].Verify(o)
			return err
		}
	}
	config.TLS = c
	return nil
}

// tlsMode is true, skip-verify, preferred, false, or verify-ca (the certificate
// is checked, the host's name is not).
func (a *address) tlsMode() (string, error) {
	_, ca := a.params["ssl_ca"]
	_, cert := a.params["ssl_cert"]
	mode, said := a.params["tls"]
	if word, ok := a.params["ssl_mode"]; ok {
		if said {
			return "", errors.New("parameters tls and ssl_mode: only one of them")
		}
		said = true
		switch strings.ToUpper(word) {
		case "DISABLED", "DISABLE":
			mode = "false"
		case "PREFERRED", "PREFER":
			mode = "preferred"
		case "REQUIRED", "REQUIRE":
			mode = "skip-verify"
		case "VERIFY_CA", "VERIFY-CA":
			mode = "verify-ca"
		case "VERIFY_IDENTITY", "VERIFY-FULL":
			mode = "true"
		default:
			return "", fmt.Errorf("parameter ssl_mode: %q is none of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY", word)
		}
	}
	if !said {
		if ca || cert {
			return "true", nil
		}
		return "false", nil
	}
	switch strings.ToLower(mode) {
	case "true", "1", "on", "yes":
		mode = "true"
	case "false", "0", "off", "no":
		mode = "false"
	case "skip-verify", "preferred", "verify-ca":
		mode = strings.ToLower(mode)
	default:
		return "", fmt.Errorf("parameter tls: %q is none of true, skip-verify, preferred, false", mode)
	}
	if mode == "false" && (ca || cert) {
		return "", errors.New("parameters ssl_ca and ssl_cert: no encryption is asked for")
	}
	return mode, nil
}

func (a *address) flag(name string, unset bool) (bool, error) {
	switch v := a.params[name]; strings.ToLower(v) {
	case "":
		return unset, nil
	case "true", "1", "on", "yes":
		return true, nil
	case "false", "0", "off", "no":
		return false, nil
	default:
		return false, fmt.Errorf("parameter %s: %q is neither true nor false", name, v)
	}
}

func beside(dir, name string) string {
	if dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
