// Command sbom writes the list of parts of a binary, in CycloneDX, of what the
// Go linker has put into it: sbom BINARY DOCUMENT [VERSION [COMMIT]]. It belongs
// to a release, whose binaries do not say themselves which version of our own
// module they are: whoever builds them anew shall get the same bytes. The same
// binary gives the same list.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/google/uuid"
)

func main() {
	if len(os.Args) < 3 || len(os.Args) > 5 {
		fmt.Fprintln(os.Stderr, "usage: sbom BINARY DOCUMENT [VERSION [COMMIT]]")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2], os.Args[3:]...); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func write(binary, document string, released ...string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	if len(released) > 0 {
		info.Main.Version = released[0]
	}
	if len(released) > 1 {
		info.Settings = append(info.Settings, debug.BuildSetting{Key: "vcs.revision", Value: released[1]})
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(list(info, filepath.Base(binary), sha256.Sum256(content)), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(document, append(text, '\n'), 0o666)
}

type (
	bom struct {
		Schema       string       `json:"$schema"`
		Format       string       `json:"bomFormat"`
		Spec         string       `json:"specVersion"`
		Serial       string       `json:"serialNumber"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		Purl       string     `json:"purl,omitempty"`
		Hashes     []hash     `json:"hashes,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	hash struct {
		Alg     string `json:"alg"`
		Content string `json:"content"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
)

// list is the document: the binary, Go's standard library, and each module.
func list(info *debug.BuildInfo, name string, sum [sha256.Size]byte) bom {
	main := component{Type: "application", Ref: purl(info.Main), Name: name, Version: info.Main.Version, Purl: purl(info.Main),
		Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}}
	for _, s := range info.Settings {
		// The rest (-ldflags among them) may name what is the builder's alone.
		switch s.Key {
		case "GOOS", "GOARCH", "CGO_ENABLED", "-trimpath", "vcs.revision", "vcs.modified":
			main.Properties = append(main.Properties, property{"go:" + s.Key, s.Value})
		}
	}
	std := debug.Module{Path: "std", Version: strings.TrimPrefix(info.GoVersion, "go")}
	b := bom{
		Schema: "http://cyclonedx.org/schema/bom-1.5.schema.json", Format: "CycloneDX", Spec: "1.5", Version: 1,
		Serial:     "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceOID, sum[:]).String(),
		Metadata:   metadata{main},
		Components: []component{{Type: "library", Ref: purl(std), Name: std.Path, Version: std.Version, Purl: purl(std)}},
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		c := component{Type: "library", Ref: purl(*m), Name: m.Path, Version: m.Version, Purl: purl(*m)}
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(raw) == sha256.Size {
			// go.sum's own kind of sum, over the list of the module's files.
			c.Properties = []property{{"go:h1", m.Sum}}
		}
		b.Components = append(b.Components, c)
	}
	all := dependency{Ref: main.Ref}
	for _, c := range b.Components {
		all.DependsOn = append(all.DependsOn, c.Ref)
	}
	b.Dependencies = []dependency{all}
	return b
}

func purl(m debug.Module) string {
	return "pkg:golang/" + strings.ToLower(m.Path) + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
}
