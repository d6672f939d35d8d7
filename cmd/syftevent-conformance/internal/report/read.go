package report

import (
	"encoding/json"
	"fmt"
	"os"
)

// Read reads the document of a run from a file. The error names the file, and says
// what to do if it is no document that this program understands.
func Read(path string) (*Document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a report: %w", err)
	}
	d, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s is no report of this program: %w; 'syftevent-conformance run -json FILE' writes one", path, err)
	}
	return d, nil
}

func decode(data []byte) (*Document, error) {
	var head struct{ Format *int }
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("it is not the JSON of one: %w", err)
	}
	switch {
	case head.Format == nil:
		return nil, fmt.Errorf(`it lacks "format"`)
	case *head.Format != Format:
		return nil, fmt.Errorf("its format is %d, and only format %d can be read", *head.Format, Format)
	}
	d := &Document{}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, fmt.Errorf("it is not of its form: %w", err)
	}
	return d, d.check()
}

// check finds what a document lacks that its readers rely on.
func (d *Document) check() error {
	lacks := func(part string) error { return fmt.Errorf("it lacks %q", part) }
	switch {
	case d.Implementation.Name == "":
		return lacks("implementation.name")
	case d.Started.IsZero():
		return lacks("started")
	case d.System.OS == "":
		return lacks("system")
	case d.Verdict != Conformant && d.Verdict != Partial && d.Verdict != NonConformant:
		return fmt.Errorf("there is no verdict %q", d.Verdict)
	case d.Scenarios == nil:
		return lacks("scenarios")
	}
	for i, s := range d.Scenarios {
		switch {
		case s.ID == "":
			return lacks(fmt.Sprintf("scenarios[%d].id", i))
		case s.Outcome.runners() == "":
			return fmt.Errorf("scenario %s has no outcome that is known: %q", s.ID, s.Outcome)
		case len(s.Requirements) == 0:
			return lacks(fmt.Sprintf("scenarios[%d].requirements", i))
		}
	}
	return nil
}
