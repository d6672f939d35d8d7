package scenario

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

var loadSmoke = sync.OnceValues(func() ([]Scenario, error) { return read("scripts/smoke/*"+suffix, parseSmoke) })

// Smoke returns the scripts that check whether a server is ready for the suite. Each
// checks one item of SPEC.md, Appendix A, which its summary describes. They cover no
// requirement, and are a MUST unless the head has a line "# level: SHOULD".
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
		return s, errors.New("the head must have a summary, and cover nothing")
	case s.level != "" && s.level != spec.Should:
		return s, fmt.Errorf("level is %s, want %s or none", s.level, spec.Should)
	}
	return s, nil
}
