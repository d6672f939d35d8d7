package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/vector"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/testdata/vectors"
)

// A vectorRunner runs test vectors.
type vectorRunner struct {
	*handlers
	// violated lists the requirements of the vectors that differed. Nil means that it is not
	// known which the server violates.
	violated []string
}

// A sentVector is a vector whose request was delivered.
type sentVector struct {
	vector.Vector
	delivered
	claimed string // the id in the request; "" without one
	data    []byte // the response so far; nil before it appears
	reply   *reply // nil if the response is no JSON object
	runs    int    // how often /record ran it
}

// commandVectors delivers the requests of a file at once, waits for the responses, and
// checks all of them.
func (v *vectorRunner) commandVectors(ts *testscript.TestScript, args []string) error {
	name, data, err := readVectors(ts, args)
	if err != nil {
		return err
	}
	file, err := vector.Parse(data)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := v.started(); err != nil {
		return err
	}
	before, err := v.runs()
	if err != nil {
		return err
	}
	sent, err := v.deliverVectors(file.Vectors)
	if err != nil {
		return err
	}
	waiting, err := v.awaitVectors(name, sent)
	if err != nil {
		return err
	}
	counted := slices.ContainsFunc(sent, func(s *sentVector) bool { return s.Expect.Runs != nil })
	if !counted && len(waiting) == 0 {
		return v.judgeVectors(name, sent, nil)
	}
	// A request that must not be run may have no response. Once canaries are answered, it has
	// been found.
	if err := v.canary(); err != nil {
		return v.stoppedAnswering(err, sent, waiting)
	}
	after, err := v.runs()
	if err != nil {
		return err
	}
	return v.judgeVectors(name, sent, countRuns(sent, before, after))
}

// stoppedAnswering adds to a failed canary which vectors have no response.
func (v *vectorRunner) stoppedAnswering(err error, sent, waiting []*sentVector) error {
	m, failed := err.(*mismatch)
	if !failed || len(waiting) == 0 {
		return err
	}
	m.actual += fmt.Sprintf("; %d of %d vectors have none either: %s", len(waiting), len(sent), vectorNames(waiting))
	return m
}

// countRuns counts how often /record ran each request, and returns the ids of other requests
// that it ran in between.
func countRuns(sent []*sentVector, before, after map[string]int) (others []string) {
	for id, n := range after {
		if n -= before[id]; n <= 0 {
			continue
		}
		known := false
		for _, s := range sent {
			if sameUUID(id, s.stem) || sameUUID(id, s.claimed) {
				s.runs += n
				known = true
			}
		}
		if !known {
			others = append(others, id)
		}
	}
	slices.Sort(others)
	return others
}

// readVectors returns the name and the content of the file that the arguments name: one of
// the suite, or with -file one of the script.
func readVectors(ts *testscript.TestScript, args []string) (name string, data []byte, err error) {
	switch {
	case len(args) == 1:
		data, err = vectors.Read(args[0])
		return args[0], data, err
	case len(args) == 2 && args[0] == "-file":
		return args[1], []byte(ts.ReadFile(args[1])), nil
	}
	return "", nil, errUsage
}

func (v *vectorRunner) deliverVectors(list []vector.Vector) (sent []*sentVector, err error) {
	values := vector.Values{Server: v.config.Names.Server, App: v.config.Names.App, Now: time.Now()}
	left := ""
	for _, each := range list {
		each = vector.Fill(each, values)
		mode := v.config.Delivery
		if each.Delivery != "" {
			if mode, err = fakebox.ParseMode(each.Delivery); err != nil {
				return nil, err
			}
		}
		to, err := v.deliverBy(mode, string(each.Stem.Bytes()), string(each.Sender.Bytes()), each.Endpoint, each.Request.Bytes())
		switch {
		case err != nil && each.Optional:
			left = fmt.Sprintf("%s: %v", each.Name, err)
		case err != nil:
			return nil, fmt.Errorf("vector %s: %w", each.Name, err)
		default:
			sent = append(sent, &sentVector{Vector: each, delivered: to, claimed: claimedID(each.Request.Bytes())})
		}
	}
	if sent == nil {
		return nil, &notApplicable{"no vector could be delivered: " + left}
	}
	return sent, nil
}

// claimedID returns the id in a request, "" if it has none.
func claimedID(request []byte) string {
	var members struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(request, &members) != nil {
		return ""
	}
	return members.ID
}

// The pause between two looks for responses leaves the processor to the server.
const (
	minVectorPause = 5 * time.Millisecond
	vectorFactor   = 10 // the pause is at least so many times as long as the look
)

// awaitVectors waits until each vector that expects a response has one, or no further
// response comes. It returns the vectors that have none.
func (v *vectorRunner) awaitVectors(name string, sent []*sentVector) (waiting []*sentVector, err error) {
	waiting = slices.DeleteFunc(slices.Clone(sent), func(s *sentVector) bool { return !s.Expect.Answered() })
	for last := time.Now(); ; {
		before, ended, began := len(waiting), v.process.Exited(), time.Now()
		waiting = slices.DeleteFunc(waiting, (*sentVector).answered)
		switch now := time.Now(); {
		case len(waiting) == 0:
			return nil, nil
		case ended:
			return nil, &mismatch{
				fmt.Sprintf("a response to each vector of %s", name),
				fmt.Sprintf("the server has ended (%s); %d of %d vectors have no response: %s", v.process.Status(), len(waiting), len(sent), vectorNames(waiting)), !v.told,
			}
		case len(waiting) < before:
			last = now
		case now.Sub(last) > v.answerWithin():
			return waiting, nil
		}
		if err := v.sleep(max(minVectorPause, vectorFactor*time.Since(began))); err != nil {
			return nil, err
		}
	}
}

// answered reads the response, and reports whether it is complete.
func (s *sentVector) answered() bool {
	data, err := readFile(s.response)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if s.data = data; err != nil || !json.Valid(data) {
		return false
	}
	s.reply, _ = parseReply(data)
	return true
}

// mostNames is how many vectors a message names.
const mostNames = 12

func vectorNames(list []*sentVector) string {
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	if more := len(names) - mostNames; more > 0 {
		names = append(names[:mostNames], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}
