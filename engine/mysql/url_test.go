package mysql

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestURLsAreRead(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]struct{ user, password, net, addr, name, label, names string }{
		"mysql://app@db:3307/shop":                           {"app", "", "tcp", "db:3307", "shop", "mysql://app@db:3307/shop", "utf8mb4"},
		"mariadb://app:p%40ss%2Fw%25rd@db/shop":              {"app", "p@ss/w%rd", "tcp", "db:3306", "shop", "mariadb://app@db:3306/shop", "utf8mb4"},
		"mysql+pymysql://a%40b:x@h/d?charset=latin1":         {"a@b", "x", "tcp", "h:3306", "d", "mysql://a@b@h:3306/d", "latin1"},
		"MySQL://u:a:b@[::1]:3308/d":                         {"u", "a:b", "tcp", "[::1]:3308", "d", "mysql://u@[::1]:3308/d", "utf8mb4"},
		"mysql://u:a@b@h/d":                                  {"u", "a@b", "tcp", "h:3306", "d", "mysql://u@h:3306/d", "utf8mb4"},
		"mysql:///d?unix_socket=/run/my.sock":                {"", "", "unix", "/run/my.sock", "d", "mysql://localhost/d?socket=/run/my.sock", "utf8mb4"},
		"mysql://h/d%20b?collation=utf8mb4_bin":              {"", "", "tcp", "h:3306", "d b", "mysql://h:3306/d%20b", "utf8mb4 COLLATE utf8mb4_bin"},
		"mysql://u:p+q@h/d?use_unicode=1&binary_prefix=true": {"u", "p+q", "tcp", "h:3306", "d", "mysql://u@h:3306/d", "utf8mb4"},
	} {
		opened, err := open(url, engine.OpenOptions{})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		d := opened.(*database)
		if c := d.config; c.User != want.user || c.Passwd != want.password || c.Net != want.net || c.Addr != want.addr || c.DBName != want.name {
			t.Errorf("%s: %q %q %q %q %q", url, c.User, c.Passwd, c.Net, c.Addr, c.DBName)
		}
		if d.Label() != want.label || d.names != want.names {
			t.Errorf("%s: label %s, names %s", url, d.Label(), d.names)
		}
	}
}

func TestBadURLsSayWhyAndKeepTheSecret(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"mysql://app:s3cret@db":                                            "no database is named",
		"mysql://app:s3cret@db/?tls=true":                                  "no database is named; add it behind the host: mysql://app@db:3306/NAME",
		"mysql://app:s3cret@db/a/b":                                        "one database name",
		"mysql://app:s3cret/x@db/shop":                                     "percent-encoded",
		"mysql://app:s3cret?x@db/shop":                                     "percent-encoded",
		"mysql://app:12/s3cret@db/shop":                                    "percent-encoded",
		"mysql://app:s3cret#x@db/shop":                                     "port",
		"mysql://app:s3cret%zz@db/shop":                                    "broken percent-encoding",
		"mysql://app:s3cret@db:s3cret/shop":                                "port",
		"mysql://app:s3cret@db:70000/shop":                                 "port",
		"mysql://app:s3cret@tcp(db:3306)/shop":                             "without tcp(...)",
		"s3cret":                                                           "no scheme",
		"postgresql://app:s3cret@db/shop":                                  "does not begin with mysql:// or mariadb://",
		"mysql://app:s3cret@db/shop?chraset=utf8":                          `unknown parameter "chraset"; the nearest known one is "charset"`,
		"mysql://app:s3cret@db/shop?parseTime=true":                        `unknown parameter "parseTime"`,
		"mysql://app:s3cret@db/shop?timeout=soon":                          "connect_timeout",
		"mysql://app:s3cret@db/shop?timeout=1&connect_timeout=2":           "given twice",
		"mysql://app:s3cret@db/shop?charset=x';":                           "only letters",
		"mysql://app:s3cret@db/shop?tls=maybe":                             "true, skip-verify, preferred, false",
		"mysql://app:s3cret@db/shop?ssl_mode=SOMETIMES":                    "VERIFY_IDENTITY",
		"mysql://app:s3cret@db/shop?tls=true&ssl_mode=REQUIRED":            "only one of them",
		"mysql://app:s3cret@db/shop?ssl_ca=/no/such/file":                  "ssl_ca",
		"mysql://app:s3cret@db/shop?ssl_cert=x":                            "one needs the other",
		"mysql://app:s3cret@db/shop?allow_cleartext_passwords=true":        "only with tls",
		"mysql://app:s3cret@db/shop?ssl_verify_cert=perhaps":               "neither true nor false",
		"mysql://app:s3cret@db/shop?tls=false&ssl_ca=/etc/ssl/certs/x.pem": "no encryption",
	} {
		_, err := open(url, engine.OpenOptions{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error holds the secret: %v", url, err)
		}
	}
	if _, err := open("mysql://u:p@h/shop", engine.OpenOptions{Schema: "other"}); err == nil || !strings.Contains(err.Error(), "a schema is a database") {
		t.Errorf("another schema: %v", err)
	}
}

func TestTLSModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeCertificate(t, dir)
	for params, want := range map[string]struct{ on, skip, fallback, own bool }{
		"":                                   {},
		"tls=false":                          {},
		"ssl_mode=DISABLED":                  {},
		"tls=true":                           {on: true},
		"ssl=1":                              {on: true},
		"tls=skip-verify":                    {on: true, skip: true},
		"tls=preferred":                      {on: true, skip: true, fallback: true},
		"ssl-mode=required":                  {on: true, skip: true},
		"ssl_mode=VERIFY_IDENTITY":           {on: true},
		"ssl_mode=VERIFY_CA&ssl_ca=ca.pem":   {on: true, skip: true, own: true},
		"ssl_ca=ca.pem":                      {on: true},
		"ssl_ca=ca.pem&ssl_check_hostname=0": {on: true, skip: true, own: true},
		"ssl_ca=ca.pem&ssl_verify_cert=no":   {on: true, skip: true},
		"ssl_cert=ca.pem&ssl_key=key.pem":    {on: true},
	} {
		opened, err := open("mysql://u:p@db/d?"+params, engine.OpenOptions{Dir: dir})
		if err != nil {
			t.Errorf("%s: %v", params, err)
			continue
		}
		c := opened.(*database).config
		if (c.TLS != nil) != want.on || c.AllowFallbackToPlaintext != want.fallback {
			t.Errorf("%s: on %v, fallback %v", params, c.TLS != nil, c.AllowFallbackToPlaintext)
		}
		if c.TLS != nil && (c.TLS.InsecureSkipVerify != want.skip || (c.TLS.VerifyConnection != nil) != want.own || c.TLS.ServerName != "db") {
			t.Errorf("%s: %+v", params, c.TLS)
		}
		if strings.Contains(params, "ssl_ca") && c.TLS.RootCAs == nil {
			t.Errorf("%s: the authority is not used", params)
		}
	}
}

// The chain alone is checked by code of ours.
func TestCertificatesAreChecked(t *testing.T) {
	t.Parallel()
	dir, stranger := t.TempDir(), t.TempDir()
	writeCertificate(t, dir)
	writeCertificate(t, stranger)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host, params, dir string
		ok                bool
	}{
		{"named", "ssl_ca=ca.pem", dir, true},
		{"other", "ssl_ca=ca.pem", dir, false},
		{"other", "ssl_ca=ca.pem&ssl_mode=VERIFY_CA", dir, true},
		{"other", "ssl_ca=ca.pem&ssl_mode=VERIFY_CA", stranger, false},
		{"named", "ssl_ca=ca.pem", stranger, false},
		{"named", "ssl_mode=VERIFY_CA", dir, false}, // no public authority knows it
		{"other", "tls=skip-verify", stranger, true},
	} {
		opened, err := open("mysql://u@"+c.host+"/d?"+c.params, engine.OpenOptions{Dir: c.dir})
		if err != nil {
			t.Fatal(err)
		}
		here, there := net.Pipe()
		served := make(chan struct{})
		go func() {
			defer close(served)
			// Its errors mirror the client's.
			_ = tls.Server(there, &tls.Config{Certificates: []tls.Certificate{pair}}).HandshakeContext(t.Context())
			there.Close()
		}()
		err = tls.Client(here, opened.(*database).config.TLS).HandshakeContext(t.Context())
		here.Close()
		<-served
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"10": 10 * time.Second, "1.5": 1500 * time.Millisecond, "2m": 2 * time.Minute, "0": 0, "-1": 0, "x": 0} {
		if got, err := readTimeout(text); got != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}

func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"named"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"ca.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
