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
	soakRate    = 0.05 // how likely a fault is at each point of a file's way
)

// A soak is a server in a network with faults, and the requests to it.
type soak struct {
	*testing.T
	box    *fakebox.Box
	server *fakebox.Replica

	mu   sync.Mutex
	sent map[string][]byte // the body of each request, by its path
	bad  []string          // what a handler was given and nobody had sent
}

// Requests are sent into a network with injected faults. After the faults end, each request
// that arrived complete has one response, the right one; every other one was lost by a fault
// that the journal names.
func TestSoak(t *testing.T) {
	t.Parallel()
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d: go test -run Soak ./syftevent -soak %d -soakseed %d", seed, *soakRequests, seed)
	box := fakebox.New(t, fakebox.Config{Seed: seed, Speed: soakSpeed, FaultRate: soakRate})
	s := &soak{T: t, box: box, server: box.Join(serverEmail), sent: map[string][]byte{}}

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
	var senders sync.WaitGroup
	for i := range soakSenders {
		sender := box.Join(fmt.Sprintf("sender%d@example.com", i))
		senders.Go(func() { s.send(sender, *soakRequests/soakSenders) })
	}
	senders.Wait()
	box.Heal()
	// The server still answers.
	s.send(box.Join("canary@example.com"), 1)
	s.await("the end of it", s.unsettled)
	s.check()
	s.summary()
}

// handle is the handler of all endpoints. It returns the body if a request was sent with it.
func (s *soak) handle(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := path.Join(serverEmail, rpcPath, req.PathValue("rest"), req.Sender, req.ID+".request")
	if want, ok := s.sent[key]; !ok || string(want) != string(req.Body) {
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
		time.Sleep(200 * time.Millisecond)
	}
}

// timeline shows what happened to a request.
func (s *soak) timeline(text string) string {
	key, _, _ := strings.Cut(text, ".request")
	return fakebox.Timeline(slices.DeleteFunc(s.box.Events(), func(e fakebox.Event) bool {
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

// journeys reads the journal.
func (s *soak) journeys() map[string]*journey {
	all := map[string]*journey{}
	for _, e := range s.box.Events() {
		request, isRequest := strings.CutSuffix(e.Path, ".request")
		stem, isResponse := strings.CutSuffix(request, ".response")
		if !isRequest && !isResponse {
			continue
		}
		j := all[stem+".request"]
		if j == nil {
			j = &journey{struck: map[fakebox.Fault]bool{}, responses: map[string]bool{}}
			all[stem+".request"] = j
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
	return all
}

// unsettled returns the requests that have not reached their final state.
func (s *soak) unsettled() []string {
	var left []string
	journeys := s.journeys()
	for key := range s.sent {
		j := journeys[key]
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

// check checks what must hold at the end.
func (s *soak) check() {
	for key, j := range s.journeys() {
		if len(j.responses) > 1 {
			s.Errorf("%s: %d different responses were published", key, len(j.responses))
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

// summary prints what has happened.
func (s *soak) summary() {
	struck, excused := map[fakebox.Fault]int{}, map[fakebox.Fault]int{}
	answered := 0
	for key, j := range s.journeys() {
		if s.sent[key] == nil {
			continue
		}
		for fault := range j.struck {
			struck[fault]++
		}
		if fault := j.excused(); fault != "" {
			excused[fault]++
		} else {
			answered++
		}
	}
	s.Logf("%d requests, %d answered", len(s.sent), answered)
	for _, fault := range slices.Sorted(maps.Keys(struck)) {
		s.Logf("%6d struck by %s", struck[fault], fault)
	}
	for _, fault := range slices.Sorted(maps.Keys(excused)) {
		s.Logf("%6d without an answer for %s", excused[fault], fault)
	}
}
