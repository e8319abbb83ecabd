package config

import (
	"encoding/json"
	"fmt"
)

// Secret is a text that must not be shown, a database URL most of the time.
// However it is printed, formatted, logged or encoded, the password in it is
// ***; Reveal alone gives it away. The zero Secret is an empty one.
type Secret struct {
	// A pointer, because fmt calls no methods on unexported fields: a Secret
	// deep inside a printed struct shows an address and not its text.
	text *string
}

// NewSecret wraps a text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal is the text itself. What it returns must not reach an error, a log or
// a terminal.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is nothing to keep secret.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal compares the texts.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String is the text with *** for its password and for query parameters whose
// names sound secret. Of a text that is neither a URL nor a list of key=value
// pairs nothing is shown.
func (s Secret) String() string {
	text := s.Reveal()
	return replaceSpans(text, secretSpans(text))
}

// GoString is the masked form, for %#v.
func (s Secret) GoString() string { return fmt.Sprintf("config.Secret(%q)", s.String()) }

// Format writes the masked form for every verb.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		fmt.Fprint(f, s.GoString())
		return
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), s.String())
}

// MarshalText gives the masked form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON gives the masked form.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
