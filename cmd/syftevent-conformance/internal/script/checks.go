package script

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// A reply is a parsed response file. It shares no code with the library: a bug in both
// would be invisible.
type reply struct {
	members map[string]json.RawMessage
	text    string // the content of the file
}

func parseReply(data []byte) (*reply, error) {
	r := &reply{text: string(data)}
	if json.Unmarshal(data, &r.members) != nil || r.members == nil {
		return nil, &mismatch{"a response that is a JSON object", excerpt(r.text), false}
	}
	return r, nil
}

func (r *reply) string(field string) (string, bool) {
	var s *string
	if json.Unmarshal(r.members[field], &s) != nil || s == nil {
		return "", false
	}
	return *s, true
}

func (r *reply) status() (int, bool) {
	code, err := strconv.Atoi(string(r.members["status_code"]))
	return code, err == nil
}

func (r *reply) headers() (map[string]string, bool) {
	var h map[string]string
	return h, json.Unmarshal(r.members["headers"], &h) == nil && h != nil
}

// body decodes the body from any form of base64.
func (r *reply) body() (body []byte, present bool, err error) {
	if string(r.members["body"]) == "null" {
		return nil, false, nil
	}
	text, ok := r.string("body")
	if !ok {
		return nil, false, errors.New("the body is not a string")
	}
	plain := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(text)
	body, err = base64.RawStdEncoding.DecodeString(plain)
	return body, true, err
}

// judge runs a check of a response.
func judge(call *boxscript.Call, data []byte, neg bool, args []string) error {
	got, err := parseReply(data)
	if err != nil {
		return err
	}
	check, known := checks[args[0]]
	if !known || len(args)-1 != check.arguments || neg && check.arguments == 0 {
		return fmt.Errorf("no check %q with these arguments", strings.Join(args, " "))
	}
	expected, actual, ok := check.run(call, got, args[1:])
	return verdict("", neg, expected, actual, ok)
}

// verdict returns a mismatch unless a check, perhaps a negated one, has passed. of begins what it
// expected.
func verdict(of string, neg bool, expected, actual string, ok bool) error {
	if ok != neg {
		return nil
	}
	if neg {
		expected = "not " + expected
	}
	return &mismatch{of + expected, actual, false}
}

// A check is a check of "expect" and "says". It describes what it expects of a response
// and what the response has, and reports whether they agree.
type check struct {
	arguments int // how many there are
	run       func(call *boxscript.Call, got *reply, args []string) (expected, actual string, ok bool)
}

// checks are the checks by name:
//
//	status PATTERN     the status code: 200, 4xx or 403|4xx
//	body TEXT          the body: a text, "null" for none, "sent" for the request's
//	contains TEXT      the body or a header contains the text
//	header NAME VALUE  a header; VALUE may have wildcards, as in GET*
//	field NAME VALUE   a field of the envelope
//	time NAME VALUE    a field that is the same time as VALUE
//	json NAME VALUE    a member of the JSON body
//	envelope           all fields exist, each with its type, and "created" is now
//	base64             the body is URL-safe base64 with padding
var checks = map[string]check{
	"status":   {1, checkStatus},
	"body":     {1, checkBody},
	"contains": {1, checkContains},
	"header":   {2, checkHeader},
	"field":    {2, checkField},
	"time":     {2, checkTime},
	"json":     {2, checkJSON},
	"envelope": {0, checkEnvelope},
	"base64":   {0, checkBase64},
}

func checkStatus(_ *boxscript.Call, got *reply, args []string) (expected, actual string, ok bool) {
	expected = "status " + strings.ReplaceAll(args[0], "|", " or ")
	code, isNumber := got.status()
	actual = "status " + string(got.members["status_code"])
	if body, present, err := got.body(); present && err == nil {
		actual += ", body " + excerpt(string(body))
	}
	if !isNumber {
		return expected, actual, false
	}
	for pattern := range strings.SplitSeq(args[0], "|") {
		matched, err := path.Match(strings.ReplaceAll(pattern, "x", "[0-9]"), strconv.Itoa(code))
		ok = ok || matched && err == nil
	}
	return expected, actual, ok
}

func checkBody(call *boxscript.Call, got *reply, args []string) (expected, actual string, ok bool) {
	want, wantPresent := []byte(args[0]), true
	switch args[0] {
	case "null":
		want, wantPresent = nil, false
	case "sent":
		sent, err := parseReply(call.Data)
		if err == nil {
			want, wantPresent, err = sent.body()
		}
		if err != nil {
			return "the request's body", err.Error(), false
		}
	}
	body, present, err := got.body()
	expected, actual = showBody(want, wantPresent), showBody(body, present)
	if wantPresent && present {
		expected, actual = difference("body ", want, body)
	}
	if err != nil {
		actual = fmt.Sprintf("body %s: %v", got.members["body"], err)
	}
	return expected, actual, err == nil && present == wantPresent && string(body) == string(want)
}

func showBody(body []byte, present bool) string {
	if !present {
		return "no body"
	}
	return "body " + excerpt(string(body))
}

