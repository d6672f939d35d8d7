package vector

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/jsonschema"
	"github.com/syftevent/syftevent-go/testdata/vectors"
)

var update = flag.Bool("update", false, "write the files in testdata/vectors")

const folder = "../../../../testdata/vectors/"

// generated returns the files by name.
func generated() map[string]File {
	return map[string]File{
		"faithful":  faithful(),
		"lenient":   lenient(),
		"times":     times(),
		"refused":   refused(),
		"malformed": malformed(),
		"hostile":   hostile(),
	}
}

// encode encodes a file, with three lines for each vector.
func encode(f File) ([]byte, error) {
	var out bytes.Buffer
	summary, err := plainJSON(f.Summary)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&out, "{\n  \"format\": %d,\n  \"summary\": %s,\n  \"vectors\": [", Format, summary)
	for i, v := range f.Vectors {
		data, err := plainJSON(v)
		if err != nil {
			return nil, err
		}
		text := string(data)
		for _, name := range []string{"request", "expect"} {
			// A quote in a string is escaped, so that this is a member.
			text = strings.Replace(text, `,"`+name+`":`, ",\n     \""+name+`":`, 1)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, "\n    %s", text)
	}
	out.WriteString("\n  ]\n}\n")
	return out.Bytes(), nil
}

func TestFilesAreGenerated(t *testing.T) {
	want := generated()
	for name, file := range want {
		data, err := encode(file)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(folder+name+".json", data, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		is, err := vectors.Read(name)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(strings.Split(string(data), "\n"), strings.Split(string(is), "\n")); diff != "" {
			t.Errorf("%s.json is not what the generator makes; update it with go test -update (-want +got):\n%s", name, diff)
		}
	}
	if names := vectors.Names(); !*update && !slices.Equal(names, slices.Sorted(maps.Keys(want))) {
		t.Errorf("testdata/vectors has %v", names)
	}
}

func TestFilesAreValid(t *testing.T) {
	schema, err := os.ReadFile(folder + "vectors.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range vectors.Names() {
		data, err := vectors.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := jsonschema.Validate(schema, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if again, err := encode(file); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%s: encoding what was parsed makes another file: %v", name, err)
		}
	}
}

// The address of the server and the name of its app are the runner's choice.
func TestFilesNameNoServer(t *testing.T) {
	for _, name := range vectors.Names() {
		data, err := vectors.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, constant := range []string{"server@example.com", "app_data/conformance/"} {
			if bytes.Contains(data, []byte(constant)) {
				t.Errorf("%s.json contains %q", name, constant)
			}
		}
	}
}

// An ordinary request has the fields of SPEC.md, section 3, so that a request that differs in
// one way differs in no other.
func TestOrdinaryRequestIsValid(t *testing.T) {
	data, err := fs.ReadFile(os.DirFS("../../../.."), "SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "```json schema request\n")
	schema, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("SPEC.md has no schema of a request")
	}
	for _, v := range append(faithful().Vectors, slices.Concat(lenient().Vectors, times().Vectors)...) {
		request := Fill(v, Values{Server: "bob@example.com", App: "app"}).Request.Bytes()
		if err := jsonschema.Validate([]byte(schema), request); err != nil {
			t.Errorf("%s: %v\n%s", v.Name, err, request)
		}
		if !json.Valid(request) {
			t.Errorf("%s: not JSON: %s", v.Name, request)
		}
	}
}

// Scenarios may share a server: a vector must not find the response to another.
func TestFilesShareNoPath(t *testing.T) {
	from := map[string]string{}
	for name, file := range generated() {
		for _, v := range file.Vectors {
			path := fmt.Sprintf("%s/%s/%s", v.Endpoint, v.Sender.Bytes(), v.Stem.Bytes())
			if other := from[path]; other != "" {
				t.Errorf("%s: %s and %s have the path %q", name, v.Name, other, path)
			}
			from[path] = name + ": " + v.Name
		}
	}
}
