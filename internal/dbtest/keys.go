package dbtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// An Authority signs the certificates of a test's servers and clients.
type Authority struct {
	PEM  []byte // its own certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes one of that name.
func NewAuthority(t testing.TB, name string) *Authority {
	t.Helper()
	key := newKey(t)
	of := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a := &Authority{key: key}
	a.PEM, a.cert = sign(t, of, of, key, key)
	return a
}

// Keys are a certificate and its key, in PEM.
type Keys struct{ Cert, Key []byte }

// Issue signs a certificate for that name, and for these names and addresses of
// a server, which is good until then.
func (a *Authority) Issue(t testing.TB, name string, until time.Time, hosts ...string) Keys {
	t.Helper()
	key := newKey(t)
	of := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			of.IPAddresses = append(of.IPAddresses, ip)
		} else {
			of.DNSNames = append(of.DNSNames, host)
		}
	}
	cert, _ := sign(t, of, a.cert, key, a.key)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Keys{cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, of, by *x509.Certificate, key, with *ecdsa.PrivateKey) ([]byte, *x509.Certificate) {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	of.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, of, by, &key.PublicKey, with)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), cert
}

// encryption is what a server needs that takes nobody over the network without
// TLS: its own keys, and whom it believes of those who show a certificate.
type encryption struct {
	own     Keys
	clients []byte // PEM
}

// Certified is the role of PostgreSQL whose members, on a server with TLS, must
// show a certificate. On MariaDB an account is altered to REQUIRE X509.
const Certified = "certified"

// PostgresWithTLS starts a server for one test that takes nobody over the
// network without TLS. Of those who show a certificate it believes what clients
// has signed. Its URL has sslmode=require.
func PostgresWithTLS(t testing.TB, own Keys, clients *Authority) *Server {
	t.Helper()
	s := ownServer(t, "PostgreSQL", func() (*Server, error) {
		bin, err := postgresBinaries()
		if err != nil {
			return nil, err
		}
		return startPostgresAt(bin, site{address: here.address, encrypted: &encryption{own, clients.PEM}}, nil)
	})
	s.Exec(t, "CREATE ROLE "+Certified)
	return s
}

// MariaDBWithTLS is the same for MariaDB. Its URL says nothing of TLS, and so
// does not work without more.
func MariaDBWithTLS(t testing.TB, own Keys, clients *Authority) *Server {
	t.Helper()
	return ownServer(t, "MariaDB", func() (*Server, error) {
		return startMariaDBAt(site{address: here.address, encrypted: &encryption{own, clients.PEM}})
	})
}

func ownServer(t testing.TB, title string, start func() (*Server, error)) *Server {
	t.Helper()
	s := (&shared{title: title, start: start}).get(t)
	t.Cleanup(s.Stop)
	return s
}

// files writes what the server reads into its folder.
func (e *encryption) files(dir string) (cert, key, clients string, err error) {
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		return path
	}
	cert, key, clients = write("server.pem", e.own.Cert), write("server.key", e.own.Key), write("clients.pem", e.clients)
	return cert, key, clients, err
}

// postgres are its settings, and its rules of access.
func (e *encryption) postgres(dir string) (settings []string, access string, err error) {
	if e == nil {
		return nil, "host all,replication all all scram-sha-256\n", nil
	}
	cert, key, clients, err := e.files(dir)
	settings = []string{"ssl=on", "ssl_cert_file=" + cert, "ssl_key_file=" + key, "ssl_ca_file=" + clients}
	return settings, fmt.Sprintf("hostssl all +%s all scram-sha-256 clientcert=verify-ca\nhostssl all all all scram-sha-256\n", Certified), err
}

// mariadb are its options.
func (e *encryption) mariadb(dir string) ([]string, error) {
	if e == nil {
		return nil, nil
	}
	cert, key, clients, err := e.files(dir)
	return []string{"--ssl-cert=" + cert, "--ssl-key=" + key, "--ssl-ca=" + clients, "--require-secure-transport=ON"}, err
}
