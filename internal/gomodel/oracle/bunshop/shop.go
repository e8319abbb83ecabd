// Package bunshop has a structure of every kind that bun makes a table of.
package bunshop

import (
	"database/sql"
	"time"

	"github.com/uptrace/bun"
)

// User has most of what a model has.
type User struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID        int64  `bun:"id,pk,autoincrement"`
	Name      string `bun:",notnull,type:varchar(80)"`
	Email     string `bun:"type:varchar(120),unique"`
	First     string `bun:"type:varchar(40),unique:full_name"`
	Last      string `bun:"type:varchar(40),unique:full_name"`
	Small     int8
	Medium    int32
	Count     uint32
	Big       uint64
	Weight    float32
	Height    float64 `bun:"type:numeric(10,2),default:1.5"`
	Active    bool    `bun:",notnull,default:true"`
	Photo     []byte
	Nick      *string
	Maybe     sql.NullString
	MaybeTime bun.NullTime
	CreatedAt time.Time `bun:",nullzero,notnull,default:current_timestamp"`
	DeletedAt time.Time `bun:",soft_delete,nullzero"`
	HTTPPort  int
	UserURL   string
	Computed  int    `bun:",scanonly"`
	Ignored   string `bun:"-"`
	hidden    int

	CompanyID int64
	Company   *Company `bun:"rel:belongs-to,join:company_id=id,on_delete:cascade"`
	ManagerID *int64
	Manager   *User   `bun:"rel:belongs-to,join:manager_id=id"`
	Orders    []Order `bun:"rel:has-many,join:id=user_id"`
	Groups    []Group `bun:"m2m:user_groups,join:User=Group"`
	Home      Address `bun:"embed:home_"`
	Audit
}

// Address is embedded.
type Address struct {
	Street string
	ZIP    string `bun:"zip,type:varchar(10)"`
}

// Audit is embedded without a name.
type Audit struct {
	CreatedBy string
}

// Company has the table's usual name.
type Company struct {
	bun.BaseModel
	ID   int64 `bun:",pk,autoincrement"`
	Name string
}

// Order has a key that it does not number.
type Order struct {
	bun.BaseModel `bun:"orders"`
	Code          string `bun:",pk,type:varchar(12)"`
	UserID        int64  `bun:",notnull"`
	User          *User  `bun:"rel:belongs-to"`
}

// Group is another side of many to many.
type Group struct {
	bun.BaseModel
	ID   int32  `bun:",pk,autoincrement"`
	Name string `bun:"group_name,column:label"`
}

// UserGroup joins two.
type UserGroup struct {
	bun.BaseModel `bun:"table:user_groups"`
	UserID        int64  `bun:",pk"`
	User          *User  `bun:"rel:belongs-to,join:user_id=id"`
	GroupID       int32  `bun:",pk"`
	Group         *Group `bun:"rel:belongs-to,join:group_id=id"`
}

// OrderItemStatus has a plural.
type OrderItemStatus struct {
	bun.BaseModel
	ID int16 `bun:",pk"`
}

// All are the models, in an order in which they can be made.
func All() []any {
	return []any{(*Company)(nil), (*Group)(nil), (*User)(nil), (*Order)(nil), (*UserGroup)(nil), (*OrderItemStatus)(nil)}
}
