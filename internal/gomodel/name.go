package gomodel

import (
	"crypto/sha1"
	"encoding/hex"
	"sort"
	"strings"
	"unicode/utf8"
)

// initialisms are the words that gorm takes for one, however many of their
// letters are capitals.
var initialisms = []string{
	"API", "ASCII", "CPU", "CSS", "DNS", "EOF", "GUID", "HTML", "HTTP", "HTTPS", "ID", "IP", "JSON", "LHS", "QPS", "RAM", "RHS", "RPC",
	"SLA", "SMTP", "SSH", "TLS", "TTL", "UID", "UI", "UUID", "URI", "URL", "UTF8", "VM", "XML", "XSRF", "XSS",
}

// gormName is how gorm spells a Go name in a database: words in lower case,
// parted by underscores.
func gormName(name string) string {
	if name == "" {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		word := initialism(name[i:])
		if word == "" {
			b.WriteByte(name[i])
			i++
			continue
		}
		b.WriteString(word[:1] + strings.ToLower(word[1:]))
		i += len(word)
	}
	s := b.String()
	upper := func(i int) bool { return i >= 0 && i < len(s) && 'A' <= s[i] && s[i] <= 'Z' }
	digit := func(i int) bool { return i < len(s) && '0' <= s[i] && s[i] <= '9' }
	var out strings.Builder
	for i := range len(s) {
		last := i == len(s)-1
		switch {
		case !upper(i):
			out.WriteByte(s[i])
			continue
		case last:
			if i > 0 && !upper(i-1) {
				out.WriteByte('_')
			}
		case upper(i-1) && (upper(i+1) || digit(i+1)):
		case i > 0 && s[i-1] != '_' && s[i+1] != '_':
			out.WriteByte('_')
		}
		out.WriteByte(s[i] + 'a' - 'A')
	}
	return out.String()
}

// initialism is the one that a text begins with, the first of the list.
func initialism(text string) string {
	for _, word := range initialisms {
		if strings.HasPrefix(text, word) {
			return word
		}
	}
	return ""
}

// bunName is how bun spells a Go name in a database.
func bunName(s string) string {
	upper := func(i int) bool { return i >= 0 && i < len(s) && 'A' <= s[i] && s[i] <= 'Z' }
	lower := func(i int) bool { return i >= 0 && i < len(s) && 'a' <= s[i] && s[i] <= 'z' }
	var b strings.Builder
	for i := range len(s) {
		if !upper(i) {
			b.WriteByte(s[i])
			continue
		}
		if i > 0 && i+1 < len(s) && (lower(i-1) || lower(i+1)) {
			b.WriteByte('_')
		}
		b.WriteByte(s[i] + 'a' - 'A')
	}
	return b.String()
}

// limited is a name made of parts as gorm makes those of indexes and
// constraints: a long one ends in a piece of its checksum.
func limited(parts ...string) string {
	name := strings.ReplaceAll(strings.Join(parts, "_"), ".", "_")
	const most = 64
	if utf8.RuneCountInString(name) <= most {
		return name
	}
	sum := sha1.Sum([]byte(name))
	return name[:most-8] + hex.EncodeToString(sum[:])[:8]
}

// The English plural, by the rules that Rails made common and that both
// libraries follow. Later rules come first.
var uncountable = []string{"equipment", "information", "rice", "money", "species", "series", "fish", "sheep", "jeans", "police"}

var irregular = [][2]string{{"person", "people"}, {"man", "men"}, {"child", "children"}, {"sex", "sexes"}, {"move", "moves"}, {"mombie", "mombies"}}

// ending is a rule: what a word ends with (or is, with whole), and what stands
// there instead.
type ending struct {
	end, with string
	whole     bool
	before    func(b byte) bool // of the letter before the end
}

func notVowel(b byte) bool { return 'a' <= b && b <= 'z' && !strings.ContainsRune("aeiouy", rune(b)) }
func notF(b byte) bool     { return b != 'f' }
func lOrR(b byte) bool     { return b == 'l' || b == 'r' }
func tOrI(b byte) bool     { return b == 't' || b == 'i' }
func letter(b byte) bool   { return 'a' <= b && b <= 'z' }

var plurals = []ending{
	{end: "quiz", with: "quizzes"},
	{end: "oxen", with: "oxen", whole: true}, {end: "ox", with: "oxen", whole: true},
	{end: "mice", with: "mice", whole: true}, {end: "lice", with: "lice", whole: true},
	{end: "mouse", with: "mice", whole: true}, {end: "louse", with: "lice", whole: true},
	{end: "matrix", with: "matrices"}, {end: "matrex", with: "matrices"}, {end: "vertix", with: "vertices"}, {end: "vertex", with: "vertices"},
	{end: "indix", with: "indices"}, {end: "index", with: "indices"},
	{end: "x", with: "xes"}, {end: "ch", with: "ches"}, {end: "ss", with: "sses"}, {end: "sh", with: "shes"},
	{end: "quy", with: "quies"}, {end: "y", with: "ies", before: notVowel},
	{end: "hive", with: "hives"},
	{end: "fe", with: "ves", before: notF}, {end: "f", with: "ves", before: lOrR},
	{end: "sis", with: "ses"},
	{end: "a", with: "a", before: tOrI}, {end: "um", with: "a", before: tOrI},
	{end: "buffalo", with: "buffaloes"}, {end: "tomato", with: "tomatoes"},
	{end: "bus", with: "buses"},
	{end: "alias", with: "aliases"}, {end: "status", with: "statuses"},
	{end: "octopi", with: "octopi"}, {end: "viri", with: "viri"}, {end: "octopus", with: "octopi"}, {end: "virus", with: "viri"},
	{end: "axis", with: "axes", whole: true}, {end: "testis", with: "testes", whole: true},
	{end: "s", with: "s"},
	{end: "", with: "s", before: letter},
}

// Plural is the plural of a word in lower case.
func Plural(word string) string { return plural(word) }

func plural(word string) string {
	for _, u := range uncountable {
		if word == u {
			return word
		}
	}
	for _, pair := range irregular {
		if stem, ok := strings.CutSuffix(word, pair[0]); ok {
			return stem + pair[1]
		}
	}
	for _, r := range plurals {
		stem, ok := strings.CutSuffix(word, r.end)
		if !ok || r.whole && stem != "" {
			continue
		}
		if r.before != nil && (stem == "" || !r.before(stem[len(stem)-1])) {
			continue
		}
		return stem + r.with
	}
	return word
}

// singular undoes it, for the names of join tables' columns: the usual endings
// alone.
func singular(word string) string {
	for _, pair := range irregular {
		for _, p := range [][2]string{{pair[1], pair[0]}, {title(pair[1]), title(pair[0])}} {
			if stem, ok := strings.CutSuffix(word, p[0]); ok {
				return stem + p[1]
			}
		}
	}
	for _, r := range [][2]string{{"statuses", "status"}, {"aliases", "alias"}, {"ss", "ss"}, {"xes", "x"}, {"ches", "ch"}, {"sses", "ss"}, {"shes", "sh"},
		{"series", "series"}, {"movies", "movie"}, {"cookies", "cookie"}, {"ies", "y"}, {"shoes", "shoe"}, {"oes", "o"}, {"buses", "bus"}, {"s", ""}} {
		if stem, ok := strings.CutSuffix(word, r[0]); ok {
			return stem + r[1]
		}
	}
	return word
}

func title(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func sorted[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
