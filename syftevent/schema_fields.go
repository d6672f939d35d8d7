package syftevent

import (
	"reflect"
	"strings"
)

// A field is a candidate for a field that encoding/json decodes.
type field struct {
	arg    SchemaField
	depth  int  // number of embedded structs around it
	tagged bool // the name comes from a tag
}

// fieldsOf returns the fields that encoding/json decodes in a struct, by its rules: the
// fields of an embedded struct are promoted; among several with one name the shallowest
// wins, then the tagged one; if several remain, all are ignored.
func fieldsOf(t reflect.Type) []SchemaField {
	var all []field
	collectFields(t, nil, &all)
	var args []SchemaField
	for i, candidate := range all {
		dominant := true
		for j, other := range all {
			if i != j && other.arg.Name == candidate.arg.Name && !candidate.dominates(other) {
				dominant = false
			}
		}
		if dominant {
			args = append(args, candidate.arg)
		}
	}
	return args
}

// dominates reports whether f hides another field with its name.
func (f field) dominates(other field) bool {
	if f.depth != other.depth {
		return f.depth < other.depth
	}
	return f.tagged && !other.tagged
}

// collectFields adds the fields of a struct, and of the structs that it embeds. It stops
// at a type that embeds itself, one of those around.
func collectFields(t reflect.Type, around []reflect.Type, all *[]field) {
	for _, outer := range around {
		if outer == t {
			return
		}
	}
	for i := range t.NumField() {
		structField := t.Field(i)
		tag := structField.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		inner := structField.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case tag == "-":
			continue
		case structField.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			collectFields(inner, append(around[:len(around):len(around)], t), all)
			continue
		case !structField.IsExported():
			continue
		}
		arg := SchemaField{Name: name, Type: typeOf(structField.Type), Required: structField.Type.Kind() != reflect.Pointer}
		if name == "" {
			arg.Name = structField.Name
		}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "omitempty", "omitzero":
				arg.Required = false
			case "string":
				if isScalar(structField.Type) {
					arg.Type = SchemaType{Name: "str", optional: arg.Type.optional}
				}
			}
		}
		*all = append(*all, field{arg, len(around), name != ""})
	}
}

// isScalar reports whether encoding/json applies the option "string" to a field of type t.
func isScalar(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return reflect.Bool <= t.Kind() && t.Kind() <= reflect.Float64 || t.Kind() == reflect.String
}
