package boxpage

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// maxActions is the number of changes by the user that a script contains.
	maxActions = 200
	// maxScriptCalls is the number of calls that a script contains.
	maxScriptCalls = 50
)

// An action is a change of the network by the user, as a line of a script.
type action struct {
	at   time.Time
	line string
}

// clockStep is the maximum granularity of modification times, by which calls are sorted: a
// request that follows a change at once seems to be that much older.
const clockStep = 10 * time.Millisecond

// act remembers a change of the network by the user.
func (m *model) act(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.actions = append(m.actions, action{time.Now().Add(-clockStep), fmt.Sprintf(format, args...)})
	m.actions = m.actions[max(0, len(m.actions)-maxActions):]
}

// serveScript replies with a testscript scenario for package boxscript, of one call or of
// the last calls and the user's changes of the network.
func (p *Page) serveScript(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if req.URL.Query().Get("n") != "" {
		if c := p.call(w, req); c != nil {
			fmt.Fprint(w, p.script([]*call{c}, nil))
		}
		return
	}
	calls, actions := p.model.lately()
	fmt.Fprint(w, p.script(calls, actions))
}

// lately returns copies of the last calls, and the user's changes.
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

// script returns a testscript scenario that repeats calls to the server of the first one.
func (p *Page) script(calls []*call, actions []action) string {
	var out, files strings.Builder
	out.WriteString("# Commands of the package fakebox/boxscript.\n")
	if len(calls) == 0 {
		out.WriteString("# No calls yet: box send NAME ENDPOINT [BODY]\n")
		calls = []*call{}
	}
	server, app := "bob@example.com", "app"
	if len(calls) > 0 {
		server, app = calls[0].server, calls[0].app
	}
	people := []string{server}
	for _, r := range p.box.Replicas() {
		if r.Email != server {
			people = append(people, r.Email)
		}
	}
	fmt.Fprintf(&out, "env BOX_APP=%s\n", quoteScript(app))
	fmt.Fprintf(&out, "box start -speed %v %s\n", p.box.Speed(), strings.Join(people, " "))
	out.WriteString("env BOX_TIMEOUT=1m   # the longest wait\n")
	out.WriteString("exec my-server &server&   # replace by the server under test\n")
	out.WriteString("exec sleep 2   # until it is ready\n")
	out.WriteString("box sync\n")
	type step struct {
		at   time.Time
		text string
	}
	var steps []step
	for _, a := range actions {
		steps = append(steps, step{a.at, a.line + "\n"})
	}
	for i, c := range calls {
		name := "call" + strconv.Itoa(i+1)
		switch {
		case c.server != server:
			steps = append(steps, step{c.started, fmt.Sprintf("# left out: a call to %s, a script has one server\n", quoteScript(c.server))})
			continue
		case c.app != app:
			steps = append(steps, step{c.started, fmt.Sprintf("env BOX_APP=%s\n", quoteScript(c.app))})
		}
		steps = append(steps, step{c.started, p.scriptCall(c, name, len(actions) == 0, &files)})
		if c.app != app {
			steps = append(steps, step{c.started, fmt.Sprintf("env BOX_APP=%s\n", quoteScript(app))})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return a.at.Compare(b.at) })
	for _, s := range steps {
		out.WriteString("\n" + s.text)
	}
	return out.String() + files.String()
}

// scriptCall returns the commands that repeat a call. If faults is true, they inject the
// faults that struck it.
func (p *Page) scriptCall(c *call, name string, faults bool, files *strings.Builder) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# call %d: %s\n", c.number, c.state(p.joined))
	var late []string // faults of the response
	seen := map[string]bool{}
	for _, e := range c.events {
		f, _ := parseFile(e.Path)
		line := fmt.Sprintf("box fault %s\n", e.Fault)
		if e.Fault == "" || !faults || seen[line+strconv.FormatBool(f.response)] {
			continue
		}
		seen[line+strconv.FormatBool(f.response)] = true
		if f.response {
			late = append(late, line)
		} else {
			out.WriteString(line)
		}
	}
	command := []string{"box", "send", "-from", quoteScript(c.sender)}
	if c.method != "" && c.method != "POST" {
		command = append(command, "-method", quoteScript(c.method))
	}
	body := ""
	if data, ok := p.content(c, false); ok {
		decoded := decode(data)
		for _, key := range slices.Sorted(maps.Keys(decoded.Headers)) {
			if line := key + ": " + decoded.Headers[key]; isOneLine(line) {
				command = append(command, "-header", quoteScript(line))
			}
		}
		body = bodyOf(data)
	}
	switch {
	case body == "":
		command = append(command, name, quoteScript(strings.Trim(c.endpoint, "/")))
	case isOneLine(body):
		command = append(command, name, quoteScript(strings.Trim(c.endpoint, "/")), quoteScript(body))
	default:
		encoded, _ := json.Marshal(base64.URLEncoding.EncodeToString([]byte(body))) // a string
		command = append(command, "-set", quoteScript("body="+string(encoded)), name, quoteScript(strings.Trim(c.endpoint, "/")))
	}
	out.WriteString(strings.Join(command, " ") + "\n")
	if len(late) > 0 {
		fmt.Fprintf(&out, "box wait -arrived %s\n%s", name, strings.Join(late, ""))
	}
	switch state := c.state(p.joined); {
	case state == stateAnswered && c.status != 0:
		fmt.Fprintf(&out, "box wait %s\ngrep '\"status_code\": ?%d' %s.response\n", name, c.status, name)
	case state == stateAnswered:
		fmt.Fprintf(&out, "box wait %s\n", name)
	case state == stateArrived || state == stateResponding:
		fmt.Fprintf(&out, "box wait -arrived %s\nbox wait %s   # it had no response when this was copied\n", name, name)
	default:
		fmt.Fprintf(&out, "# It had no response when this was copied: \"box wait %s\" would fail.\n", name)
	}
	return out.String()
}

