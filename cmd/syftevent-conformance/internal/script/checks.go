package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// pause is how often a condition is looked at.
const pause = time.Millisecond

// wait looks until done is true, the server has ended or the time is over; what
// was waited for and where it stands then make the mismatch.
func (r *Run) wait(within time.Duration, expected string, done func() (ok bool, standing string, err error)) error {
	deadline := time.Now().Add(within)
	for {
		ended := r.process.Exited()
		ok, standing, err := done()
		switch {
		case ok || err != nil:
			return err
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		case ended:
			// One that was told to is not dead for that.
			return &mismatch{expected, fmt.Sprintf("the server has ended (%s)", r.process.Status()), !r.told}
		case time.Now().After(deadline):
			return &mismatch{expected, fmt.Sprintf("%s after %v", standing, within), false}
		}
		time.Sleep(pause)
	}
}

// started is the error of a command that needs a server.
func (r *Run) started() error {
	if r.process == nil {
		return errors.New("the server was never started")
	}
	return nil
}

// call returns the request of a name, once there is a server to answer it.
func (r *Run) call(name string) (*boxscript.Call, error) {
	if err := r.started(); err != nil {
		return nil, err
	}
	return r.network.Call(name)
}

// only returns the one request that a command is told of.
func (r *Run) only(command string, args []string) (*boxscript.Call, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("usage: %s NAME", command)
	}
	return r.call(args[0])
}

// response waits for the response to a request and returns its bytes, which are
// JSON.
func (r *Run) response(call *boxscript.Call) ([]byte, error) {
	var data []byte
	expected := fmt.Sprintf("a response to request %q, %s", call.Name, r.relative(call.ResponsePath()))
	err := r.wait(r.answerWithin(), expected, func() (bool, string, error) {
		var err error
		data, err = os.ReadFile(call.ResponsePath())
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false, "no such file", nil
		case err != nil:
			return false, "", err
		}
		return json.Valid(data), fmt.Sprintf("a file that is not JSON: %s", excerpt(string(data))), nil
	})
	if _, known := r.first[call.Name]; !known && err == nil {
		r.first[call.Name] = string(data)
	}
	return data, err
}

// relative shortens a path to what tells in a message.
func (r *Run) relative(name string) string {
	rel, err := filepath.Rel(r.network.Server.Datasites(), name)
	if err != nil {
		return name
	}
	return filepath.ToSlash(rel)
}

func (r *Run) commandWhole(ts *testscript.TestScript, args []string) error {
	call, err := r.only("whole", args)
	if err != nil {
		return err
	}
	expected := fmt.Sprintf("the response to request %q is whole whenever it is seen", call.Name)
	// No pause between the looks: a torn response may last for microseconds.
	for deadline := time.Now().Add(r.answerWithin()); ; {
		data, err := os.ReadFile(call.ResponsePath())
		switch {
		case err == nil && !json.Valid(data):
			return &mismatch{expected, fmt.Sprintf("%d bytes that are no JSON: %s", len(data), excerpt(string(data))), false}
		case err == nil:
			return nil
		case !errors.Is(err, fs.ErrNotExist):
			return err
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		case time.Now().After(deadline):
			return &mismatch{expected, "there is no response", false}
		case r.process.Exited():
			return &mismatch{expected, fmt.Sprintf("the server has ended (%s)", r.process.Status()), true}
		}
	}
}

func (r *Run) commandCanary(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errors.New("usage: canary")
	}
	return r.canary()
}

// CanarySender is who sends the canaries, the address that names their folder.
const CanarySender = "canary@example.com"

