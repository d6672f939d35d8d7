package mutant

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// A request is a decoded envelope.
type request struct {
	id, sender, url, method string
	body                    []byte // nil means no body
	headers                 map[string]string
	created, expires        time.Time
}

// A reply is what a handler returns.
type reply struct {
	silent  bool // publish no response; only defects want that
	status  int
	headers map[string]string
	body    []byte // nil means no body
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// requestLifetime is the lifetime of requests without "expires".
const requestLifetime = 24 * time.Hour

// A decoder decodes envelopes.
type decoder struct {
	defect
	log *slog.Logger

	mu       sync.Mutex
	leaked   []any
	badTimes atomic.Int32 // for a defect
}

// decode decodes an envelope. Field names match exactly, and the last of duplicate
// fields counts.
func (d *decoder) decode(data []byte) (*request, error) {
	fields, err := decodeFields(data)
	if d.has("keeps-fields") {
		d.leak(data)
	}
	if d.has("null-dies") && err == nil && fields == nil {
		exitFatal(d.log, "envelope is null")
	}
	if err != nil || fields == nil || !utf8.Valid(data) {
		return nil, refuse(400, "Error loading request: not a JSON object in UTF-8")
	}
	if err := d.corruptFields(data, fields); err != nil {
		return nil, err
	}
	var body *string
	var headers map[string]*string
	req := &request{method: "GET", headers: map[string]string{}, expires: time.Now().Add(requestLifetime)}
	for name, into := range map[string]any{
		"id": &req.id, "sender": &req.sender, "url": &req.url, "method": &req.method,
		"body": &body, "headers": &headers,
	} {
		raw, there := fields[name]
		// Only a body may be null.
		if there && (json.Unmarshal(raw, into) != nil || string(raw) == "null" && name != "body") {
			return nil, refuse(400, "Error loading request: field %s", name)
		}
	}
	if err := d.decodeTimes(fields, req); err != nil {
		return nil, err
	}
	for name, value := range headers {
		if value == nil {
			return nil, refuse(400, "Error loading request: field headers")
		}
		req.headers[name] = *value
	}
	if body != nil {
		if req.body, err = d.decodeBody(*body); err != nil {
			return nil, refuse(400, "Error loading request: field body")
		}
	}
	if req.sender == "" || req.url == "" || !slices.Contains(methods, req.method) && !d.has("any-method") {
		return nil, refuse(400, "Error loading request: field sender, url or method")
	}
	return req, nil
}

func (d *decoder) decodeTimes(fields map[string]json.RawMessage, req *request) error {
	for name, into := range map[string]*time.Time{"created": &req.created, "expires": &req.expires} {
		raw, there := fields[name]
		if !there {
			continue
		}
		t, err := d.parseTime(raw)
		if err != nil {
			if d.has("lenient-times") {
				continue
			}
			d.badTimes.Add(1)
			return refuse(400, "Error loading request: field %s", name)
		}
		*into = t
	}
	if d.has("created-past") && !req.created.IsZero() && time.Since(req.created) > 30*24*time.Hour {
		return refuse(400, "Error loading request: created too long ago")
	}
	if d.has("created-future") && time.Until(req.created) > 365*24*time.Hour {
		return refuse(400, "Error loading request: created in the future")
	}
	return nil
}

// decodeBody decodes base64 in either alphabet, padded or not. The result is never nil.
func (d *decoder) decodeBody(text string) ([]byte, error) {
	if d.has("url-safe-only") {
		return base64.RawURLEncoding.AppendDecode([]byte{}, []byte(strings.TrimRight(text, "=")))
	}
	if d.has("cuts-bodies") {
		text = text[:min(len(text), 2_500_000)]
	}
	if d.has("padded-only") && len(text)%4 != 0 {
		return nil, base64.CorruptInputError(len(text))
	}
	if d.has("sloppy-base64") {
		text = strings.Map(keepBase64, text)
	}
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return base64.RawStdEncoding.AppendDecode([]byte{}, []byte(standard))
}

const naiveForm = "2006-01-02T15:04:05"

// timeForms are ISO 8601 with and without an offset. time.Parse accepts a fraction of
// any length after the seconds.
var timeForms = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700",
	naiveForm, "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02",
}

// maxSeconds is more than a time of four digits of year can have, and fits in microseconds.
const maxSeconds = 1e12

// parseTime parses a time in ISO 8601 or in seconds since 1970.
func (d *decoder) parseTime(raw json.RawMessage) (time.Time, error) {
	var seconds float64
	if json.Unmarshal(raw, &seconds) == nil && string(raw) != "null" {
		if d.has("text-times") {
			return time.Time{}, errors.New("parse time: a number")
		}
		if d.has("far-expiry-dies") && math.Abs(seconds) > 1e18 {
			exitFatal(d.log, "year is out of range")
		}
		return time.UnixMicro(int64(min(max(seconds, -maxSeconds), maxSeconds) * 1e6)), nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return time.Time{}, fmt.Errorf("parse time: %w", err)
	}
	if d.has("no-zulu") && strings.HasSuffix(text, "Z") {
		return time.Time{}, fmt.Errorf("parse time %q: no offset", text)
	}
	if d.has("half-hours") {
		text = halfOffset.ReplaceAllString(text, "$1:00")
	}
	if d.has("ignores-offset") {
		text = offset.ReplaceAllString(text, "Z")
	}
	if d.has("microseconds") && longFraction.MatchString(text) {
		return time.Time{}, fmt.Errorf("parse time %q: more than six fractional digits", text)
	}
	for _, form := range timeForms {
		t, err := time.Parse(form, text)
		if err != nil {
			continue
		}
		if d.has("local-times") && form == naiveForm {
			t = t.Add(7 * time.Hour)
		}
		if d.has("overflow-dies") && (t.UTC().Year() > 9999 || t.UTC().Year() < 1) {
			exitFatal(d.log, "date value out of range")
		}
		if d.has("naive-dies") && form == naiveForm {
			exitFatal(d.log, "can't compare offset-naive and offset-aware times")
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("parse time %q: unknown format", text)
}

// encode encodes the response to a request.
func (s *server) encode(file requestFile, req *request, r reply) ([]byte, error) {
	var body *string
	if r.body != nil {
		text := base64.URLEncoding.EncodeToString(r.body)
		body = &text
	}
	if r.headers == nil {
		r.headers = map[string]string{}
	}
	envelope := map[string]any{
		"id": req.id, "sender": s.email, "url": req.url, "body": body, "headers": r.headers,
		"created": formatTime(time.Now()), "expires": formatTime(s.inYears(req.expires)), "status_code": r.status,
	}
	s.corruptResponse(envelope, r)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(envelope); err != nil {
		return nil, fmt.Errorf("encode response to %s: %w", file.request(), err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// inYears returns the nearest time whose year has four digits.
func (d defect) inYears(t time.Time) time.Time {
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	switch {
	case d.has("five-digit-years"):
	case t.Before(first):
		return first
	case t.After(last):
		return last
	}
	return t
}

func formatTime(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.999999") + "+00:00"
}
