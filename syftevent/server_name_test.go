package syftevent_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

const mallory = "mallory@example.com"

// put writes a file below "rpc".
func (s *site) put(name, content string) {
	s.t.Helper()
	name = s.path(filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// ask writes a request from a sender.
func (s *site) ask(endpoint, sender, stem string) {
	s.t.Helper()
	s.put(endpoint+"/"+sender+"/"+stem+".request", string(envelope("/"+endpoint, map[string]any{"id": nil, "sender": sender})))
}

// answered reports whether there is a response.
func (s *site) answered(endpoint, sender, stem string) bool {
	info, err := os.Lstat(s.path(endpoint, sender, stem+".response"))
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// runs counts how often each request was run, by sender and id.
type runs struct {
	mu    sync.Mutex
	times map[string]int
}

func (r *runs) add(req *syftevent.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.times == nil {
		r.times = map[string]int{}
	}
	r.times[req.Sender+"/"+req.ID]++
}

// of returns how often a request was run.
func (r *runs) of(sender, stem string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.times[sender+"/"+stem]
}

// sizes returns a router with endpoints whose responses have the given sizes.
func (r *runs) sizes(of map[string]int) *syftevent.Router {
	router := syftevent.NewRouter()
	for endpoint, size := range of {
		router.OnRequest("/"+endpoint, func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			r.add(req)
			return syftevent.Text(200, strings.Repeat("x", size)), nil
		})
	}
	return router
}

// A sender can make the names of its responses unusable, because SyftBox lets it write
// 1.response/<sender>/x.request in its own folder. This affects neither other senders
// nor a restarted server.
func TestResponseNamesOfOneSenderHarmNobodyElse(t *testing.T) {
	var r runs
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil, replica)
		block := func(stem string) { s.put("small/"+mallory+"/"+stem+".response/"+mallory+"/x.request", "{}") }
		router := syftevent.NewRouter()
		router.OnRequest("/small", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			r.add(req)
			if strings.HasPrefix(req.ID, "during") {
				block(req.ID)
				return syftevent.Text(200, strings.Repeat("x", 13<<18)), nil
			}
			return syftevent.Text(200, "done"), nil
		})
		const count = 8 // 34 MiB of response files
		for start := range 2 {
			s.server = newSite(t, router, replica).server
			s.start()
			if start == 0 {
				for n := range count {
					block(fmt.Sprint("before", n))
					s.ask("small", mallory, fmt.Sprint("before", n))
					s.ask("small", mallory, fmt.Sprint("during", n))
				}
				time.Sleep(3 * time.Second)
			}
			honest := fmt.Sprint("honest", start)
			s.ask("small", clientEmail, honest)
			s.ask("small", mallory, honest)
			time.Sleep(3 * time.Second)
			if !s.answered("small", clientEmail, honest) {
				t.Errorf("start %d: an honest sender is not answered", start)
			}
			if !s.answered("small", mallory, honest) {
				t.Errorf("start %d: the other requests of the sender are not answered", start)
			}
			for n := range count {
				before, during := fmt.Sprint("before", n), fmt.Sprint("during", n)
				if r.of(mallory, before) != 0 || r.of(mallory, during) != 1 {
					t.Errorf("start %d: %s was run %d times, %s %d", start, before, r.of(mallory, before), during, r.of(mallory, during))
				}
			}
			if start == 1 {
				// When the name is free the request is answered.
				if err := os.RemoveAll(s.path("small", mallory, "before0.response")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(6 * time.Second)
				if !s.answered("small", mallory, "before0") {
					t.Error("not answered although the name is free")
				}
			}
			s.stop()
		}
	})
}

// The server answers a request beside an incomplete response that SyftBox or a crash left
// behind, both at start and while it runs.
func TestServerAnswersBesideATornResponse(t *testing.T) {
	var r runs
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, r.sizes(map[string]int{"small": 10}), replica)
		torn := map[string]string{"empty": "", "half": `{"id":"1","sta`, "nuls": strings.Repeat("\x00", 300), "other": "[1]"}
		leave := func(when string) {
			for stem, content := range torn {
				s.ask("small", clientEmail, stem+when)
				s.put("small/"+clientEmail+"/"+stem+when+".response", content)
			}
		}
		leave("-start")
		s.start()
		defer s.stop()
		time.Sleep(time.Minute)
		leave("-running")
		time.Sleep(time.Minute)
		for stem := range torn {
			for _, when := range []string{"-start", "-running"} {
				data, err := os.ReadFile(s.path("small", clientEmail, stem+when+".response"))
				if n := r.of(clientEmail, stem+when); err != nil || n != 1 || !strings.HasPrefix(string(data), `{"id":`) || !strings.HasSuffix(string(data), "}") {
					t.Errorf("%s%s: %d runs, %.40q, %v", stem, when, n, data, err)
				}
			}
		}
	})
}
