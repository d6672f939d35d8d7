package fakebox_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
)

func TestDocNamesExistingTests(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defined := map[string]bool{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(data), -1) {
			defined[match[1]] = true
		}
	}
	named := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(doc), -1)
	if len(named) < 60 {
		t.Errorf("doc.go names only %d tests, want at least 60", len(named))
	}
	for _, name := range named {
		if name != "TestServer" && !defined[name] {
			t.Errorf("doc.go names %s, which does not exist", name)
		}
	}
}

func TestDocListsFaults(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "# Faults\n")
	section, _, _ = strings.Cut(section, "// # ")
	listed := regexp.MustCompile(`(?m)^//\t([a-z-]+)  `).FindAllStringSubmatch(section, -1)
	var got, want []string
	for _, match := range listed {
		got = append(got, match[1])
	}
	for _, info := range fakebox.Faults() {
		want = append(want, string(info.Fault))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults in doc.go (-want +got):\n%s", diff)
	}
}
