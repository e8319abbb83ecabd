// Package gormshop has a structure of every kind that gorm makes a table of.
package gormshop

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"gorm.io/datatypes"
	"gorm.io/gorm"
)

// User has most of what a model has.
type User struct {
	gorm.Model
	Name         string `gorm:"size:80;not null;index:idx_name_age,priority:2;comment:what it's called"`
	Email        string `gorm:"size:120;uniqueIndex;default:nobody@example.org"`
	Age          uint8  `gorm:"index:idx_name_age,priority:1,sort:desc;check:age_limit,age > 13"`
	Score        int16  `gorm:"default:7;check:score <> 3"`
	Bio          string
	Weight       float32
	Height       float64 `gorm:"precision:10;scale:2"`
	Active       bool    `gorm:"default:true"`
	Nick         *string `gorm:"unique;size:40"`
	Photo        []byte
	Blob         []byte `gorm:"size:100"`
	Seen         *time.Time
	SeenAt       time.Time `gorm:"precision:6;not null"`
	Maybe        sql.NullString
	MaybeInt     sql.NullInt64
	MaybeSmall   sql.NullInt16
	MaybeTime    sql.NullTime
	MaybeBool    sql.Null[bool]
	Level        Level `gorm:"default:2"`
	Kind         Kind  `gorm:"type:varchar(20);default:'plain'"`
	Config       datatypes.JSON
	Tags         []string `gorm:"serializer:json"`
	Raw          json.RawMessage
	Ignored      string         `gorm:"-"`
	IgnoredToo   map[string]int `gorm:"-:all"`
	HTTPServerID int            `gorm:"column:server"`
	UserUUID     uuid.UUID      `gorm:"type:char(36)"`
	APIKey       string         `gorm:"index:,length:10"`
	hidden       int

	CompanyID *int64
	Company   *Company `gorm:"constraint:OnUpdate:CASCADE,OnDelete:SET NULL"`
	Card      Card
	Orders    []Order `gorm:"constraint:OnDelete:CASCADE"`
	Languages []Lang  `gorm:"many2many:user_languages"`
	Friends   []*User `gorm:"many2many:user_friends"`
	ManagerID *uint
	Manager   *User
	Toys      []Toy   `gorm:"polymorphic:Owner"`
	Home      Address `gorm:"embedded;embeddedPrefix:home_"`
	Audit
}

// Level is a number with a name.
type Level int32

// Kind is a text that knows its value.
type Kind string

func (k Kind) Value() (driver.Value, error) { return string(k), nil }

// Address is embedded.
type Address struct {
	Street string `gorm:"size:100"`
	ZIP    string `gorm:"size:10;index"`
}

// Audit is embedded without a name.
type Audit struct {
	CreatedBy string `gorm:"size:30"`
	UpdatedBy *string
}

// Company has a key of another type.
type Company struct {
	ID   int64
	Name string `gorm:"type:varchar(50);unique"`
}

// Card belongs to a user, who has one.
type Card struct {
	ID     uint
	Number string `gorm:"size:20"`
	UserID uint
}

// Order has many lines, and knows its user.
type Order struct {
	Code   string `gorm:"primaryKey;size:12"`
	UserID uint
	User   User
	Lines  []Line `gorm:"foreignKey:OrderCode;references:Code"`
	Placed time.Time
}

// Line has a key of two columns.
type Line struct {
	OrderCode string `gorm:"primaryKey;size:12"`
	Number    int    `gorm:"primaryKey;autoIncrement:false"`
	Text      string `gorm:"type:text"`
}

// Lang is another side of many to many.
type Lang struct {
	Code string `gorm:"primaryKey;size:5"`
	Name string
}

// TableName is not what it would be.
func (Lang) TableName() string { return tablePrefix + "languages" }

const tablePrefix = "app_"

// Toy may belong to anybody.
type Toy struct {
	ID        int
	Name      string
	OwnerID   uint
	OwnerType string `gorm:"size:30"`
}

// Person has an irregular plural.
type Person struct {
	ID        int32 `gorm:"primaryKey"`
	CreatedAt int64 `gorm:"autoCreateTime"`
	Meta      datatypes.JSONMap
	Born      datatypes.Date
}

// OrderItemStatus has a plural and a key that nobody numbers.
type OrderItemStatus struct {
	Name      string `gorm:"primaryKey;size:40"`
	SortOrder uint16 `gorm:"not null;default:10;index:,unique"`
	FirstName string `gorm:"size:30;index:,composite:full"`
	LastName  string `gorm:"size:30;index:,composite:full"`
}

// Category is in itself.
type Category struct {
	ID       uint
	ParentID *uint
	Parent   *Category
	Children []Category `gorm:"foreignKey:ParentID"`
}

// All are the models, as AutoMigrate is given them.
func All() []any {
	return []any{&Company{}, &User{}, &Card{}, &Order{}, &Line{}, &Lang{}, &Toy{}, &Person{}, &OrderItemStatus{}, &Category{}}
}
