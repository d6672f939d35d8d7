package report

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/jsonschema"
)

// againstSchema validates a document against the schema of reports.
func againstSchema(t *testing.T, document []byte) error {
	t.Helper()
	return jsonschema.Validate([]byte(Schema), document)
}

func TestDocumentsMatchSchema(t *testing.T) {
	for name, run := range map[string]Run{"full": fullRun(t), "empty": {Reproduce: "%s", Summary: Summarize(nil, 0, nil)}} {
		if err := againstSchema(t, written(t, run)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaRejectsInvalidDocuments(t *testing.T) {
	document := written(t, fullRun(t))
	tests := []struct{ old, new, want string }{
		{`"format": 1`, `"format": 2`, "document.format is 2"},
		{`"strict": false`, `"strict": "no"`, "document.strict is not of type boolean"},
		{`"strict"`, `"stricter"`, "document.stricter is not allowed"},
		{`"seed": 7`, `"seed": 7.5`, "document.seed is not of type integer"},
		{`"verdict": "non-conformant"`, `"verdict": "fine"`, "document.verdict is fine"},
		{`"arch": "`, `"Arch": "`, "document.system.Arch is not allowed"},
		{`"reason": "`, `"because": "`, ".known.because is not allowed"},
		{`"change": "appear"`, `"change": "appeared"`, "events[1].change is appeared"},
		{`"level": "SHOULD"`, `"level": "COULD"`, ".level is COULD"},
		{`"dead": false`, `"dead": 0`, ".failure.dead is not of type"},
		{`"required": 2,`, ``, "document.counts: missing required"},
	}
	for _, test := range tests {
		broken := bytes.Replace(document, []byte(test.old), []byte(test.new), 1)
		if bytes.Equal(broken, document) {
			t.Errorf("the document has no %s:\n%s", test.old, document)
			continue
		}
		err := againstSchema(t, broken)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s instead of %s: %v, want %q", test.new, test.old, err, test.want)
		}
	}
}

func TestSchemaDescribesEachProperty(t *testing.T) {
	var schema struct {
		Properties map[string]any
		Defs       map[string]struct{ Properties map[string]any } `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(Schema), &schema); err != nil {
		t.Fatal(err)
	}
	described := map[reflect.Type]map[string]any{
		reflect.TypeFor[Document]():       schema.Properties,
		reflect.TypeFor[Implementation](): schema.Defs["implementation"].Properties,
		reflect.TypeFor[System]():         schema.Defs["system"].Properties,
		reflect.TypeFor[Counts]():         schema.Defs["counts"].Properties,
		reflect.TypeFor[Scenario]():       schema.Defs["scenario"].Properties,
		reflect.TypeFor[Requirement]():    schema.Defs["requirement"].Properties,
		reflect.TypeFor[Failure]():        schema.Defs["failure"].Properties,
		reflect.TypeFor[Event]():          schema.Defs["event"].Properties,
	}
	for structure, properties := range described {
		names := map[string]bool{}
		for i := range structure.NumField() {
			name, _, _ := strings.Cut(structure.Field(i).Tag.Get("json"), ",")
			names[name] = true
			if _, ok := properties[name]; !ok {
				t.Errorf("%s: the schema does not describe %s", structure, name)
			}
		}
		for name := range properties {
			if !names[name] {
				t.Errorf("%s: the schema describes %s, which is never written", structure, name)
			}
		}
	}
}
