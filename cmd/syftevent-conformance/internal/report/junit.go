package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// The elements of JUnit XML that its readers agree on. Texts of several lines are
// CDATA, to be readable without escapes.

type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	junitCounts
	Suite junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	junitCounts
	Timestamp  string          `xml:"timestamp,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitCounts struct {
	Name     string `xml:"name,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Time     string `xml:"time,attr"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name      string       `xml:"name,attr"`
	Class     string       `xml:"classname,attr"`
	Time      string       `xml:"time,attr"`
	Skipped   *junitReason `xml:"skipped"`
	Failure   *junitReason `xml:"failure"`
	Error     *junitReason `xml:"error"`
	SystemOut *junitOutput `xml:"system-out"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",cdata"`
}

type junitOutput struct {
	Text string `xml:",cdata"`
}

// JUnit writes the document as JUnit XML, for CI systems. An unexpected result is a
// failure, and one that could not be tested is an error. Known failures and scenarios
// that are not applicable are skipped. An unmet SHOULD passes with a warning in its
// output.
func (d *Document) JUnit(w io.Writer) error {
	counts := junitCounts{
		Name:  fmt.Sprintf("SPEC.md %s: %s %s", d.SpecVersion, d.Implementation.Name, d.Implementation.Version),
		Tests: len(d.Scenarios),
		Time:  seconds(d.Seconds),
	}
	suite := junitSuite{Timestamp: d.Started.Format(time.RFC3339)}
	for _, fact := range d.facts() {
		suite.Properties = append(suite.Properties, junitProperty(fact))
	}
	for _, s := range d.Scenarios {
		c := s.junit()
		suite.Cases = append(suite.Cases, c)
		switch {
		case c.Failure != nil:
			counts.Failures++
		case c.Error != nil:
			counts.Errors++
		case c.Skipped != nil:
			counts.Skipped++
		}
	}
	suite.junitCounts = counts
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(junitSuites{junitCounts: counts, Suite: suite}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s Scenario) junit() junitCase {
	c := junitCase{Name: s.ID, Class: s.Class, Time: seconds(s.Seconds)}
	switch status := s.Status(); status {
	case Failed:
		c.Failure = &junitReason{Message: s.failureText(), Type: string(s.Level), Text: s.junitText()}
	case UnexpectedPass:
		c.Failure = &junitReason{Message: s.knownText(), Type: "unexpected pass"}
	case Warned:
		c.SystemOut = &junitOutput{xmlText(fmt.Sprintf("warning: unmet %s: %s\n", s.Level, s.failureText())) + s.junitText()}
	case Known:
		c.Skipped = &junitReason{Message: "known: " + s.Known.Reason}
		c.SystemOut = &junitOutput{s.junitText()}
	case Flaky:
		if s.Failure == nil {
			c.SystemOut = &junitOutput{xmlText(s.knownText())}
			break
		}
		c.Skipped = &junitReason{Message: "known: flaky, " + s.Known.Reason}
		c.SystemOut = &junitOutput{s.junitText()}
	case NotImplemented:
		c.Skipped = &junitReason{Message: fmt.Sprintf("not implemented: the server does not declare the feature %q", s.Feature)}
	case NotApplicable:
		c.Skipped = &junitReason{Message: "not applicable: " + s.Problem}
	case CouldNotTest:
		problem, _, _ := strings.Cut(s.Problem, "\n")
		c.Error = &junitReason{Message: problem, Type: "could not test", Text: s.junitText()}
	}
	return c
}

func (s Scenario) junitText() string {
	return xmlText(fmt.Sprintf("\n%s\n%sreproduce: %s\n", s.Summary, s.evidence(), s.Reproduce))
}

// xmlText replaces characters that XML forbids, which encoding/xml keeps in CDATA.
func xmlText(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000:
			return r
		}
		return utf8.RuneError
	}, text)
}

// failureText returns the failure in one line.
func (s Scenario) failureText() string {
	if s.Failure == nil {
		return ""
	}
	return strings.Join(strings.Fields(fmt.Sprintf("expected %s, actual %s", s.Failure.Expected, s.Failure.Actual)), " ")
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
