package script

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// premises are the assumptions of a scenario about the speed of the suite itself. A
// request that arrives in pieces, for example, may be answered with status 400 once no
// piece has come for the settle time. If the suite broke such an assumption, a check that
// fails afterwards proves nothing, and the scenario has to run again.
type premises struct {
	broken  string               // the first that did not hold, "" for none
	sent    time.Time            // when "box send" last returned
	pieces  map[string]time.Time // when the last piece of a request was about to be written, by name
	removed map[string]time.Time // when a file was about to be removed, by path
}

func newPremises() premises {
	return premises{pieces: map[string]time.Time{}, removed: map[string]time.Time{}}
}

// tooSlow is the error of a check that proves nothing on this machine.
type tooSlow struct{ reason string }

func (t *tooSlow) Error() string { return "machine too slow: " + t.reason }

// within records whether something that the suite did took at most so long.
func (p *premises) within(most, took time.Duration, what string, args ...any) {
	if took > most && p.broken == "" {
		p.broken = fmt.Sprintf("%s took %v, more than %v", fmt.Sprintf(what, args...), took.Round(time.Millisecond), most)
	}
}

// piece notes that a piece of a request was written, which began at a time.
func (p *premises) piece(name string, began time.Time, settle time.Duration) {
	if last, ok := p.pieces[name]; ok {
		p.within(settle/2, time.Since(last), "the next piece of request %q", name)
		p.pieces[name] = began
	}
}

// delivered notes a command "box" that began at a time and has returned.
func (r *Run) delivered(args []string, began time.Time) {
	if len(args) < 2 {
		return
	}
	subcommand, name, flags := args[0], args[len(args)-1], map[string]string{}
	if subcommand == "send" {
		name, flags = sendArguments(args[1:])
		r.premises.sent = time.Now()
		if call, err := r.network.Call(name); err == nil {
			r.calls = append(r.calls, call)
		}
	}
	if r.process == nil {
		return
	}
	settle := r.process.Ready().Settle()
	_, inPieces := flags["first"]
	switch {
	case inPieces:
		r.premises.pieces[name] = began
	case subcommand == "send":
		if via := flags["via"]; via == fakebox.BlobStoreInPlace.String() || via == "" && r.config.Delivery == fakebox.BlobStoreInPlace {
			r.premises.within(settle/2, time.Since(began), "delivering request %q in place", name)
		}
	case subcommand == "more" || subcommand == "finish":
		r.premises.piece(args[1], began, settle)
	case subcommand == "again":
		call, err := r.network.Call(name)
		if err != nil {
			return
		}
		removed, ok := r.premises.removed[call.RequestPath()]
		if delay := r.process.Ready().Orphan(); ok && delay > 0 {
			r.premises.within(delay/2, time.Since(removed), "bringing back request %q", name)
		}
	}
}

// sendArguments returns the name and the flags of "box send", each of which has a value.
func sendArguments(args []string) (name string, flags map[string]string) {
	flags = map[string]string{}
	for len(args) > 1 && strings.HasPrefix(args[0], "-") {
		flags[strings.TrimLeft(args[0], "-")] = args[1]
		args = args[2:]
	}
	if len(args) > 0 {
		name = args[0]
	}
	return name, flags
}

// handlerTime is how long the handler of a request to /slow takes at least, counted from
// when the request was sent; 0 for another request.
func handlerTime(call *boxscript.Call) time.Duration {
	var slow struct {
		MS int64 `json:"ms"`
	}
	request, err := parseReply(call.Data)
	if err != nil || !slices.Contains(strings.Split(call.Folder, "/"), "slow") {
		return 0
	}
	if body, _, err := request.body(); err != nil || json.Unmarshal(body, &slow) != nil {
		return 0
	}
	return time.Duration(slow.MS) * time.Millisecond
}
