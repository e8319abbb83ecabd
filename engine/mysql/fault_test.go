package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestFaultsOfTheServer(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	mariadbOnly(t, s)
	exec(t, s, "CREATE TABLE t (id INT PRIMARY KEY, `odd name` INT NOT NULL)", "INSERT INTO t VALUES (1, 1)")
	for query, want := range map[string]engine.Fault{
		"SELECT * FROM absent":                                     {Kind: engine.Missing, Code: "1146", Table: s.Server().Database + ".absent"},
		"SELECT absent FROM t":                                     {Kind: engine.Missing, Code: "1054"},
		"DROP TABLE absent":                                        {Kind: engine.Missing, Code: "1051"},
		"DROP VIEW absent":                                         {Kind: engine.Missing, Code: "4092"},
		"ALTER TABLE t DROP COLUMN absent":                         {Kind: engine.Missing, Code: "1091"},
		"CALL absent()":                                            {Kind: engine.Missing, Code: "1305"},
		"INSERT INTO t VALUES (1, 2)":                              {Kind: engine.Duplicate, Code: "1062"},
		"CREATE TABLE t (id INT)":                                  {Kind: engine.Duplicate, Code: "1050"},
		"ALTER TABLE t ADD id INT":                                 {Kind: engine.Duplicate, Code: "1060"},
		"INSERT INTO t VALUES (2, NULL)":                           {Kind: engine.NotNull, Code: "1048", Column: "odd name"},
		"INSERT INTO t VALUES (2, (SELECT 1 FROM t WHERE id = 9))": {Kind: engine.NotNull, Code: "1048", Column: "odd name"},
		"USE absent":                                               {Kind: engine.NoSuchDatabase, Code: "1049"},
		"SELECT FORM t":                                            {Kind: engine.Missing, Code: "1054"},
		"SELECT 1 FORM t":                                          {Kind: engine.Syntax, Code: "1064", Near: "t", Position: 15},
		"SELECT 'é' x,\n  , 2":                                     {Kind: engine.Syntax, Code: "1064", Near: " 2", Position: 19},
		"SELECT (1":                                                {Kind: engine.Syntax, Code: "1064", Near: "", Position: 10},
		"SELEC 'it''s " + fmt.Sprintf("%0200d", 0) + "'":           {Kind: engine.Syntax, Code: "1064", Near: "SELEC 'it''s " + fmt.Sprintf("%064d", 0) + "...", Position: 1},
		"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'x'":           {Kind: engine.Unknown, Code: "1644"},
	} {
		_, err := s.Execute(t.Context(), statement(query))
		if err == nil {
			t.Errorf("%s: no error", query)
			continue
		}
		got := fault(fmt.Errorf("wrapped: %w", err))
		if got.Message == "" {
			t.Errorf("%s: no message", query)
		}
		got.Message, got.Names = "", [2]string{} // the names are in golden files of the command line
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v\n%v", query, got, want, err)
		}
	}
}

func TestFaultsOfTheDriverAndOurs(t *testing.T) {
	t.Parallel()
	number := func(n uint16, message string) error { return &driver.MySQLError{Number: n, Message: message} }
	for _, c := range []struct {
		err  error
		want engine.FaultKind
	}{
		{nil, engine.Unknown},
		{errors.New("foreign"), engine.Unknown},
		{sqldriver.ErrBadConn, engine.Lost},
		{driver.ErrInvalidConn, engine.Lost},
		{sql.ErrConnDone, engine.Lost},
		{io.EOF, engine.Lost},
		{context.Canceled, engine.Canceled},
		{context.DeadlineExceeded, engine.Canceled},
		{&canceledError{cause: context.Canceled, server: number(1317, "")}, engine.Canceled},
		{&lostError{&canceledError{cause: context.Canceled}}, engine.Lost},
		{&lostError{number(1927, "")}, engine.Lost},
		{&connectError{err: number(1045, "")}, engine.Login},
		{&connectError{err: number(1044, "")}, engine.Denied},
		{&connectError{err: number(1049, "")}, engine.NoSuchDatabase},
		{&connectError{err: number(1040, "")}, engine.Crowded},
		{&connectError{err: driver.ErrInvalidConn}, engine.Unreachable},
		{&connectError{err: driver.ErrUnknownPlugin}, engine.Login},
		{&connectError{err: context.DeadlineExceeded}, engine.Unreachable},
		{number(1927, ""), engine.Lost}, {number(4031, "The client was disconnected by the server because of inactivity."), engine.Lost},
		{number(4031, "Referenced trigger 't' for the given action time and event type does not exist"), engine.Missing},
		{number(4091, "Unknown SEQUENCE: 'q'"), engine.Missing}, {number(4091, "something of MySQL's"), engine.Unknown}, {number(1114, ""), engine.Full}, {number(3169, ""), engine.Lost},
		{number(1205, ""), engine.Busy}, {number(1213, ""), engine.Busy}, {number(3572, ""), engine.Busy},
		{number(1969, ""), engine.Canceled}, {number(3024, ""), engine.Canceled},
		{number(1142, ""), engine.Denied}, {number(1227, ""), engine.Denied}, {number(1095, ""), engine.Denied},
		{number(1290, "The MySQL server is running with the --super-read-only option so it cannot"), engine.ReadOnly},
		{number(1290, "The MariaDB server is running with the --secure-file-priv option"), engine.Unknown},
		{number(1030, "Got error 28 \"No space left on device\" from storage engine InnoDB"), engine.Full}, {number(1030, "Got error 5 from storage engine"), engine.Unknown},
		{number(1792, ""), engine.ReadOnly}, {number(1836, ""), engine.ReadOnly},
	} {
		if got := fault(c.err); got.Kind != c.want {
			t.Errorf("%v: %+v, want kind %d", c.err, got, c.want)
		}
	}
	if got := fault(errors.New("foreign")); got != (engine.Fault{}) {
		t.Errorf("a foreign error: %+v", got)
	}
}

func TestMessagesOfOtherLanguagesAreRead(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	exec(t, s, "CREATE TABLE t (id INT NOT NULL)")
	for _, language := range []string{"de_DE", "fr_FR", "ja_JP", "it_IT", "ru_RU", "es_ES"} {
		if _, err := s.Exec(t.Context(), "SET lc_messages = '"+language+"'"); err != nil {
			t.Skip(err)
		}
		_, err := s.Execute(t.Context(), statement("INSERT INTO t VALUES (NULL)"))
		if f := fault(err); f.Kind != engine.NotNull || f.Column != "id" {
			t.Errorf("%s: %+v", language, f)
		}
		_, err = s.Execute(t.Context(), statement("SELECT 1\n FORM t"))
		if f := fault(err); f.Kind != engine.Syntax || f.Near != "t" || f.Position != 16 {
			t.Errorf("%s: %+v", language, f)
		}
	}
}
