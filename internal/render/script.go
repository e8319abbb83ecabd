package render

import (
	"io"
	"strings"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Script writes statements as a file that dbwarden and the product's own
// client read alike. Where the client would cut one at a semicolon inside, a
// DELIMITER keeps it from that.
func Script(w io.Writer, s Style, statements []string, l sqltext.Lexis) error {
	for _, text := range statements {
		begin, end := "", ";\n\n"
		if l.Delimiter && strings.Contains(text, ";") {
			begin, end = "DELIMITER $$\n", "$$\nDELIMITER ;\n\n"
		}
		if _, err := io.WriteString(w, begin+s.SQL(text)+end); err != nil {
			return err
		}
	}
	return nil
}
