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

var longFraction = regexp.MustCompile(`\.[0-9]{7}`)

var halfOffset = regexp.MustCompile(`([+-][0-9]{2}):?[0-9]{2}$`)

var offset = regexp.MustCompile(`[+-][0-9]{2}:?[0-9]{2}$`)

// leak keeps a decoded envelope forever.
func (d *decoder) leak(data []byte) {
	var decoded any
	json.Unmarshal(data, &decoded)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leaked = append(d.leaked, decoded)
}

// depth returns how deep brackets are nested.
func depth(data []byte) (deepest int) {
	now := 0
	for _, c := range data {
		switch c {
		case '[', '{':
			now++
		case ']', '}':
			now--
		}
		deepest = max(deepest, now)
	}
	return deepest
}

// corruptFields changes or refuses the fields of a request.
func (d *decoder) corruptFields(data []byte, fields map[string]json.RawMessage) error {
	known := []string{"id", "sender", "url", "body", "headers", "created", "expires", "method"}
	switch d.defect {
	case "scalar-unknowns":
		for name, value := range fields {
			if !slices.Contains(known, name) && (value[0] == '{' || value[0] == '[') {
				return refuse(400, "Error loading request: field %s is not a scalar", name)
			}
		}
	case "text-headers":
		if raw, there := fields["headers"]; there {
			fields["headers"] = textHeaders(raw)
		}
	case "nul-dies":
		if bytes.Contains(fields["url"], []byte(`\u0000`)) || bytes.Contains(fields["id"], []byte(`\u0000`)) {
			exitFatal(d.log, "embedded null byte")
		}
	case "first-field":
		maps.Copy(fields, firstFields(data))
	case "null-keeps":
		for name, value := range firstFields(data) {
			if string(fields[name]) == "null" {
				fields[name] = value
			}
		}
	case "day-from-created":
		if _, there := fields["expires"]; !there && fields["created"] != nil {
			if created, err := d.parseTime(fields["created"]); err == nil {
				fields["expires"], _ = json.Marshal(created.Add(requestLifetime))
			}
		}
	case "fold-case":
		for name, value := range maps.Clone(fields) {
			if lower := strings.ToLower(name); lower != name {
				fields[lower] = value
			}
		}
	case "strict-fields":
		for name := range fields {
			if !slices.Contains(known, name) {
				return refuse(400, "Error loading request: unknown field %s", name)
			}
		}
	case "id-required", "body-required":
		name := strings.TrimSuffix(string(d.defect), "-required")
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

// firstFields returns the first of each duplicate field.
func firstFields(data []byte) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.Token() // the opening brace
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

// corruptRequest changes what a handler receives.
func (d defect) corruptRequest(req request) request {
	d.limitRequest(&req)
	switch d {
	case "drops-headers":
		req.headers = map[string]string{}
	case "split-escapes":
		for name, value := range req.headers {
			req.headers[name] = strings.Map(func(r rune) rune {
				if r > 0xffff {
					return '\uFFFD'
				}
				return r
			}, value)
		}
	case "drops-empty-headers":
		maps.DeleteFunc(req.headers, func(_, value string) bool { return value == "" })
	case "ascii-headers":
		for name, value := range req.headers {
			req.headers[name] = strings.Map(asciiOnly, value)
		}
	case "cuts-at-nul":
		req.body, _, _ = bytes.Cut(req.body, []byte{0})
	case "empty-for-null":
		if req.body == nil {
			req.body = []byte{}
		}
	case "drops-query":
		req.url = bareURL(req.url)
	case "text-bodies":
		req.body = bytes.ToValidUTF8(req.body, []byte("\uFFFD"))
	case "composes":
		req.body = bytes.ReplaceAll(req.body, []byte("e\u0301"), []byte("é"))
	case "trims-bodies":
		req.body = bytes.TrimSpace(req.body)
	case "unix-lines":
		req.body = bytes.ReplaceAll(req.body, []byte("\r\n"), []byte("\n"))
	case "lower-senders":
		req.sender = strings.ToLower(req.sender)
	}
	return req
}

// bareURL returns a url without query, fragment, escapes and trailing slash.
func bareURL(text string) string {
	if end := strings.IndexAny(text, "?#"); end >= 0 {
		text = text[:end]
	}
	if unescaped, err := url.PathUnescape(text); err == nil {
		text = unescaped
	}
	return strings.TrimSuffix(text, "/")
}

// corruptResponse changes the envelope of a response.
func (d defect) corruptResponse(envelope map[string]any, r reply) {
	switch d {
	case "no-created":
		delete(envelope, "created")
	case "standard-base64":
		if r.body != nil {
			envelope["body"] = base64.StdEncoding.EncodeToString(r.body)
		}
	case "first-plus":
		if r.body != nil {
			text := base64.StdEncoding.EncodeToString(r.body)
			envelope["body"] = strings.Replace(strings.Replace(text, "+", "-", 1), "/", "_", 1)
		}
	case "encodes-in-blocks":
		if r.body != nil {
			var text strings.Builder
			for block := range slices.Chunk(r.body, blockSize) {
				text.WriteString(base64.URLEncoding.EncodeToString(block))
			}
			envelope["body"] = text.String()
		}
	case "local-created":
		envelope["created"] = formatTime(time.Now().Add(7 * time.Hour))
	case "whole-expires":
		text, _, found := strings.Cut(fmt.Sprint(envelope["expires"]), ".")
		if found {
			envelope["expires"] = text + "+00:00"
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
		envelope["expires"] = formatTime(time.Now().Add(requestLifetime))
	case "own-id":
		envelope["id"] = rand.Text()
	}
}

// keepBase64 drops characters that are not of base64, for strings.Map.
func keepBase64(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+/-_=", r) {
		return r
	}
	return -1
}

// asciiOnly replaces characters other than those of ASCII, for strings.Map.
func asciiOnly(r rune) rune {
	if r > 127 {
		return '?'
	}
	return r
}

// textHeaders turns the values of headers into text.
func textHeaders(raw json.RawMessage) json.RawMessage {
	var headers map[string]any
	if json.Unmarshal(raw, &headers) != nil || headers == nil {
		return raw
	}
	for name, value := range headers {
		headers[name] = fmt.Sprint(value)
	}
	text, err := json.Marshal(headers)
	if err != nil {
		return raw
	}
	return text
}

// corruptReply changes what a handler returned.
func (d defect) corruptReply(r reply) reply {
	var value any
	if d.has("reencodes-json") && json.Unmarshal(r.body, &value) == nil {
		r.body, _ = json.Marshal(value)
	}
	return r
}
