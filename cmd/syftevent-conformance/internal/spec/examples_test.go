package spec

import (
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/jsonschema"
)

// An example is a code block of SPEC.md. The line of its fence names the language, what it
// is an example of, and "invalid" if it is a counterexample.
type example struct {
	kind    string // "json", "path" or "abnf"
	of      string // "request", "response", "schema request" ...
	invalid bool
	text    string
	line    int
}

// examples returns the code blocks of SPEC.md.
func examples(t *testing.T) []example {
	t.Helper()
	var list []example
	var open *example
	for n, line := range strings.Split(readSpec(t), "\n") {
		info, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil:
			words := strings.Fields(info)
			open = &example{line: n + 1}
			if len(words) > 0 {
				open.kind, words = words[0], words[1:]
			}
			if last := len(words) - 1; last >= 0 && words[last] == "invalid" {
				open.invalid, words = true, words[:last]
			}
			open.of = strings.Join(words, " ")
		case isFence:
			list, open = append(list, *open), nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Fatalf("SPEC.md:%d: unterminated code block", open.line)
	}
	return list
}

func TestExamplesMatchTheSchemas(t *testing.T) {
	schemas := map[string]string{}
	for _, example := range examples(t) {
		if of, ok := strings.CutPrefix(example.of, "schema "); ok {
			schemas[of] = example.text
		}
	}
	seen := map[bool]int{}
	for _, example := range examples(t) {
		if example.kind != "json" || example.of == "" || strings.HasPrefix(example.of, "schema ") {
			continue
		}
		schema, ok := schemas[example.of]
		if !ok {
			t.Fatalf("SPEC.md:%d: no schema of a %s", example.line, example.of)
		}
		seen[example.invalid]++
		if err := jsonschema.Validate([]byte(schema), []byte(example.text)); (err != nil) != example.invalid {
			t.Errorf("SPEC.md:%d: example of a %s: %v", example.line, example.of, err)
		}
	}
	if seen[true] < 4 || seen[false] < 4 {
		t.Errorf("%d valid examples and %d invalid ones, want 4 or more of each", seen[false], seen[true])
	}
}