// bodyOf returns the body of a request file.
func bodyOf(data []byte) string {
	var fields struct {
		Body string `json:"body"`
	}
	if json.Unmarshal(data, &fields) != nil {
		return ""
	}
	body, err := decodeBase64(fields.Body)
	if err != nil {
		return fields.Body
	}
	return string(body)
}

// isOneLine reports whether a script can contain text in one line, without surprises in a
// terminal.
func isOneLine(text string) bool {
	return len(text) < 4<<10 && utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// quoteScript quotes a word of a testscript command.
func quoteScript(word string) string {
	word = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, word)
	if word != "" && !strings.ContainsAny(word, " '\"$#&@<>|;\\\t") || emailPattern.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", "''") + "'"
}

// quoteShell quotes a word of a shell command.
func quoteShell(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// quotePython returns a Python string literal.
func quotePython(text string) string {
	quoted := strconv.QuoteToASCII(strings.ToValidUTF8(text, "\uFFFD"))
	return quoted // Go's escapes \x, \u, \U and \n mean the same in Python
}

// serveSnippets replies with programs that send a request.
func (p *Page) serveSnippets(w http.ResponseWriter, req *http.Request) {
	o, ok := readOutgoing(w, req)
	if !ok {
		return
	}
	config := ""
	if r, ok := p.box.Replica(o.From); ok {
		config = r.ConfigPath()
	}
	reply(w, http.StatusOK, map[string]string{
		"curl": p.curl(&o), "go": goProgram(&o, config), "python": pythonProgram(&o, config), "testscript": o.testscript(),
	})
}

func (p *Page) curl(o *outgoing) string {
	gateway := p.options.Gateway
	if gateway == "" {
		gateway = "http://GATEWAY" // a test serves it with Box.Gateway
	}
	query := url.Values{"suffix-sender": {"true"}, "timeout": {"5000"}, "x-syft-from": {o.From}, "x-syft-url": {o.url()}}
	words := []string{"curl", "-X", quoteShell(o.Method)}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		words = append(words, "-H", quoteShell(name+": "+o.Headers[name]))
	}
	if o.Body != "" {
		words = append(words, "--data-binary", quoteShell(o.Body))
	}
	return strings.Join(append(words, quoteShell(gateway+"/api/v1/send/msg?"+query.Encode())), " ")
}

func goProgram(o *outgoing, config string) string {
	var out strings.Builder
	body := "nil"
	if o.Body != "" {
		body = strconv.Quote(o.Body)
	}
	out.WriteString("package main\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\t\"log\"\n\t\"time\"\n\n\t\"github.com/syftevent/syftevent-go/syftevent\"\n)\n\nfunc main() {\n")
	fmt.Fprintf(&out, "\tclient, err := syftevent.LoadClient(%q)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n", config)
	fmt.Fprintf(&out, "\treq, err := syftevent.NewRequest(%q, %q, %s)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n", o.Method, o.url(), body)
	fmt.Fprintf(&out, "\treq.Expires = time.Now().Add(%d * time.Second)\n", int(o.expiry().Seconds()))
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		fmt.Fprintf(&out, "\treq.Headers.Set(%q, %q)\n", name, o.Headers[name])
	}
	out.WriteString("\tresponse, err := client.Call(context.Background(), req)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n" +
		"\tfmt.Println(response.StatusCode, response.Text())\n}\n")
	return out.String()
}

func pythonProgram(o *outgoing, config string) string {
	var out strings.Builder
	out.WriteString("from syft_core import Client\nfrom syft_rpc import rpc\n\n")
	fmt.Fprintf(&out, "client = Client.load(%s)\n", quotePython(config))
	out.WriteString("future = rpc.send(\n")
	fmt.Fprintf(&out, "    url=%s,\n    method=%s,\n", quotePython(o.url()), quotePython(o.Method))
	if o.Body != "" {
		fmt.Fprintf(&out, "    body=%s,\n", quotePython(o.Body))
	}
	out.WriteString("    headers={")
	for i, name := range slices.Sorted(maps.Keys(o.Headers)) {
		if i > 0 {
			out.WriteString(", ")
		}
		fmt.Fprintf(&out, "%s: %s", quotePython(name), quotePython(o.Headers[name]))
	}
	fmt.Fprintf(&out, "},\n    expiry=\"%ds\",\n    client=client,\n)\nresponse = future.wait()\nprint(response.status_code, response.text())\n", int(o.expiry().Seconds()))
	return out.String()
}

// expiry returns the time until the request expires.
func (o *outgoing) expiry() time.Duration {
	if o.Expires == 0 {
		return 24 * time.Hour
	}
	return time.Duration(o.Expires * float64(time.Second))
}

// testscript returns the command of package boxscript that sends the request.
func (o *outgoing) testscript() string {
	words := []string{"box", "send", "-from", quoteScript(o.From), "-method", quoteScript(o.Method), "-expires", o.expiry().String()}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		words = append(words, "-header", quoteScript(name+": "+o.Headers[name]))
	}
	words = append(words, "call", quoteScript(strings.Trim(o.Endpoint, "/")))
	if o.Body != "" {
		words = append(words, quoteScript(o.Body))
	}
	return fmt.Sprintf("env BOX_APP=%s\n%s\nbox wait call\n", quoteScript(o.App), strings.Join(words, " "))
}
