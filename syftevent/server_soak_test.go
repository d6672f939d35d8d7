package syftevent_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

var (
	soakRequests = flag.Int("soak", 200, "how many requests TestSoak sends")
	soakSeed     = flag.Uint64("soakseed", 1, "seed of the random decisions of TestSoak; 0 chooses a seed and prints it")
)

const (
	soakSpeed   = 10
	soakSenders = 4
	soakRound   = 10_000 // how many requests are sent before the senders remove them
	soakRate    = 0.05   // how likely a fault is at each point of a file's way
)

// A soak is a server in a network with faults, and the requests to it.
type soak struct {
	*testing.T
	box    *fakebox.Box
	server *fakebox.Replica

	// Of this round:
	events   []fakebox.Event
	journeys map[string]*journey // by the path of the request

	struck, excused map[fakebox.Fault]int // of the rounds before
	requests        int

	mu       sync.Mutex
	sent     map[string][]byte // the body of each request of this round, by its path
	previous map[string][]byte // of the round before: a fault may bring them back
	bad      []string          // what a handler was given and nobody had sent
}

// Requests are sent into a network with injected faults. Then each request that arrived
// complete has one response, the right one; every other one was lost by a fault that the
// journal names. In a long test the senders remove the pairs, and send more.
func TestSoak(t *testing.T) {
	t.Parallel()
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d: go test -run Soak ./syftevent -soak %d -soakseed %d", seed, *soakRequests, seed)
	box := fakebox.New(t, fakebox.Config{Seed: seed, Speed: soakSpeed, FaultRate: soakRate})
	s := &soak{
		T: t, box: box, server: box.Join(serverEmail),
		struck: map[fakebox.Fault]int{}, excused: map[fakebox.Fault]int{},
		journeys: map[string]*journey{}, sent: map[string][]byte{},
	}

	router := syftevent.NewRouter()
	router.OnRequest("/{rest...}", s.handle)
	server := &syftevent.Server{
		AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: s.server.DataDir()}, Router: router,
		RepublishDelay: syftevent.DefaultRepublishDelay / soakSpeed, NudgeInterval: syftevent.DefaultNudgeInterval / soakSpeed,
		// On a busy machine the pieces of a file come late.
		SettleTime: syftevent.DefaultRemoteSettleTime,
		Logger:     slog.New(slog.DiscardHandler),
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown(context.Background())
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	s.await("the permissions on the server", func() []string {
		if slices.ContainsFunc(box.Events(), func(e fakebox.Event) bool {
			return e.Op == fakebox.OpUpload && path.Base(e.Path) == "syft.pub.yaml"
		}) {
			return nil
		}
		return []string{"syft.pub.yaml"}
	})
	var senders []*fakebox.Replica
	for i := range soakSenders {
		senders = append(senders, box.Join(fmt.Sprintf("sender%d@example.com", i)))
	}
	for left := *soakRequests; left > 0; left -= soakRound {
		var sending sync.WaitGroup
		for _, sender := range senders {
			sending.Go(func() { s.send(sender, min(left, soakRound)/soakSenders) })
		}
		sending.Wait()
		if left <= soakRound {
			box.Heal()
			// The server still answers.
			s.send(box.Join("canary@example.com"), 1)
		}
		s.await("the end of it", s.unsettled)
		s.check()
		if left > soakRound {
			s.forget()
			s.logResources()
		}
	}
	s.summary()
}

// handle is the handler of all endpoints. It returns the body if a request was sent with it.
func (s *soak) handle(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := path.Join(serverEmail, rpcPath, req.PathValue("rest"), req.Sender, req.ID+".request")
	want, ok := s.sent[key]
	if !ok {
		want, ok = s.previous[key]
	}
	if !ok || string(want) != string(req.Body) {
		s.bad = append(s.bad, fmt.Sprintf("%s: a body of %d bytes", key, len(req.Body)))
	}
	return syftevent.Bytes(200, req.Body), nil
}

