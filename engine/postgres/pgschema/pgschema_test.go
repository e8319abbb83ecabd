package pgschema_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/schema"
)

// counting counts what is asked of a session.
type counting struct {
	engine.Session
	asked int
}

func (c *counting) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	c.asked++
	return c.Session.Exec(ctx, query, args...)
}

func (c *counting) Query(ctx context.Context, each func(func(...any) error) error, query string, args ...any) error {
	c.asked++
	return c.Session.Query(ctx, each, query, args...)
}

func connect(t *testing.T, url string) *counting {
	t.Helper()
	d, err := postgres.Engine().Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &counting{Session: s}
}

func inspect(t tester, s engine.Session, o schema.Options) *schema.State {
	t.Helper()
	state, err := pgschema.Inspect(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func tables(s *schema.State) string {
	var names []string
	for _, t := range s.Tables {
		names = append(names, t.Schema+"."+t.Name)
	}
	return strings.Join(names, " ")
}

func pointer(s string) *string { return &s }

const shop = `
	CREATE SCHEMA other;
	CREATE TYPE mood AS ENUM ('ok', 'bad');
	CREATE TYPE other.size AS ENUM ('s', 'l');
	CREATE TABLE other.place (id int, code text, PRIMARY KEY (code, id));
	CREATE TABLE customer (
		id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
		email varchar(200) NOT NULL,
		"Full Name" text COLLATE "C",
		feels mood DEFAULT 'ok',
		fits other.size[] NOT NULL DEFAULT '{}',
		gone int,
		price numeric(10,2) CONSTRAINT price_positive CHECK (price > 0),
		doubled numeric GENERATED ALWAYS AS (price * 2) STORED,
		seen timestamptz(3) DEFAULT now(),
		n serial,
		CONSTRAINT customer_email_key UNIQUE (email) DEFERRABLE INITIALLY DEFERRED
	);
	ALTER TABLE customer DROP gone;
	ALTER TABLE customer ADD CONSTRAINT later CHECK (email <> '') NOT VALID;
	COMMENT ON TABLE customer IS 'who buys';
	COMMENT ON COLUMN customer.email IS 'it''s unique';
	CREATE INDEX customer_many ON customer (price DESC, seen NULLS FIRST, n DESC NULLS LAST, lower(email), "Full Name" COLLATE "POSIX" text_pattern_ops)
		INCLUDE (feels, "Full Name") WHERE price IS NOT NULL;
	CREATE INDEX customer_fits ON customer USING gin (fits);
	CREATE TABLE booking (
		customer bigint REFERENCES customer ON DELETE CASCADE,
		place_code text, place_id int,
		during int4range,
		CONSTRAINT at_place FOREIGN KEY (place_id, place_code) REFERENCES other.place (id, code) MATCH FULL
			ON UPDATE SET NULL ON DELETE RESTRICT DEFERRABLE,
		CONSTRAINT once EXCLUDE USING gist (during WITH &&)
	);
	CREATE TABLE part (at int NOT NULL, v text) PARTITION BY RANGE (at);
	CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
	CREATE TABLE nothing ();
	CREATE VIEW v AS SELECT 1;`

func TestInspectSpellsTablesAsTheServerDoes(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t).NewDatabase(t)
	dbtest.Dial(t, url).Exec(t, shop)
	s := connect(t, url)
	state := inspect(t, s, schema.Options{Own: []string{"nothing"}})

	if state.Engine != "postgres" || state.Version != s.Server().Version || state.Database != dbtest.DatabaseName(url) {
		t.Errorf("state %+v", state)
	}
	if got := tables(state); got != "public.booking public.customer public.nothing public.part public.part_1" {
		t.Fatalf("tables %s", got)
	}
	if s.asked > 20 {
		t.Errorf("%d questions", s.asked)
	}

	want := schema.Table{
		Schema: "public", Name: "customer", Comment: "who buys",
		Columns: []schema.Column{
			{Name: "id", Type: "bigint", Identity: "always"},
			{Name: "email", Type: "character varying(200)", Comment: "it's unique"},
			{Name: "Full Name", Type: "text", Nullable: true, Collation: `"C"`},
			{Name: "feels", Type: "mood", Nullable: true, Default: pointer("'ok'::mood")},
			{Name: "fits", Type: "other.size[]", Default: pointer("'{}'::other.size[]")},
			{Name: "price", Type: "numeric(10,2)", Nullable: true},
			{Name: "doubled", Type: "numeric", Nullable: true, Generated: "(price * (2)::numeric)", Stored: true},
			{Name: "seen", Type: "timestamp(3) with time zone", Nullable: true, Default: pointer("now()")},
			{Name: "n", Type: "integer", Default: pointer("nextval('customer_n_seq'::regclass)")},
		},
		PrimaryKey: &schema.Key{Name: "customer_pkey", Columns: []string{"id"}, Definition: "PRIMARY KEY (id)"},
		Indexes: []schema.Index{
			{
				Name: "customer_email_key", Unique: true, Constraint: "unique", Parts: []string{"email"}, Deferrable: "initially deferred",
				Definition: "UNIQUE (email) DEFERRABLE INITIALLY DEFERRED",
			},
			{
				Name: "customer_fits", Method: "gin", Parts: []string{"fits"},
				Definition: "CREATE INDEX customer_fits ON customer USING gin (fits)",
			},
			{
				Name: "customer_many",
				Parts: []string{"price DESC", "seen NULLS FIRST", "n DESC NULLS LAST", "lower((email)::text)",
					`"Full Name" COLLATE "POSIX" text_pattern_ops`},
				Include: []string{"feels", `"Full Name"`},
				Where:   "(price IS NOT NULL)",
				Definition: `CREATE INDEX customer_many ON customer USING btree (price DESC, seen NULLS FIRST, n DESC NULLS LAST, ` +
					`lower(email::text), "Full Name" COLLATE "POSIX" text_pattern_ops) INCLUDE (feels, "Full Name") WHERE price IS NOT NULL`,
			},
		},
		ForeignKeys: []schema.ForeignKey{},
		Checks: []schema.Check{
			{Name: "later", Expression: "((email)::text <> ''::text)", NotValid: true, Definition: "CHECK (((email)::text <> ''::text)) NOT VALID"},
			{Name: "price_positive", Expression: "(price > (0)::numeric)", Definition: "CHECK ((price > (0)::numeric))"},
		},
	}
	if diff := cmp.Diff(want, state.Tables[1]); diff != "" {
		t.Errorf("customer:\n%s", diff)
	}

	booking := state.Tables[0]
	keys := []schema.ForeignKey{
		{
			Name: "at_place", Columns: []string{"place_id", "place_code"},
			RefSchema: "other", RefTable: "place", RefColumns: []string{"id", "code"}, OnDelete: "RESTRICT", OnUpdate: "SET NULL", Match: "full", Deferrable: "deferrable",
			Definition: "FOREIGN KEY (place_id, place_code) REFERENCES other.place(id, code) MATCH FULL ON UPDATE SET NULL ON DELETE RESTRICT DEFERRABLE",
		},
		{
			Name: "booking_customer_fkey", Columns: []string{"customer"}, RefTable: "customer", RefColumns: []string{"id"}, OnDelete: "CASCADE",
			Definition: "FOREIGN KEY (customer) REFERENCES customer(id) ON DELETE CASCADE",
		},
	}
	if diff := cmp.Diff(keys, booking.ForeignKeys); diff != "" {
		t.Errorf("booking:\n%s", diff)
	}
	if x := booking.Indexes[0]; x.Method != "gist" || x.Definition != "EXCLUDE USING gist (during WITH &&)" {
		t.Errorf("exclusion: %+v", x)
	}
	if nothing := state.Tables[2]; !nothing.Own || len(nothing.Columns) != 0 || nothing.Columns == nil {
		t.Errorf("a table without columns: %+v", nothing)
	}

	other := inspect(t, s, schema.Options{Schemas: []string{"other"}})
	if diff := cmp.Diff(&schema.Key{Name: "place_pkey", Columns: []string{"code", "id"}, Definition: "PRIMARY KEY (code, id)"}, other.Tables[0].PrimaryKey); diff != "" {
		t.Errorf("the order of a key:\n%s", diff)
	}
}

func TestInspectNarrowsToSchemasAndTables(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t).NewDatabase(t)
	dbtest.Dial(t, url).Exec(t, shop, `CREATE SCHEMA "it's"; CREATE TABLE "it's"."T" (x int)`)
	s := connect(t, url)
	for _, c := range []struct {
		o    schema.Options
		want string
	}{
		{schema.Options{Schemas: []string{"other", "it's"}}, "it's.T other.place"},
		{schema.Options{Tables: []string{"part", "customer", "v", "nowhere"}}, "public.customer public.part"},
		{schema.Options{Schemas: []string{"nowhere"}}, ""},
	} {
		if got := tables(inspect(t, s, c.o)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.o, got, c.want)
		}
	}
	// With several schemas no name is at home, so each bears its own.
	both := inspect(t, s, schema.Options{Schemas: []string{"other", "public"}, Tables: []string{"customer"}})
	if got := both.Tables[0].Columns[3].Type; got != "public.mood" {
		t.Errorf("type %s", got)
	}
}

