package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A validator knows the keywords of JSON Schema that report.schema.json uses, and
// takes any other for a mistake in it.
type validator struct{ root map[string]any }

// annotations are keywords that check nothing.
var annotations = []string{"$schema", "$defs", "title", "description"}

func (v validator) validate(path string, schema map[string]any, value any) error {
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		if slices.Contains(annotations, keyword) {
			continue
		}
		if err := v.keyword(path, keyword, schema, value); err != nil {
			return err
		}
	}
	return nil
}

func (v validator) keyword(path, keyword string, schema map[string]any, value any) error {
	argument := schema[keyword]
	object, isObject := value.(map[string]any)
	switch keyword {
	case "type":
		if !hasType(value, argument.(string)) {
			return fmt.Errorf("%s is no %s", path, argument)
		}
	case "const":
		if !reflect.DeepEqual(value, argument) {
			return fmt.Errorf("%s is not %v", path, argument)
		}
	case "enum":
		if !slices.ContainsFunc(argument.([]any), func(each any) bool { return reflect.DeepEqual(value, each) }) {
			return fmt.Errorf("%s is none of %v", path, argument)
		}
	case "required":
		for _, name := range argument.([]any) {
			if _, there := object[name.(string)]; isObject && !there {
				return fmt.Errorf("%s lacks %s", path, name)
			}
		}
	case "properties":
		for name, part := range object {
			if sub, described := argument.(map[string]any)[name]; described {
				if err := v.validate(path+"."+name, sub.(map[string]any), part); err != nil {
					return err
				}
			}
		}
	case "additionalProperties": // false, wherever it stands
		for name := range object {
			if _, described := schema["properties"].(map[string]any)[name]; !described {
				return fmt.Errorf("%s may have no %s", path, name)
			}
		}
	case "items":
		list, _ := value.([]any)
		for i, item := range list {
			if err := v.validate(fmt.Sprintf("%s[%d]", path, i), argument.(map[string]any), item); err != nil {
				return err
			}
		}
	case "$ref":
		name, _ := strings.CutPrefix(argument.(string), "#/$defs/")
		referred, ok := v.root["$defs"].(map[string]any)[name].(map[string]any)
		if !ok {
			return fmt.Errorf("the schema has no %s", argument)
		}
		return v.validate(path, referred, value)
	default:
		return fmt.Errorf("the schema has a keyword %s, which this validator does not know", keyword)
	}
	return nil
}

func hasType(value any, name string) bool {
	switch value := value.(type) {
	case map[string]any:
		return name == "object"
	case []any:
		return name == "array"
	case string:
		return name == "string"
	case bool:
		return name == "boolean"
	case float64:
		return name == "number" || name == "integer" && value == math.Trunc(value)
	}
	return false
}

// againstSchema validates a document.
func againstSchema(t *testing.T, document []byte) error {
	t.Helper()
	var schema map[string]any
	if err := json.Unmarshal([]byte(Schema), &schema); err != nil {
		t.Fatalf("the schema is no JSON: %v", err)
	}
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		t.Fatalf("the document is no JSON: %v", err)
	}
	return validator{schema}.validate("document", schema, value)
}

func TestDocumentsAreOfTheSchema(t *testing.T) {
	for name, run := range map[string]Run{"full": fullRun(t), "empty": {Reproduce: "%s", Summary: Summarize(nil, 0, nil)}} {
		if err := againstSchema(t, written(t, run)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The schema would not be worth much if it took anything.
func TestSchemaRejectsWhatIsBroken(t *testing.T) {
	document := written(t, fullRun(t))
	tests := []struct{ old, new, want string }{
		{`"format": 1`, `"format": 2`, "document.format is not 1"},
		{`"strict": false`, `"strict": "no"`, "document.strict is no boolean"},
		{`"strict"`, `"stricter"`, "document may have no stricter"},
		{`"seed": 7`, `"seed": 7.5`, "document.seed is no integer"},
		{`"verdict": "non-conformant"`, `"verdict": "fine"`, "document.verdict is none of"},
		{`"arch": "`, `"Arch": "`, "document.system may have no Arch"},
		{`"reason": "`, `"because": "`, ".known may have no because"},
		{`"change": "appear"`, `"change": "appeared"`, "events[1].change is none of"},
		{`"level": "SHOULD"`, `"level": "COULD"`, ".level is none of"},
		{`"dead": false`, `"dead": 0`, ".failure.dead is no boolean"},
		{`"core_must": 2,`, ``, "document.counts lacks core_must"},
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

// Each property that a struct can write is described, and no other.
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
