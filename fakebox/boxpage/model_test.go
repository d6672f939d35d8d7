package boxpage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
)

const (
	bob   = "bob@example.com"
	alice = "alice@example.com"
	rpc   = "app_data/echo/rpc"
)

// A harness is a started network with a page.
type harness struct {
	t          *testing.T
	box        *fakebox.Box
	bob, alice *fakebox.Replica
	page       *Page
}

// permissions is the syft.pub.yaml of a server.
const permissions = `rules:
- pattern: '**/{{.UserEmail}}/*.request'
  access:
    read: ['USER']
    write: ['USER']
- pattern: '**/{{.UserEmail}}/*.response'
  access:
    read: ['USER']
    write: ['USER']
`

// newHarness starts a network. With a server, the app echo has the endpoint hello.
func newHarness(t *testing.T, server bool) *harness {
	t.Helper()
	h := &harness{t: t, box: fakebox.New(t, fakebox.Config{Speed: 20})}
	h.bob, h.alice = h.box.Join(bob), h.box.Join(alice)
	if server {
		h.write(h.bob, rpc+"/syft.pub.yaml", permissions)
		h.write(h.bob, rpc+"/hello/.syftkeep", "")
	}
	h.page = New(h.box, Options{})
	t.Cleanup(h.page.Close)
	h.box.Start()
	return h
}

// write writes a file into Bob's datasite in a replica.
func (h *harness) write(r *fakebox.Replica, name, content string) {
	h.t.Helper()
	file := r.Path(bob + "/" + name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) send() (key string, number int) {
	h.t.Helper()
	key, err := h.alice.Send(fakebox.Request{Datasite: bob, App: "echo", Endpoint: "hello", Body: []byte(`{"a":1}`)})
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.TrimSuffix(key, ".request"), h.page.sent(key, "POST")
}

// answer writes a response as Bob's server does.
func (h *harness) answer(key string, status int) {
	h.write(h.bob, strings.TrimPrefix(key, bob+"/")+".response", fmt.Sprintf(`{"status_code":%d,"headers":{},"body":"e30="}`, status))
}

// await waits until a call satisfies a condition.
func (h *harness) await(number int, what string, ok func(*call) bool) *call {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		c, found := h.page.model.snapshot(number)
		if found && ok(c) {
			return c
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("call %d is not %s after a minute: %+v", number, what, c)
		}
	}
}

func (h *harness) awaitState(number int, state string) *call {
	h.t.Helper()
	return h.await(number, state, func(c *call) bool { return c.state(h.page.joined) == state })
}

// arrived sends a request of Alice to an endpoint of Bob's app, waits until it has arrived, and
// returns its number.
func (h *harness) arrived(endpoint string) int {
	h.t.Helper()
	key, err := h.alice.Send(fakebox.Request{Datasite: bob, App: "echo", Endpoint: endpoint})
	if err != nil {
		h.t.Fatal(err)
	}
	number := h.page.sent(key, "POST")
	h.awaitState(number, stateArrived)
	return number
}

// diagnosed waits until the diagnosis of a call contains a text.
func (h *harness) diagnosed(number int, want string) {
	h.t.Helper()
	var got string
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		if c, ok := h.page.model.snapshot(number); ok {
			if d := h.page.diagnose(c); d != nil {
				if got = d.Title + " " + d.Why + " " + d.Do; strings.Contains(got, want) {
					return
				}
			}
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("diagnosis of call %d: %q; want %q", number, got, want)
		}
	}
}

func TestParseFile(t *testing.T) {
	for name, want := range map[string]callFile{
		bob + "/app_data/echo/rpc/a/b/" + alice + "/1.request": {
			key: bob + "/app_data/echo/rpc/a/b/" + alice + "/1", server: bob, app: "echo", endpoint: "/a/b", sender: alice, id: "1",
		},
		bob + "/app_data/echo/rpc/a/1.response": {
			key: bob + "/app_data/echo/rpc/a/1", server: bob, app: "echo", endpoint: "/a", id: "1", response: true,
		},
		bob + "/app_data/echo/rpc/1.request":       {},
		bob + "/app_data/echo/rpc/a/1.txt":         {},
		bob + "/public/echo/rpc/a/" + alice + "/1": {},
		"": {},
	} {
		got, ok := parseFile(name)
		if ok != (want.key != "") || ok && got != want {
			t.Errorf("%q: %+v, %v", name, got, ok)
		}
	}
}

