// Package jsonschema validates JSON documents against the JSON Schemas of this project.
// It supports the keywords that they use and rejects schemas with any other.
package jsonschema

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Validate returns an error for the first violation of the schema, for invalid JSON, and
// for a schema that is not supported.
func Validate(schema, document []byte) error {
	var root map[string]any
	if err := json.Unmarshal(schema, &root); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		return fmt.Errorf("document: %w", err)
	}
	v := validator{root: root}
	return v.validate("document", root, value)
}

// A validator validates against one schema.
type validator struct{ root map[string]any }

// annotations lists keywords that constrain nothing.
var annotations = []string{"$schema", "$id", "$defs", "title", "description"}

func (v validator) validate(path string, schema any, value any) error {
	if allowed, isBool := schema.(bool); isBool {
		if !allowed {
			return fmt.Errorf("%s is not allowed", path)
		}
		return nil
	}
	keywords, isObject := schema.(map[string]any)
	if !isObject {
		return fmt.Errorf("schema: %v is not a schema", schema)
	}
	for _, keyword := range slices.Sorted(maps.Keys(keywords)) {
		if slices.Contains(annotations, keyword) {
			continue
		}
		check, known := checks[keyword]
		if !known {
			return fmt.Errorf("schema: keyword %s is not supported", keyword)
		}
		if err := check(v, path, keywords, keywords[keyword], value); err != nil {
			return err
		}
	}
	return nil
}

// A check validates one keyword. Argument is its value, and schema contains it.
type check func(v validator, path string, schema map[string]any, argument, value any) error

var checks map[string]check

// init breaks the initialization cycle of checks.
func init() {
	checks = map[string]check{
		"$ref":                 refer,
		"additionalProperties": checkOthers,
		"const":                func(_ validator, path string, _ map[string]any, a, v any) error { return among(path, []any{a}, v) },
		"enum":                 checkEnum,
		"items":                checkItems,
		"maximum":              func(_ validator, path string, _ map[string]any, a, v any) error { return bound(path, a, v, 1) },
		"minimum":              func(_ validator, path string, _ map[string]any, a, v any) error { return bound(path, a, v, -1) },
		"minLength":            checkLength,
		"pattern":              checkPattern,
		"properties":           checkProperties,
		"required":             checkRequired,
		"type":                 checkType,
	}
}

func refer(v validator, path string, _ map[string]any, argument, value any) error {
	name, _ := argument.(string)
	name, local := strings.CutPrefix(name, "#/$defs/")
	definitions, _ := v.root["$defs"].(map[string]any)
	if definition, there := definitions[name]; local && there {
		return v.validate(path, definition, value)
	}
	return fmt.Errorf("schema: unknown reference %v", argument)
}

func checkType(_ validator, path string, _ map[string]any, argument, value any) error {
	names, isList := argument.([]any)
	if !isList {
		names = []any{argument}
	}
	if !slices.ContainsFunc(names, func(name any) bool { return isOfType(value, name) }) {
		return fmt.Errorf("%s is not of type %v", path, argument)
	}
	return nil
}

func isOfType(value, name any) bool {
	switch value := value.(type) {
	case nil:
		return name == "null"
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

func checkEnum(_ validator, path string, _ map[string]any, argument, value any) error {
	allowed, _ := argument.([]any)
	return among(path, allowed, value)
}

func among(path string, allowed []any, value any) error {
	if !slices.ContainsFunc(allowed, func(each any) bool { return reflect.DeepEqual(value, each) }) {
		return fmt.Errorf("%s is %v, not one of %v", path, value, allowed)
	}
	return nil
}

func checkRequired(_ validator, path string, _ map[string]any, argument, value any) error {
	object, isObject := value.(map[string]any)
	names, _ := argument.([]any)
	for _, name := range names {
		if _, there := object[fmt.Sprint(name)]; isObject && !there {
			return fmt.Errorf("%s: missing %v", path, name)
		}
	}
	return nil
}

func checkProperties(v validator, path string, _ map[string]any, argument, value any) error {
	object, _ := value.(map[string]any)
	described, _ := argument.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if schema, there := described[name]; there {
			if err := v.validate(path+"."+name, schema, object[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOthers validates members that "properties" does not describe.
func checkOthers(v validator, path string, schema map[string]any, argument, value any) error {
	object, _ := value.(map[string]any)
	described, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if _, there := described[name]; !there {
			if err := v.validate(path+"."+name, argument, object[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkItems(v validator, path string, _ map[string]any, argument, value any) error {
	list, _ := value.([]any)
	for i, item := range list {
		if err := v.validate(fmt.Sprintf("%s[%d]", path, i), argument, item); err != nil {
			return err
		}
	}
	return nil
}

func checkPattern(_ validator, path string, _ map[string]any, argument, value any) error {
	text, isString := value.(string)
	expression, err := regexp.Compile(fmt.Sprint(argument))
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if isString && !expression.MatchString(text) {
		return fmt.Errorf("%s is %q, which does not match %s", path, text, expression)
	}
	return nil
}

func checkLength(_ validator, path string, _ map[string]any, argument, value any) error {
	text, isString := value.(string)
	if least, _ := argument.(float64); isString && float64(utf8.RuneCountInString(text)) < least {
		return fmt.Errorf("%s is shorter than %v", path, least)
	}
	return nil
}

// bound checks a number against a maximum (direction 1) or minimum (-1).
func bound(path string, argument, value any, direction float64) error {
	limit, _ := argument.(float64)
	if number, isNumber := value.(float64); isNumber && direction*(number-limit) > 0 {
		return fmt.Errorf("%s is %v, beyond the limit %v", path, number, limit)
	}
	return nil
}
