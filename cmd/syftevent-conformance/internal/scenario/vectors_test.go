package scenario

import (
	"regexp"
	"slices"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/vector"
	"github.com/syftevent/syftevent-go/testdata/vectors"
)

var vectorsLine = regexp.MustCompile(`(?m)^vectors ([a-z-]+)$`)

// Each file of vectors has one scenario, which covers what its vectors require.
func TestScenariosCoverTheirVectors(t *testing.T) {
	var used []string
	for _, s := range all(t) {
		m := vectorsLine.FindSubmatch(s.Script)
		if m == nil {
			continue
		}
		name := string(m[1])
		used = append(used, name)
		data, err := vectors.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := vector.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		var covers []string
		for _, r := range s.Covers {
			covers = append(covers, r.ID)
		}
		if want := file.Requirements(); !slices.Equal(covers, want) {
			t.Errorf("%s covers %v, want %v", s.ID, covers, want)
		}
	}
	if slices.Sort(used); !slices.Equal(used, vectors.Names()) {
		t.Errorf("scenarios use the vectors %v, there are %v", used, vectors.Names())
	}
}
