package boxpage

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

const (
	// maxActions is the number of changes of the network that a script contains.
	maxActions = 200
	// maxScriptCalls is the number of calls that a script contains.
	maxScriptCalls = 50
	// maxScriptBody is the maximum size in bytes of a body that a script contains. Larger
	// ones are generated.
	maxScriptBody = 32 << 10
)

// An action is a change of the network, as a line of a script.
type action struct {
	at   time.Time
	seq  uint64 // model.seq after it
	line string
}

// scriptLine returns the command that repeats an event without a file, or "".
func scriptLine(e fakebox.Event) string {
	email, _, _ := strings.Cut(e.Actor, "/")
	switch {
	case e.Path != "":
		return ""
	case e.Op == fakebox.OpOffline || e.Op == fakebox.OpOnline:
		return "box " + string(e.Op) + " " + quoteScript(email)
	case e.Op != fakebox.OpStop && e.Op != fakebox.OpStart:
		return ""
	case e.Actor == fakebox.Hub:
		return "box hub " + string(e.Op)
	}
	return "box client " + string(e.Op) + " " + quoteScript(email)
}

// addAction remembers a change of the network. The caller holds mu.
func (m *model) addAction(at time.Time, line string) {
	m.seq++
	m.actions = append(m.actions, action{at, m.seq, line})
	m.actions = m.actions[max(0, len(m.actions)-maxActions):]
}

// act remembers a change of the network that the journal does not have.
func (m *model) act(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addAction(time.Now(), fmt.Sprintf(format, args...))
}

// serveScript replies with a testscript scenario for package boxscript, of one call or of
// the last calls, with the changes of the network.
func (p *Page) serveScript(w http.ResponseWriter, req *http.Request) {
	p.catchUp()
	calls, actions := p.model.lately()
	if req.URL.Query().Get("n") != "" {
		c := p.call(w, req)
		if c == nil {
			return
		}
		calls, actions = []*call{c}, around(c, actions)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, p.newStory(calls, actions).script())
}

// lately returns copies of the last calls, and the changes of the network.
func (m *model) lately() ([]*call, []action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var calls []*call
	for _, c := range m.order[max(0, len(m.order)-maxScriptCalls):] {
		copied := *c
		copied.events = slices.Clone(c.events)
		calls = append(calls, &copied)
	}
	return calls, slices.Clone(m.actions)
}

// around returns the changes of the network that a call depends on: those before it that
// were not undone before it, and those until its end.
func around(c *call, actions []action) []action {
	undone := map[string]string{"online": "offline", "start": "stop"}
	var kept []action
	for _, a := range actions {
		words := strings.Fields(a.line)
		last := len(words) - 1
		if a.seq > c.firstSeq {
			if end := c.lastTime(); end.IsZero() || a.at.Before(end) {
				kept = append(kept, a)
			}
			continue
		}
		if len(words) > 2 && words[1] == "client" {
			last = 2 // box client start EMAIL
		}
		for i, word := range words[:last+1] {
			if before, ok := undone[word]; ok {
				words[i] = before
				undo := strings.Join(words, " ")
				kept = slices.DeleteFunc(kept, func(k action) bool { return k.line == undo })
				words = nil
				break
			}
		}
		if words != nil {
			kept = append(kept, a)
		}
	}
	return kept
}

// lastTime returns when the outcome of a call was known, or zero if it is not.
func (c *call) lastTime() time.Time {
	var last time.Time
	for _, e := range c.events {
		switch e.Op {
		case fakebox.OpLose, fakebox.OpReject, fakebox.OpRefuse, fakebox.OpDelete, fakebox.OpRemove:
			last = e.Time
		}
	}
	if !c.response.Arrived.IsZero() {
		return c.response.Arrived
	}
	return last
}

// A story turns calls and changes of the network into a script, which repeats them.
type story struct {
	page    *Page
	calls   []*call
	states  map[*call]string
	actions []action
	server  string // address of the person whose server the script tests
	app     string
	serves  bool // a server has answered: the script starts the server under test
	local   bool // SyftBox carried no request
	steps   []step
	files   strings.Builder // that the script contains
}

// A step is a part of a script.
type step struct {
	at   time.Time
	text string
}

