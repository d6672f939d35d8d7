package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// An object is a JSON object with its members in the order of the file.
type object []member

type member struct {
	name  string
	value any // object, []any, string, float64, bool or nil
}

// get returns the value of a member, or nil if the object lacks it.
func (o object) get(name string) any {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// text returns the value of a member that is a string, or "".
func (o object) text(name string) string {
	s, _ := o.get(name).(string)
	return s
}

// maxNesting is how deep values may be nested. The types in a schema need less than ten levels.
const maxNesting = 100

var errTooDeep = fmt.Errorf("values are nested more than %d levels deep", maxNesting)

// decodeOrdered decodes one JSON value in linear time.
func decodeOrdered(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	value, err := decodeValue(decoder, 0)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("data after the value, at byte %d", decoder.InputOffset())
	}
	return value, nil
}

func decodeValue(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxNesting {
		return nil, errTooDeep
	}
	switch token {
	case json.Delim('{'):
		o := object{}
		for decoder.More() {
			name, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			value, err := decodeValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			o = append(o, member{name.(string), value})
		}
		_, err := decoder.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			value, err := decodeValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := decoder.Token()
		return list, err
	}
	return token, nil
}
