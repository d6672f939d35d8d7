package report

import (
	"encoding/json"
	"fmt"
	"os"
)

// Read reads a document from a file.
func Read(path string) (*Document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	d, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("read report %s: %w; 'syftevent-conformance run -json FILE' writes reports", path, err)
	}
	return d, nil
}

func decode(data []byte) (*Document, error) {
	var head struct{ Format *int }
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("invalid JSON: %w", err)
	}
	switch {
	case head.Format == nil:
		return nil, fmt.Errorf(`missing "format"`)
	case *head.Format != Format:
		return nil, fmt.Errorf("format %d is not supported, only %d", *head.Format, Format)
	}
	d := &Document{}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, fmt.Errorf("invalid document: %w", err)
	}
	return d, d.check()
}

// check returns an error if a part is missing that readers of documents rely on.
func (d *Document) check() error {
	lacks := func(part string) error { return fmt.Errorf("missing %q", part) }
	switch {
	case d.Implementation.Name == "":
		return lacks("implementation.name")
	case d.Started.IsZero():
		return lacks("started")
	case d.System.OS == "":
		return lacks("system")
	case d.Verdict != Conformant && d.Verdict != Partial && d.Verdict != NonConformant:
		return fmt.Errorf("unknown verdict %q", d.Verdict)
	case d.Scenarios == nil:
		return lacks("scenarios")
	}
	for i, s := range d.Scenarios {
		switch {
		case s.ID == "":
			return lacks(fmt.Sprintf("scenarios[%d].id", i))
		case s.Outcome.runners() == "":
			return fmt.Errorf("scenario %s: unknown outcome %q", s.ID, s.Outcome)
		case len(s.Requirements) == 0:
			return lacks(fmt.Sprintf("scenarios[%d].requirements", i))
		}
	}
	return nil
}
