package soak

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// The kinds of what happens in a soak. The list of known failures may name them.
const (
	Echo      = "soak-echo"      // a request to /echo returns its body and headers
	Inspect   = "soak-inspect"   // a handler receives what was sent
	Record    = "soak-record"    // a request is run once
	Slow      = "soak-slow"      // likewise, with a slow handler
	Fail      = "soak-fail"      // a handler fails
	Refused   = "soak-refused"   // a request that contradicts its folder, or has wrong fields
	Malformed = "soak-malformed" // a file that is no request
	Expired   = "soak-expired"   // a request that has expired is not run
	Unknown   = "soak-unknown"   // there is no such endpoint
	Pieces    = "soak-pieces"    // a request arrives in pieces
	Again     = "soak-again"     // a request is delivered again, or its mode or time changes
	Changed   = "soak-changed"   // other bytes arrive under the name of an answered request
	Lost      = "soak-lost"      // a response is deleted
	Away      = "soak-away"      // a request is removed while it is run, and comes back
	Twins     = "soak-twins"     // two requests have the same name in two folders
	Burst     = "soak-burst"     // many requests arrive at once
	Special   = "soak-special"   // folders, links and FIFOs have the names of requests
	Suspend   = "soak-suspend"   // the server is suspended
	Worker    = "soak-worker"    // one of several servers is stopped, killed or suspended
	Restart   = "soak-restart"   // the server is stopped and started
	Kill      = "soak-kill"      // the server is killed and started
	Backlog   = "soak-backlog"   // 20,000 requests wait for the start
	Idle      = "soak-idle"      // nothing happens for 35 s
	Flat      = "soak-flat"      // memory, threads and descriptors do not grow

	// In requests of every kind:
	Stems   = "soak-stems"    // names that are no UUIDs in lower case
	Times   = "soak-times"    // all forms of times, and no times
	InPlace = "soak-in-place" // requests are delivered in place
)

// backlog is the number of requests of Backlog.
const backlog = 20_000

// A kindOf is a kind that is equally common in every round, with its weight.
type kindOf struct {
	kind   string
	weight int
	plan   func(g *generator, p *plan)
}

// usual are the kinds of rounds for servers.
var usual = []kindOf{
	{Echo, 30, (*generator).echo},
	{Inspect, 12, (*generator).inspect},
	{Record, 12, (*generator).record},
	{Slow, 6, (*generator).slow},
	{Fail, 3, (*generator).fail},
	{Refused, 8, (*generator).refused},
	{Malformed, 3, (*generator).malformed},
	{Expired, 4, (*generator).expired},
	{Unknown, 2, (*generator).unknown},
	{Pieces, 3, (*generator).pieces},
	{Again, 8, (*generator).again},
	{Changed, 3, (*generator).changed},
	{Lost, 3, (*generator).lost},
	{Away, 3, (*generator).away},
	{Twins, 3, (*generator).twins},
	{Burst, 3, (*generator).burst},
	{Special, 1, (*generator).special},
	{Suspend, 1, (*generator).suspend},
}

// shared are kinds of rounds with several servers.
var shared = []kindOf{{Worker, 2, (*generator).worker}}

// Kinds returns all kinds.
func Kinds() []string {
	kinds := []string{Worker, Restart, Kill, Backlog, Idle, Flat, Stems, Times, InPlace}
	for _, k := range slices.Concat(usual, clientUsual) {
		kinds = append(kinds, k.kind)
	}
	return kinds
}

// A generator makes rounds.
type generator struct {
	*rand.Rand
	role    target.Role
	servers int
	seed    uint64
	senders []string
	maxBody int
	without func(kind string) bool
	numbers int // of names, in the round
	namedBy int // makes the names of the round unlike those of every other
}

// sendersOfSoak is the number of senders of a soak.
const sendersOfSoak = 24

