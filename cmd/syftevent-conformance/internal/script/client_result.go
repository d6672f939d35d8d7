package script

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// commandResult waits for the result of a call, and checks it:
//
//	status N           the status of the response
//	body TEXT          the body: a text, "null" for none, "sent" for that of the call, "responded"
//	header NAME VALUE  a header
//	error CODE|CODE    the reason why there is no response
func (c *client) commandResult(neg bool, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	return c.each(args[0], func(call *clientCall) error {
		if err := c.awaitResult(call); err != nil {
			return err
		}
		expected, actual, ok, err := call.checkResult(args[1], args[2:])
		if err != nil {
			return err
		}
		return verdict(fmt.Sprintf("call %q: ", call.name), neg, expected, actual, ok)
	})
}

func (c *clientCall) checkResult(check string, args []string) (expected, actual string, ok bool, err error) {
	got := c.result
	switch {
	case check == "error" && len(args) == 1:
		for code := range strings.SplitSeq(args[0], "|") {
			ok = ok || got.Error == code || code == "any" && got.Error != ""
		}
		return "error " + strings.ReplaceAll(args[0], "|", " or "), got.String(), ok, nil
	case got.Error != "":
		return strings.Join(append([]string{check}, args...), " "), got.String(), false, nil
	case check == "status" && len(args) == 1:
		return "status " + args[0], got.String(), strconv.Itoa(got.Status) == args[0], nil
	case check == "header" && len(args) == 2:
		for name, value := range got.Headers {
			ok = ok || strings.EqualFold(name, args[0]) && value == args[1]
		}
		text, err := json.Marshal(got.Headers)
		return fmt.Sprintf("header %s: %s", args[0], args[1]), "headers " + string(text), ok, err
	case check == "body" && len(args) == 1:
		expected, actual, ok = c.checkResultBody(args[0])
		return expected, actual, ok, nil
	}
	return "", "", false, errUsage
}

func (c *clientCall) checkResultBody(text string) (expected, actual string, ok bool) {
	want, wantPresent := []byte(text), true
	switch text {
	case "null":
		want, wantPresent = nil, false
	case "sent":
		want, wantPresent = c.body, c.body != nil
	case "responded":
		sent, err := parseReply(c.response)
		if err == nil {
			want, wantPresent, err = sent.body()
		}
		if err != nil {
			return "the body of the response", err.Error(), false
		}
	}
	if c.result.BodyBase64 == nil {
		return showBody(want, wantPresent), "no body", !wantPresent
	}
	body, err := base64.StdEncoding.DecodeString(*c.result.BodyBase64)
	if err != nil {
		return showBody(want, wantPresent), fmt.Sprintf("body_base64 %s: %v", excerpt(*c.result.BodyBase64), err), false
	}
	expected, actual = showBody(want, wantPresent), showBody(body, true)
	if wantPresent {
		expected, actual = difference("body ", want, body)
	}
	return expected, actual, wantPresent && string(body) == string(want)
}

// commandPending checks that calls have no result yet.
func (c *client) commandPending(neg bool, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	for _, name := range args {
		group, err := c.group(name)
		if err != nil {
			return err
		}
		if err := c.readResults(); err != nil {
			return err
		}
		for _, call := range group {
			if (call.result == nil) == neg {
				actual := "it has none"
				if call.result != nil {
					actual = call.result.String()
				}
				return &mismatch{fmt.Sprintf("call %q has %s result yet", call.name, map[bool]string{true: "a", false: "no"}[neg]), actual, false}
			}
		}
	}
	return nil
}

// commandLasted checks that a call took at least a time.
func (c *client) commandLasted(neg bool, args []string) error {
	if len(args) != 2 || neg {
		return errUsage
	}
	least, err := time.ParseDuration(args[1])
	if err != nil {
		return fmt.Errorf("lasted: %w", err)
	}
	call, err := c.call(args[0])
	if err != nil {
		return err
	}
	if err := c.awaitResult(call); err != nil {
		return err
	}
	if call.took < least {
		return &mismatch{fmt.Sprintf("call %q takes at least %v", call.name, least), fmt.Sprintf("it took %v", call.took.Round(time.Millisecond)), false}
	}
	return nil
}

