package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/vector"
)

var (
	// notInID matches what the id of a scenario does not have.
	notInID = regexp.MustCompile(`[^a-z0-9]+`)
	// archiveLine matches a line that begins another file of a script.
	archiveLine = regexp.MustCompile(`(?m)^-- .* --$`)
)

// OfVectors returns a scenario that runs the vectors in a file. Its id is the base name of
// the file, with the prefix "vectors-".
func OfVectors(path string, data []byte) (Scenario, error) {
	base := filepath.Base(path)
	name := strings.Trim(notInID.ReplaceAllString(strings.ToLower(strings.TrimSuffix(base, filepath.Ext(base))), "-"), "-")
	if name == "" {
		return Scenario{}, fmt.Errorf("vectors %s: the name of the file has neither a letter nor a digit", path)
	}
	file, err := vector.Parse(data)
	if err == nil && (archiveLine.Match(data) || bytes.Contains(data, []byte("\r"))) {
		err = errors.New(`lines must end in a newline only, and must not have the form "-- NAME --"`)
	}
	if err != nil {
		return Scenario{}, fmt.Errorf("vectors %s: %w", path, err)
	}
	s := Scenario{Role: target.Server, ID: "vectors-" + name, Summary: file.Summary, Reuse: true}
	for _, id := range file.Requirements() {
		r, _ := spec.Find(id) // it has been checked
		s.Covers = append(s.Covers, r)
	}
	s.Script = txtar.Format(&txtar.Archive{
		Comment: fmt.Appendf(nil, "# %s\n# covers: %s\n# reuse: yes\nserver start\nvectors -file %s.json\ncanary\n\n",
			s.Summary, strings.Join(file.Requirements(), ", "), name),
		Files: []txtar.File{{Name: name + ".json", Data: data}},
	})
	return s, nil
}