// newGenerator returns a generator of rounds for a number of servers, or clients.
func newGenerator(role target.Role, servers int, seed uint64, maxBody int, without func(kind string) bool) *generator {
	names := rand.New(rand.NewPCG(seed, 0))
	return &generator{role: role, servers: servers, seed: seed, senders: senders(names, sendersOfSoak), maxBody: maxBody, without: without}
}

// start returns the commands that start what is tested.
func (g *generator) start() []string {
	commands := []string{g.startServer()}
	for n := 1; n < g.servers; n++ {
		commands = append(commands, "worker start "+workerName(n))
	}
	return commands
}

// workerTimeout is that of servers that share the work.
const workerTimeout = 2 * time.Second

func (g *generator) startServer() string {
	if g.servers > 1 {
		return fmt.Sprintf("server start workers=true worker_timeout=%v", workerTimeout)
	}
	return string(g.role) + " start"
}

// workerName returns the name of a server beside that under test. n is 1 or more.
func workerName(n int) string { return fmt.Sprint("worker", n) }

// round returns the round of a number. It depends on the seed and the number alone.
func (g *generator) round(number int) *round { return g.named(number, number) }

// repeated is more than the number of any round.
const repeated = 1 << 20

// repeat returns a round with new names. times is how many rounds have been repeated before.
func (g *generator) repeat(number, times int) *round { return g.named(number, repeated+times) }

func (g *generator) named(number, namedBy int) *round {
	g.Rand, g.namedBy, g.numbers = rand.New(rand.NewPCG(g.seed, uint64(number))), namedBy, 0
	r := &round{number: number, start: g.start(), collects: g.role == target.Server}
	usual := usual
	switch {
	case g.role == target.Client:
		usual = clientUsual
	case g.servers > 1:
		usual = slices.Concat(usual, shared)
	}
	add := func(kind string, fill func(g *generator, p *plan)) {
		if g.without(kind) {
			return
		}
		g.numbers++
		p := plan{kind: kind, name: fmt.Sprintf("r%d_%d", g.namedBy, g.numbers), requests: 1}
		fill(g, &p)
		r.plans = append(r.plans, p)
	}
	calmEnd, roughEnd := cycle(number)
	withBacklog := number == calmEnd+1
	total := 0
	for _, k := range usual {
		total += k.weight
	}
	for range 20 + g.IntN(100) {
		n := g.IntN(total)
		for _, k := range usual {
			if n -= k.weight; n >= 0 {
				continue
			}
			// A server need not remember what it answered 20,000 requests ago.
			if k.kind != Lost || !withBacklog {
				add(k.kind, k.plan)
			}
			break
		}
	}
	if g.role == target.Client {
		g.merge(r)
		if number > calmEnd {
			g.restartClient(r)
		}
		return r
	}
	if number > calmEnd {
		switch {
		case withBacklog:
			add(Backlog, (*generator).backlog)
		case g.IntN(2) == 0:
			for range 1 + g.IntN(3) {
				add(Restart, (*generator).restart)
			}
		default:
			add(Kill, (*generator).kill)
		}
	} else if number == calmEnd && roughEnd > idleFrom {
		add(Idle, (*generator).idle)
	} else if number == calmEnd || g.IntN(6) == 0 {
		add(Burst, (*generator).largeBurst)
	}
	g.merge(r)
	return r
}

// idleFrom is the number of a round: earlier cycles have no idle time.
const idleFrom = 60

// cycle returns the last round of the calm and of the rough part of the cycle to which a round
// belongs. The server lives through the calm part, and restarts in each round of the rough one. Each
// cycle is twice as long as the one before it: faults appear early in a short soak, and leaks in
// the long lives of a long one.
func cycle(number int) (calmEnd, roughEnd int) {
	for length := 4; ; length *= 2 {
		calmEnd = roughEnd + length
		roughEnd = calmEnd + length/2
		if number <= roughEnd {
			return calmEnd, roughEnd
		}
	}
}

