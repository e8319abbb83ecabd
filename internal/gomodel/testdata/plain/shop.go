// Package plain has structures with db tags alone.
package plain

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

type Base struct {
	ID        int64     `db:"id"`
	CreatedAt time.Time `db:"created_at,default:CURRENT_TIMESTAMP"`
}

type Account struct {
	Base
	Email    string          `db:"email,size:120,unique"`
	Name     *string         `db:"name,size:80,index"`
	Nick     sql.NullString  `db:"nick"`
	Balance  decimal.Decimal `db:"balance,type:numeric(10,2),check:balance >= 0"`
	Active   bool            `db:"active"`
	Level    int16           `db:"level"`
	Meta     json.RawMessage `db:"meta"`
	Token    uuid.UUID       `db:"token"`
	Photo    []byte          `db:"photo,notnull"`
	ParentID *int64          `db:"parent_id,references:accounts(id),on_delete:set null"`
	Secret   string          `db:"-"`
	Untagged string
}

type Membership struct {
	AccountID int64  `db:"account_id,pk,references:accounts"`
	Team      string `db:"team,pk,size:40"`
	Role      string `db:"role,size:20,index:by_role"`
	Since     string `db:"since,size:10,index:by_role"`
}

func (Membership) TableName() string { return "team_members" }