// send sends requests to several endpoints, some of them many at once.
func (s *soak) send(from *fakebox.Replica, count int) {
	chance := rand.New(rand.NewPCG(*soakSeed, uint64(len(from.Email))))
	for i := range count {
		body := fmt.Appendf(nil, `{"from":%q,"n":%d,"filler":"%x"}`, from.Email, i, sha256.Sum256(fmt.Append(nil, i)))
		s.mu.Lock() // a handler must not be faster than the note of what was sent
		key, err := from.Send(fakebox.Request{
			Datasite: serverEmail, App: appName, Endpoint: fmt.Sprintf("/endpoint/%d", i%7), Body: body,
		})
		s.sent[key] = body
		s.mu.Unlock()
		if err != nil {
			s.Error(err)
			return
		}
		if i%20 != 0 {
			time.Sleep(time.Duration(chance.IntN(16)) * time.Millisecond)
		}
	}
}

// await waits until a list is empty. It fails if the list stops getting shorter.
func (s *soak) await(what string, left func() []string) {
	s.Helper()
	const patience = 3 * time.Minute // a busy machine stands still for a while
	fewest, deadline := -1, time.Now().Add(patience)
	for {
		began := time.Now()
		now := left()
		if len(now) == 0 {
			return
		}
		if fewest < 0 || len(now) < fewest {
			fewest, deadline = len(now), time.Now().Add(patience)
		}
		if time.Now().After(deadline) {
			s.Fatalf("waited in vain for %s; %d are left, the first:\n%s\n%s", what, len(now), strings.Join(now[:min(len(now), 10)], "\n"), s.timeline(now[0]))
		}
		time.Sleep(max(200*time.Millisecond, 5*time.Since(began)))
	}
}

// timeline shows what happened to a request.
func (s *soak) timeline(text string) string {
	key, _, _ := strings.Cut(text, ".request")
	return fakebox.Timeline(slices.DeleteFunc(slices.Clone(s.events), func(e fakebox.Event) bool {
		return !strings.HasPrefix(e.Path, key)
	}), path.Base(path.Dir(key)), serverEmail)
}

// A journey holds the events of one request in the journal.
type journey struct {
	struck    map[fakebox.Fault]bool
	arrived   bool            // whole, at the server's
	lost      bool            // on the way there
	responses map[string]bool // etags of what the server has published
}

// follow reads what the journal has recorded since the last call.
func (s *soak) follow() {
	events := s.box.TakeEvents()
	s.events = append(s.events, events...)
	for _, e := range events {
		request, isRequest := strings.CutSuffix(e.Path, ".request")
		stem, isResponse := strings.CutSuffix(request, ".response")
		if !isRequest && !isResponse {
			continue
		}
		j := s.journeys[stem+".request"]
		if j == nil {
			j = &journey{struck: map[fakebox.Fault]bool{}, responses: map[string]bool{}}
			s.journeys[stem+".request"] = j
		}
		if e.Fault != "" {
			j.struck[e.Fault] = true
		}
		ofServer := e.Actor == serverEmail+"/box"
		switch {
		case isRequest && ofServer && e.Op == fakebox.OpArrive && e.Fault != fakebox.Truncated:
			j.arrived = true
		case isRequest && e.Op == fakebox.OpLose && e.Fault != "":
			j.lost = true
		case isResponse && ofServer && (e.Op == fakebox.OpSend || e.Op == fakebox.OpUpload):
			j.responses[e.Etag] = true
		}
	}
}

// unsettled returns the requests that have not reached their final state.
func (s *soak) unsettled() []string {
	var left []string
	s.follow()
	for key := range s.sent {
		j := s.journeys[key]
		switch {
		case j == nil || !j.arrived && !j.lost && !j.struck[fakebox.Truncated]:
			left = append(left, key+" has not arrived")
		case j.excused() != "":
		default:
			if problem := s.problem(key, j); problem != "" {
				left = append(left, key+" "+problem)
			}
		}
	}
	return left
}

// excused returns the fault that explains a missing response.
func (j *journey) excused() fakebox.Fault {
	switch {
	case j.struck[fakebox.Truncated]:
		return fakebox.Truncated
	case !j.arrived && j.struck[fakebox.DeadZone]:
		return fakebox.DeadZone
	case !j.arrived && j.lost:
		return fakebox.BurstLoss
	}
	return ""
}