func (p *Page) newStory(calls []*call, actions []action) *story {
	s := &story{page: p, calls: calls, actions: actions, states: map[*call]string{}, server: "bob@example.com", app: "app", local: len(calls) > 0}
	if replicas := p.box.Replicas(); len(replicas) > 0 {
		s.server = replicas[0].Email
	}
	for i := len(calls) - 1; i >= 0; i-- {
		c := calls[i]
		s.states[c] = c.state(p.joined)
		if p.joined(c.server) {
			s.server, s.app = c.server, c.app
		}
		s.local = s.local && c.isLocal()
	}
	for _, c := range calls {
		s.serves = s.serves || c.server == s.server && !c.response.Written.IsZero()
	}
	return s
}

// people returns the addresses of everybody in the network, the server's first.
func (s *story) people() []string {
	people := []string{s.server}
	for _, r := range s.page.box.Replicas() {
		people = append(people, r.Email)
	}
	for _, c := range s.calls {
		// What a caller of the gateway sends is delivered, unless the caller joins.
		switch s.states[c] {
		case stateAnswered, stateArrived, stateResponding:
		default:
			if emailPattern.MatchString(c.sender) {
				people = append(people, c.sender)
			}
		}
	}
	slices.Sort(people[1:])
	return slices.Compact(slices.DeleteFunc(people, func(email string) bool { return email == s.server }))
}

// script returns the script.
func (s *story) script() string {
	var out strings.Builder
	out.WriteString("# Commands of the package fakebox/boxscript.\n")
	if len(s.calls) == 0 {
		out.WriteString("# No calls yet: box send NAME ENDPOINT [BODY]\n")
	}
	fmt.Fprintf(&out, "env BOX_APP=%s\n", quoteScript(s.app))
	fmt.Fprintf(&out, "box start -speed %v %s\n", s.page.speed, strings.Join(append([]string{s.server}, s.people()...), " "))
	out.WriteString("env BOX_TIMEOUT=1m   # the longest wait\n")
	setup, at := s.setup()
	if !s.local && !at.IsZero() {
		out.WriteString("box sync\n") // calls precede the setup
	}
	if at.IsZero() {
		out.WriteString(setup)
	} else if setup != "" {
		s.steps = append(s.steps, step{at, setup})
	}
	for _, a := range s.actions {
		s.steps = append(s.steps, step{a.at, a.line + "\n"})
	}
	for i, c := range s.calls {
		s.addCall(c, "call"+strconv.Itoa(i+1))
	}
	slices.SortStableFunc(s.steps, func(a, b step) int { return a.at.Compare(b.at) })
	for _, step := range s.steps {
		out.WriteString("\n" + step.text)
	}
	return out.String() + s.files.String()
}

// setup returns the commands that start the server under test or, if no server has answered,
// create what a server creates. At is zero if they are at the beginning: otherwise calls that
// were rejected precede them.
func (s *story) setup() (text string, at time.Time) {
	first := slices.IndexFunc(s.calls, func(c *call) bool { return !s.isDenied(c) })
	switch {
	case first > 0:
		at = s.startOf(s.calls[first]).Add(-time.Nanosecond)
	case first < 0:
		s.serves = false // no request has arrived
	}
	var out strings.Builder
	if s.serves || len(s.calls) == 0 {
		out.WriteString("exec my-server &server&   # replace by the server under test\n")
		out.WriteString("exec sleep 2   # until it is ready\n")
	}
	done := map[string]bool{}
	for _, c := range s.calls {
		if s.leftOut(c) || !s.page.joined(c.server) {
			continue
		}
		rules := path.Join(c.rpcFolder(), "syft.pub.yaml")
		if (!s.serves || c.server != s.server) && !done[rules] && s.needsRules(c, first < 0) {
			if data, ok := s.page.readAnywhere(rules, c.server); ok {
				name := fmt.Sprintf("permissions%d", len(done)+1)
				folder := quoteName("$WORK/box/" + c.server + "/SyftBox/datasites/" + c.rpcFolder())
				fmt.Fprintf(&out, "mkdir %s\ncp %s %s/syft.pub.yaml\n", folder, name, folder)
				s.addFile(name, string(data))
				done[rules] = true
			}
		}
	}
	for _, c := range s.calls {
		fast := c.request.SentVia == fakebox.ViaFast || c.response.SentVia == fakebox.ViaFast
		if s.local || !fast || s.leftOut(c) || s.isDenied(c) || !s.page.joined(c.sender) || !s.page.joined(c.server) || c.sender == c.server {
			continue
		}
		words := []string{"box", "folder", "-from", quoteScript(c.sender)}
		if c.server != s.server {
			words = append(words, "-to", quoteScript(c.server))
		}
		line := s.inApp(c, strings.Join(append(words, quoteScript(strings.Trim(c.endpoint, "/"))), " ")+"\n")
		if !done[line] {
			out.WriteString(line)
			done[line] = true
		}
	}
	if !s.local {
		out.WriteString("box sync\n")
	}
	return out.String(), at
}

