package advice

import (
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

func TestAdviceIsForRequirements(t *testing.T) {
	parsed, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for id, causes := range parsed {
		if _, known := spec.Find(id); !known {
			t.Errorf("%s is no requirement in SPEC.md", id)
		}
		for _, cause := range causes {
			if !strings.HasSuffix(cause, ".") {
				t.Errorf("%s: %q is not a sentence", id, cause)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"publish-whole", "the server is slow: buy another", "publish-whole:no space"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