func checkContains(_ *boxscript.Call, got *reply, args []string) (expected, actual string, ok bool) {
	body, present, err := got.body()
	there := err == nil && strings.Contains(string(body), args[0])
	headers, _ := got.headers()
	for name, value := range headers {
		there = there || strings.Contains(name+": "+value, args[0])
	}
	return fmt.Sprintf("a body or header that contains %q", args[0]),
		fmt.Sprintf("%s, headers %s", showBody(body, present), orAbsent(got.members["headers"])), there
}

func checkHeader(_ *boxscript.Call, got *reply, args []string) (expected, actual string, ok bool) {
	expected = fmt.Sprintf("header %s: %s", args[0], args[1])
	headers, _ := got.headers()
	for name, value := range headers {
		matched, err := path.Match(args[1], value)
		if strings.EqualFold(name, args[0]) && (value == args[1] || matched && err == nil) {
			return expected, expected, true
		}
	}
	return expected, fmt.Sprintf("headers %s", got.members["headers"]), false
}

func checkField(_ *boxscript.Call, got *reply, args []string) (expected, actual string, ok bool) {
	expected = fmt.Sprintf("field %q is %q", args[0], args[1])
	actual = fmt.Sprintf("field %q is %s", args[0], orAbsent(got.members[args[0]]))
	if text, isString := got.string(args[0]); isString && max(len(args[1]), len(text)) > longestWhole {
		expected, actual = difference(fmt.Sprintf("field %q is ", args[0]), []byte(args[1]), []byte(text))
	}
	return expected, actual, got.is(args[0], args[1])
}

// checkTime compares times, which may have different offsets.
func checkTime(_ *boxscript.Call, got *reply, args []string) (expected, actual string, ok bool) {
	expected = fmt.Sprintf("field %q is the time %s", args[0], args[1])
	actual = fmt.Sprintf("field %q is %s", args[0], orAbsent(got.members[args[0]]))
	want, err := time.Parse(time.RFC3339, args[1])
	if err != nil {
		return expected, err.Error(), false
	}
	text, _ := got.string(args[0])
	is, err := time.Parse(time.RFC3339, text)
	return expected, actual, err == nil && is.Equal(want)
}

// is reports whether a field exists and equals a text: as a string, or as other JSON.
func (r *reply) is(field, want string) bool {
	raw, present := r.members[field]
	if text, isString := r.string(field); isString {
		return text == want
	}
	return present && string(raw) == want
}

func orAbsent(raw json.RawMessage) string {
	if raw == nil {
		return "absent"
	}
	return excerpt(string(raw))
}

func checkJSON(_ *boxscript.Call, got *reply, args []string) (expected, actual string, ok bool) {
	expected = fmt.Sprintf("a JSON body whose member %q is %q", args[0], args[1])
	body, present, err := got.body()
	var members map[string]json.RawMessage
	if err != nil || json.Unmarshal(body, &members) != nil {
		return expected, showBody(body, present), false
	}
	inner := &reply{members: members}
	if text, isString := inner.string(args[0]); isString && max(len(args[1]), len(text)) > longestWhole {
		expected, actual = difference(fmt.Sprintf("a JSON body whose member %q is ", args[0]), []byte(args[1]), []byte(text))
		return expected, actual, inner.is(args[0], args[1])
	}
	return expected, showBody(body, present), inner.is(args[0], args[1])
}

// maxCreatedAge is how far from now a response that was just read may have been written:
// the clocks are those of one machine, and a scenario takes less.
const maxCreatedAge = 30 * time.Minute

func checkEnvelope(_ *boxscript.Call, got *reply, _ []string) (expected, actual string, ok bool) {
	var wrong []string
	for _, field := range []string{"id", "sender", "url"} {
		if _, isString := got.string(field); !isString {
			wrong = append(wrong, field)
		}
	}
	for _, field := range []string{"created", "expires"} {
		text, isString := got.string(field)
		t, err := time.Parse(time.RFC3339, text)
		if !isString || err != nil || field == "created" && time.Since(t).Abs() > maxCreatedAge {
			wrong = append(wrong, field)
		}
	}
	if _, isNumber := got.status(); !isNumber {
		wrong = append(wrong, "status_code")
	}
	if _, isObject := got.headers(); !isObject {
		wrong = append(wrong, "headers")
	}
	if _, _, err := got.body(); err != nil {
		wrong = append(wrong, "body")
	}
	return "all fields of a response, each with its type", fmt.Sprintf("missing or wrong: %s in %s", strings.Join(wrong, ", "), excerpt(got.text)), wrong == nil
}

func checkBase64(_ *boxscript.Call, got *reply, _ []string) (expected, actual string, ok bool) {
	text, isString := got.string("body")
	_, err := base64.URLEncoding.Strict().DecodeString(text)
	return "a body in URL-safe base64 with padding", fmt.Sprintf("body %s", orAbsent(got.members["body"])), isString && err == nil
}

// excerpt quotes the beginning of a text for a message.
func excerpt(s string) string {
	const limit = 300
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > limit {
		return fmt.Sprintf("%q… (%d bytes)", s[:limit], len(s))
	}
	return fmt.Sprintf("%q", s)
}