// isDenied reports whether the hub rejected the request of a call.
func (s *story) isDenied(c *call) bool {
	return s.states[c] == stateRejected && (c.request.Rejected || c.request.Refused)
}

// needsRules reports whether the permissions of a call's app are part of the story. Those that
// allow a request that was rejected were written after it.
func (s *story) needsRules(c *call, denied bool) bool {
	return !denied || !s.page.box.May(c.sender, c.key+".request", true)
}

// startOf returns when a call began, in relation to the changes of the network. The time of
// its file is that of a coarse clock: of changes and files, the journal has the order.
func (s *story) startOf(c *call) time.Time {
	at := c.started
	for _, a := range s.actions {
		if a.seq < c.firstSeq && !at.After(a.at) {
			at = a.at.Add(time.Nanosecond)
		}
		if a.seq > c.firstSeq && !at.Before(a.at) {
			return a.at.Add(-time.Nanosecond)
		}
	}
	return at
}

// leftOut reports whether the script cannot repeat a call: it tests one server.
func (s *story) leftOut(c *call) bool { return c.server != s.server && !c.response.Written.IsZero() }

// inApp returns commands with the app of a call as BOX_APP.
func (s *story) inApp(c *call, text string) string {
	if c.app == s.app {
		return text
	}
	return fmt.Sprintf("env BOX_APP=%s\n%senv BOX_APP=%s\n", quoteScript(c.app), text, quoteScript(s.app))
}

func (s *story) addFile(name, content string) {
	if !strings.HasSuffix(content, "\n") {
		content += "\n"
	}
	// A line that looks like the marker of a file would end the file.
	fmt.Fprintf(&s.files, "\n-- %s --\n%s", name, strings.ReplaceAll("\n"+content, "\n-- ", "\n --")[1:])
}

// addCall adds the steps of a call: its faults, its request, and what happened to it.
func (s *story) addCall(c *call, name string) {
	if s.leftOut(c) {
		s.steps = append(s.steps, step{c.started, fmt.Sprintf("# left out: a call to %s, a script tests one server\n", quoteScript(c.server))})
		return
	}
	state := s.states[c]
	last := s.startOf(c)
	s.steps = append(s.steps, step{last, fmt.Sprintf("# call %d: %s\n", c.number, state) + s.faultLines(c) + s.inApp(c, s.send(c, name))})
	add := func(at time.Time, text string) {
		if !at.After(last) {
			at = last.Add(time.Nanosecond)
		}
		last = at
		s.steps = append(s.steps, step{at, text})
	}
	end := c.lastTime()
	if end.IsZero() {
		end = time.Now().Add(time.Hour) // after everything else
	}
	request := "$WORK/box/" + c.server + "/SyftBox/datasites/" + path.Dir(c.key) + "/"
	exists := "! exists " + quoteName(request) + "$STEM_" + name + ".request\n"
	if !c.request.Arrived.IsZero() && !c.request.Truncated && (state != stateAnswered || s.actsBetween(c.request.Arrived, end)) {
		add(c.request.Arrived, fmt.Sprintf("box wait -arrived %s\n", name))
	}
	if !c.response.Written.IsZero() && state != stateAnswered && s.serves {
		add(c.response.Written, fmt.Sprintf("box wait -written %s\n", name))
	}
	switch state {
	case stateAnswered:
		text := fmt.Sprintf("box wait %s\n", name)
		if c.status != 0 {
			text += fmt.Sprintf("grep '\"status_code\": ?%d' %s.response\n", c.status, name)
		}
		add(end, text)
	case stateLost:
		text := fmt.Sprintf("box wait -lost %s\n", name)
		if c.request.Lost { // a server may write a lost response again
			text += fmt.Sprintf("box wait -unanswered %s\n", name)
		}
		add(end, text)
	case stateRejected:
		add(end, fmt.Sprintf("box wait -rejected %s\nbox wait -unanswered %s\n", name, name))
	case stateDeleted:
		add(end, fmt.Sprintf("box delete %s\nbox wait -gone %s\n", name, name))
	case stateArrived, stateResponding:
		add(end, fmt.Sprintf("box wait -unanswered %s\n", name))
	default: // it has not arrived
		add(end, fmt.Sprintf("box wait -unanswered %s\n", name)+exists)
	}
}

