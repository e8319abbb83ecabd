package postgres_test

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
)

func TestLabelNamesTheDatabaseWithoutSecrets(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://app:s3cret@db:5432/shop":                          "postgres://app@db:5432/shop",
		"postgresql://app:s3cret@db/shop":                             "postgres://app@db:5432/shop",
		"postgresql+psycopg://app:s3cret@db/shop":                     "postgres://app@db:5432/shop",
		"postgres+asyncpg://app@db/shop?password=s3cret":              "postgres://app@db:5432/shop",
		"postgres://app:s3c%40ret%2F%3A%3F%25@db/shop?sslmode=prefer": "postgres://app@db:5432/shop",
		"postgres://app@/shop?host=/run/pg":                           "postgres://app@/shop?host=/run/pg",
		"postgres://app@/shop?host=/run/pg&port=5433":                 "postgres://app@:5433/shop?host=/run/pg",
		"postgres://app@%2Frun%2Fpg/shop":                             "postgres://app@/shop?host=/run/pg",
		"postgres://app:s3cret@a:1,b:2/shop":                          "postgres://app@a:1,b:2/shop",
		"postgres://app@[::1]:5433/my%20shop":                         "postgres://app@[::1]:5433/my%20shop",
		"postgres://app@db":                                           "postgres://app@db:5432/app",
		"POSTGRES://app@db/shop":                                      "postgres://app@db:5432/shop",
		"postgres://app@db/shop?pool_max_conns=4&TimeZone=UTC":        "postgres://app@db:5432/shop",
	} {
		d, err := postgres.Engine().Open(url, engine.OpenOptions{})
		if err != nil {
			t.Errorf("%s: %v", url, err)
		} else if d.Label() != want {
			t.Errorf("%s: %s, want %s", url, d.Label(), want)
		}
	}
}

func TestUnknownParametersAreRefusedWithTheNearestKnown(t *testing.T) {
	for param, want := range map[string]string{
		"sslmod=require":           `unknown parameter "sslmod", did you mean "sslmode"?`,
		"aplication_name=x":        `unknown parameter "aplication_name", did you mean "application_name"?`,
		"statment_timeout=5s":      `unknown parameter "statment_timeout", did you mean "statement_timeout"?`,
		"connection_limit=5":       `unknown parameter "connection_limit"`,
		"sslcrl=/x":                `unknown parameter "sslcrl"`,
		"standard_conforming=off":  `unknown parameter "standard_conforming"`,
		"gssencmode=require":       "gssencmode=require is not supported",
		"client_encoding=LATIN1":   "client_encoding can only be UTF8",
		"sslmode":                  "not of the form name=value",
		"connect_timeout=soon":     "connect_timeout",
		"target_session_attrs=any": "",
		"options=-c%20a.b%3D1":     "",
		"myapp.tenant=7":           "",
		"client_encoding=utf-8":    "",
		"gssencmode=disable":       "",
	} {
		_, err := postgres.Engine().Open("postgres://app@db/shop?"+param, engine.OpenOptions{})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", param, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", param, err, want)
		}
	}
}

func TestErrorsOfOpenNeverHoldThePassword(t *testing.T) {
	for _, url := range []string{
		"postgres://app:s3cret@db:port/shop",
		"postgres://app:s3cret@db:1:2/shop",
		"postgres://app:s3cret%zz@db/shop",
		"postgres://app:x/s3cret@db/shop",
		"postgres://app:1/s3cret@db/shop",
		"postgres://app:x?s3cret/@db/shop",
		"postgres://app:x@s3cret@db/shop",
		"postgres://app:x@s3cret/@db/shop",
		"postgres://app:x#s3cret/@db/shop",
		"postgres://app?password=s3cret@db/shop",
		"postgres://app@db/shop?password=s3cret&sslmode=nonsense",
		"postgres://app@db/shop?password=a&s3cret",
		"postgres://app@db/shop?password=a=s3cret",
		"postgres://app@db/shop?password=s3cret%zz",
		"postgres://app@db/shop?passwort=s3cret",
		"postgres://app:s3cret@db/shop?connect_timeout=-1",
		"postgres://app:s3cret@[db/shop",
		"postgres:app:s3cret@db/shop",
		"mysql://app:s3cret@db/shop",
		"postgres+x y://app:s3cret@db:z/shop",
		"postgres://app:s3cret@db/shop?client_encoding=x",
		"postgres://app:s3cret@db/shop?sslrootcert=/no/such/file",
	} {
		d, err := postgres.Engine().Open(url, engine.OpenOptions{})
		if err == nil {
			t.Errorf("%s: accepted as %s", url, d.Label())
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
