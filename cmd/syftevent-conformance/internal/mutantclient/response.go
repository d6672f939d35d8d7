package mutantclient

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// decodeResponse decodes the complete response to a request. A response that is malformed or
// forged is a failure.
func (c *client) decodeResponse(p *pending, data []byte) result {
	var members map[string]json.RawMessage // names match exactly, and the last duplicate counts
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return failure("bad-response", "response is not a JSON object")
	}
	if reason := c.checkOrigin(p, members); reason != "" {
		return failure("bad-response", "%s", reason)
	}
	if err := c.checkStrictly(members); err != nil {
		return failure("bad-response", "malformed response: %v", err)
	}
	r := result{}
	if err := json.Unmarshal(members["status_code"], &r.status); err != nil || r.status < 100 || r.status > 599 {
		return failure("bad-response", "malformed response: status_code is not a status")
	}
	if raw, ok := members["headers"]; ok {
		if err := json.Unmarshal(raw, &r.headers); err != nil {
			return failure("bad-response", "malformed response: headers: %v", err)
		}
	}
	var body *string
	if raw, ok := members["body"]; ok {
		if err := json.Unmarshal(raw, &body); err != nil {
			return failure("bad-response", "malformed response: body: %v", err)
		}
	}
	if body != nil {
		var err error
		if r.body, err = decodeBase64(*body); err != nil {
			return failure("bad-response", "malformed response: body: %v", err)
		}
	}
	return c.corruptResult(r)
}

// checkOrigin returns why a response does not belong to a request, or "".
func (c *client) checkOrigin(p *pending, members map[string]json.RawMessage) string {
	id, sender, url := p.stem, "", ""
	for name, into := range map[string]*string{"id": &id, "sender": &sender, "url": &url} {
		raw, ok := members[name]
		if !ok {
			continue
		}
		if string(raw) == "null" || json.Unmarshal(raw, into) != nil {
			return "malformed response: " + name + " is not a string"
		}
	}
	switch {
	case !c.acceptsID(id, p.stem):
		return "forged response: id is not that of the request"
	case !c.acceptsSender(sender, p.datasite):
		return "forged response: sender does not own the datasite"
	case !c.sameEndpoint(url, p.url):
		return "forged response: url names another endpoint"
	}
	return ""
}

func (d defect) acceptsID(id, stem string) bool {
	switch {
	case d.has("any-response-id"):
		return true
	case d.has("exact-case"):
		return id == stem
	}
	return sameID(id, stem)
}

func (d defect) acceptsSender(sender, datasite string) bool {
	switch {
	case d.has("any-response-sender"):
		return true
	case d.has("exact-case"):
		return sender == datasite
	}
	return strings.EqualFold(sender, datasite)
}

// decodeBase64 decodes either alphabet, padded or not. The result is never nil.
func decodeBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // which package base64 ignores
		return nil, errors.New("base64 contains line breaks")
	}
	text = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
	data, err := base64.RawURLEncoding.AppendDecode([]byte{}, []byte(text))
	if err != nil {
		return nil, fmt.Errorf("decode base64: %w", err)
	}
	return data, nil
}
