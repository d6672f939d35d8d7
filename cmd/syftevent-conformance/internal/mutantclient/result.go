package mutantclient

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// A result is a response or an error.
type result struct {
	status  int
	headers map[string]string
	body    []byte // nil means no body

	reason string // one of the errors of Appendix A, or empty
	detail string
}

func failure(reason, format string, args ...any) result {
	return result{reason: reason, detail: fmt.Sprintf(format, args...)}
}

// deliver writes the result of a call to standard output.
func (c *client) deliver(p *pending, r result) {
	p.done = true
	if !c.staysOpen(r) {
		c.open--
	}
	if c.has("in-order") {
		c.deliverInOrder(p, r)
		return
	}
	c.print(p, r)
}

func (c *client) print(p *pending, r result) {
	line := map[string]any{"call": p.number}
	if r.reason != "" {
		line["error"], line["detail"] = r.reason, r.detail
	} else {
		line["status"], line["headers"], line["body_base64"] = r.status, map[string]string{}, nil
		if r.headers != nil {
			line["headers"] = r.headers
		}
		if r.body != nil {
			line["body_base64"] = base64.StdEncoding.EncodeToString(r.body)
		}
	}
	data, err := json.Marshal(line)
	if err == nil {
		_, err = c.stdout.Write(append(data, '\n'))
	}
	if err != nil && c.fatal == nil {
		c.fatal = fmt.Errorf("print result of call %s: %w", p.number, err)
	}
}
