package soak

import (
	"fmt"
	"strings"
)

// The kinds of what happens in a soak of a client.
const (
	Call         = "soak-call"          // a call has the result that the response says
	CallBurst    = "soak-call-burst"    // many calls at once
	CallPieces   = "soak-call-pieces"   // a response arrives in pieces
	CallLost     = "soak-call-lost"     // SyftBox loses the request
	CallAway     = "soak-call-away"     // the request is removed, and comes back
	CallRejected = "soak-call-rejected" // SyftBox rejects the request
	CallExpired  = "soak-call-expired"  // no response comes
	CallForged   = "soak-call-forged"   // a response contradicts the call
	CallBack     = "soak-call-back"     // files come back after the call
	CallSuspend  = "soak-call-suspend"  // the client is suspended
	CallRestart  = "soak-call-restart"  // the client is stopped or killed, and started
)

// clientUsual are the kinds of rounds for clients.
var clientUsual = []kindOf{
	{Call, 50, (*generator).call},
	{CallBurst, 2, (*generator).callBurst},
	{CallPieces, 8, (*generator).callPieces},
	{CallLost, 2, (*generator).callLost},
	{CallAway, 4, (*generator).callAway},
	{CallRejected, 4, (*generator).callRejected},
	{CallExpired, 4, (*generator).callExpired},
	{CallForged, 3, (*generator).callForged},
	{CallBack, 3, (*generator).callBack},
	{CallSuspend, 1, (*generator).callSuspend},
}

// patience is when calls expire that are to be answered, however slow the machine is.
const patience = "-expires 10m "

// makeCall returns a command that makes a call.
func (g *generator) makeCall(p *plan, flags string) string {
	endpoint := pick(g.Rand, []string{"echo", "v1/users", "größe", "a b", "deep/er/and/deeper"})
	for range g.IntN(4) {
		flags += "-header " + quote(fmt.Sprintf("h-%d: %s", g.IntN(10), text(g.Rand, 40))) + " "
	}
	command := "call " + flags + "-method " + g.method() + " "
	switch n := g.IntN(10); {
	case n == 0:
		return fmt.Sprintf("%s%s %s", command, p.name, quote(endpoint))
	case n < 6:
		return fmt.Sprintf("%s%s %s %s", command, p.name, quote(endpoint), quote(text(g.Rand, 60)))
	}
	return fmt.Sprintf("%s-body-size %d -body-seed %d %s %s", command, g.bodySize(), g.IntN(1<<30)+1, p.name, quote(endpoint))
}

// response returns a command that responds, and checks of the result.
func (g *generator) response(p *plan, flags string) (command string, checks []string) {
	status := pick(g.Rand, []int{100, 200, 200, 200, 201, 204, 299, 302, 400, 404, 419, 499, 500, 503, 599})
	checks = []string{fmt.Sprintf("result %s status %d", p.name, status)}
	command = fmt.Sprintf("respond %s-status %d ", flags, status)
	for n := range g.IntN(4) {
		name, value := fmt.Sprintf("%s-%d", pick(g.Rand, []string{"h", "X-Header", "content-type", "x_y.z"}), n), text(g.Rand, 40)
		command += "-header " + quote(name+": "+value) + " "
		checks = append(checks, fmt.Sprintf("result %s header %s %s", p.name, name, quote(value)))
	}
	if g.IntN(3) == 0 {
		command += "-set 'unknown=[1,{}]' "
	}
	if !strings.Contains(flags, "-first") {
		command += pick(g.Rand, []string{"", "-via blobstore ", "-via blobstore-in-place "})
	}
	checks = append(checks, "result "+p.name+" body responded")
	switch n := g.IntN(10); {
	case n == 0:
		return command + p.name, checks
	case n < 6:
		return command + p.name + " " + quote(text(g.Rand, 60)), checks
	}
	return fmt.Sprintf("%s-body-size %d -body-seed %d %s", command, g.bodySize(), g.IntN(1<<30)+1, p.name), checks
}

// respond adds an act that responds, and the checks of the result.
func (g *generator) respond(p *plan) {
	command, checks := g.response(p, "")
	p.acts = append(p.acts, act{running: true, lines: []string{command}})
	p.checks = append(p.checks, checks...)
}

