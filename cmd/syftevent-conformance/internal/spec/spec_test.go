package spec

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write requirements.txt from SPEC.md")

const specPath = "../../../../SPEC.md"

func readSpec(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(specPath)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRequirementsMatchTheSpec(t *testing.T) {
	var lines []string
	for line := range strings.SplitSeq(readSpec(t), "\n") {
		if strings.Contains(line, "**[") {
			lines = append(lines, line+"\n")
		}
	}
	want := strings.Join(lines, "")
	if *update {
		if err := os.WriteFile("requirements.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, requirements); diff != "" {
		t.Errorf("requirements.txt differs from SPEC.md; update it with go test -update (-want +got):\n%s", diff)
	}
}

func TestParseSpec(t *testing.T) {
	list, err := Parse(readSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 15 {
		t.Errorf("%d requirements", len(list))
	}
}

func TestParseLineRefuses(t *testing.T) {
	for _, line := range []string{
		`**[a]** The server MUST run. *(core)*`,
		`- <a id="b"></a>**[a]** The server MUST run. *(core)*`,
		`- <a id="a"></a>**[a]** The server MUST run. *(corps)*`,
		`- <a id="a"></a>**[a]** The server runs. *(core)*`,
		`- <a id="a"></a>**[a]** The server MUST run and MUST jump. *(core)*`,
	} {
		if _, err := Parse(line); err == nil {
			t.Errorf("accepted: %s", line)
		}
	}
	twice := `- <a id="a"></a>**[a]** The server MUST run. *(core)*`
	if _, err := Parse(twice + "\n" + twice); err == nil {
		t.Error("a duplicate id was accepted")
	}
}
