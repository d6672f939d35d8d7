// Package vector reads test vectors: requests as data, with what is expected of a server.
// testdata/vectors/README.md describes the files.
package vector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/fakebox"
)

// Format is the version of the files.
const Format = 1

// A File is a list of vectors about one subject.
type File struct {
	Format  int      `json:"format"`
	Summary string   `json:"summary"`
	Vectors []Vector `json:"vectors"`
}

// A Vector is a request, and what is expected of the server.
type Vector struct {
	Name string `json:"name"`
	// Requirement is the id of the requirement of SPEC.md that the server violates if it
	// does anything else.
	Requirement string `json:"requirement"`
	// About says what the request has that others do not have. It may be "".
	About string `json:"about,omitempty"`

	// Endpoint, Sender and Stem form the path of the request below "rpc".
	Endpoint string  `json:"endpoint"`
	Sender   Content `json:"sender"`
	Stem     Content `json:"stem"`
	// Delivery is how SyftBox delivers the request. "" leaves the choice to the runner.
	Delivery string `json:"delivery,omitempty"`
	// Optional reports whether the vector is left out where a file cannot have the name.
	Optional bool `json:"optional,omitempty"`

	Request Content     `json:"request"`
	Expect  Expectation `json:"expect"`
}

// An Expectation is what is expected of the server. What is not stated is not checked.
type Expectation struct {
	// Status lists the allowed statuses. If there are none, any response is allowed, and
	// none, too.
	Status []int `json:"status,omitempty"`
	// Runs is how often /record runs the request.
	Runs *int `json:"runs,omitempty"`

	// ID, URL, Expires, Headers and Body are fields of the response. Encoded is its body as
	// it is in the file.
	ID      string            `json:"id,omitempty"`
	URL     string            `json:"url,omitempty"`
	Expires string            `json:"expires,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    Body              `json:"body,omitzero"`
	Encoded *string           `json:"encoded,omitempty"`

	// Seen is what the handler of /inspect reports.
	Seen *Seen `json:"seen,omitempty"`
}

// Answered reports whether a response is expected.
func (e Expectation) Answered() bool { return len(e.Status) > 0 }

// Seen is what a handler sees of a request.
type Seen struct {
	ID     string `json:"id,omitempty"`
	Sender string `json:"sender,omitempty"`
	Method string `json:"method,omitempty"`
	URL    string `json:"url,omitempty"`
	// Headers are some of the headers. Nil means that the handler does not see the header.
	Headers map[string]*string `json:"headers,omitempty"`
	Body    Body               `json:"body,omitzero"`
}

// Parse parses a file and checks it.
func Parse(data []byte) (File, error) {
	var f File
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return f, fmt.Errorf("parse vectors: %w", err)
	}
	if decoder.More() {
		return f, errors.New("parse vectors: more than one JSON value")
	}
	return f, f.check()
}

func (f File) check() error {
	switch {
	case f.Format != Format:
		return fmt.Errorf("format is %d, want %d", f.Format, Format)
	case f.Summary == "" || strings.ContainsAny(f.Summary, "\r\n"):
		return errors.New("summary must be one line")
	case len(f.Vectors) == 0:
		return errors.New("there are no vectors")
	}
	names, paths := map[string]bool{}, map[string]bool{}
	level := spec.Level("")
	for i, v := range f.Vectors {
		if err := v.check(); err != nil {
			return fmt.Errorf("vector %d, %q: %w", i+1, v.Name, err)
		}
		r, _ := spec.Find(v.Requirement)
		if level == "" {
			level = r.Level
		}
		switch path := v.Endpoint + "/" + string(v.Sender.Bytes()) + "/" + string(v.Stem.Bytes()); {
		case names[v.Name]:
			return fmt.Errorf("vector %d: the name %q exists twice", i+1, v.Name)
		case paths[path]:
			return fmt.Errorf("vector %d, %q: endpoint, sender and stem are those of another vector", i+1, v.Name)
		case r.Level != level:
			return fmt.Errorf("vector %d, %q: %s is a %s, the requirements of the vectors before are of level %s", i+1, v.Name, r.ID, r.Level, level)
		default:
			names[v.Name], paths[path] = true, true
		}
	}
	return nil
}

var namePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (v Vector) check() error {
	if !namePattern.MatchString(v.Name) {
		return errors.New("name must be words of a-z and 0-9, joined by hyphens")
	}
	r, known := spec.Find(v.Requirement)
	switch {
	case !known:
		return fmt.Errorf("SPEC.md has no requirement %q", v.Requirement)
	case r.Class != "core":
		return fmt.Errorf("requirement %s is of class %s, want core", r.ID, r.Class)
	case v.Endpoint == "" || len(v.Sender.Bytes()) == 0 || len(v.Stem.Bytes()) == 0:
		return errors.New("endpoint, sender and stem must not be empty")
	case v.Request == nil:
		return errors.New("there is no request")
	case !v.Expect.Answered() && v.Expect.ofResponse():
		return errors.New("a response is described, but no status")
	case v.Expect.Seen != nil && v.Endpoint != "inspect":
		return errors.New(`only the endpoint "inspect" reports what it has seen`)
	case v.Expect.Runs != nil && v.Endpoint != "record":
		return errors.New(`only the endpoint "record" counts runs`)
	}
	if v.Delivery != "" {
		if _, err := fakebox.ParseMode(v.Delivery); err != nil {
			return err
		}
	}
	return v.checkPlaceholders()
}

// ofResponse reports whether something is expected of the response.
func (e Expectation) ofResponse() bool {
	return e.ID != "" || e.URL != "" || e.Expires != "" || e.Headers != nil || e.Body.Stated || e.Encoded != nil || e.Seen != nil
}

// Requirements returns the ids of the requirements in the order of SPEC.md.
func (f File) Requirements() []string {
	var ids []string
	for _, r := range spec.Requirements() {
		if slices.ContainsFunc(f.Vectors, func(v Vector) bool { return v.Requirement == r.ID }) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}
