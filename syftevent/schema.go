package syftevent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A Schema describes what a handler expects and what it returns. Its JSON has the
// shape that the Python package publishes:
//
//	{"description": ..., "args": {"a": {"type": "int", "required": true}}, "returns": "any"}
//
// If they are set, "path", "query" (objects like "args") and "method" follow. The zero
// value is the schema of a handler that does not describe itself: any body, any
// result.
type Schema struct {
	// Description is the text set by [Describe]. "" is null in JSON.
	Description string
	// Args are the members of the JSON object in the body. For a body of another type it has
	// one field named "body". It is empty if the handler is not from [Typed], or takes nothing
	// from the body.
	Args []SchemaField
	// Path and Query are the values that the handler takes from the URL.
	Path, Query []SchemaField
	// Returns is the type of the result.
	Returns SchemaType
	// Method is the method of the [Route], or "" for any.
	Method string

	typed bool        // whether the handler describes what it expects
	body  *SchemaType // the type of the body, unless it is an object with Args
}

// bodyName is the name in Args of a body that is not an object.
const bodyName = "body"

// GenerateSchema returns the schema of a handler: that of [Typed], with the
// description of [Describe], also if middleware with an Unwrap method is around it
// (see [Middleware]). Other handlers have only a description.
func GenerateSchema(handler Handler) Schema {
	schema := Schema{}
	for inner := handler; inner != nil; {
		if typed, ok := inner.(interface{ schema() Schema }); ok {
			schema = typed.schema()
			break
		}
		wrapped, ok := inner.(interface{ Unwrap() Handler })
		if !ok {
			break
		}
		inner = wrapped.Unwrap()
	}
	schema.Description = descriptionOf(handler)
	return schema
}

