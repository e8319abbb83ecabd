// Package bunpostgres has what bun has a type of PostgreSQL's own for.
package bunpostgres

import (
	"encoding/json"
	"net"

	"github.com/uptrace/bun"
)

// Setting has a field of each.
type Setting struct {
	bun.BaseModel
	ID     int64 `bun:",pk,identity"`
	Tags   []string
	Labels []string `bun:",array"`
	Data   map[string]any
	Raw    json.RawMessage
	IP     net.IP
	Pair   Address
}

// Address is stored as a document.
type Address struct{ Street string }