// problem returns what is wrong with the response to a request that arrived.
func (s *soak) problem(key string, j *journey) string {
	sender := path.Base(path.Dir(key))
	replica, _ := s.box.Replica(sender)
	if _, err := os.Stat(s.server.Path(key)); err != nil {
		return "has gone from the server's replica"
	}
	response := strings.TrimSuffix(key, ".request") + ".response"
	data, err := os.ReadFile(s.server.Path(response))
	if err != nil {
		return "has no response"
	}
	if there, err := os.ReadFile(replica.Path(response)); err != nil || string(there) != string(data) {
		return "has a response that its sender does not have"
	}
	var got reply
	if err := json.Unmarshal(data, &got); err != nil {
		return fmt.Sprintf("has a response that cannot be read: %v", err)
	}
	switch {
	case j.struck[fakebox.Answered] && got.Status == 299:
	case j.struck[fakebox.Skew] && got.Status == 419:
	case got.Status == 200 && string(got.Body) == string(s.sent[key]):
	default:
		return fmt.Sprintf("has a response of status %d with %d bytes", got.Status, len(got.Body))
	}
	return ""
}

// check checks what must hold at the end of a round, and counts its requests.
func (s *soak) check() {
	for key, j := range s.journeys {
		if len(j.responses) > 1 {
			s.Errorf("%s: %d different responses were published", key, len(j.responses))
		}
		if s.sent[key] == nil {
			continue
		}
		s.requests++
		for fault := range j.struck {
			s.struck[fault]++
		}
		if fault := j.excused(); fault != "" {
			s.excused[fault]++
		}
	}
	s.mu.Lock()
	for _, bad := range s.bad {
		s.Errorf("a handler was given what nobody had sent: %s", bad)
	}
	s.mu.Unlock()
	// Files were written only in the rpc folder, except SyftBox's own and the lock beside
	// it.
	rpc := filepath.Join(s.server.Datasite(), filepath.FromSlash(rpcPath))
	err := filepath.WalkDir(s.server.DataDir(), func(name string, d fs.DirEntry, err error) error {
		if name == rpc {
			return fs.SkipDir
		}
		if err == nil && !d.IsDir() && filepath.Ext(name) != ".tmp" && name != filepath.Join(filepath.Dir(rpc), ".syftkeep") {
			err = errors.New("is there")
		}
		if err != nil {
			s.Errorf("%s: %v", name, err)
		}
		return nil
	})
	if err != nil {
		s.Error(err)
	}
}

// forget removes the pairs of a round, as a client does that has read its responses and as the
// server's retention does. A file that only one of them removes may come back.
func (s *soak) forget() {
	s.await("the removal of the pairs", func() (left []string) {
		for key := range s.sent {
			sender, _ := s.box.Replica(path.Base(path.Dir(key)))
			response := strings.TrimSuffix(key, ".request") + ".response"
			for _, name := range []string{sender.Path(key), sender.Path(response), s.server.Path(key), s.server.Path(response)} {
				if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
					left = append(left, name+" was there")
				}
			}
		}
		return left
	})
	s.events, s.journeys = nil, map[string]*journey{}
	s.mu.Lock()
	s.previous, s.sent = s.sent, map[string][]byte{}
	s.mu.Unlock()
}

// logResources logs what must not grow from round to round.
func (s *soak) logResources() {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		s.Logf("the descriptors are not known: %v", err)
	}
	s.Logf("%d requests: %.1f MB in use, %d goroutines, %d descriptors",
		s.requests, float64(memory.HeapAlloc)/1e6, runtime.NumGoroutine(), len(descriptors))
}

// summary prints what has happened.
func (s *soak) summary() {
	answered := s.requests
	for _, n := range s.excused {
		answered -= n
	}
	s.Logf("%d requests, %d answered", s.requests, answered)
	for _, fault := range slices.Sorted(maps.Keys(s.struck)) {
		s.Logf("%6d struck by %s", s.struck[fault], fault)
	}
	for _, fault := range slices.Sorted(maps.Keys(s.excused)) {
		s.Logf("%6d without an answer for %s", s.excused[fault], fault)
	}
}
