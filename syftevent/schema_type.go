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

// A Type is what a value of JSON must be, in the words of the Python package:
// "str", "int", "float", "bool", "bytes" (base64 in a string), "dict", "array",
// "model" (an object with known fields), and "any".
type Type struct {
	// Name is one of the words above; "" means "any".
	Name string
	// Items is the type of the elements of an array.
	Items *Type
	// Model is the name of the Go type of a model.
	Model string

	optional bool         // null is as good as a value
	values   *Type        // of a dict
	text     reflect.Type // that reads the string itself, nil if any string will do
	fields   func() []Arg
}

// An Arg is a named value that a handler expects, or a field of a model.
type Arg struct {
	Name     string
	Type     Type
	Required bool
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	numberType      = reflect.TypeFor[json.Number]()
	timeType        = reflect.TypeFor[time.Time]() // reads strings, though it reads JSON itself
)

// typeOf describes what encoding/json reads into, and writes of, a Go type.
func typeOf(t reflect.Type) Type {
	if t.Kind() == reflect.Pointer {
		described := typeOf(t.Elem())
		described.optional = true
		return described
	}
	pointer := reflect.PointerTo(t)
	switch {
	case t == numberType:
		return Type{Name: "float"}
	case pointer.Implements(jsonUnmarshaler) && t != timeType:
		return Type{Name: "any", optional: true}
	case pointer.Implements(textUnmarshaler):
		return Type{Name: "str", text: t}
	}
	switch t.Kind() {
	case reflect.Bool:
		return Type{Name: "bool"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return Type{Name: "int"}
	case reflect.Float32, reflect.Float64:
		return Type{Name: "float"}
	case reflect.String:
		return Type{Name: "str"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return Type{Name: "bytes", optional: true}
		}
		items := typeOf(t.Elem())
		return Type{Name: "array", Items: &items, optional: true}
	case reflect.Array:
		items := typeOf(t.Elem())
		return Type{Name: "array", Items: &items}
	case reflect.Map:
		values := typeOf(t.Elem())
		return Type{Name: "dict", values: &values, optional: true}
	case reflect.Struct:
		return modelOf(t)
	}
	return Type{Name: "any", optional: true}
}

// parses reports whether the Go type reads the text.
func (t Type) parses(text string) bool {
	return reflect.New(t.text).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)) == nil
}

// models has the fields of each struct type, found when they are first needed:
// a type may contain itself.
var models sync.Map // of reflect.Type to func() []Arg

func modelOf(t reflect.Type) Type {
	fields, _ := models.LoadOrStore(t, sync.OnceValue(func() []Arg { return fieldsOf(t) }))
	return Type{Name: "model", Model: t.Name(), fields: fields.(func() []Arg)}
}

// Fields returns the fields of a model, in the order of the Go type. They must
// not be changed.
func (t Type) Fields() []Arg {
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
