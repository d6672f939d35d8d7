// Package vectors holds the test vectors of the suite; README.md describes them.
package vectors

import (
	"embed"
	"strings"
)

//go:embed *.json
var files embed.FS

const suffix = ".json"

// schemaSuffix is that of the schema, which is no list of vectors.
const schemaSuffix = ".schema" + suffix

// Names returns the names of the files without ".json", sorted.
func Names() (names []string) {
	entries, _ := files.ReadDir(".") // of an embedded folder: no error
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), suffix); ok && !strings.HasSuffix(entry.Name(), schemaSuffix) {
			names = append(names, name)
		}
	}
	return names
}

// Read returns the content of a file.
func Read(name string) ([]byte, error) { return files.ReadFile(name + suffix) }
