package dbwarden

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// hidden is an error whose text had a secret value in it.
type hidden struct {
	text string
	err  error
}

func (h *hidden) Error() string { return h.text }
func (h *hidden) Unwrap() error { return h.err }

// hide takes the values of secret variables out of what a server says about a
// statement, before it is told or written down.
func (c *Config) hide(fault *engine.Fault, err error) error {
	secrets := c.secrets()
	if len(secrets) == 0 {
		return err
	}
	for _, text := range []*string{&fault.Message, &fault.Detail, &fault.Hint, &fault.Context, &fault.Near, &fault.Inner} {
		*text = without(*text, secrets)
	}
	fault.Names = [2]string{} // pieces of values, which were for finding the place
	if text := without(err.Error(), secrets); text != err.Error() {
		return &hidden{text, err}
	}
	return err
}

// secrets are the secret values as they are and as they are spelled in a
// statement, the longest first.
func (c *Config) secrets() (all []string) {
	for _, v := range c.Vars {
		if !v.Secret || len(v.Text) < 3 {
			continue // what is as short as that is anywhere, and tells nothing
		}
		literal := c.Engine.Dialect.Literal(v.Text)
		name := c.Engine.Dialect.Quote(v.Text)
		all = append(all, v.Text, literal[strings.IndexByte(literal, '\'')+1:len(literal)-1], name[1:len(name)-1])
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(all)
}

// without replaces secrets, also the beginning of one behind which a server has
// cut the statement that it quotes.
func without(text string, secrets []string) string {
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, "***")
	}
	for _, s := range secrets {
		for n := len(s) - 1; n > 2; n-- {
			for _, quote := range []string{"'", `"`} {
				text = strings.ReplaceAll(text, s[:n]+quote, "***"+quote)
			}
		}
	}
	return text
}
