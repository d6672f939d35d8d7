package mutantclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A call is one line of the input.
type call struct {
	number      json.RawMessage // nil if the line is not a call
	method, url string
	headers     map[string]string
	body        []byte // nil means no body
	lifetime    time.Duration
	cached      bool // identical calls share a request
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

const (
	defaultLifetime = 24 * time.Hour
	// maxLifetime, in seconds, fits in a time.Duration and in years of four digits.
	maxLifetime = 1e9
)

// parseCall decodes a line. The call has a number even if the rest is invalid.
func parseCall(line []byte) (call, error) {
	var numbered struct {
		Call json.RawMessage `json:"call"`
	}
	if err := json.Unmarshal(line, &numbered); err != nil {
		return call{}, fmt.Errorf("parse call: %w", err)
	}
	if numbered.Call == nil || string(numbered.Call) == "null" {
		return call{}, nil
	}
	parsed := call{number: numbered.Call}
	wire := struct {
		Method    string            `json:"method"`
		URL       string            `json:"url"`
		Headers   map[string]string `json:"headers"`
		Body      *string           `json:"body_base64"`
		ExpiresIn *float64          `json:"expires_in"`
		Options   struct {
			Cached bool `json:"cached"`
		} `json:"options"`
	}{Method: "GET"}
	if err := json.Unmarshal(line, &wire); err != nil {
		return parsed, fmt.Errorf("parse call: %w", err)
	}
	parsed.method, parsed.url, parsed.headers = wire.Method, wire.URL, wire.Headers
	parsed.cached = wire.Options.Cached
	if !slices.Contains(methods, wire.Method) {
		return parsed, fmt.Errorf("unknown method %q", wire.Method)
	}
	if wire.Body != nil {
		var err error
		if parsed.body, err = decodeBase64(*wire.Body); err != nil {
			return parsed, fmt.Errorf("decode body_base64: %w", err)
		}
	}
	parsed.lifetime = defaultLifetime
	if wire.ExpiresIn != nil {
		if *wire.ExpiresIn <= 0 {
			return parsed, errors.New("expires_in is not positive")
		}
		parsed.lifetime = time.Duration(min(*wire.ExpiresIn, maxLifetime) * float64(time.Second))
	}
	if parsed.headers == nil {
		parsed.headers = map[string]string{}
	}
	return parsed, nil
}
