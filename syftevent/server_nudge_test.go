package syftevent_test

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// A travel is a server in a network that carries files four times as fast as SyftBox.
type travel struct {
	*testing.T
	box            *fakebox.Box
	server, client *fakebox.Replica
	asked          int
}

func newTravel(t *testing.T, nudges time.Duration) *travel {
	t.Helper()
	t.Parallel()
	box := fakebox.New(t, fakebox.Config{Seed: 1, Speed: 4})
	v := &travel{T: t, box: box, server: box.Join(serverEmail), client: box.Join(clientEmail)}
	server := &syftevent.Server{
		AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: v.server.DataDir()},
		Router: demoRouter(), NudgeInterval: nudges, Logger: slog.New(slog.DiscardHandler),
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Shutdown(context.Background()) })
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	v.until("the first synchronisation", func() bool { return v.server.Cycles() == 1 && v.client.Cycles() == 1 })
	return v
}

func (v *travel) until(what string, condition func() bool) {
	v.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			v.Fatalf("waited in vain for %s", what)
		}
	}
}

// ask delivers requests to the server, all at once, right after a full sync: the next one is
// seconds away.
func (v *travel) ask(count int) (responses []string) {
	v.Helper()
	cycles := v.server.Cycles()
	v.until("a synchronisation", func() bool { return v.server.Cycles() > cycles })
	for range count {
		name := fmt.Sprintf("%s/echo/%s/%02d", rpcPath, clientEmail, v.asked)
		v.asked++
		data := envelope("/echo", map[string]any{"id": nil})
		if err := v.server.Deliver(name+".request", data, fakebox.Delivery{Mode: fakebox.WebSocket}); err != nil {
			v.Fatal(err)
		}
		responses = append(responses, path.Join(serverEmail, name+".response"))
	}
	return responses
}

// arrivals returns the arrivals of responses with their client.
func (v *travel) arrivals() []fakebox.Event {
	return slices.DeleteFunc(v.box.Events(), func(e fakebox.Event) bool {
		return e.Op != fakebox.OpArrive || e.Actor != clientEmail+"/box" || !strings.HasSuffix(e.Path, ".response")
	})
}

// SyftBox carries a response that was renamed or linked to its name with the next full sync.
// After the nudge it carries the response at once. [publish-nudge]
func TestNudgeMakesAResponseTravelAtOnce(t *testing.T) {
	for _, test := range []struct {
		name   string
		nudges time.Duration
		fast   bool
		most   int // responses; a full synchronization may come before a nudge
	}{{"without", -1, false, 3}, {"with", 0, true, 20}} {
		t.Run(test.name, func(t *testing.T) {
			v := newTravel(t, test.nudges)
			fast := false
			for n := 0; n < test.most && !fast; n++ {
				v.ask(1)
				v.until("the response", func() bool { return len(v.arrivals()) == n+1 })
				fast = v.arrivals()[n].Via == fakebox.ViaFast
			}
			if fast != test.fast && fakebox.DistinguishesRenames {
				t.Errorf("by the fast path: %v, want %v\n%s", fast, test.fast, fakebox.Timeline(v.box.Events(), clientEmail, serverEmail))
			}
		})
	}
}

// SyftBox loses files that are modified at the same time. It loses none of 40 responses,
// because nudges are paced. [publish-nudge]
func TestNudgesArePacedSoThatNoneIsLost(t *testing.T) {
	v := newTravel(t, 0)
	responses := v.ask(40)
	v.until("all responses", func() bool { return len(v.arrivals()) >= len(responses) })
	arrived := map[string]bool{}
	for _, e := range v.box.Events() {
		if e.Op == fakebox.OpArrive && e.Actor == clientEmail+"/box" {
			arrived[e.Path] = true
		}
		// The next full sync removes the responses that the server's SyftBox has lost. On a
		// busy machine it also removes a response that arrived after it had requested the
		// list of files.
		if e.Op == fakebox.OpLose || e.Op == fakebox.OpRemove && e.Actor == serverEmail+"/box" && !arrived[e.Path] {
			t.Errorf("%v", e)
		}
	}
	// On a busy machine the full sync may carry some or all of them first.
	fast := len(slices.DeleteFunc(v.arrivals(), func(e fakebox.Event) bool { return e.Via != fakebox.ViaFast }))
	t.Logf("%d of %d came by the fast path", fast, len(responses))
}