func TestInspectIsTheSameWhateverThePathOfTheSession(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t).NewDatabase(t)
	dbtest.Dial(t, url).Exec(t, shop)
	o := schema.Options{Schemas: []string{"public"}}
	want := inspect(t, connect(t, url), o)
	for _, path := range []string{"other", "other,public", "pg_catalog"} {
		s := connect(t, url+"&search_path="+path)
		if diff := cmp.Diff(want, inspect(t, s, o)); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
		var after string
		err := s.Query(t.Context(), func(scan func(...any) error) error { return scan(&after) }, "SHOW search_path")
		if err != nil || after != path {
			t.Errorf("the path was %s and is %s, %v", path, after, err)
		}
	}
}

func TestInspectLeavesOutTheServersOwnForeignKeys(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t).NewDatabase(t)
	dbtest.Dial(t, url).Exec(t, `CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id);
		CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
		CREATE TABLE c (p int REFERENCES p)`)
	c := inspect(t, connect(t, url), schema.Options{Tables: []string{"c"}}).Tables[0]
	if len(c.ForeignKeys) != 1 || c.ForeignKeys[0].RefTable != "p" {
		t.Errorf("foreign keys %+v", c.ForeignKeys)
	}
}

func TestInspectAsksAsMuchOfManyTables(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t).NewDatabase(t)
	dbtest.Dial(t, url).Exec(t, `DO $$ BEGIN FOR i IN 1..300 LOOP
		EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, up int REFERENCES t%s, v text UNIQUE CHECK (v <> ''''))', i, greatest(i - 1, 1));
		IF i % 100 = 0 THEN COMMIT; END IF;
	END LOOP; END $$`)
	s := connect(t, url)
	state := inspect(t, s, schema.Options{})
	if len(state.Tables) != 300 || s.asked > 20 {
		t.Errorf("%d tables, %d questions", len(state.Tables), s.asked)
	}
	for _, table := range state.Tables {
		if len(table.Columns) != 3 || len(table.ForeignKeys) != 1 || len(table.Indexes) != 1 || len(table.Checks) != 1 {
			t.Fatalf("%+v", table)
		}
	}
}
