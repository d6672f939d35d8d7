// Package advice holds the usual causes of failures.
package advice

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed advice.txt
var text string

// causes is parsed on demand, because the same program runs the reference server, whose
// memory is measured.
var causes = sync.OnceValue(func() map[string][]string {
	parsed, err := parse(text)
	if err != nil {
		panic("advice.txt: " + err.Error()) // a test parses the same file
	}
	return parsed
})

// Causes returns the usual causes why a server does not meet a requirement, the most
// frequent first. It returns nil if none are known.
func Causes(requirement string) []string { return causes()[requirement] }

// parse parses lines of "id: cause", comments and empty lines.
func parse(text string) (map[string][]string, error) {
	causes := map[string][]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, cause, ok := strings.Cut(line, ": ")
		if !ok || strings.Contains(id, " ") {
			return nil, fmt.Errorf(`line %q is not "id: cause"`, line)
		}
		causes[id] = append(causes[id], cause)
	}
	return causes, nil
}