// MarshalJSON encodes the schema in the Python package's shape.
func (s Schema) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(`{"description":`)
	var description any
	if s.Description != "" {
		description = s.Description
	}
	writeJSON(&out, description)
	out.WriteString(`,"args":`)
	writeFields(&out, s.Args)
	out.WriteString(`,"returns":`)
	writeJSON(&out, s.Returns)
	for _, part := range []struct {
		name   string
		fields []SchemaField
	}{{"path", s.Path}, {"query", s.Query}} {
		if part.fields != nil {
			fmt.Fprintf(&out, ",%q:", part.name)
			writeFields(&out, part.fields)
		}
	}
	if s.Method != "" {
		out.WriteString(`,"method":`)
		writeJSON(&out, s.Method)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

func writeFields(out *bytes.Buffer, fields []SchemaField) {
	out.WriteByte('{')
	for i, field := range fields {
		if i > 0 {
			out.WriteByte(',')
		}
		writeJSON(out, field.Name)
		out.WriteString(`:{"type":`)
		writeJSON(out, field.Type)
		fmt.Fprintf(out, `,"required":%v}`, field.Required)
	}
	out.WriteByte('}')
}

// writeJSON panics if v cannot be encoded.
func writeJSON(out *bytes.Buffer, v any) {
	data, err := encodeJSON(v)
	if err != nil {
		panic(err)
	}
	out.Write(data)
}

// MarshalJSON encodes the type as a word, or an array or a model as an object.
func (t SchemaType) MarshalJSON() ([]byte, error) {
	switch t.Name {
	case "":
		return []byte(`"any"`), nil
	case "array":
		return encodeJSON(struct {
			Type  string      `json:"type"`
			Items *SchemaType `json:"items"`
		}{t.Name, t.Items})
	case "model":
		return encodeJSON(struct {
			Type   string     `json:"type"`
			Name   string     `json:"name"`
			Schema jsonSchema `json:"schema"`
		}{t.Name, t.Model, t.jsonSchema(nil)})
	}
	return encodeJSON(t.Name)
}

// A jsonSchema is the JSON Schema of a model, with the members in the order of the Python
// package.
type jsonSchema struct {
	Properties           *properties `json:"properties,omitempty"`
	Items                *jsonSchema `json:"items,omitempty"`
	AdditionalProperties *jsonSchema `json:"additionalProperties,omitempty"`
	Required             []string    `json:"required,omitempty"`
	Format               string      `json:"format,omitempty"`
	Title                string      `json:"title,omitempty"`
	Type                 string      `json:"type,omitempty"`
}

// properties are JSON Schema properties in the order of the fields.
type properties struct {
	names   []string
	schemas []jsonSchema
}

func (p properties) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, name := range p.names {
		if i > 0 {
			out.WriteByte(',')
		}
		writeJSON(&out, name)
		out.WriteByte(':')
		writeJSON(&out, p.schemas[i])
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// jsonSchema returns the JSON Schema of the type. A model within itself, one of
// those around, has only its name.
func (t SchemaType) jsonSchema(around []string) jsonSchema {
	switch t.Name {
	case "bool":
		return jsonSchema{Type: "boolean"}
	case "int":
		return jsonSchema{Type: "integer"}
	case "float":
		return jsonSchema{Type: "number"}
	case "str":
		return jsonSchema{Type: "string"}
	case "datetime":
		return jsonSchema{Type: "string", Format: "date-time"}
	case "bytes":
		return jsonSchema{Type: "string", Format: "base64"}
	case "array":
		items := t.Items.jsonSchema(around)
		return jsonSchema{Type: "array", Items: &items}
	case "dict":
		s := jsonSchema{Type: "object"}
		if t.values != nil {
			values := t.values.jsonSchema(around)
			s.AdditionalProperties = &values
		}
		return s
	case "model":
		s := jsonSchema{Title: t.Model, Type: "object"}
		if slices.Contains(around, t.Model) {
			return s
		}
		s.Properties = &properties{}
		for _, field := range t.Fields() {
			property := field.Type.jsonSchema(append(slices.Clip(around), t.Model))
			property.Title = titleOf(field.Name)
			s.Properties.names = append(s.Properties.names, field.Name)
			s.Properties.schemas = append(s.Properties.schemas, property)
			if field.Required {
				s.Required = append(s.Required, field.Name)
			}
		}
		return s
	}
	return jsonSchema{}
}

// Validate checks a body against the schema: it must be JSON of the expected type,
// with every required member and no unknown one. Names match exactly. The error is an
// [*Error] with status 400 that names the member. The schema of a handler that does
// not describe itself accepts any body.
func (s Schema) Validate(body []byte) error {
	if !s.typed {
		return nil
	}
	if len(body) == 0 {
		return invalidBody("the body is empty, want JSON")
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	err := decoder.Decode(&value)
	if _, after := decoder.Token(); err != nil || after != io.EOF {
		return invalidBody("the body is not one JSON value")
	}
	if s.body != nil {
		return s.body.validate(bodyName, value)
	}
	return validateMembers("", s.Args, value)
}

func invalidBody(format string, args ...any) error {
	return Errorf(400, textInvalidBody+format, args...)
}

// validate checks one value; where is its name in the message.
func (t SchemaType) validate(where string, value any) error {
	if value == nil {
		if t.optional || t.Name == "" || t.Name == "any" {
			return nil
		}
		return invalidBody("field %q must not be null", where)
	}
	ok := true
	switch t.Name {
	case "bool":
		_, ok = value.(bool)
	case "int":
		number, isNumber := value.(json.Number)
		ok = isNumber && isInteger(number)
	case "float":
		_, ok = value.(json.Number)
	case "datetime":
		text, isString := value.(string)
		ok = isString && t.parses(text)
	case "str":
		var text string
		if text, ok = value.(string); ok && t.text != nil && !t.parses(text) {
			return invalidBody("field %q is not a valid %s", where, t.text)
		}
	case "bytes":
		var text string
		if text, ok = value.(string); ok {
			if _, err := base64.StdEncoding.DecodeString(text); err != nil {
				return invalidBody("field %q must be base64 in the standard alphabet, padded", where)
			}
		}
	case "array":
		elements, isArray := value.([]any)
		for i, element := range elements {
			if err := t.Items.validate(fmt.Sprintf("%s[%d]", where, i), element); err != nil {
				return err
			}
		}
		ok = isArray
	case "dict":
		members, isObject := value.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(members)) {
			if t.values == nil {
				break
			}
			if err := t.values.validate(where+"."+name, members[name]); err != nil {
				return err
			}
		}
		ok = isObject
	case "model":
		return validateMembers(where, t.Fields(), value)
	}
	if !ok {
		return invalidBody("field %q must be of type %s", where, t.Name)
	}
	return nil
}

// isInteger reports whether encoding/json decodes the number into an integer: it has
// neither a fraction nor an exponent.
func isInteger(number json.Number) bool {
	return !strings.ContainsAny(number.String(), ".eE")
}

func validateMembers(where string, fields []SchemaField, value any) error {
	members, ok := value.(map[string]any)
	if !ok {
		if where == "" {
			return invalidBody("the body must be a JSON object")
		}
		return invalidBody("field %q must be an object", where)
	}
	inside := func(name string) string {
		if where == "" {
			return name
		}
		return where + "." + name
	}
	known := map[string]bool{}
	for _, field := range fields {
		known[field.Name] = true
		member, there := members[field.Name]
		if !there {
			if field.Required {
				return invalidBody("field %q is missing", inside(field.Name))
			}
			continue
		}
		if err := field.Type.validate(inside(field.Name), member); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !known[name] {
			return invalidBody("field %q is unknown", inside(name))
		}
	}
	return nil
}
