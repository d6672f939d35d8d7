package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

const (
	module     = "github.com/syftevent/syftevent-go"
	top        = "../.."
	testscript = "github.com/rogpeppe/go-internal/testscript"
)

// A goPackage is a package in the output of "go list".
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func goList(t *testing.T, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,Imports,Deps"}, args...)...)
	cmd.Dir = top
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var p goPackage
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatalf("go list %v: no packages", args)
	}
	return packages
}

func isBelow(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func TestLibraryAndSimulatorImportOnlyTheStandardLibrary(t *testing.T) {
	for _, p := range goList(t, "-deps", "./syftevent/...", "./fakebox", "./fakebox/boxpage") {
		simulator := p.ImportPath == module+"/fakebox" || p.ImportPath == module+"/fakebox/boxpage"
		if !p.Standard && !isBelow(p.ImportPath, module+"/syftevent") && !simulator {
			t.Errorf("%s is imported", p.ImportPath)
		}
	}
}

// A bug that the library and its judge share would be invisible.
func TestJudgeAndSimulatorDoNotImportTheLibrary(t *testing.T) {
	reference := module + "/cmd/syftevent-conformance/internal/reference"
	seen := false
	for _, p := range goList(t, "./fakebox/...", "./cmd/syftevent-conformance/...") {
		if p.ImportPath == reference {
			seen = true
			continue
		}
		for _, imported := range p.Imports {
			if isBelow(imported, module+"/syftevent") {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
		if p.ImportPath != module+"/cmd/syftevent-conformance" && slices.Contains(p.Deps, reference) {
			t.Errorf("%s imports the reference", p.ImportPath)
		}
	}
	if !seen {
		t.Errorf("no package %s", reference)
	}
}

// The command for users is built from what the module offers to everybody.
func TestUserCommandImportsOnlyTheLibrary(t *testing.T) {
	allowed := []string{module + "/cmd/syftevent", module + "/cmd/internal/cmdline", module + "/syftevent", module + "/syftevent/syfthttp"}
	for _, p := range goList(t, "-deps", "./cmd/syftevent") {
		if !p.Standard && !slices.Contains(allowed, p.ImportPath) && !isBelow(p.ImportPath, module+"/syftevent/internal") {
			t.Errorf("%s is imported", p.ImportPath)
		}
	}
}

// The real SyftBox is compared with fakebox, so its driver must be independent.
func TestRealBoxImportsOnlyTheStandardLibrary(t *testing.T) {
	for _, p := range goList(t, "-deps", "./cmd/syftevent-conformance/internal/realbox") {
		if !p.Standard && p.ImportPath != module+"/cmd/syftevent-conformance/internal/realbox" {
			t.Errorf("%s is imported", p.ImportPath)
		}
	}
}

// The second server and the second client share no code with the first ones or with the
// judge. The client uses the server's type of a defect.
func TestMutantsImportOnlyTheStandardLibrary(t *testing.T) {
	const server = module + "/cmd/syftevent-conformance/internal/mutant"
	for _, p := range goList(t, "./cmd/syftevent-conformance/internal/mutant", "./cmd/syftevent-conformance/internal/mutantclient") {
		for _, dependency := range p.Deps {
			if dependency == server && p.ImportPath == server+"client" {
				continue
			}
			if isBelow(dependency, module) || strings.Contains(strings.Split(dependency, "/")[0], ".") {
				t.Errorf("%s imports %s", p.ImportPath, dependency)
			}
		}
	}
}

func TestOnlyJudgeAndBoxscriptImportTestscript(t *testing.T) {
	for _, p := range goList(t, "./...") {
		allowed := p.ImportPath == module+"/fakebox/boxscript" || isBelow(p.ImportPath, module+"/cmd")
		if !allowed && slices.Contains(p.Imports, testscript) {
			t.Errorf("%s imports testscript", p.ImportPath)
		}
	}
}

// The packages of the library import each other in one direction. spool and wire know
// nothing of each other.
func TestInternalPackagesImportInOneDirection(t *testing.T) {
	const internal = module + "/syftevent/internal/"
	allowed := map[string][]string{
		"rootfs":   nil,
		"wire":     nil,
		"loglimit": nil,
		"protocol": {"rootfs"},
		"spool":    {"rootfs"},
		"sweep":    {"protocol", "rootfs", "wire"},
		"watch":    {"protocol", "rootfs"},
		"lease":    {"rootfs"},
		"engine":   {"lease", "loglimit", "protocol", "rootfs", "spool", "wire"},
	}
	for _, p := range goList(t, "./syftevent/internal/...") {
		name := strings.TrimPrefix(p.ImportPath, internal)
		names, known := allowed[name]
		if !known {
			t.Errorf("%s is not in the table", p.ImportPath)
		}
		for _, imported := range p.Imports {
			if isBelow(imported, module) && !slices.Contains(names, strings.TrimPrefix(imported, internal)) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

func TestDirectRequirements(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = top
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	if diff := cmp.Diff([]string{"github.com/google/go-cmp", "github.com/rogpeppe/go-internal"}, direct); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// idInComment matches a requirement id in a comment of the library.
var idInComment = regexp.MustCompile(`\[([a-z]+(?:-[a-z]+)+)\]`)

func TestCommentsNameRequirementsThatExist(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(filepath.Join(top, "syftevent"), func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(data)) {
			_, comment, ok := strings.Cut(line, "//")
			if !ok {
				continue
			}
			for _, found := range idInComment.FindAllStringSubmatch(comment, -1) {
				seen++
				if _, known := spec.Find(found[1]); !known {
					t.Errorf("%s: SPEC.md has no requirement %s", name, found[1])
				}
			}
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Errorf("%d requirements named, %v", seen, err)
	}
}
