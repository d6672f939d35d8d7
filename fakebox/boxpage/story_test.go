package boxpage

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// sendIn sends a request of Alice, in a folder that the clients watch if it was sent to before.
func (h *harness) sendIn(endpoint string, expires time.Duration) (key string, number int) {
	h.t.Helper()
	key, err := h.alice.Send(fakebox.Request{Datasite: bob, App: "echo", Endpoint: endpoint, Method: "PUT", Body: []byte(`{"a":1}`), Expires: expires})
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.TrimSuffix(key, ".request"), h.page.sent(key, "PUT")
}

// sendFast is like sendIn, but returns a request that the fast path carries.
func (h *harness) sendFast() (key string, number int) {
	h.t.Helper()
	for {
		key, number := h.sendIn("hello", 0)
		if c := h.await(number, "sent", func(c *call) bool { return !c.request.Sent.IsZero() }); c.request.SentVia == fakebox.ViaFast {
			return key, number
		}
	}
}

// Each story leaves a call, whose state and status the copied script must bring about again.
var stories = map[string]struct {
	server bool
	tell   func(h *harness) (number int, state string)
}{
	"answered": {true, func(h *harness) (int, string) {
		key, number := h.sendIn("hello", 0)
		h.awaitState(number, stateArrived)
		h.answer(key, 201)
		return number, stateAnswered
	}},
	"expired": {true, func(h *harness) (int, string) {
		key, number := h.sendIn("hello", -time.Minute)
		h.awaitState(number, stateArrived)
		h.answer(key, 201)
		return number, stateAnswered
	}},
	"skewed": {true, func(h *harness) (int, string) {
		h.box.FailNext(fakebox.Skew, 1)
		_, number := h.sendIn("hello", 0)
		return number, stateArrived
	}},
	"lost request": {true, func(h *harness) (int, string) {
		h.box.FailNext(fakebox.BurstLoss, 100)
		_, number := h.sendFast()
		return number, stateLost
	}},
	"request lost with the hub": {true, func(h *harness) (int, string) {
		h.sendFast() // creates the folder
		for {
			// The message waits in the hub for up to a second of SyftBox's time.
			h.box.FailNextRequests(fakebox.Reorder, 1)
			_, number := h.sendIn("hello", 0)
			h.await(number, "sent", func(c *call) bool {
				h.page.catchUp()
				return !c.request.Sent.IsZero()
			})
			h.box.StopServer()
			h.box.StartServer()
			c := h.await(number, "lost or arrived", func(c *call) bool { return c.request.Lost || !c.request.Arrived.IsZero() })
			if c.request.Lost {
				return number, stateLost
			}
			h.box.Heal()
		}
	}},
	"lost response that nobody writes again": {true, func(h *harness) (int, string) {
		for {
			h.box.Heal()
			key, number := h.sendFast()
			h.awaitState(number, stateArrived)
			h.box.FailNext(fakebox.BurstLoss, 100)
			h.answer(key, 201)
			c := h.await(number, "sent", func(c *call) bool { return !c.response.Sent.IsZero() })
			if c.response.SentVia == fakebox.ViaFast {
				return number, stateLost
			}
		}
	}},
	"rejected without a server": {false, func(h *harness) (int, string) {
		_, number := h.sendIn("hello", 0)
		return number, stateRejected
	}},
	"rejected by permissions": {false, func(h *harness) (int, string) {
		h.write(h.bob, rpc+"/syft.pub.yaml", "rules: []\n")
		h.stored(rpc + "/syft.pub.yaml")
		_, number := h.sendIn("hello", 0)
		return number, stateRejected
	}},
	"sender offline": {true, func(h *harness) (int, string) {
		h.alice.SetOnline(false)
		_, number := h.sendIn("hello", 0)
		return number, stateSending
	}},
	"recipient offline for a while": {true, func(h *harness) (int, string) {
		h.bob.SetOnline(false)
		key, number := h.sendIn("hello", 0)
		h.await(number, "sent", func(c *call) bool { return !c.request.Sent.IsZero() })
		h.bob.SetOnline(true)
		h.awaitState(number, stateArrived)
		h.answer(key, 201)
		return number, stateAnswered
	}},
	"hub stopped": {true, func(h *harness) (int, string) {
		h.box.StopServer()
		_, number := h.sendIn("hello", 0)
		return number, stateSending
	}},
	"client stopped": {true, func(h *harness) (int, string) {
		h.bob.Stop()
		_, number := h.sendIn("hello", 0)
		h.await(number, "sent", func(c *call) bool { return !c.request.Sent.IsZero() })
		return number, stateSending
	}},
	"hub stopped before the response": {true, func(h *harness) (int, string) {
		_, number := h.sendIn("hello", 0)
		h.awaitState(number, stateArrived)
		h.box.StopServer()
		return number, stateArrived
	}},
	"nobody answers": {true, func(h *harness) (int, string) {
		_, number := h.sendIn("hello", 0)
		return number, stateArrived
	}},
	"truncated": {true, func(h *harness) (int, string) {
		h.box.FailNext(fakebox.Truncated, 1)
		_, number := h.sendIn("hello", 0)
		return number, stateArrived
	}},
	"deleted": {true, func(h *harness) (int, string) {
		key, number := h.sendIn("hello", 0)
		h.awaitState(number, stateArrived)
		h.remove(key)
		return number, stateDeleted
	}},
	"name never delivered": {true, func(h *harness) (int, string) {
		_, number := h.sendIn("logs/last", 0)
		return number, stateNever
	}},
	"struck by faults": {true, func(h *harness) (int, string) {
		h.box.FailNextRequests(fakebox.Future, 1)
		h.box.FailNextResponses(fakebox.Coarse, 1)
		key, number := h.sendIn("hello", 0)
		h.awaitState(number, stateArrived)
		h.answer(key, 201)
		return number, stateAnswered
	}},
	"forged": {true, func(h *harness) (int, string) {
		h.box.FailNext(fakebox.Answered, 1)
		_, number := h.sendIn("hello", 0)
		return number, stateAnswered
	}},
}

