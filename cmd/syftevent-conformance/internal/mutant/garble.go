package mutant

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// misread spoils the fields of a request, or refuses them.
func (s *server) misread(data []byte, fields map[string]json.RawMessage) error {
	known := []string{"id", "sender", "url", "body", "headers", "created", "expires", "method"}
	switch s.defect {
	case "first-field":
		maps.Copy(fields, firstFields(data))
	case "fold-case":
		for name, value := range maps.Clone(fields) {
			if lower := strings.ToLower(name); lower != name {
				fields[lower] = value
			}
		}
	case "strict-fields":
		for name := range fields {
			if !slices.Contains(known, name) {
				return refuse(400, "Error loading request: field %s is not known", name)
			}
		}
	case "id-required", "body-required":
		name := strings.TrimSuffix(s.defect, "-required")
		if _, there := fields[name]; !there {
			return refuse(400, "Error loading request: field %s is missing", name)
		}
	case "post-by-default":
		if _, there := fields["method"]; !there {
			fields["method"] = json.RawMessage(`"POST"`)
		}
	}
	return nil
}

// firstFields returns of each field the first.
func firstFields(data []byte) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.Token() // the brace
	for decoder.More() {
		var value json.RawMessage
		name, err := decoder.Token()
		if err != nil || decoder.Decode(&value) != nil {
			break
		}
		if _, there := fields[fmt.Sprint(name)]; !there {
			fields[fmt.Sprint(name)] = value
		}
	}
	return fields
}

var longFraction = regexp.MustCompile(`\.[0-9]{7}`)

// fits reports whether a time is of a form.
func fits(form, text string) bool {
	_, err := time.Parse(form, text)
	return err == nil
}

// mishandle spoils what a handler is given.
func (s *server) mishandle(req request) request {
	switch s.defect {
	case "drops-headers":
		req.headers = map[string]string{}
	case "drops-query":
		req.url = bareURL(req.url)
	}
	return req
}

// bareURL is a url without query, fragment and escapes.
func bareURL(text string) string {
	if end := strings.IndexAny(text, "?#"); end >= 0 {
		text = text[:end]
	}
	if plain, err := url.PathUnescape(text); err == nil {
		text = plain
	}
	return strings.TrimSuffix(text, "/")
}

// miswrite spoils the envelope of a response.
func (s *server) miswrite(envelope map[string]any, r reply) {
	switch s.defect {
	case "no-created":
		delete(envelope, "created")
	case "standard-base64":
		if r.body != nil {
			envelope["body"] = base64.StdEncoding.EncodeToString(r.body)
		}
	case "unpadded":
		if r.body != nil {
			envelope["body"] = base64.RawURLEncoding.EncodeToString(r.body)
		}
	case "empty-for-none":
		envelope["body"] = base64.URLEncoding.EncodeToString(r.body)
	case "none-for-empty":
		if len(r.body) == 0 {
			envelope["body"] = nil
		}
	case "own-url":
		envelope["url"] = bareURL(fmt.Sprint(envelope["url"]))
	case "own-expires":
		envelope["expires"] = formatTime(time.Now().Add(lifetime))
	case "own-id":
		envelope["id"] = rand.Text()
	}
}

// permit spoils the permissions.
func (s *server) permit(text string) string {
	rules := strings.SplitAfter(text, "    - 'USER'\n")
	switch s.defect {
	case "private-schema":
		return strings.Replace(text, "'rpc.schema.json'", "'none'", 1)
	case "open-schema":
		return strings.Replace(text, "    - '*'\n", "    - '*'\n    write:\n    - '*'\n", 1)
	case "open-permissions":
		return text + "- pattern: 'syft.pub.yaml'\n  access:\n    write:\n    - '*'\n"
	case "flat-permissions":
		return strings.ReplaceAll(text, "**/{{", "*/{{")
	case "open-requests":
		return strings.Replace(text, "{{.UserEmail}}/*.request", "*/*.request", 1)
	case "no-responses":
		return strings.Join(rules[:2], "")
	}
	return text
}
