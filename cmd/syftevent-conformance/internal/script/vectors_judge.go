package script

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/vector"
)

// A deviation is what was expected and what is there instead.
type deviation struct{ expected, actual string }

// deviations are all deviations of one vector.
type deviations []deviation

func (d *deviations) add(same bool, expected, actual string) {
	if !same {
		*d = append(*d, deviation{expected, actual})
	}
}

// mostDetails is the number of vectors whose deviations a message shows.
const mostDetails = 6

// judgeVectors compares what came with what was expected, and returns a mismatch if a vector
// differs. Others are ids of requests that were run and are of no vector.
func (v *vectorRunner) judgeVectors(name string, sent []*sentVector, others []string) error {
	var wrong []*sentVector
	expected := []string{fmt.Sprintf("%d vectors of %s as SPEC.md requires", len(sent), name)}
	actual := []string{""}
	for _, s := range sent {
		all := s.compare()
		if all == nil {
			continue
		}
		if !slices.Contains(v.violated, s.Requirement) {
			v.violated = append(v.violated, s.Requirement)
		}
		if wrong = append(wrong, s); len(wrong) > mostDetails {
			continue
		}
		var want, got []string
		for _, d := range all {
			want, got = append(want, d.expected), append(got, d.actual)
		}
		expected = append(expected, fmt.Sprintf("%s [%s]: %s", s.Name, s.Requirement, strings.Join(want, "; ")))
		actual = append(actual, fmt.Sprintf("%s: %s", s.Name, strings.Join(got, "; ")))
	}
	if wrong == nil && others == nil {
		return nil
	}
	actual[0] = fmt.Sprintf("%d differ: %s", len(wrong), vectorNames(wrong))
	if others != nil {
		expected = append(expected, "no other request is run")
		actual = append(actual, "requests with other ids were run: "+strings.Join(others[:min(len(others), mostNames)], ", "))
	}
	return &mismatch{strings.Join(expected, "\n"), strings.Join(actual, "\n"), false}
}

// compare returns the deviations, nil if there are none.
func (s *sentVector) compare() (d deviations) {
	if want := s.Expect.Runs; want != nil {
		d.add(s.runs == *want, "it is run "+times(*want), "it was run "+times(s.runs))
	}
	switch {
	case !s.Expect.Answered():
		return d
	case s.data == nil:
		d.add(false, statusText(s.Expect.Status), "no response")
		return d
	case s.reply == nil:
		d.add(false, "a response that is a JSON object", excerpt(string(s.data)))
		return d
	}
	if code, ok := s.reply.status(); !ok || !slices.Contains(s.Expect.Status, code) {
		_, actual, _ := checkStatus(nil, s.reply, []string{""})
		d.add(false, statusText(s.Expect.Status), actual)
		return d // another response: the rest says nothing
	}
	d.compareResponse(s.Expect, s.reply)
	if s.Expect.Seen != nil {
		d.compareSeen(*s.Expect.Seen, s.reply)
	}
	return d
}

func statusText(statuses []int) string {
	return "status " + strings.ReplaceAll(strings.Trim(fmt.Sprint(statuses), "[]"), " ", " or ")
}

// compareResponse compares the fields of the response.
func (d *deviations) compareResponse(want vector.Expectation, got *reply) {
	if want.ID != "" {
		d.field("id", want.ID, got, sameUUID)
	}
	if want.URL != "" {
		d.field("url", want.URL, got, isEqual)
	}
	if want.Expires != "" {
		d.field("expires", want.Expires, got, isSameTime)
	}
	if want.Encoded != nil {
		d.field("body", *want.Encoded, got, isEqual)
	}
	headers, _ := got.headers()
	for _, name := range slices.Sorted(maps.Keys(want.Headers)) {
		value := want.Headers[name]
		d.header("", name, &value, headers, got.members["headers"])
	}
	if want.Body.Stated {
		body, present, err := got.body()
		d.body("", want.Body, body, present, err)
	}
}

// compareSeen compares what /inspect reports.
func (d *deviations) compareSeen(want vector.Seen, got *reply) {
	body, _, err := got.body()
	seen := &reply{}
	if err != nil || json.Unmarshal(body, &seen.members) != nil {
		d.add(false, "a JSON object that says what the handler has received", excerpt(string(body)))
		return
	}
	for _, each := range []struct {
		name, want string
		same       func(a, b string) bool
	}{
		{"id", want.ID, sameUUID}, {"sender", want.Sender, isEqual}, {"method", want.Method, isEqual}, {"url", want.URL, isEqual},
	} {
		if each.want != "" {
			d.member("the handler receives ", each.name, each.want, seen, each.same)
		}
	}
	headers, _ := seen.headers()
	for _, name := range slices.Sorted(maps.Keys(want.Headers)) {
		d.header("the handler receives ", name, want.Headers[name], headers, seen.members["headers"])
	}
	if want.Body.Stated {
		data, present, err := (&reply{members: map[string]json.RawMessage{"body": seen.members["body_base64"]}}).body()
		d.body("the handler receives ", want.Body, data, present, err)
	}
}

// field compares a field of the response.
func (d *deviations) field(name, want string, got *reply, same func(a, b string) bool) {
	d.member("", name, want, got, same)
}

func (d *deviations) member(prefix, name, want string, got *reply, same func(a, b string) bool) {
	text, isString := got.string(name)
	d.add(isString && same(text, want), fmt.Sprintf("%s%s %q", prefix, name, want), fmt.Sprintf("%s %s", name, orAbsent(got.members[name])))
}

// header compares a header, which must not exist if want is nil.
func (d *deviations) header(prefix, name string, want *string, headers map[string]string, raw json.RawMessage) {
	found, value := false, ""
	for each, text := range headers {
		if strings.EqualFold(each, name) {
			found = true
			value = text
			if want != nil && text == *want {
				break
			}
		}
	}
	if want == nil {
		d.add(!found, fmt.Sprintf("%sno header %s", prefix, name), "headers "+orAbsent(raw))
		return
	}
	d.add(found && value == *want, fmt.Sprintf("%sheader %s: %s", prefix, name, excerpt(*want)), "headers "+orAbsent(raw))
}

func (d *deviations) body(prefix string, want vector.Body, body []byte, present bool, err error) {
	actual := showBody(body, present)
	if err != nil {
		actual = "a body that is not base64: " + err.Error()
	}
	expected := want.Content.Bytes()
	d.add(err == nil && present != want.None && string(body) == string(expected), prefix+showBody(expected, !want.None), actual)
}

func isEqual(a, b string) bool { return a == b }

// isSameTime reports whether two texts are the same time.
func isSameTime(a, b string) bool {
	timeA, errA := time.Parse(time.RFC3339, a)
	timeB, errB := time.Parse(time.RFC3339, b)
	return errA == nil && errB == nil && timeA.Equal(timeB)
}

// sameUUID reports whether two ids are equal, as UUIDs if they are such.
func sameUUID(a, b string) bool {
	bare := func(id string) string {
		digits := strings.ReplaceAll(strings.ToLower(id), "-", "")
		if len(digits) == 32 && strings.Trim(digits, "0123456789abcdef") == "" {
			return digits
		}
		return id
	}
	return bare(a) == bare(b)
}
