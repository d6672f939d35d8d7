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

// premises are the assumptions of a scenario about the speed of the suite itself. For
// example, a server may answer an incomplete request with status 400 once no piece has
// come for the settle time, so the pieces must not be further apart. A check that fails
// after such an assumption was broken proves nothing.
type premises struct {
	broken  string               // the first broken assumption, "" for none
	sent    time.Time            // when "box send" last returned
	pieces  map[string]time.Time // when the suite began to write the last piece of a request, by name
	removed map[string]time.Time // when the suite began to remove a file, by path
}

func newPremises() *premises {
	return &premises{pieces: map[string]time.Time{}, removed: map[string]time.Time{}}
}

// within states that an act of the suite takes at most a limit, and that it took a time.
func (p *premises) within(limit, took time.Duration, act string, args ...any) {
	if took > limit && p.broken == "" {
		p.broken = fmt.Sprintf("%s took %v, more than %v", fmt.Sprintf(act, args...), took.Round(time.Millisecond), limit)
	}
}

// piece records that a piece of a request was written, beginning at a time.
func (p *premises) piece(name string, began time.Time, settle time.Duration) {
	p.waiting(name, settle)
	if _, ok := p.pieces[name]; ok {
		p.pieces[name] = began
	}
}

// waiting states that the last piece of a request was written a short time ago.
func (p *premises) waiting(name string, settle time.Duration) {
	if last, ok := p.pieces[name]; ok {
		p.within(settle/2, time.Since(last), "the next piece of request %q", name)
	}
}

// delivered records a command "box" that began at a time and has returned.
func (r *requests) delivered(args []string, began time.Time) {
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
		via := flags["via"]
		if via == fakebox.BlobStoreInPlace.String() || via == "" && r.config.Delivery == fakebox.BlobStoreInPlace {
			r.premises.within(settle/2, time.Since(began), "delivering request %q in place", name)
		}
	case subcommand == "more" || subcommand == "finish":
		r.premises.piece(args[1], began, settle)
	case subcommand == "again":
		r.broughtBack(name)
	}
}

// broughtBack records that a request was delivered again. A server may remove the response
// if its request was away for the orphan delay.
func (r *requests) broughtBack(name string) {
	call, err := r.network.Call(name)
	if err != nil {
		return
	}
	removed, ok := r.premises.removed[call.RequestPath()]
	if delay := r.process.Ready().Orphan(); ok && delay > 0 {
		r.premises.within(delay/2, time.Since(removed), "bringing back request %q", name)
	}
}

// sendArguments returns the name and the flags of "box send". Each flag has a value.
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

// handlerTime returns the shortest time from sending a request to /slow to its response,
// and 0 for other requests.
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