// canary sends a request and waits for its response, twice: the second was not
// there yet when the look began that found the first.
func (r *Run) canary() error {
	if err := r.started(); err != nil {
		return err
	}
	for range 2 {
		canary, err := r.sendCanary()
		if err != nil {
			return err
		}
		if err := r.awaitCanary(canary); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) sendCanary() (one, error) {
	return r.deliver(fmt.Sprintf("00000000-0000-4000-8000-%012d", r.nextNumber()), CanarySender, "echo", "canary")
}

func (r *Run) awaitCanary(canary one) error {
	err := r.wait(r.answerWithin(), "the server goes on answering requests (a canary to /echo)", func() (bool, string, error) {
		there, err := exists(canary.response)
		return there, "no answer", err
	})
	if m, ok := err.(*mismatch); ok {
		m.dead = true
	}
	return err
}

func (r *Run) commandUnanswered(ts *testscript.TestScript, args []string) error {
	for _, name := range args {
		call, err := r.call(name)
		if err != nil {
			return err
		}
		if takes := handlerTime(call); takes > 0 {
			r.premises.within(takes/2, r.premises.sent.Sub(call.Sent), "sending a request after %q", name)
		}
	}
	return r.noResponse(args)
}

func (r *Run) commandQuiet(ts *testscript.TestScript, args []string) error {
	if err := r.started(); err != nil {
		return err
	}
	long := r.quiet()
	switch len(args) {
	case 0:
	case 1:
		factor, err := strconv.ParseFloat(args[0], 64)
		if err != nil || !(factor > 0) {
			return fmt.Errorf("quiet: %q is no factor", args[0])
		}
		// Not stretched: it is compared with the server's own settle time.
		long = time.Duration(factor * float64(r.process.Ready().Settle()))
	default:
		return errors.New("usage: quiet [FACTOR]")
	}
	return r.pass(long)
}

// pass lets time pass while canaries are answered.
func (r *Run) pass(long time.Duration) error {
	for until := time.Now().Add(long); ; {
		if err := r.canary(); err != nil {
			return err
		}
		if !time.Now().Before(until) {
			return nil
		}
	}
}

// noResponse checks that requests have no response now.
func (r *Run) noResponse(names []string) error {
	if len(names) == 0 {
		return errors.New("want the NAME of a request")
	}
	for _, name := range names {
		call, err := r.call(name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(call.ResponsePath())
		if !errors.Is(err, fs.ErrNotExist) {
			return &mismatch{fmt.Sprintf("no response to request %q", name), fmt.Sprintf("%s: %s", r.relative(call.ResponsePath()), excerpt(string(data))), false}
		}
	}
	return nil
}

func (r *Run) commandRan(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: ran NAME N")
	}
	want, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if err := r.started(); err != nil {
		return err
	}
	var stems []string
	for _, sent := range r.bursts[args[0]] {
		stems = append(stems, sent.stem)
	}
	if stems == nil {
		call, err := r.call(args[0])
		if err != nil {
			return err
		}
		stems = []string{call.Stem}
	}
	got, err := r.runs()
	if err != nil {
		return err
	}
	for _, stem := range stems {
		if got[stem] != want {
			return &mismatch{fmt.Sprintf("request %q was run %s", args[0], times(want)), fmt.Sprintf("%s was run %s", stem, times(got[stem])), false}
		}
	}
	return nil
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (r *Run) commandConfined(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errors.New("usage: confined")
	}
	now, err := r.files()
	if err != nil {
		return err
	}
	inside := r.rpc() + string(os.PathSeparator)
	// The folders in which requests lie were made to put them there.
	ours := map[string]bool{}
	for name := range now {
		if strings.Contains(filepath.Base(name), ".request") {
			for folder := filepath.Dir(name); !ours[folder] && strings.HasPrefix(folder, inside); folder = filepath.Dir(folder) {
				ours[folder] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if _, there := r.before[name]; there || r.isOwn(name) || r.isServers(name) {
			continue
		}
		if !strings.HasPrefix(name, inside) {
			return &mismatch{"no file or folder appears outside of the rpc folder", r.relative(name), false}
		}
		if isFolder := now[name]; isFolder && !ours[name] {
			return &mismatch{"no folder appears that was not made for a request", r.relative(name), false}
		}
		if request, ok := strings.CutSuffix(name, ".response"); ok {
			if _, there := now[request+".request"]; !there {
				return &mismatch{"a response stands beside its request", r.relative(name) + " stands alone", false}
			}
		}
	}
	return nil
}

// isOwn reports whether the suite, or SyftBox, writes the file while the server
// runs.
func (r *Run) isOwn(name string) bool {
	return filepath.Dir(name) == r.Dir && (strings.HasSuffix(name, ".log") || strings.HasSuffix(name, ".response")) ||
		name == filepath.Join(r.Dir, "second") || filepath.Dir(name) == filepath.Join(r.Dir, "second") ||
		strings.Contains(name, ".syft-tmp")
}

// isServers reports whether a file is one that the server keeps for itself in the
// folder of the app, or lies in such a directory.
func (r *Run) isServers(name string) bool {
	rel, err := filepath.Rel(filepath.Dir(r.rpc()), name)
	first, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
	return err == nil && strings.HasSuffix(first, ".tmp")
}

// excerpt shortens a text for a message.
func excerpt(s string) string {
	const most = 300
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > most {
		return fmt.Sprintf("%q… (%d bytes)", s[:most], len(s))
	}
	return fmt.Sprintf("%q", s)
}