// commandSent waits for the request of a call, and checks it:
//
//	envelope           all members exist, each with its type, and "sender", "url" and "expires" are right
//	folder             it is in the folder of its endpoint and of its sender, and its id is its stem
//	method, body, header, field as those of "expect"; "body called" is the call's
func (c *client) commandSent(neg bool, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	return c.each(args[0], func(call *clientCall) error {
		if err := c.awaitRequest(call); err != nil {
			return err
		}
		got, err := parseReply(call.data)
		if err != nil {
			return err
		}
		expected, actual, ok, err := c.checkRequest(call, got, args[1], args[2:])
		if err != nil {
			return err
		}
		return verdict(fmt.Sprintf("request of call %q: ", call.name), neg, expected, actual, ok)
	})
}

func (c *client) checkRequest(call *clientCall, got *reply, check string, args []string) (expected, actual string, ok bool, err error) {
	switch {
	case check == "envelope" && len(args) == 0:
		expected, actual, ok = c.checkRequestEnvelope(call, got)
	case check == "folder" && len(args) == 0:
		expected, actual, ok = c.checkRequestFolder(call, got)
	case check == "body" && len(args) == 1 && args[0] == "called":
		body, present, err := got.body()
		if err != nil {
			return "a body in base64", err.Error(), false, nil
		}
		expected, actual = showBody(call.body, call.body != nil), showBody(body, present)
		if call.body != nil && present {
			expected, actual = difference("body ", call.body, body)
		}
		return expected, actual, present == (call.body != nil) && string(body) == string(call.body), nil
	case check == "header" && len(args) == 2:
		expected, actual, ok = checkHeader(nil, got, args)
	case check == "field" && len(args) == 2:
		expected, actual, ok = checkField(nil, got, args)
	default:
		return "", "", false, errUsage
	}
	return expected, actual, ok, nil
}

// expiryTolerance is how far "expires" may be from the time that the call says: the client may
// round it, and read the call late.
const expiryTolerance = 10 * time.Second

func (c *client) checkRequestEnvelope(call *clientCall, got *reply) (expected, actual string, ok bool) {
	var wrong []string
	for field, want := range map[string]string{"id": "", "sender": c.config.Names.Client, "url": call.url, "method": call.method} {
		if text, isString := got.string(field); !isString || want != "" && text != want {
			wrong = append(wrong, field)
		}
	}
	for field, want := range map[string]time.Time{"created": call.began, "expires": call.began.Add(call.expires)} {
		text, _ := got.string(field)
		t, err := time.Parse(time.RFC3339, text)
		if err != nil || t.Sub(want).Abs() > expiryTolerance {
			wrong = append(wrong, field)
		}
	}
	headers, isObject := got.headers()
	if !isObject {
		wrong = append(wrong, "headers")
	}
	for name, value := range call.headers {
		if got.header(name) != value {
			wrong = append(wrong, "headers: "+name+" of "+fmt.Sprint(headers))
		}
	}
	if text, isString := got.string("body"); isString {
		if _, err := base64.URLEncoding.Strict().DecodeString(text); err != nil {
			wrong = append(wrong, "body")
		}
	} else if string(got.members["body"]) != "null" {
		wrong = append(wrong, "body")
	}
	return "all members of a request, each with its type and content", fmt.Sprintf("missing or wrong: %s in %s", strings.Join(wrong, ", "), excerpt(got.text)), wrong == nil
}

func (c *client) checkRequestFolder(call *clientCall, got *reply) (expected, actual string, ok bool) {
	rel, err := filepath.Rel(c.rpc(), call.request)
	if err != nil {
		return "", err.Error(), false
	}
	id, _ := got.string("id")
	want := path.Join(call.endpoint, c.config.Names.Client, id+".request")
	return want, filepath.ToSlash(rel), filepath.ToSlash(rel) == want
}
