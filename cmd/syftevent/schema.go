package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An endpoint is a member of rpc.schema.json.
type endpoint struct {
	Path        string  `json:"path"`
	Method      string  `json:"method,omitempty"` // "" means any
	Description string  `json:"description,omitempty"`
	Fields      []field `json:"fields"`
	Returns     string  `json:"returns"`
}

// A field is a value that an endpoint takes.
type field struct {
	Name     string `json:"name"`
	In       string `json:"in"` // body, path or query
	Type     string `json:"type"`
	Required bool   `json:"required"`
}

// String returns the field as "name type": with a question mark if it is optional, and its place
// unless that is the body.
func (f field) String() string {
	s := f.Name
	if !f.Required {
		s += "?"
	}
	if f.In != "body" {
		s = f.In + " " + s
	}
	return s + " " + f.Type
}

// parseSchema parses rpc.schema.json, as this library and the Python package write it. What is not
// in their shape counts as missing. The endpoints are sorted by path and method; fields have the
// order of the file.
func parseSchema(data []byte) ([]endpoint, error) {
	value, err := decodeOrdered(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadSchema, err)
	}
	entries, ok := value.(object)
	if !ok {
		return nil, fmt.Errorf("%w: want an object", errBadSchema)
	}
	endpoints := []endpoint{}
	for _, m := range entries {
		entry, ok := m.value.(object)
		if !ok {
			return nil, fmt.Errorf("%w: endpoint %q: want an object", errBadSchema, m.name)
		}
		e := endpoint{Path: m.name, Method: entry.text("method"), Description: entry.text("description"), Fields: []field{}, Returns: typeText(entry.get("returns"))}
		if method, path, ok := strings.Cut(m.name, " "); ok && slices.Contains(methods, method) {
			e.Method, e.Path = method, path
		}
		for _, part := range []struct{ member, in string }{{"path", "path"}, {"query", "query"}, {"args", "body"}} {
			args, _ := entry.get(part.member).(object)
			for _, arg := range args {
				details, _ := arg.value.(object)
				required, _ := details.get("required").(bool)
				e.Fields = append(e.Fields, field{arg.name, part.in, typeText(details.get("type")), required})
			}
		}
		endpoints = append(endpoints, e)
	}
	slices.SortStableFunc(endpoints, func(a, b endpoint) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	return endpoints, nil
}

// typeText returns a type in words: "str", "array of int" or "User{name str, age? int}".
func typeText(t any) string {
	switch t := t.(type) {
	case string:
		return orWord(t, "any")
	case object:
		switch t.text("type") {
		case "array":
			return "array of " + typeText(t.get("items"))
		case "model":
			schema, _ := t.get("schema").(object)
			return t.text("name") + membersText(schema)
		}
		return orWord(t.text("type"), "any")
	}
	return "any"
}

// wordOf are the words for the types of JSON Schema.
var wordOf = map[string]string{"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "dict", "array": "array"}

// membersText returns the members of a model's JSON Schema in braces, or "" if there are none.
func membersText(schema object) string {
	properties, _ := schema.get("properties").(object)
	if len(properties) == 0 {
		return ""
	}
	required := map[any]bool{}
	names, _ := schema.get("required").([]any)
	for _, name := range names {
		if name, ok := name.(string); ok {
			required[name] = true
		}
	}
	var members []string
	for _, p := range properties {
		details, _ := p.value.(object)
		optional := "?"
		if required[p.name] {
			optional = ""
		}
		members = append(members, p.name+optional+" "+orWord(wordOf[details.text("type")], "any"))
	}
	return "{" + strings.Join(members, ", ") + "}"
}
