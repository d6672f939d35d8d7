package script

import (
	"errors"
	"strings"
	"testing"
)

func TestCommandTable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range NewRun(t.Context(), Config{}).commands() {
		switch {
		case seen[c.name]:
			t.Errorf("%s is listed twice", c.name)
		case (c.run == nil) == (c.check == nil):
			t.Errorf("%s has not exactly one function", c.name)
		case c.summary == "" || strings.HasSuffix(c.summary, "."):
			t.Errorf("%s has the summary %q", c.name, c.summary)
		}
		seen[c.name] = true
	}
}

func TestCommandErrors(t *testing.T) {
	c := command{name: "touch", arguments: "DURATION PATH", check: func(neg bool, args []string) error { return errUsage }}
	if err := c.do(nil, true, nil); err == nil || err.Error() != "usage: touch DURATION PATH" {
		t.Errorf("wrong arguments: %v", err)
	}
	c.run, c.check = nil, nil
	if err := c.do(nil, true, nil); err == nil || errors.Is(err, errUsage) || err.Error() != "unsupported: ! touch" {
		t.Errorf("negated: %v", err)
	}
}