// send returns a command that sends a request, and the request's folder below $RPC.
func (g *generator) send(p *plan, endpoint string, flags ...string) (command, folder string) {
	sender := pick(g.Rand, g.senders)
	name := stem(g.Rand, g.namedBy*1000+g.numbers)
	if g.without(Stems) {
		name = uuid(g.Rand, g.namedBy*1000+g.numbers)
	}
	words := []string{"box", "send", "-from", sender, "-stem", name}
	switch n := g.IntN(4); {
	case n == 0:
		words = append(words, "-via", "blobstore")
	case n == 1 && !g.without(InPlace):
		words = append(words, "-via", "blobstore-in-place")
	}
	words = append(append(words, flags...), p.name, endpoint)
	for i, word := range words {
		words[i] = quote(word)
	}
	return strings.Join(words, " "), "$RPC/" + endpoint + "/" + quote(sender) + "/"
}

// requestPath returns the path of a request in a folder.
func requestPath(p *plan, folder string) string { return folder + "$STEM_" + p.name + ".request" }

func responsePath(p *plan, folder string) string { return folder + "$STEM_" + p.name + ".response" }

func (g *generator) method() string {
	return pick(g.Rand, []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
}

// headers returns the flags of up to four headers, and checks of them in the response of /echo.
func (g *generator) headers(p *plan) (flags, checks []string) {
	for n := range g.IntN(5) {
		name := fmt.Sprintf("%s-%d", pick(g.Rand, []string{"h", "X-Header", "content-type", "ACCEPT", "x_y.z"}), n)
		value := text(g.Rand, 40)
		switch g.IntN(20) {
		case 0:
			value = ""
		case 1:
			value = strings.Repeat(text(g.Rand, 10)+"x", 400)
		}
		flags = append(flags, "-header", name+": "+value)
		checks = append(checks, fmt.Sprintf("expect %s header x-echo-%s %s", p.name, name, quote(value)))
	}
	return flags, checks
}

func (g *generator) echo(p *plan) {
	flags, _, _, _ := g.body()
	headers, checks := g.headers(p)
	send, _ := g.send(p, "echo", append(append(flags, headers...), "-method", g.method())...)
	p.acts = []act{{lines: []string{send}}}
	p.checks = append([]string{
		"expect " + p.name + " status 200", "expect " + p.name + " body sent", "expect " + p.name + " envelope",
		"expect " + p.name + " field sender $SERVER",
	}, checks...)
}

func (g *generator) inspect(p *plan) {
	flags, body, present, small := g.body()
	method := g.method()
	send, folder := g.send(p, "inspect", append(flags, "-method", method)...)
	p.acts = []act{{lines: []string{send}}}
	sender := strings.TrimSuffix(strings.TrimPrefix(folder, "$RPC/inspect/"), "/")
	p.checks = []string{
		"expect " + p.name + " status 200",
		"expect " + p.name + " json method " + method,
		"expect " + p.name + " json sender " + sender,
	}
	if small && !present {
		p.checks = append(p.checks, "expect "+p.name+" json body_base64 null")
	} else if small {
		p.checks = append(p.checks, "expect "+p.name+" json body_base64 "+quote(base64.StdEncoding.EncodeToString(body)))
	}
}

// expiries are the forms of a time that has not come yet, and of none at all.
var expiries = [][]string{
	nil, {"-unset", "expires"}, {"-expires", "1h"}, {"-set", "expires=$FUTURE_WEST"},
	{"-set", "expires=4102444800"}, {"-set", "expires=4102444800.5"}, {"-set", `expires="2100-01-01T00:00:00"`},
	{"-set", `expires="2100-01-01T00:00:00.123456789Z"`}, {"-set", `expires="2100-01-01T05:30:00+05:30"`},
	{"-set", "created=0"}, {"-set", `created="2001-01-01T00:00:00Z"`}, {"-unset", "created"}, {"-unset", "id"},
	{"-set", "unknown=[1,{}]"},
}

func (g *generator) record(p *plan) {
	flags := pick(g.Rand, expiries)
	if g.without(Times) {
		flags = nil
	}
	send, folder := g.send(p, "record", flags...)
	send = unquoteTimes(send)
	p.acts = []act{{lines: []string{send}}}
	switch g.IntN(6) {
	case 0:
		p.acts[0].lines = append(p.acts[0].lines, "touch "+pick(g.Rand, []string{"epoch", "-48h", "48h"})+" "+requestPath(p, folder))
	case 1:
		p.acts[0].lines = append(p.acts[0].lines, "chmod "+pick(g.Rand, []string{"0600", "0640", "0444", "0666"})+" "+requestPath(p, folder))
	}
	p.checks = []string{"expect " + p.name + " status 200", "ran " + p.name + " {runs}"}
}

// unquoteTimes lets testscript expand the times among the arguments.
func unquoteTimes(command string) string {
	for _, name := range []string{"FUTURE_WEST", "PAST_EAST", "PAST_HALF", "PAST_NAIVE"} {
		command = strings.ReplaceAll(command, "'expires=$"+name+"'", "expires=$"+name)
	}
	return command
}

func (g *generator) slow(p *plan) {
	send, _ := g.send(p, "slow")
	p.acts = []act{{lines: []string{send + fmt.Sprintf(` '{"ms": %d}'`, 1+g.IntN(400))}}}
	p.checks = []string{"expect " + p.name + " status 200", "ran " + p.name + " {runs}"}
}

func (g *generator) fail(p *plan) {
	send, _ := g.send(p, "fail", "-method", g.method())
	p.acts = []act{{lines: []string{send}}}
	p.checks = []string{"expect " + p.name + " status 4xx|5xx", "! expect " + p.name + " contains conformance-secret"}
}

func (g *generator) refused(p *plan) {
	wrong := pick(g.Rand, []struct {
		status string
		flags  []string
	}{
		{"403", []string{"-set", "sender=mallory@example.com"}},
		{"400", []string{"-set", "id=another"}},
		{"400", []string{"-unset", "url"}},
		{"400", []string{"-set", "url=syft://mallory@example.com/app_data/conformance/rpc/record"}},
		{"400", []string{"-set", "method=OPTIONS"}},
		{"400", []string{"-set", `headers={"n":1}`}},
		{"400", []string{"-set", "headers=[]"}},
		{"400", []string{"-set", "body=7"}},
		{"400", []string{"-set", `body="%%"`}},
		{"400", []string{"-set", "expires=soon"}},
	})
	send, _ := g.send(p, "record", wrong.flags...)
	p.acts = []act{{lines: []string{send}}}
	p.checks = []string{"expect " + p.name + " status " + wrong.status, "ran " + p.name + " 0"}
}

func (g *generator) malformed(p *plan) {
	if g.IntN(2) == 0 {
		send, _ := g.send(p, "record", "-first", fmt.Sprint(1+g.IntN(60)))
		p.acts = []act{{lines: []string{send}}}
	} else {
		data := pick(g.Rand, []string{
			"[]", "null", "42", `"text"`, "{}", "{", "[[[[", "nul", "\ufeff", "{}{}", `{"sender":}`, "\x00", "request",
			strings.Repeat("[", 20000), strings.Repeat(`{"a":`, 20000), `{"a":"` + strings.Repeat("x", 100000) + `"}`,
		})
		p.files = []file{{name: p.name, data: data + "\n"}}
		send, _ := g.send(p, "record", "-envelope", p.name)
		p.acts = []act{{lines: []string{send}}}
	}
	p.checks = []string{"expect " + p.name + " status 400", "ran " + p.name + " 0"}
}

func (g *generator) expired(p *plan) {
	flags := pick(g.Rand, [][]string{
		{"-expires", "-1s"}, {"-expires", "-1h"},
		{"-set", "expires=0"}, {"-set", "expires=1700000000.5"}, {"-set", "expires=-1"},
		{"-set", "expires=$PAST_EAST"}, {"-set", "expires=$PAST_HALF"}, {"-set", "expires=$PAST_NAIVE"},
	})
	if g.without(Times) {
		flags = []string{"-expires", "-1h"}
	}
	send, _ := g.send(p, "record", flags...)
	p.acts = []act{{lines: []string{unquoteTimes(send)}}}
	p.checks = []string{"expect " + p.name + " status 419", "ran " + p.name + " 0"}
}

func (g *generator) unknown(p *plan) {
	send, _ := g.send(p, pick(g.Rand, []string{"nowhere", "echo/deeper", "Echo", "v1/a/b/c"}))
	p.acts = []act{{lines: []string{send}}}
	p.checks = []string{"expect " + p.name + " status 404"}
}

func (g *generator) pieces(p *plan) {
	send, _ := g.send(p, "echo", "-first", fmt.Sprint(g.IntN(100)), "-header", "h: "+text(g.Rand, 20), "-body-size", fmt.Sprint(g.IntN(5000)))
	lines := []string{send}
	for range g.IntN(4) {
		lines = append(lines, fmt.Sprintf("box more %s %d", p.name, 1+g.IntN(50)))
	}
	p.acts = []act{{lines: append(lines, "box finish "+p.name)}}
	p.checks = []string{"expect " + p.name + " status 200", "expect " + p.name + " body sent"}
}

// redelivery returns commands that deliver a request again, or change its mode or times.
func (g *generator) redelivery(p *plan, folder string) []string {
	var lines []string
	for range 1 + g.IntN(3) {
		lines = append(lines, pick(g.Rand, []string{
			"box again " + p.name, "box again -via blobstore " + p.name,
			"chmod 0640 " + requestPath(p, folder), "chmod 0600 " + requestPath(p, folder),
			"touch epoch " + requestPath(p, folder), "touch 1h " + requestPath(p, folder),
		}))
	}
	return lines
}

func (g *generator) again(p *plan) {
	if g.IntN(2) == 0 { // while it is run
		send, folder := g.send(p, "slow")
		p.acts = []act{
			{running: true, lines: append([]string{send + ` '{"ms": 300}'`, "running " + p.name}, g.redelivery(p, folder)...)},
			{lines: g.redelivery(p, folder)},
		}
		p.checks = []string{"expect " + p.name + " status 200", "ran " + p.name + " {runs}"}
		return
	}
	send, folder := g.send(p, "record")
	p.acts = []act{
		{lines: []string{send}},
		{running: true, answered: true, lines: []string{"expect " + p.name + " status 200"}},
		{lines: g.redelivery(p, folder)},
		{lines: g.redelivery(p, folder)},
	}
	p.checks = []string{"same " + p.name, "ran " + p.name + " {runs}"}
}

func (g *generator) changed(p *plan) {
	send, _ := g.send(p, "record")
	other := strings.Replace(send, " "+p.name+" record", " "+p.name+"b record 'other bytes'", 1)
	p.acts = []act{
		{lines: []string{send}},
		{running: true, answered: true, lines: []string{"expect " + p.name + " status 200"}},
		{lines: []string{other}},
	}
	p.checks = []string{"same " + p.name, "ran " + p.name + " {runs}"}
}

func (g *generator) lost(p *plan) {
	send, folder := g.send(p, "record")
	p.acts = []act{
		{lines: []string{send}},
		{running: true, answered: true, lines: []string{"expect " + p.name + " status 200"}},
		{lines: []string{"remove " + responsePath(p, folder)}},
	}
	p.checks = []string{"expect " + p.name + " status 200", "same " + p.name, "ran " + p.name + " {runs}"}
}

func (g *generator) away(p *plan) {
	send, folder := g.send(p, "slow")
	p.acts = []act{
		{running: true, lines: []string{send + ` '{"ms": 300}'`, "running " + p.name, "remove " + requestPath(p, folder)}},
		{lines: []string{"box again " + p.name}},
	}
	p.checks = []string{"expect " + p.name + " status 200", "ran " + p.name + " {runs}"}
}

func (g *generator) twins(p *plan) {
	send, _ := g.send(p, "echo")
	at := strings.Index(send, " -stem ")
	other := "box send -from twin@example.com" + strings.Replace(send[at:], " "+p.name+" echo", " "+p.name+"b echo", 1)
	p.requests = 2
	p.acts = []act{{lines: []string{send + " one"}}, {lines: []string{other + " two"}}}
	p.checks = []string{"expect " + p.name + " body one", "expect " + p.name + "b body two"}
}

func (g *generator) burst(p *plan) { g.burstOf(p, 5+g.IntN(60)) }

// largeBurst waits for the responses: other requests have deadlines that do not allow for so
// many before them. Half of the bursts meet a suspended server, unless others would take over what
// it has begun.
func (g *generator) largeBurst(p *plan) {
	g.burstOf(p, 2500+g.IntN(1500))
	lines := p.acts[0].lines
	if g.IntN(2) == 0 && !g.without(Suspend) && g.servers <= 1 {
		lines = []string{"server suspend", lines[0], "server resume"}
	}
	p.acts[0] = act{lines: append(lines, p.checks[0]), running: true, answered: true}
	p.checks = p.checks[1:]
}

func (g *generator) burstOf(p *plan, n int) {
	p.requests = n
	if g.IntN(3) == 0 {
		p.acts = []act{{lines: []string{fmt.Sprintf("burst %s %d record", p.name, n)}}}
		p.checks = []string{"answered " + p.name, "ran " + p.name + " {runs}"}
		return
	}
	body, _ := json.Marshal(p.name)
	p.acts = []act{{lines: []string{fmt.Sprintf("burst %s %d echo %s", p.name, n, quote(string(body)))}}}
	p.checks = []string{"answered " + p.name + " " + quote(string(body))}
}

func (g *generator) special(p *plan) {
	folder := "$RPC/echo/" + quote(pick(g.Rand, g.senders)) + "/"
	path := folder + p.name + ".request"
	commands := pick(g.Rand, []string{"mkdir " + path, "mkdir " + folder + "\nfifo " + path, "mkdir " + folder + "\nlink $RPC/syft.pub.yaml " + path})
	p.requests = 0
	p.acts = []act{{lines: strings.Split(commands, "\n")}, {running: true, lines: []string{"canary"}}}
	p.checks = []string{"remove " + path}
}

// event makes a plan of two acts that stop the server and start it again.
func event(p *plan, state state, first string, second ...string) {
	p.requests = 0
	p.acts = []act{{running: true, state: state, lines: []string{first}}, {state: up, lines: second}}
}

// suspend suspends the server. Others may take over its requests.
func (g *generator) suspend(p *plan) {
	state := suspended
	if g.servers > 1 {
		state = killed
	}
	event(p, state, "server suspend", fmt.Sprintf("idle %dms", 100+g.IntN(2500)), "server resume")
}

func (g *generator) restart(p *plan) { event(p, stopped, "server stop", g.startServer()) }

func (g *generator) kill(p *plan) { event(p, killed, "server kill", g.startServer()) }

func (g *generator) worker(p *plan) {
	name := workerName(1 + g.IntN(g.servers-1))
	switch start := "worker start " + name; g.IntN(3) {
	case 0:
		event(p, besideStopped, "worker stop "+name, start)
	case 1:
		event(p, besideKilled, "worker kill "+name, start)
	default:
		pause := time.Duration(g.IntN(int(3 * workerTimeout))).Round(time.Millisecond)
		event(p, besideKilled, "worker suspend "+name, fmt.Sprintf("idle %v", pause), "worker resume "+name)
	}
}

func (g *generator) backlog(p *plan) {
	// It waits for the responses, as largeBurst does.
	event(p, stopped, "server stop", fmt.Sprintf("burst %s %d echo backlog", p.name, backlog), g.startServer(), "answered "+p.name+" backlog")
	p.requests = backlog
}

func (g *generator) idle(p *plan) {
	p.requests = 0
	p.checks = []string{"idle 35s", "canary"}
}
