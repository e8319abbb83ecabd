package plan

import "github.com/dbwarden-go/dbwarden/engine"

// Pooled finds the first statement, from 0, of those behind the first done
// ones that cannot run where a pooler hands each transaction to another
// connection, and says why; "" for none.
//
// What runs inside a transaction is as safe there as anywhere: it commits
// under the fence or not at all. What runs outside of one is kept from running
// beside somebody else by the session's own lock, and there is no session.
func Pooled(groups []Group, traits []engine.Traits, done int) (at int, why string) {
	parts := 0
	for _, g := range groups {
		switch {
		case g.Mode == OwnCommands:
			continue
		case g.Mode == InTransaction:
			parts++
		case g.To > done:
			return max(g.From, done), "it runs outside a transaction, and through a pooler that hands each transaction to another connection nothing guards it there"
		}
		for i := g.From; i < g.To; i++ {
			if i >= done && traits[i].Residue == engine.Stuck {
				return i, "what it makes belongs to its connection, which the pooler gives to others"
			}
		}
	}
	if parts < 2 && done == 0 {
		return 0, ""
	}
	for i, t := range traits {
		if t.Residue == engine.Swept {
			return i, "it is for the whole session, and the pooler gives each of this file's transactions another connection"
		}
	}
	return 0, ""
}