func TestGroupsEventsByCall(t *testing.T) {
	h := newHarness(t, true)
	key, number := h.send()
	h.awaitState(number, stateArrived)
	h.answer(key, 200)
	c := h.awaitState(number, stateAnswered)
	s := c.summary(h.page.joined)
	if s.From != alice || s.To != bob || s.App != "echo" || s.Endpoint != "/hello" || s.Method != "POST" || s.Status != 200 || s.Millis < 0 {
		t.Errorf("%+v", s)
	}
	if len(c.hops()) != 5 {
		t.Errorf("hops %v", c.hops())
	}
	if d := h.page.diagnose(c); d != nil {
		t.Errorf("diagnosis of an answered call: %+v", d)
	}
	data, ok := h.page.content(c, false)
	if got := decode(data); !ok || got.Kind != "json" || !strings.Contains(got.Body, `"a": 1`) {
		t.Errorf("request %+v", got)
	}
}

func TestShowsPathOfEachFile(t *testing.T) {
	h := newHarness(t, true)
	h.box.FailNext(fakebox.Late, 1)
	h.send()
	key, number := h.send()
	h.awaitState(number, stateArrived)
	h.answer(key, 200)
	h.awaitState(number, stateAnswered)
	var paths []string
	for n := 1; n <= number; n++ {
		c := h.await(n, "arrived", func(c *call) bool { return !c.request.Arrived.IsZero() })
		paths = append(paths, c.request.Via)
	}
	for _, path := range paths {
		if path != fakebox.ViaFast && path != fakebox.ViaFullSync {
			t.Errorf("paths %q", paths)
		}
	}
}

