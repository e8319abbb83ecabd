package pgcheck

import (
	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/ddl"
)

// The modes of a table's lock that stand in somebody's way, as pg_locks and
// LOCK TABLE name them.
const (
	accessExclusive      = "ACCESS EXCLUSIVE"
	shareRowExclusive    = "SHARE ROW EXCLUSIVE"
	share                = "SHARE"
	shareUpdateExclusive = "SHARE UPDATE EXCLUSIVE"
)

var strength = []string{"", shareUpdateExclusive, share, shareRowExclusive, accessExclusive}

func stronger(a, b string) string {
	for i := len(strength) - 1; i >= 0; i-- {
		if strength[i] == a || strength[i] == b {
			return strength[i]
		}
	}
	return a
}

// blocks says that a lock keeps readers or writers away.
func blocks(mode string) bool {
	return mode == accessExclusive || mode == shareRowExclusive || mode == share || mode == "EXCLUSIVE"
}

// Locked is one table that a statement locks to the end of its transaction.
type Locked struct {
	Table ddl.Name
	Mode  string
}

// Locks are the tables that a statement locks and names, each with the mode.
// What it locks without naming it is not there.
func Locks(s *ddl.Statement) []Locked {
	var out []Locked
	switch s.Verb {
	case ddl.Truncate:
		for _, n := range s.Names {
			out = append(out, Locked{n, accessExclusive})
		}
	case ddl.Drop:
		if s.Object == "TABLE" {
			for _, n := range s.Names {
				out = append(out, Locked{n, accessExclusive})
			}
		}
	case ddl.Create:
		switch s.Object {
		case "INDEX":
			mode := share
			if s.Concurrently {
				mode = shareUpdateExclusive
			}
			out = append(out, Locked{s.On, mode})
		case "TRIGGER":
			out = append(out, Locked{s.On, shareRowExclusive})
		case "TABLE":
			for i := range s.Columns {
				if r := s.Columns[i].References; r != nil {
					out = append(out, Locked{r.Table, shareRowExclusive})
				}
			}
			for i := range s.Constraints {
				if r := s.Constraints[i].References; r != nil {
					out = append(out, Locked{r.Table, shareRowExclusive})
				}
			}
		}
	case ddl.Lock:
		mode := s.Mode
		if mode == "" {
			mode = accessExclusive
		}
		for _, n := range s.Names {
			out = append(out, Locked{n, mode})
		}
	case ddl.Refresh:
		mode := accessExclusive
		if s.Concurrently {
			mode = "EXCLUSIVE"
		}
		out = append(out, Locked{s.Names[0], mode})
	case ddl.Alter:
		if s.Object != "TABLE" {
			break
		}
		mode := ""
		for i := range s.Actions {
			a := &s.Actions[i]
			mode = stronger(mode, actionLock(a))
			var r *ddl.Reference
			if a.Constraint != nil {
				r = a.Constraint.References
			} else if a.Column != nil {
				r = a.Column.References
			}
			if r != nil {
				out = append(out, Locked{r.Table, shareRowExclusive})
			}
			if a.Kind == ddl.AttachPartition {
				out = append(out, Locked{a.Name, accessExclusive})
			}
		}
		if mode != "" {
			out = append([]Locked{{s.Names[0], mode}}, out...)
		}
	}
	return out
}

// actionLock is the mode that an action of ALTER TABLE needs, "" where it is
// not known.
func actionLock(a *ddl.Action) string {
	switch a.Kind {
	case ddl.OtherAction, ddl.RenameOther:
		return ""
	case ddl.AddConstraint:
		if a.Constraint.Kind == ddl.ForeignKey {
			return shareRowExclusive
		}
	case ddl.ValidateConstraint, ddl.AttachPartition:
		return shareUpdateExclusive
	case ddl.DisableTrigger:
		return shareRowExclusive
	case ddl.DetachPartition:
		if a.Concurrently {
			return shareUpdateExclusive
		}
	}
	return accessExclusive
}

// effect is what the common rules are told.
func effect(c *check.Context) check.Effect {
	if l := Locks(c.Stmt); len(l) > 0 {
		return check.Effect{Lock: l[0].Mode}
	}
	return check.Effect{}
}

// gently is a statement as it may stand in a migration of its own.
func gently(s *ddl.Statement, text string) string {
	if s.Verb == ddl.Create && s.Object == "INDEX" && !s.Concurrently {
		return concurrently(text)
	}
	return text
}

// transaction judges a statement by what its transaction holds already.
func transaction(c *check.Context, slow bool, what string) {
	if c.Held == nil {
		return
	}
	s := c.Stmt
	if slow {
		for _, h := range c.Held.Tables {
			c.Report("slow-under-lock", 0, check.Finding{
				Message: what + ", while statement " + itoa(h.Number) + " of the same transaction keeps " + h.Table.Text + " locked (" + h.Mode + ")",
				Safer:   "-- in a migration of its own, after this one:\n" + gently(s, c.SQL.Text) + ";",
			}.About(h.Table))
			break
		}
	}
	for _, l := range Locks(s) {
		if !blocks(l.Mode) || c.Fresh(l.Table) {
			continue
		}
		again := false
		for i := range c.Held.Tables {
			h := &c.Held.Tables[i]
			if h.Table.Name == l.Table.Name {
				again = true
			}
		}
		if again {
			continue
		}
		if n := len(c.Held.Tables); n > 0 && c.Held.Tables[n-1].Number != c.Number {
			c.Report("several-tables-locked", 0, check.Finding{Message: l.Table.Text + " is locked here, and " + c.Held.Tables[n-1].Table.Text +
				" has been since statement " + itoa(c.Held.Tables[n-1].Number)})
		}
		c.Held.Tables = append(c.Held.Tables, check.HeldTable{Table: l.Table, Mode: l.Mode, Number: c.Number})
	}
}
