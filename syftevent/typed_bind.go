package syftevent

import (
	"encoding"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A binding is a field that gets its value from the URL.
type binding struct {
	index    []int
	name     string // of the wildcard or of the query's parameter
	jsonName string // under which encoding/json would read the field
	path     bool   // from the path, not the query
	required bool
}

// bindingsOf returns the bindings of a struct type, also those of structs that it embeds,
// and none of another type. It panics if a field with a tag cannot be bound.
func bindingsOf(t reflect.Type) []binding {
	if t.Kind() == reflect.Pointer && len(bindingsOf(t.Elem())) > 0 {
		panic(fmt.Sprintf("syftevent: Typed: %s has fields with the tag path or query, so In must be %s", t.Elem(), t.Elem()))
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var bindings []binding
	for _, field := range reflect.VisibleFields(t) {
		b := binding{index: field.Index, jsonName: field.Name}
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			b.jsonName = name
		}
		tag, ok := field.Tag.Lookup("path")
		if b.path = ok; !ok {
			if tag, ok = field.Tag.Lookup("query"); !ok {
				continue
			}
		}
		var option string
		b.name, option, _ = strings.Cut(tag, ",")
		b.required = b.path || option == "required"
		elem := field.Type
		if !b.path && elem.Kind() == reflect.Slice && !isText(elem) {
			elem = elem.Elem()
		}
		if b.name == "" || !field.IsExported() || !canParse(elem) || throughPointer(t, field.Index) {
			panic(fmt.Sprintf("syftevent: Typed: field %s.%s of type %s cannot be bound to %q", t, field.Name, field.Type, tag))
		}
		bindings = append(bindings, b)
	}
	return bindings
}

// throughPointer reports whether a field belongs to a struct that is embedded as a pointer,
// which is nil when the field is to be set.
func throughPointer(t reflect.Type, index []int) bool {
	for n := range len(index) - 1 {
		if t.FieldByIndex(index[:n+1]).Type.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}

func boundField(bindings []binding, jsonName string) bool {
	return slices.ContainsFunc(bindings, func(b binding) bool { return b.jsonName == jsonName })
}

// bind sets the bound fields of a struct from a request.
func bind(bindings []binding, req *Request, in reflect.Value) error {
	if len(bindings) == 0 {
		return nil
	}
	query, err := url.ParseQuery(req.URL.Query)
	if err != nil {
		return invalidBody("query: %v", err)
	}
	for _, b := range bindings {
		field := in.FieldByIndex(b.index)
		field.SetZero() // the body cannot set it
		values, where := query[b.name], "query parameter"
		if b.path {
			values, where = []string{req.PathValue(b.name)}, "path value"
		}
		switch {
		case len(values) == 0 && b.required:
			return invalidBody("%s %q is missing", where, b.name)
		case len(values) == 0:
			continue
		case field.Kind() == reflect.Slice && !isText(field.Type()):
			field.Set(reflect.MakeSlice(field.Type(), len(values), len(values)))
			for i, value := range values {
				if parse(field.Index(i), value) != nil {
					return invalidBody("%s %q: %q must be of type %s", where, b.name, value, typeOf(field.Type().Elem()).Name)
				}
			}
			continue
		}
		if parse(field, values[0]) != nil {
			return invalidBody("%s %q: %q must be of type %s", where, b.name, values[0], typeOf(field.Type()).Name)
		}
	}
	return nil
}

// isText reports whether a value of the type, or a pointer to it, parses text itself.
func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textUnmarshaler) }

// canParse reports whether parse knows the type.
func canParse(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return isText(t) || t.Kind() == reflect.String || reflect.Bool <= t.Kind() && t.Kind() <= reflect.Float64 && t.Kind() != reflect.Uintptr
}

// parse sets a value from text.
func parse(v reflect.Value, text string) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if unmarshaler, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return unmarshaler.UnmarshalText([]byte(text))
	}
	switch kind := v.Kind(); {
	case kind == reflect.String:
		v.SetString(text)
		return nil
	case kind == reflect.Bool:
		value, err := strconv.ParseBool(text)
		v.SetBool(value)
		return err
	case reflect.Int <= kind && kind <= reflect.Int64:
		value, err := strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(value)
		return err
	case reflect.Uint <= kind && kind <= reflect.Uint64:
		value, err := strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(value)
		return err
	default: // a float
		value, err := strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(value)
		return err
	}
}
