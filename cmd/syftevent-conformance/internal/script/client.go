package script

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A client is the client under test, and the calls that it was told to make.
type client struct {
	*server // the process
	calls   []*clientCall
	bursts  map[string][]*clientCall // calls of one command, by name
}

// A clientCall is a call that a client was told to make.
type clientCall struct {
	name     string
	number   int
	mark     int // the value of numberHeader: the number, or that of the call that it repeats
	cached   bool
	url      string
	endpoint string
	method   string
	headers  map[string]string
	body     []byte // nil for none
	began    time.Time
	expires  time.Duration

	request  string // the path of the request, "" before it was found
	data     []byte // its content
	response []byte // what the suite has written
	written  int    // bytes of it
	result   *result
	took     time.Duration // until the result was read
}

// numberHeader is the header by which the suite knows the request of a call. Repeated calls share
// its value.
const numberHeader = "x-conformance-call"

// A callLine is a call for the client (SPEC.md, Appendix A).
type callLine struct {
	Call       int               `json:"call"`
	Method     string            `json:"method"`
	URL        string            `json:"url"`
	Headers    map[string]string `json:"headers"`
	BodyBase64 *string           `json:"body_base64"`
	ExpiresIn  float64           `json:"expires_in"`
	Options    *callOptions      `json:"options,omitempty"`
}

// callOptions are options that a client gets only if it declares the feature of each.
type callOptions struct {
	Cached bool `json:"cached"`
}

// cachedFeature is the feature of clients that make cached calls.
const cachedFeature = "cached"

// A result is a result of the client.
type result struct {
	Call       int               `json:"call"`
	Status     int               `json:"status"`
	Headers    map[string]string `json:"headers"`
	BodyBase64 *string           `json:"body_base64"`
	Error      string            `json:"error"`
	Detail     string            `json:"detail"`
}

func (r *result) String() string {
	if r.Error != "" {
		return strings.TrimSuffix(fmt.Sprintf("error %q: %s", r.Error, excerpt(r.Detail)), `: ""`)
	}
	return fmt.Sprintf("status %d", r.Status)
}

// call returns the call of a name.
func (c *client) call(name string) (*clientCall, error) {
	if err := c.started(); err != nil {
		return nil, err
	}
	for _, call := range c.calls {
		if call.name == name {
			return call, nil
		}
	}
	return nil, fmt.Errorf("unknown call %q", name)
}

// group returns the call of a name, or all calls of a burst.
func (c *client) group(name string) ([]*clientCall, error) {
	if burst := c.bursts[name]; burst != nil {
		return burst, nil
	}
	call, err := c.call(name)
	return []*clientCall{call}, err
}

// each acts on the call of a name, or on each call of a burst.
func (c *client) each(name string, act func(*clientCall) error) error {
	group, err := c.group(name)
	if err != nil {
		return err
	}
	for _, call := range group {
		if err := act(call); err != nil {
			return err
		}
	}
	return nil
}

// defaultExpiry is how long calls wait for a response if the scenario does not say.
const defaultExpiry = time.Minute

func (c *client) commandCall(_ *testscript.TestScript, args []string) error {
	if err := c.started(); err != nil {
		return err
	}
	name, made, times, err := c.parseCall(args)
	if err != nil {
		return err
	}
	if made.cached && !slices.Contains(c.process.Ready().Features, cachedFeature) {
		return fmt.Errorf("call: the client does not declare the feature %q", cachedFeature)
	}
	for n := range times {
		each := *made
		each.name = name
		if times > 1 {
			each.name = fmt.Sprintf("%s-%d", name, n+1)
		}
		if _, err := c.call(each.name); err == nil {
			return fmt.Errorf("call: there is a call %q", each.name)
		}
		if err := c.make(&each); err != nil {
			return err
		}
		if times > 1 {
			c.bursts[name] = append(c.bursts[name], &each)
		}
	}
	return nil
}

