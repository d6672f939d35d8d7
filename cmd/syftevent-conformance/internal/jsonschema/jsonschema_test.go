package jsonschema

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	tests := []struct{ schema, document, want string }{
		{`{}`, `7`, ""},
		{`true`, `7`, "schema"},
		{`{"type":"string"}`, `"a"`, ""},
		{`{"type":"string"}`, `7`, "is not of type string"},
		{`{"type":["string","null"]}`, `null`, ""},
		{`{"type":["string","null"]}`, `false`, "is not of type"},
		{`{"type":"integer"}`, `7`, ""},
		{`{"type":"integer"}`, `7.5`, "is not of type"},
		{`{"type":"boolean"}`, `true`, ""},
		{`{"type":"array","items":{"type":"number"}}`, `[1,2.5]`, ""},
		{`{"type":"array","items":{"type":"number"}}`, `[1,"x"]`, "document[1]"},
		{`{"enum":["a",1]}`, `1`, ""},
		{`{"enum":["a",1]}`, `"b"`, "not one of"},
		{`{"const":1}`, `1`, ""},
		{`{"const":1}`, `2`, "not one of"},
		{`{"required":["a"]}`, `{"a":null}`, ""},
		{`{"required":["a"]}`, `{"b":1}`, "missing a"},
		{`{"properties":{"a":{"type":"string"}}}`, `{"a":"x","b":1}`, ""},
		{`{"properties":{"a":{"type":"string"}}}`, `{"a":1}`, "document.a"},
		{`{"properties":{"a":{}},"additionalProperties":false}`, `{"a":1}`, ""},
		{`{"properties":{"a":{}},"additionalProperties":false}`, `{"b":1}`, "document.b is not allowed"},
		{`{"additionalProperties":{"type":"string"}}`, `{"b":1}`, "document.b"},
		{`{"pattern":"^a+$"}`, `"aa"`, ""},
		{`{"pattern":"^a+$"}`, `"b"`, "does not match"},
		{`{"pattern":"("}`, `"b"`, "schema"},
		{`{"minimum":1,"maximum":3}`, `3`, ""},
		{`{"minimum":1,"maximum":3}`, `4`, "beyond the limit 3"},
		{`{"minimum":1,"maximum":3}`, `0`, "beyond the limit 1"},
		{`{"minLength":2}`, `"üü"`, ""},
		{`{"minLength":2}`, `"ü"`, "shorter"},
		{`{"$ref":"#/$defs/x","$defs":{"x":{"type":"null"}}}`, `null`, ""},
		{`{"$ref":"#/$defs/x","$defs":{"x":{"type":"null"}}}`, `1`, "is not of type"},
		{`{"$ref":"#/$defs/y"}`, `1`, "unknown reference"},
		{`{"items":7}`, `[1]`, "is not a schema"},
		{`{"oneOf":[]}`, `1`, "not supported"},
		{`{}`, `{`, "document"},
		{`{`, `{}`, "schema"},
	}
	for _, test := range tests {
		err := Validate([]byte(test.schema), []byte(test.document))
		if err == nil && test.want != "" || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s of %s: %v, want %q", test.schema, test.document, err, test.want)
		}
	}
}
