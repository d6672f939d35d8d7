package mutantclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// members are those that a response has in SPEC.md.
var members = []string{"id", "sender", "url", "body", "headers", "created", "expires", "status_code"}

// longFraction matches a time with more than six fractional digits.
var longFraction = regexp.MustCompile(`\.[0-9]{7}`)

// checkStrictly refuses what a defect does not know.
func (c *client) checkStrictly(response map[string]json.RawMessage) error {
	body, times := string(response["body"]), string(response["created"])+string(response["expires"])
	switch {
	case c.has("requires-body") && body == "null":
		return errors.New("body is null")
	case c.has("requires-padding") && strings.HasPrefix(body, `"`) && (len(body)-2)%4 != 0:
		return errors.New("body: incorrect padding")
	case c.has("knows-standard") && strings.ContainsAny(body, "-_"), c.has("knows-url-safe") && strings.ContainsAny(body, "+/"):
		return errors.New("body: unknown character")
	case c.has("requires-offsets") && strings.Contains(times, `Z"`):
		return errors.New("time without an offset")
	case c.has("short-fractions") && longFraction.MatchString(times):
		return errors.New("time with more than six fractional digits")
	case c.has("known-members"):
		for name := range response {
			if !slices.Contains(members, name) {
				return fmt.Errorf("unknown member %q", name)
			}
		}
	}
	return nil
}

// knownStatuses are those of SPEC.md, section 8, as first and last ones.
var knownStatuses = [][2]int{
	{100, 103}, {200, 208}, {226, 226}, {300, 305}, {307, 308}, {400, 419}, {421, 426}, {428, 429},
	{431, 431}, {451, 451}, {499, 508}, {510, 511},
}

func isKnownStatus(status int) bool {
	return slices.ContainsFunc(knownStatuses, func(r [2]int) bool { return r[0] <= status && status <= r[1] })
}

// corruptResult applies a defect to what a call returns.
func (c *client) corruptResult(r result) result {
	switch {
	case c.has("table-of-statuses") && !isKnownStatus(r.status):
		return failure("bad-response", "unknown status %d", r.status)
	case c.has("errors-fail") && r.status >= 400:
		return failure("other", "server answered with status %d", r.status)
	case c.has("hides-error-bodies") && r.status >= 400:
		r.body = nil
	case c.has("loses-headers"):
		r.headers = nil
	case c.has("lowers-received-values"):
		r.headers = lowered(r.headers)
	case c.has("cuts-at-64k"):
		r.body = r.body[:min(len(r.body), 64<<10)]
	case c.has("stops-at-nul"):
		r.body, _, _ = bytes.Cut(r.body, []byte{0})
	case c.has("loses-empty-body") && len(r.body) == 0:
		r.body = nil
	case c.has("trims-results"):
		r.body = bytes.TrimSpace(r.body)
	case c.has("returns-text") && r.body != nil:
		r.body = bytes.ToValidUTF8(r.body, []byte("\uFFFD"))
	}
	return r
}
