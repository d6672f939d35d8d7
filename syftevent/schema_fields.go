package syftevent

import (
	"reflect"
	"strings"
)

// A field is one that encoding/json may see in a struct.
type field struct {
	arg    SchemaField
	depth  int  // how many embedded structs are around it
	tagged bool // its name is from a tag
}

// fieldsOf lists the fields that encoding/json sees in a struct, by its rules:
// those of an embedded struct are the outer one's; of several of one name the
// least deep counts, then one that has its name from a tag, and if that leaves
// several, none.
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

// dominates reports whether f hides another field of its name.
func (f field) dominates(other field) bool {
	if f.depth != other.depth {
		return f.depth < other.depth
	}
	return f.tagged && !other.tagged
}

// collectFields adds the fields of a struct, and of those that it embeds. The
// types around it embed it: one that embeds itself ends there.
func collectFields(t reflect.Type, around []reflect.Type, all *[]field) {
	for _, outer := range around {
		if outer == t {
			return
		}
	}
	for i := range t.NumField() {
		structField := t.Field(i)
		name, options, _ := strings.Cut(structField.Tag.Get("json"), ",")
		inner := structField.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case name == "-" && options == "":
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
				arg.Type = SchemaType{Name: "str", optional: arg.Type.optional}
			}
		}
		*all = append(*all, field{arg, len(around), name != ""})
	}
}
