package syftevent

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A SchemaType is the type of a JSON value, in the words of the Python package:
// "str", "int", "float", "bool", "bytes" (base64 in a string), "datetime" (RFC 3339 in
// a string), "dict", "array", "model" (an object with known fields) and "any".
type SchemaType struct {
	// Name is "str", "int", "float", "bool", "bytes", "datetime", "dict", "array", "model" or
	// "any". "" means "any".
	Name string
	// Items is the type of the elements of an array.
	Items *SchemaType
	// Model is the name of the Go type of a model.
	Model string

	optional bool         // null is allowed
	values   *SchemaType  // of a dict
	text     reflect.Type // the Go type that parses the string; nil for any string
	fields   func() []SchemaField
}

// A SchemaField is a named value: a member of the body, a value of the URL, or a field
// of a model.
type SchemaField struct {
	Name     string
	Type     SchemaType
	Required bool
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	numberType      = reflect.TypeFor[json.Number]()
	timeType        = reflect.TypeFor[time.Time]() // a string, although it implements json.Unmarshaler
)

// typeOf returns the type of the JSON that encoding/json decodes into a Go type.
func typeOf(t reflect.Type) SchemaType {
	if t.Kind() == reflect.Pointer {
		described := typeOf(t.Elem())
		described.optional = true
		return described
	}
	pointer := reflect.PointerTo(t)
	switch {
	case t == numberType:
		return SchemaType{Name: "float"}
	case t == timeType:
		return SchemaType{Name: "datetime", text: t}
	case pointer.Implements(jsonUnmarshaler):
		return SchemaType{Name: "any", optional: true}
	case pointer.Implements(textUnmarshaler):
		return SchemaType{Name: "str", text: t}
	}
	switch t.Kind() {
	case reflect.Bool:
		return SchemaType{Name: "bool"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return SchemaType{Name: "int"}
	case reflect.Float32, reflect.Float64:
		return SchemaType{Name: "float"}
	case reflect.String:
		return SchemaType{Name: "str"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return SchemaType{Name: "bytes", optional: true}
		}
		items := typeOf(t.Elem())
		return SchemaType{Name: "array", Items: &items, optional: true}
	case reflect.Array:
		items := typeOf(t.Elem())
		return SchemaType{Name: "array", Items: &items}
	case reflect.Map:
		values := typeOf(t.Elem())
		return SchemaType{Name: "dict", values: &values, optional: true}
	case reflect.Struct:
		return modelOf(t)
	}
	return SchemaType{Name: "any", optional: true}
}

// parses reports whether the Go type parses the text.
func (t SchemaType) parses(text string) bool {
	return reflect.New(t.text).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)) == nil
}

// models holds the fields of each struct type, computed at first use, because a type
// may contain itself.
var models sync.Map // of reflect.Type to func() []SchemaField

func modelOf(t reflect.Type) SchemaType {
	fields, _ := models.LoadOrStore(t, sync.OnceValue(func() []SchemaField { return fieldsOf(t) }))
	return SchemaType{Name: "model", Model: t.Name(), fields: fields.(func() []SchemaField)}
}

// Fields returns the fields of a model, in the order of the Go type. They must
// not be changed.
func (t SchemaType) Fields() []SchemaField {
	if t.fields == nil {
		return nil
	}
	return t.fields()
}

// titleOf is the title that the Python package's models give a field: "Created
// At" for "created_at".
func titleOf(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' })
	for i, word := range words {
		runes := []rune(word)
		runes[0] = unicode.ToUpper(runes[0])
		words[i] = string(runes)
	}
	return strings.Join(words, " ")
}
