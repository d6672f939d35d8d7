package mutant

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// maxFieldName is longer than any field name that the server or a defect knows.
const maxFieldName = 20

// decodeFields returns the members of an object, and nil for null. It skips members whose
// name cannot be a known field, without decoding them: there may be very many.
func decodeFields(data []byte) (map[string]json.RawMessage, error) {
	data = bytes.TrimSpace(data)
	switch {
	case !json.Valid(data):
		return nil, errors.New("not JSON")
	case string(data) == "null":
		return nil, nil
	case data[0] != '{':
		return nil, errors.New("not an object")
	}
	fields := map[string]json.RawMessage{}
	for rest := bytes.TrimLeft(data[1:], space); rest[0] != '}'; {
		nameEnd := endOfValue(rest)
		raw := rest[:nameEnd]
		rest = bytes.TrimLeft(bytes.TrimLeft(rest[nameEnd:], space)[1:], space) // the colon
		valueEnd := endOfValue(rest)
		if len(raw) <= maxFieldName && (raw[1] < '0' || raw[1] > '9') {
			var name string
			if err := json.Unmarshal(raw, &name); err != nil {
				return nil, err
			}
			fields[name] = rest[:valueEnd]
		}
		rest = bytes.TrimLeft(rest[valueEnd:], space)
		if rest[0] == ',' {
			rest = bytes.TrimLeft(rest[1:], space)
		}
	}
	return fields, nil
}

// space is JSON's white space.
const space = " \t\r\n"

// endOfValue returns the length of the value at the start of valid JSON.
func endOfValue(data []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			if quoted = !quoted; !quoted && depth == 0 {
				return i + 1
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']' || c == ',' || strings.IndexByte(space, c) >= 0) && depth == 0:
			return i
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(data)
}
