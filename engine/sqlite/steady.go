package sqlite

// schemaTries bounds how often a statement is prepared. Each try of ours is
// two of SQLite's, and a first run changes the schema about ten times.
const schemaTries = 20

// steady does again what could not be prepared because others changed the
// schema meanwhile: SQLite tries twice, then answers SQLITE_SCHEMA beside the
// words of whatever it found wrong with the schema that is no more ("no such
// table"). Nothing has run then.
func steady(do func() error) error {
	var err error
	for range schemaTries {
		err = do()
		if code, ok := resultCode(err); !ok || code&0xff != codeSchema {
			break
		}
	}
	return err
}
