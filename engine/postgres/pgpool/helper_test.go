package pgpool_test

import (
	"context"
	"database/sql/driver"
	"errors"
)

// foreign is a driver that is not pgx's.
type foreign struct{}

func (foreign) Connect(context.Context) (driver.Conn, error) { return foreign{}, nil }
func (foreign) Driver() driver.Driver                        { return foreign{} }
func (foreign) Open(string) (driver.Conn, error)             { return foreign{}, nil }
func (foreign) Prepare(string) (driver.Stmt, error)          { return nil, errors.ErrUnsupported }
func (foreign) Begin() (driver.Tx, error)                    { return nil, errors.ErrUnsupported }
func (foreign) Close() error                                 { return nil }
