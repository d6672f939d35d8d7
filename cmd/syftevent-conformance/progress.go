package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
)

// A progress shows on a terminal how many parts of a run are done, how many failed, and
// which run now. Its methods may be called concurrently.
type progress struct {
	out   *terminal.Output
	total int

	mu           sync.Mutex
	done, failed int
	running      []string // in the order of their start
	over         bool
}

// started notes that a part runs. It may be called again for the same part.
func (p *progress) started(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.running, name) {
		p.running = append(p.running, name)
	}
	p.show()
}

// ended notes that a part has run, or that it did not need to.
func (p *progress) ended(name string, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if failed {
		p.failed++
	}
	p.running = slices.DeleteFunc(p.running, func(other string) bool { return other == name })
	p.show()
}

// end erases the line. Parts that end later do not show it again.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	p.show()
}

func (p *progress) show() {
	if p.over || p.done == p.total {
		p.out.Show("")
		return
	}
	line := fmt.Sprintf("%d of %d done, %d failed", p.done, p.total, p.failed)
	if len(p.running) > 0 {
		line += "; running " + strings.Join(p.running, ", ")
	}
	p.out.Show(line)
}
