package otlp

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// message is one message of the protocol: fields with the number that
// protobuf knows them by and the name that JSON does. What is empty is left
// out by who makes the message: a field that is there is written.
//
// A field's value is a string, a bool, an int64 (int64), an enum, a uint64
// (fixed64), a signed (sfixed64), a uint32 (fixed32), a float64 (double), an
// id (bytes), a message, or a slice of messages, uint64 or float64.
type message []field

type field struct {
	number int
	name   string
	value  any
}

// add adds a field.
func (m *message) add(number int, name string, value any) {
	*m = append(*m, field{number, name, value})
}

// text adds a field, unless it is empty.
func (m *message) text(number int, name, value string) {
	if value != "" {
		m.add(number, name, value)
	}
}

type (
	id     []byte // of a trace or a span: bytes, and in JSON, other than protobuf's own, hexadecimal digits
	enum   int    // a number in both
	signed int64  // sfixed64
)

// protobuf is the message in protobuf's binary encoding.
func (m message) protobuf() []byte {
	var out []byte
	for _, f := range m {
		out = f.protobuf(out)
	}
	return out
}

// The wire types of protobuf.
const (
	varint  = 0
	fixed64 = 1
	lengthy = 2
	fixed32 = 5
)

func (f field) protobuf(out []byte) []byte {
	tag := func(wire int) { out = binary.AppendUvarint(out, uint64(f.number)<<3|uint64(wire)) }
	bytes := func(b []byte) {
		tag(lengthy)
		out = append(binary.AppendUvarint(out, uint64(len(b))), b...)
	}
	switch v := f.value.(type) {
	case string:
		bytes([]byte(valid(v)))
	case id:
		bytes(v)
	case bool:
		tag(varint)
		out = append(out, truth(v))
	case int64:
		tag(varint)
		out = binary.AppendUvarint(out, uint64(v))
	case enum:
		tag(varint)
		out = binary.AppendUvarint(out, uint64(v))
	case uint64:
		tag(fixed64)
		out = binary.LittleEndian.AppendUint64(out, v)
	case signed:
		tag(fixed64)
		out = binary.LittleEndian.AppendUint64(out, uint64(v))
	case float64:
		tag(fixed64)
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	case uint32:
		tag(fixed32)
		out = binary.LittleEndian.AppendUint32(out, v)
	case []uint64:
		var packed []byte
		for _, n := range v {
			packed = binary.LittleEndian.AppendUint64(packed, n)
		}
		bytes(packed)
	case []float64:
		var packed []byte
		for _, n := range v {
			packed = binary.LittleEndian.AppendUint64(packed, math.Float64bits(n))
		}
		bytes(packed)
	case message:
		bytes(v.protobuf())
	case []message:
		for _, one := range v {
			bytes(one.protobuf())
		}
	}
	return out
}

func truth(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// json is the message in the JSON of OTLP: integers of 64 bits are strings,
// and ids have hexadecimal digits.
func (m message) json() []byte {
	out := []byte{'{'}
	for i, f := range m {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(strconv.AppendQuote(out, f.name), ':')
		out = appendJSON(out, f.value)
	}
	return append(out, '}')
}

func appendJSON(out []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		text, _ := json.Marshal(valid(v)) // a string always can be
		return append(out, text...)
	case id:
		return strconv.AppendQuote(out, hex.EncodeToString(v))
	case bool:
		return strconv.AppendBool(out, v)
	case int64:
		return quoted(out, strconv.FormatInt(v, 10))
	case signed:
		return quoted(out, strconv.FormatInt(int64(v), 10))
	case uint64:
		return quoted(out, strconv.FormatUint(v, 10))
	case enum:
		return strconv.AppendInt(out, int64(v), 10)
	case uint32:
		return strconv.AppendUint(out, uint64(v), 10)
	case float64:
		return strconv.AppendFloat(out, v, 'g', -1, 64)
	case message:
		return append(out, v.json()...)
	case []message:
		return list(out, v)
	case []uint64:
		return list(out, v)
	case []float64:
		return list(out, v)
	}
	return append(out, "null"...)
}

func quoted(out []byte, digits string) []byte {
	return append(append(append(out, '"'), digits...), '"')
}

func list[T any](out []byte, all []T) []byte {
	out = append(out, '[')
	for i, one := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendJSON(out, one)
	}
	return append(out, ']')
}

// valid is a text in UTF-8, which both encodings demand: a statement in a
// file, or a server's words, need not be.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