// parseCall returns the call, or each of several, that the arguments of "call" describe.
func (c *client) parseCall(args []string) (name string, made *clientCall, times int, err error) {
	made = &clientCall{headers: map[string]string{}}
	size, seed, again := -1, uint64(0), ""
	flags := newFlags()
	flags.StringVar(&made.method, "method", "", "")
	flags.StringVar(&made.url, "url", "", "")
	flags.IntVar(&size, "body-size", -1, "")
	flags.Uint64Var(&seed, "body-seed", 1, "")
	flags.DurationVar(&made.expires, "expires", 0, "")
	flags.IntVar(&times, "times", 1, "")
	flags.BoolVar(&made.cached, "cached", false, "")
	flags.StringVar(&again, "again", "", "")
	headerVar(flags, "header", made.headers)
	if err := flags.Parse(args); err != nil {
		return "", nil, 0, fmt.Errorf("call: %w", err)
	}
	if n := flags.NArg(); n < 1 || n > 3 || n == 1 && again == "" || times < 1 {
		return "", nil, 0, errUsage
	}
	made.endpoint = strings.Trim(flags.Arg(1), "/")
	if made.url == "" && made.endpoint != "" {
		made.url = "syft://" + c.config.Names.Server + "/app_data/" + c.config.Names.App + "/rpc/" + made.endpoint
	}
	switch {
	case size >= 0:
		made.body = seededBytes(seed, size)
	case flags.NArg() == 3:
		made.body = []byte(flags.Arg(2))
	}
	if again != "" {
		first, err := c.call(again)
		if err != nil {
			return "", nil, 0, err
		}
		made.repeat(first)
	}
	made.method, made.expires = cmp.Or(made.method, "POST"), cmp.Or(made.expires, defaultExpiry)
	return flags.Arg(0), made, times, nil
}

// repeat makes a call the same as another one, except for what was chosen for it.
func (c *clientCall) repeat(other *clientCall) {
	headers := maps.Clone(other.headers)
	maps.Copy(headers, c.headers)
	c.headers, c.mark, c.cached = headers, other.mark, c.cached || other.cached
	c.method, c.expires = cmp.Or(c.method, other.method), cmp.Or(c.expires, other.expires)
	c.url, c.endpoint = cmp.Or(c.url, other.url), cmp.Or(c.endpoint, other.endpoint)
	if c.body == nil {
		c.body = other.body
	}
}

// make tells the client to make a call.
func (c *client) make(made *clientCall) error {
	made.number, made.began = c.nextNumber(), time.Now()
	made.mark = cmp.Or(made.mark, made.number)
	headers := map[string]string{numberHeader: fmt.Sprint(made.mark)}
	for name, value := range made.headers {
		headers[name] = value
	}
	line := callLine{Call: made.number, Method: made.method, URL: made.url, Headers: headers, ExpiresIn: made.expires.Seconds()}
	if made.body != nil {
		text := base64.StdEncoding.EncodeToString(made.body)
		line.BodyBase64 = &text
	}
	if made.cached {
		line.Options = &callOptions{Cached: true}
	}
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	c.calls = append(c.calls, made)
	if err := c.process.Write(text); err != nil {
		return doesNotRead(err)
	}
	return nil
}

// doesNotRead returns the failure of a client that left a line unread.
func doesNotRead(err error) error {
	return &mismatch{"the client reads its standard input", err.Error(), true}
}

// readResults reads the results that the client has printed.
func (c *client) readResults() error {
	lines, err := c.process.Lines()
	if err != nil {
		return err
	}
	for _, line := range lines {
		var got result
		if json.Unmarshal(line, &got) != nil || got.Call == 0 {
			continue // Appendix A: lines without a call are ignored
		}
		at := slices.IndexFunc(c.calls, func(call *clientCall) bool { return call.number == got.Call })
		if at < 0 || c.calls[at].result != nil {
			return &mismatch{"one result for each call", "a further line: " + excerpt(string(line)), false}
		}
		c.calls[at].result, c.calls[at].took = &got, time.Since(c.calls[at].began)
	}
	return nil
}

// awaitResult waits until a call has a result.
func (c *client) awaitResult(call *clientCall) error {
	expected := fmt.Sprintf("call %q has a result", call.name)
	return c.wait(c.resultWithin(), expected, func() (bool, string, error) {
		err := c.readResults()
		return call.result != nil, "it has none", err
	})
}

// resultWithin returns how long a client may take to notice a response, or that none will come.
func (c *client) resultWithin() time.Duration {
	return c.answerWithin() + c.process.Ready().Settle()
}

// awaitRequest waits until the request of a call exists and is complete.
func (c *client) awaitRequest(call *clientCall) error {
	expected := fmt.Sprintf("the request of call %q is in the folder of its endpoint", call.name)
	return c.wait(c.answerWithin()+c.process.Ready().Resend(), expected, func() (bool, string, error) {
		if call.request != "" {
			data, err := readFile(call.request)
			if err == nil && json.Valid(data) {
				call.data = data
				return true, "", nil
			}
			return false, "it does not exist", nil
		}
		err := c.findRequests()
		if err == nil && call.request == "" {
			err = c.readResults()
		}
		state := "there is none"
		if call.result != nil {
			state = "there is none, and the result is " + call.result.String()
		}
		return call.request != "", state, err
	})
}