// replaced are faults in scripts that have the effect of others.
var replaced = map[string][]string{"skewed": nil, "request lost with the hub": {"burst-loss"}}

// remove removes the request of a call, as a sender does that gives up.
func (h *harness) remove(key string) {
	h.t.Helper()
	if err := os.Remove(h.alice.Path(key + ".request")); err != nil {
		h.t.Fatal(err)
	}
}

// stored waits until a file of Bob is on the hub.
func (h *harness) stored(name string) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, ok := h.box.Stored(bob + "/" + name); ok {
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%s is not stored", name)
		}
	}
}

func TestCopiedStoriesEndAlike(t *testing.T) {
	for name, test := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, test.server)
			if test.server {
				h.stored(rpc + "/syft.pub.yaml")
			}
			number, state := test.tell(h)
			original := h.awaitState(number, state)
			want := fmt.Sprintf("%s %d %q", state, original.status, original.faults)
			if as, ok := replaced[name]; ok {
				want = fmt.Sprintf("%s %d %q", state, original.status, as)
			}
			_, script := h.serve().do("GET", fmt.Sprintf("api/script?n=%d", number), "", nil)
			if strings.Contains(script, "# left out") {
				t.Errorf("the call is left out in\n%s", script)
			}
			got := outcomeOf(t, script)
			if got != want && !(state == stateSending && strings.HasPrefix(got, "none")) && !(state == stateNever && strings.HasPrefix(got, "none")) {
				t.Errorf("the script ends with %s, not %s:\n%s", got, want, script)
			}
		})
	}
}

// A request that was rejected because there was no server comes before the server's start.
func TestCopiedStoryOfManyCallsEndsAlike(t *testing.T) {
	h := newHarness(t, false)
	_, number := h.sendIn("hello", 0)
	h.awaitState(number, stateRejected)
	h.write(h.bob, rpc+"/syft.pub.yaml", permissions)
	h.stored(rpc + "/syft.pub.yaml")
	key, number := h.sendIn("hello", 0)
	h.awaitState(number, stateArrived)
	h.answer(key, 201)
	h.awaitState(number, stateAnswered)
	h.box.StopServer()
	h.box.SetSpeed(30)
	key, number = h.sendIn("hello", 0)
	h.box.StartServer()
	h.awaitState(number, stateArrived)
	h.alice.SetOnline(false)
	h.answer(key, 201)
	h.await(number, "written", func(c *call) bool { return !c.response.Written.IsZero() || !c.response.Sent.IsZero() })
	h.alice.SetOnline(true)
	h.awaitState(number, stateAnswered)
	_, script := h.serve().do("GET", "api/script", "", nil)
	_, rest, _ := strings.Cut(script, "box hub stop")
	if send, start := strings.Index(rest, "box send"), strings.Index(rest, "box hub start"); send < 0 || start < send {
		t.Errorf("the third call is not sent while the hub is stopped:\n%s", script)
	}
	const want = `rejected 0 [], answered 201 [], answered 201 []`
	if got := outcomeOf(t, script); got != want {
		t.Errorf("the script ends with %s, not %s:\n%s", got, want, script)
	}
}

// outcomeOf runs a script and returns the outcome of its network.
func outcomeOf(t *testing.T, script string) (got string) {
	t.Helper()
	const server = "exec my-server &server&   # replace by the server under test\nexec sleep 2   # until it is ready\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "story.txtar"), []byte(strings.Replace(script, server, "server\n", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	// A subtest, because its cleanup ends the script.
	t.Run("again", func(t *testing.T) {
		testscript.Run(t, testscript.Params{
			Dir: dir, Cmds: withServer(boxscript.Commands()),
			Setup: func(env *testscript.Env) error {
				if err := boxscript.Setup(env); err != nil {
					return err
				}
				env.Defer(func() { got = outcome(boxscript.FromEnv(env).Box) })
				return nil
			},
		})
	})
	return got
}

// outcome returns state, status and faults of the only call of a network, or "none" if
// SyftBox has not noticed its request.
func outcome(box *fakebox.Box) string {
	if box == nil {
		return "no network"
	}
	joined := func(email string) bool {
		_, ok := box.Replica(email)
		return ok
	}
	m := newModel(&Numbering{}, func(key, _ string, _ ...string) ([]byte, bool) { return box.Stored(key) }, joined)
	m.add(box.Events(), 0)
	if len(m.order) == 0 {
		return "none"
	}
	var all []string
	for _, c := range m.order {
		for _, r := range box.Replicas() {
			if data, err := os.ReadFile(r.Path(c.key + ".response")); err == nil && c.status == 0 {
				var fields struct {
					Status int `json:"status_code"`
				}
				json.Unmarshal(data, &fields)
				c.status = fields.Status
			}
		}
		all = append(all, fmt.Sprintf("%s %d %q", c.state(joined), c.status, c.faults))
	}
	return strings.Join(all, ", ")
}