// actsBetween reports whether the network changed between two times.
func (s *story) actsBetween(from, to time.Time) bool {
	return slices.ContainsFunc(s.actions, func(a action) bool { return a.at.After(from) && a.at.Before(to) })
}

// faultLines returns the commands that inject the faults that struck a call.
func (s *story) faultLines(c *call) string {
	type strike struct {
		kind  string
		fault fakebox.Fault
	}
	counts := map[strike]int{}
	for _, e := range c.events {
		f, _ := parseFile(e.Path)
		kind, fault := "-request", e.Fault
		if f.response {
			kind = "-response"
		}
		switch e.Op {
		case fakebox.OpLose:
			if !strings.HasPrefix(e.Note, "queue of ") {
				fault = cmp.Or(fault, fakebox.BurstLoss) // the hub stopped, or its queue was full
			}
		case fakebox.OpWrite, fakebox.OpArrive:
			if fault == fakebox.Skew || fault == fakebox.Answered && f.response {
				continue // an expiry in the past, and a part of the fault of the request
			}
		default:
			continue
		}
		if fault != "" {
			counts[strike{kind, fault}]++
		}
	}
	var lines []string
	for s, n := range counts {
		line := fmt.Sprintf("box fault %s %s", s.kind, s.fault)
		if n > 1 {
			line += fmt.Sprintf(" %d", n)
		}
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// send returns the command that sends the request of a call.
func (s *story) send(c *call, name string) string {
	words := []string{"box", "send", "-from", quoteScript(c.sender)}
	if c.server != s.server {
		words = append(words, "-to", quoteScript(c.server))
	}
	if c.method != "" && c.method != "POST" {
		words = append(words, "-method", quoteScript(c.method))
	}
	body := ""
	if data, ok := s.page.content(c, false); ok {
		decoded := decode(data)
		for _, key := range slices.Sorted(maps.Keys(decoded.Headers)) {
			if line := key + ": " + decoded.Headers[key]; isOneLine(line) {
				words = append(words, "-header", quoteScript(line))
			}
		}
		if lifetime, ok := decoded.lifetime(c.started); ok {
			words = append(words, "-expires", short(lifetime))
		}
		if strings.Contains(c.url, "?") && isOneLine(c.url) {
			encoded, _ := json.Marshal(c.url) // a string
			words = append(words, "-set", quoteScript("url="+string(encoded)))
		}
		body = bodyOf(data)
	}
	endpoint := quoteScript(strings.Trim(c.endpoint, "/"))
	switch {
	case body == "":
		words = append(words, name, endpoint)
	case len(body) > maxScriptBody:
		words = append(words, "-body-size", strconv.Itoa(len(body)), name, endpoint)
	case isOneLine(body):
		words = append(words, name, endpoint, quoteScript(body))
	default:
		encoded, _ := json.Marshal(base64.URLEncoding.EncodeToString([]byte(body))) // a string
		words = append(words, "-set", quoteScript("body="+string(encoded)), name, endpoint)
	}
	return strings.Join(words, " ") + "\n"
}

// lifetime returns the time until a request expired when it was sent, unless it is that of
// boxscript or longer. A clock that was far off has shifted both times.
func (c *content) lifetime(sent time.Time) (time.Duration, bool) {
	created, err1 := time.Parse(time.RFC3339Nano, c.Created)
	expires, err2 := time.Parse(time.RFC3339Nano, c.Expires)
	if err1 != nil || err2 != nil {
		return 0, false
	}
	lifetime := expires.Sub(created)
	if off := created.Sub(sent); off.Abs() > time.Hour {
		lifetime += off
	}
	const usual = 15 * time.Minute
	return lifetime.Round(time.Millisecond), lifetime < usual
}

// quoteName quotes a path whose last element follows without quotes.
func quoteName(name string) string {
	before, rest, _ := strings.Cut(name, "/") // $WORK is expanded
	return before + "/" + quoteScript(rest)
}