func TestDiagnoses(t *testing.T) {
	t.Run("no server", func(t *testing.T) {
		h := newHarness(t, false)
		_, number := h.send()
		h.diagnosed(number, "No server has created the app echo")
		c := h.await(number, "marked", func(c *call) bool { return c.request.Rejected })
		if data, ok := h.page.content(c, false); !ok || decode(data).Kind != "json" || c.url == "" {
			t.Errorf("content of a rejected request: %q, %v, url %q", data, ok, c.url)
		}
		h.awaitState(number, stateRejected)
		h.diagnosed(number, "SYFTBOX_CLIENT_CONFIG_PATH="+h.bob.ConfigPath())
	})
	t.Run("no permission file", func(t *testing.T) {
		h := newHarness(t, false)
		h.write(h.bob, rpc+"/hello/.syftkeep", "")
		_, number := h.send()
		h.diagnosed(number, "has no syft.pub.yaml")
	})
	t.Run("permissions forbid it", func(t *testing.T) {
		h := newHarness(t, false)
		h.write(h.bob, rpc+"/syft.pub.yaml", "rules: []\n")
		for _, ok := h.box.Stored(bob + "/" + rpc + "/syft.pub.yaml"); !ok; _, ok = h.box.Stored(bob + "/" + rpc + "/syft.pub.yaml") {
			time.Sleep(time.Millisecond)
		}
		_, number := h.send()
		h.diagnosed(number, "does not let "+alice+" write")
	})
	t.Run("no endpoint", func(t *testing.T) {
		h := newHarness(t, true)
		h.write(h.bob, rpc+"/rpc.schema.json", `{"/sum": {}, "GET /hello/there": {}}`)
		h.diagnosed(h.arrived("/nowhere"), "The app echo has no endpoint /nowhere. Its rpc.schema.json names /hello/there, /sum.")
	})
	t.Run("no answer from an endpoint with a wildcard", func(t *testing.T) {
		h := newHarness(t, true)
		h.write(h.bob, rpc+"/rpc.schema.json", `{"/hello/{name}": {}}`)
		h.diagnosed(h.arrived("/hello/ann"), "A server has created the endpoint. Either it does not run any more")
	})
	t.Run("no answer", func(t *testing.T) {
		h := newHarness(t, true)
		_, number := h.send()
		h.awaitState(number, stateArrived)
		h.diagnosed(number, "A server has created the endpoint.")
	})
	t.Run("name never delivered", func(t *testing.T) {
		h := newHarness(t, true)
		key, err := h.alice.Send(fakebox.Request{Datasite: bob, App: "echo", Endpoint: "/logs/last"})
		if err != nil {
			t.Fatal(err)
		}
		h.diagnosed(h.page.sent(key, "POST"), "SyftBox never delivers this name: “logs/”")
		if all := h.page.files("").Undeliverable; len(all) != 1 || all[0].Path != key {
			t.Errorf("undeliverable %+v", all)
		}
	})
	t.Run("lost", func(t *testing.T) {
		h := newHarness(t, true)
		h.box.FailNext(fakebox.BurstLoss, 100)
		var number int
		for { // a file that a full sync sends is not lost
			_, number = h.send()
			c := h.await(number, "sent", func(c *call) bool { return !c.request.Sent.IsZero() })
			if c.request.SentVia == fakebox.ViaFast {
				break
			}
		}
		c := h.awaitState(number, stateLost)
		if !c.everLost {
			t.Error("not marked as lost")
		}
		h.diagnosed(number, "because its queue of 8 messages was full [burst-loss]. A full sync has deleted the file of "+alice)
	})
	t.Run("lost response that is written again", func(t *testing.T) {
		h := newHarness(t, true)
		var key string
		var number int
		for { // a file that a full sync sends is not lost
			h.box.Heal()
			key, number = h.send()
			h.awaitState(number, stateArrived)
			h.box.FailNext(fakebox.BurstLoss, 100)
			h.answer(key, 200)
			c := h.await(number, "sent", func(c *call) bool { return !c.response.Sent.IsZero() })
			if c.response.SentVia == fakebox.ViaFast {
				break
			}
		}
		h.awaitState(number, stateLost)
		h.diagnosed(number, "SyftBox lost the response")
		h.await(number, "deleted", func(c *call) bool { return c.response.Gone })
		h.box.Heal()
		h.answer(key, 200)
		h.awaitState(number, stateAnswered)
		h.diagnosed(number, "SyftBox lost a message, and the response arrived all the same.")
	})
	t.Run("offline", func(t *testing.T) {
		h := newHarness(t, true)
		h.alice.SetOnline(false)
		_, number := h.send()
		h.diagnosed(number, "The machine of "+alice+" is offline.")
		h.alice.SetOnline(true)
		h.box.StopServer()
		h.diagnosed(number, "The hub, SyftBox's server, is stopped.")
		h.box.StartServer()
		h.awaitState(number, stateArrived)
	})
	t.Run("nobody has joined", func(t *testing.T) {
		h := newHarness(t, true)
		key, err := h.alice.Send(fakebox.Request{Datasite: "carol@example.com", App: "echo", Endpoint: "/hello"})
		if err != nil {
			t.Fatal(err)
		}
		h.diagnosed(h.page.sent(key, "POST"), "Nobody called carol@example.com has joined this network.")
	})
	t.Run("truncated", func(t *testing.T) {
		h := newHarness(t, true)
		h.box.FailNext(fakebox.Truncated, 1)
		_, number := h.send()
		h.awaitState(number, stateArrived)
		h.diagnosed(number, "The request is incomplete.")
	})
	t.Run("expired", func(t *testing.T) {
		h := newHarness(t, true)
		key, err := h.alice.Send(fakebox.Request{Datasite: bob, App: "echo", Endpoint: "/hello", Expires: -time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		number := h.page.sent(key, "POST")
		h.awaitState(number, stateArrived)
		h.diagnosed(number, "The request has expired.")
	})
}

// event returns an event of call i.
func event(i int, op fakebox.Op) fakebox.Event {
	return fakebox.Event{
		Time: time.Unix(int64(i), 0), Actor: alice + "/app", Op: op, Path: fmt.Sprintf("%s/%s/hello/%s/%d.request", bob, rpc, alice, i), Etag: "e",
	}
}

func newTestModel(size int) *model {
	return newModel(&Numbering{}, func(string, string, ...string) ([]byte, bool) { return make([]byte, size), true }, func(string) bool { return true })
}

func TestRemembersLastCalls(t *testing.T) {
	m := newTestModel(maxKept)
	const calls = MaxCalls + 500
	for i := range calls {
		m.add([]fakebox.Event{event(i, fakebox.OpUpload)}, 0)
	}
	if len(m.calls) != MaxCalls || len(m.byNumber) != MaxCalls || len(m.order) != MaxCalls || m.recent.Len() != MaxCalls {
		t.Errorf("%d, %d, %d, %d calls", len(m.calls), len(m.byNumber), len(m.order), m.recent.Len())
	}
	if _, ok := m.snapshot(500); ok {
		t.Error("call 500 is remembered")
	}
	if c, ok := m.snapshot(calls); !ok || c.id != fmt.Sprint(calls-1) {
		t.Errorf("call %d: %v", calls, c)
	}
	total := 0
	for _, c := range m.calls {
		total += len(c.request.kept)
	}
	if m.keptTotal > maxKeptTotal || total != m.keptTotal {
		t.Errorf("%d bytes kept, counted as %d; want at most %d", total, m.keptTotal, maxKeptTotal)
	}
	if len(m.events) > 2*maxEvents {
		t.Errorf("%d events", len(m.events))
	}
}

// Parts that follow each other contain every change exactly as often as it happened.
func TestSinceReturnsAllChangesInParts(t *testing.T) {
	m := newTestModel(1)
	var seq uint64
	var events []uint64
	calls := map[int]bool{}
	for i := range 300 {
		m.add([]fakebox.Event{event(i%50, fakebox.OpWrite)}, 0)
		if i%7 == 0 {
			part, _ := m.since(seq, 3)
			for _, e := range part.Events {
				events = append(events, e.Seq)
			}
			for _, c := range part.Calls {
				calls[c.Number] = true
			}
			seq = part.seq
		}
	}
	for {
		part, _ := m.since(seq, 3)
		for _, e := range part.Events {
			events = append(events, e.Seq)
		}
		for _, c := range part.Calls {
			calls[c.Number] = true
		}
		seq = part.seq
		if !part.More {
			break
		}
	}
	var want []uint64
	for i := range 300 {
		want = append(want, uint64(i+1))
	}
	if diff := cmp.Diff(want, events); diff != "" || len(calls) != 50 {
		t.Errorf("%d calls, events (-want +got):\n%s", len(calls), diff)
	}
}

func TestReportsGapOfSlowBrowser(t *testing.T) {
	m := newTestModel(1)
	for i := range 3 * maxEvents {
		m.add([]fakebox.Event{event(i%50, fakebox.OpWrite)}, 0)
	}
	for seq, want := range map[uint64]bool{0: false, 1: true, 2*maxEvents - 1: true, 2 * maxEvents: false, 3 * maxEvents: false} {
		if part, _ := m.since(seq, 10*maxEvents); part.Gap != want || len(part.Events) > maxEvents {
			t.Errorf("since %d: gap %v, %d events", seq, part.Gap, len(part.Events))
		}
	}
}

func TestCountsDroppedEvents(t *testing.T) {
	m := newTestModel(1)
	m.add(nil, 7)
	if part, _ := m.since(0, 10); part.Dropped != 7 {
		t.Errorf("%d dropped", part.Dropped)
	}
}

func TestNumberingForgetsOldNames(t *testing.T) {
	var n Numbering
	for i := range 10 * MaxCalls {
		if number, isNew := n.Of(event(i, "").Path); number != i+1 || !isNew {
			t.Fatalf("call %d has the number %d, new: %v", i, number, isNew)
		}
	}
	if len(n.recent)+len(n.before) > 4*MaxCalls {
		t.Errorf("%d names", len(n.recent)+len(n.before))
	}
	if number, isNew := n.Of(event(10*MaxCalls-1, "").Path); number != 10*MaxCalls || isNew {
		t.Errorf("number %d, new: %v", number, isNew)
	}
	if number, _ := n.Of("notes.txt"); number != 0 {
		t.Errorf("number %d for another file", number)
	}
}

// An application may read a response before the page has handled the events in its queue.
func TestCallIsAnsweredAsSoonAsTheJournalSaysSo(t *testing.T) {
	h := newHarness(t, true)
	c := h.serve()
	for range 5 {
		key, number := h.send()
		h.awaitState(number, stateArrived)
		h.answer(key, 200)
		for arrived := false; !arrived; time.Sleep(100 * time.Microsecond) {
			for _, e := range h.box.Events() {
				arrived = arrived || e.Op == fakebox.OpArrive && e.Path == key+".response"
			}
		}
		var d detail
		c.json("GET", fmt.Sprintf("api/call?n=%d", number), "", &d)
		if d.State != stateAnswered || d.Status != 200 || d.Millis < 0 {
			t.Errorf("state %s, status %d, %v ms", d.State, d.Status, d.Millis)
		}
		for _, hop := range d.Hops {
			if hop.Millis < 0 {
				t.Errorf("hop %+v", hop)
			}
		}
	}
}

// The recipient's replica of a call to oneself is the sender's: nothing arrives.
func TestCallToOneselfIsAnswered(t *testing.T) {
	h := newHarness(t, true)
	key, err := h.bob.Send(fakebox.Request{Datasite: bob, App: "echo", Endpoint: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	number := h.page.sent(key, "POST")
	h.awaitState(number, stateArrived)
	h.answer(strings.TrimSuffix(key, ".request"), 200)
	if c := h.awaitState(number, stateAnswered); len(c.hops()) != 1 {
		t.Errorf("hops %v", c.hops())
	}
}

// A state must not fall back: a caller of the gateway has no replica in which the response
// arrives.
func TestLostResponseOfGatewayIsNotAnswered(t *testing.T) {
	const guest = "guest@syftbox.net"
	key := bob + "/" + rpc + "/hello/" + guest + "/1"
	joined := func(email string) bool { return email != guest }
	m := newModel(&Numbering{}, func(string, string, ...string) ([]byte, bool) { return nil, false }, joined)
	var states []string
	for _, e := range []fakebox.Event{
		{Actor: fakebox.Hub, Op: fakebox.OpSend, Path: key + ".request"},
		{Actor: bob + "/box", Op: fakebox.OpArrive, Path: key + ".request"},
		{Actor: bob + "/app", Op: fakebox.OpWrite, Path: key + ".response"},
		{Actor: bob + "/box", Op: fakebox.OpSend, Path: key + ".response"},
		{Actor: fakebox.Hub, Op: fakebox.OpLose, Path: key + ".response"},
		{Actor: bob + "/app", Op: fakebox.OpWrite, Path: key + ".response"},
		{Actor: bob + "/box", Op: fakebox.OpSend, Path: key + ".response"},
	} {
		e.Time = time.Unix(int64(len(states)+1), 0)
		m.add([]fakebox.Event{e}, 0)
		c, _ := m.snapshot(1)
		states = append(states, c.state(joined))
	}
	want := []string{stateSending, stateArrived, stateResponding, stateAnswered, stateLost, stateResponding, stateAnswered}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestDeletedCallKeepsItsCause(t *testing.T) {
	t.Run("that was shown", func(t *testing.T) {
		h := newHarness(t, true)
		c := h.serve()
		key, number := h.send()
		h.awaitState(number, stateArrived)
		var d detail
		c.json("GET", fmt.Sprintf("api/call?n=%d", number), "", &d)
		h.remove(key)
		h.awaitState(number, stateDeleted)
		h.write(h.bob, rpc+"/rpc.schema.json", `{"/other": {}}`)
		h.diagnosed(number, "Before that: "+d.Diagnosis.Title+" "+d.Diagnosis.Why)
	})
	t.Run("that nobody has seen", func(t *testing.T) {
		h := newHarness(t, true)
		h.write(h.bob, rpc+"/rpc.schema.json", `{"/sum": {}}`)
		key, number := h.send()
		h.awaitState(number, stateArrived)
		os.Remove(h.bob.Path(bob + "/" + rpc + "/hello/.syftkeep"))
		h.remove(key)
		h.await(number, "diagnosed", func(c *call) bool { return c.cause != nil })
		h.write(h.bob, rpc+"/rpc.schema.json", `{"/hello": {}}`)
		h.diagnosed(number, "Its rpc.schema.json names /sum.")
	})
	t.Run("before SyftBox noticed it", func(t *testing.T) {
		h := newHarness(t, true)
		h.alice.SetOnline(false)
		key, number := h.send()
		h.remove(key)
		h.diagnosed(number, "deleted before SyftBox carried it")
	})
}

// Until a request arrives, only the sender's replica has it.
func TestShowsRequestsThatHaveNotArrived(t *testing.T) {
	for name, fail := range map[string]func(h *harness){
		"sender offline": func(h *harness) { h.alice.SetOnline(false) },
		"hub stopped":    func(h *harness) { h.box.StopServer() },
		"rejected":       func(h *harness) { h.write(h.bob, rpc+"/syft.pub.yaml", "rules: []\n") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, name != "rejected")
			c := h.serve()
			fail(h)
			folder := bob + "/" + rpc + "/hello/" + alice + "/"
			h.alice.Send(fakebox.Request{Datasite: bob, App: "echo", Endpoint: "hello"}) // creates the folder
			var n int
			for deadline := time.Now().Add(time.Minute); n == 0; time.Sleep(20 * time.Millisecond) { // until the client watches it
				if time.Now().After(deadline) {
					t.Fatal("the page never shows the method")
				}
				os.WriteFile(h.alice.Path(folder+"1.request"), []byte(`{"id":"1","method":"PATCH","url":"syft://x","headers":{},"body":"aGk="}`), 0o644)
				for number := 1; number <= 2; number++ {
					if found, ok := h.page.model.snapshot(number); ok && found.method == "PATCH" {
						n = number
					}
				}
			}
			var d detail
			c.json("GET", fmt.Sprintf("api/call?n=%d", n), "", &d)
			if d.Method != "PATCH" || d.RequestF == nil || d.RequestF.Body != "hi" {
				t.Errorf("%+v, %+v", d, d.RequestF)
			}
		})
	}
}