// findRequests finds the requests of calls below "rpc". Each request belongs to one call.
func (c *client) findRequests() error {
	calls := map[string][]*clientCall{} // by the value of numberHeader
	for _, call := range c.calls {
		mark := fmt.Sprint(call.mark)
		calls[mark] = append(calls[mark], call)
	}
	return filepath.WalkDir(c.rpc(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".request") {
			return nil
		}
		data, err := readFile(name)
		if err != nil {
			return nil
		}
		envelope, err := parseReply(data)
		if err != nil {
			return nil
		}
		assign(calls[envelope.header(numberHeader)], name, data, envelope)
		return nil
	})
}

// assign assigns a request to the first of the calls with the same numberHeader whose request it
// can be, unless it is that of one of them.
func assign(calls []*clientCall, name string, data []byte, envelope *reply) {
	if slices.ContainsFunc(calls, func(call *clientCall) bool { return call.has(name, envelope) }) {
		return
	}
	for _, call := range calls {
		if call.request == "" && (len(calls) == 1 || call.matches(envelope)) {
			call.request, call.data = name, data
			return
		}
	}
}

// has reports whether a request is the one that was found for the call. A later request of the
// same name expires later.
func (c *clientCall) has(name string, envelope *reply) bool {
	if c.request != name {
		return false
	}
	own, err := parseReply(c.data)
	return err == nil && string(own.members["expires"]) == string(envelope.members["expires"])
}

// matches reports whether a request has what the call says. It tells repeated calls apart that
// differ in one of these.
func (c *clientCall) matches(envelope *reply) bool {
	for field, want := range map[string]string{"url": c.url, "method": c.method} {
		if text, _ := envelope.string(field); text != want {
			return false
		}
	}
	for name, value := range c.headers {
		if envelope.header(name) != value {
			return false
		}
	}
	body, present, err := envelope.body()
	return err == nil && present == (c.body != nil) && bytes.Equal(body, c.body)
}

func (c *client) commandRequest(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	return c.each(args[0], func(call *clientCall) error {
		if err := c.awaitRequest(call); err != nil {
			return err
		}
		setVariables(ts, call)
		return nil
	})
}

// setVariables sets the variables of a call whose request was found.
func setVariables(ts *testscript.TestScript, call *clientCall) {
	ts.Setenv("REQUEST_"+call.name, call.request)
	ts.Setenv("RESPONSE_"+call.name, call.responsePath())
	ts.Setenv("STEM_"+call.name, call.stem())
}

func (c *clientCall) stem() string { return strings.TrimSuffix(filepath.Base(c.request), ".request") }

func (c *clientCall) responsePath() string {
	return strings.TrimSuffix(c.request, ".request") + ".response"
}

// header returns the value of a header, or "" if it is absent.
func (r *reply) header(name string) string {
	headers, _ := r.headers()
	for other, value := range headers {
		if strings.EqualFold(name, other) {
			return value
		}
	}
	return ""
}

