package postgres

import (
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// KeepEvery sets the time between two signs of life of a pooled lock.
func KeepEvery(d engine.Database, every time.Duration) { d.(*database).keepEvery = every }

// Inert is what need not be put back behind; see inert.go.
var Inert = inert
