package scenario

import (
	"fmt"
	"slices"
	"sync"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

var loadSmoke = sync.OnceValues(func() ([]Scenario, error) { return read("scripts/smoke/*"+suffix, parseSmoke) })

// Smoke returns the scripts that check whether a server is ready for the suite: each
// asks for one thing of SPEC.md's Appendix A, which its summary says. They cover no
// requirement; the line "level" in the head of some says SHOULD.
func Smoke() ([]Scenario, error) {
	list, err := loadSmoke()
	return slices.Clone(list), err
}

func parseSmoke(id string, script []byte) (Scenario, error) {
	s, err := parseHead(id, script)
	switch {
	case err != nil:
		return s, err
	case s.Summary == "" || len(s.Covers) > 0:
		return s, fmt.Errorf("its head wants a summary, and covers nothing")
	case s.level != "" && s.level != spec.Should:
		return s, fmt.Errorf("its level is %s: only %s can be said", s.level, spec.Should)
	}
	return s, nil
}