// newFlags returns the flags of a command. The script reports errors.
func newFlags() *flag.FlagSet {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// headerVar defines a flag for headers.
func headerVar(flags *flag.FlagSet, name string, headers map[string]string) {
	flags.Func(name, "", func(value string) error {
		name, text, ok := strings.Cut(value, ": ")
		if !ok {
			return errors.New("want 'NAME: VALUE'")
		}
		headers[name] = text
		return nil
	})
}

// commandLose removes requests as SyftBox does when it loses them.
func (c *client) commandLose(_ *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	for _, name := range args {
		err := c.each(name, func(call *clientCall) error {
			c.removes(call.request)
			return os.Remove(call.request)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// commandReject renames a request as SyftBox does when it rejects it, or finds a conflict.
func (c *client) commandReject(_ *testscript.TestScript, args []string) error {
	if len(args) != 2 || !strings.HasPrefix(args[1], ".") {
		return errUsage
	}
	call, err := c.call(args[0])
	if err != nil {
		return err
	}
	marked := strings.TrimSuffix(call.request, ".request") + args[1] + ".request"
	c.removes(call.request)
	c.places(marked)
	return os.Rename(call.request, marked)
}

// places notes that the suite is about to write a file below "rpc".
func (s *scene) places(name string) {
	if o, rel, ok := s.clientObserver(name); ok {
		o.place(rel)
	}
}

// removes notes that the suite is about to remove a file below "rpc".
func (s *scene) removes(name string) {
	if there, err := exists(name); err != nil || !there {
		return
	}
	if o, rel, ok := s.clientObserver(name); ok {
		o.remove(rel)
	}
}

// clientObserver returns the observer of a client, if there is one, and a path relative to "rpc".
func (s *scene) clientObserver(name string) (o *clientObserver, rel string, ok bool) {
	o, ok = s.observer.(*clientObserver)
	rel, err := filepath.Rel(s.rpc(), name)
	return o, filepath.ToSlash(rel), ok && err == nil
}

// commandPaced checks that the requests of a burst came apart: SyftBox loses files that come at
// once.
func (c *client) commandPaced(_ *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	pause, err := time.ParseDuration(args[1])
	if err != nil {
		return fmt.Errorf("paced: %w", err)
	}
	group, err := c.group(args[0])
	if err != nil {
		return err
	}
	var times []time.Time
	for _, call := range group {
		if err := c.awaitRequest(call); err != nil {
			return err
		}
		info, err := statFile(call.request)
		if err != nil {
			return err
		}
		times = append(times, info.ModTime())
	}
	first, last := slices.MinFunc(times, time.Time.Compare), slices.MaxFunc(times, time.Time.Compare)
	if took, want := last.Sub(first), time.Duration(len(group)-1)*pause; took < want {
		return &mismatch{fmt.Sprintf("%d requests within %v or more", len(group), want), fmt.Sprintf("they were written within %v", took), false}
	}
	return nil
}

// commandResent waits until the lost request of a call exists again, with the same bytes.
func (c *client) commandResent(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	call, err := c.call(args[0])
	if err != nil {
		return err
	}
	before := call.data
	if err := c.awaitRequest(call); err != nil {
		return err
	}
	if !bytes.Equal(before, call.data) {
		expected, actual := difference("request ", before, call.data)
		return &mismatch{"the request has the same bytes again\n" + expected, actual, false}
	}
	return nil
}

// commandNudged waits until a request was written to after it appeared.
func (c *client) commandNudged(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	if c.notifier == nil {
		return &notApplicable{"files are not observed by inotify"}
	}
	call, err := c.call(args[0])
	if err != nil {
		return err
	}
	if err := c.awaitRequest(call); err != nil {
		return err
	}
	o, name, ok := c.clientObserver(call.request)
	if !ok {
		return errors.New("nudged: the scenario is not observed")
	}
	return c.wait(c.answerWithin(), fmt.Sprintf("request %q is written to after it has appeared", call.name), func() (bool, string, error) {
		return o.wasWritten(name), "it was not", nil
	})
}

// commandUnique checks that no two requests of the script have the same stem.
func (c *client) commandUnique(_ *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	names := map[string]string{}
	for _, call := range c.calls {
		if call.request == "" {
			continue
		}
		if other, taken := names[call.request]; taken {
			return &mismatch{"each request has a name of its own", fmt.Sprintf("calls %q and %q have %s", other, call.name, c.relative(call.request)), false}
		}
		names[call.request] = call.name
	}
	return nil
}

// commandUnsent checks that no request was found for calls: each one shares that of the call that
// it repeats.
func (c *client) commandUnsent(_ *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	if err := c.findRequests(); err != nil {
		return err
	}
	for _, name := range args {
		err := c.each(name, func(call *clientCall) error {
			if call.request != "" {
				return &mismatch{fmt.Sprintf("call %q sends no request of its own", call.name), "it has sent " + c.relative(call.request), false}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// commandExpire waits until the request of a call has expired, as the request says.
func (c *client) commandExpire(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	call, err := c.call(args[0])
	if err != nil {
		return err
	}
	request, err := parseReply(call.data)
	if err != nil {
		return fmt.Errorf("expire: request of call %q: %w", call.name, err)
	}
	text, _ := request.string("expires")
	expires, err := time.Parse(time.RFC3339, text)
	if err != nil || time.Until(expires) > call.expires+expiryTolerance {
		return &mismatch{fmt.Sprintf("the request of call %q expires %v after it was sent", call.name, call.expires), "expires: " + excerpt(text), false}
	}
	return c.sleep(time.Until(expires))
}
