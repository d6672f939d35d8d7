package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

func TestBadgeShowsVerdict(t *testing.T) {
	for verdict, want := range map[Verdict][]string{
		Conformant:    {">conformant<", "#2c7a3f"},
		Partial:       {">partial 3/9<", "#8f6a00"},
		NonConformant: {">non-conformant<", "#b3261e"},
	} {
		d := &Document{SpecVersion: "0.4", Verdict: verdict, Counts: Counts{Passed: 5, Failed: 1, Required: 9, RequiredPassed: 3}}
		var out bytes.Buffer
		if err := d.Badge(&out); err != nil {
			t.Fatal(err)
		}
		for _, part := range append(want, ">SyftBox RPC 0.4<", "(5 passed, 1 failed)") {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%s: lacks %q\n%s", verdict, part, &out)
			}
		}
		decoder := xml.NewDecoder(&out)
		for {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", verdict, err)
			}
		}
	}
}