func (g *generator) call(p *plan) {
	p.acts = []act{{lines: []string{g.makeCall(p, patience)}}}
	if g.IntN(2) == 0 {
		p.acts = append(p.acts, act{running: true, lines: []string{"sent " + p.name + " body called", "sent " + p.name + " folder"}})
	}
	g.respond(p)
}

func (g *generator) callBurst(p *plan) {
	n := 2 + g.IntN(100)
	p.requests = n
	p.acts = []act{
		{lines: []string{fmt.Sprintf("call %s-times %d %s echo", patience, n, p.name)}},
		{running: true, lines: []string{"respond " + p.name + " 'to each'"}},
	}
	p.checks = []string{"result " + p.name + " body 'to each'"}
}

func (g *generator) callPieces(p *plan) {
	command, checks := g.response(p, fmt.Sprintf("-first %d ", g.IntN(200)))
	lines := []string{command}
	for range g.IntN(4) {
		lines = append(lines, fmt.Sprintf("finish %s %d", p.name, 1+g.IntN(60)))
	}
	p.acts = []act{{lines: []string{g.makeCall(p, patience)}}, {running: true, lines: append(lines, "finish "+p.name)}}
	p.checks = checks
}

func (g *generator) callLost(p *plan) {
	p.acts = []act{
		{lines: []string{g.makeCall(p, patience)}},
		{running: true, lines: []string{"request " + p.name, "lose " + p.name}},
		{running: true, lines: []string{"resent " + p.name}},
	}
	g.respond(p)
}

func (g *generator) callAway(p *plan) {
	p.acts = []act{
		{lines: []string{g.makeCall(p, patience)}},
		{running: true, lines: []string{"request " + p.name, "lose " + p.name, "return request " + p.name}},
	}
	g.respond(p)
}

func (g *generator) callRejected(p *plan) {
	marker := pick(g.Rand, []string{".rejected", ".rejected.20260102030405", ".syftrejected"})
	p.acts = []act{
		{lines: []string{g.makeCall(p, patience)}},
		{running: true, lines: []string{"request " + p.name, "reject " + p.name + " " + marker}},
	}
	p.checks = []string{"result " + p.name + " error rejected"}
}

func (g *generator) callExpired(p *plan) {
	p.acts = []act{{lines: []string{g.makeCall(p, fmt.Sprintf("-expires %dms ", 1000+g.IntN(2000)))}}}
	p.checks = []string{"result " + p.name + " error expired"}
}

func (g *generator) callForged(p *plan) {
	forged := pick(g.Rand, []string{"id=another", "sender=mallory@example.com", "url=syft://mallory@example.com/app_data/x/rpc/echo"})
	p.acts = []act{{running: true, lines: []string{g.makeCall(p, "-expires 20s "), "respond -set " + forged + " " + p.name + " forged"}}}
	p.checks = []string{"result " + p.name + " error any"}
}

func (g *generator) callBack(p *plan) {
	p.acts = []act{{lines: []string{g.makeCall(p, patience)}}}
	g.respond(p)
	p.acts = append(p.acts, act{running: true, lines: []string{"result " + p.name + " body responded", "gone $REQUEST_" + p.name + " $RESPONSE_" + p.name}})
	back := pick(g.Rand, []string{"request", "response"})
	p.acts = append(p.acts, act{lines: []string{"return " + back + " " + p.name}})
	p.checks = append(p.checks, "gone $REQUEST_"+p.name+" $RESPONSE_"+p.name)
}

func (g *generator) callSuspend(p *plan) {
	event(p, suspended, "client suspend", fmt.Sprintf("idle %dms", 100+g.IntN(2500)), "client resume")
}

// restartClient ends a round with another client.
func (g *generator) restartClient(r *round) {
	if g.without(CallRestart) {
		return
	}
	stop := pick(g.Rand, []string{"client stop", "client stop -input", "client kill"})
	r.plans = append(r.plans, plan{kind: CallRestart, name: fmt.Sprintf("r%d_restart", r.number)})
	for _, text := range []string{stop, "client start"} {
		r.lines = append(r.lines, line{len(r.plans) - 1, text})
	}
}
