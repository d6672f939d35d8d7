package syftevent_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

var (
	modelSeeds = flag.Int("modelseeds", 3, "how many seeds TestHostileModel tries")
	modelSeed  = flag.Uint64("modelseed", 1, "the first of them")
)

// modelSteps is how many operations a seed makes.
const modelSteps = 40

// Under any sequence of file operations, each complete request runs once and gets exactly one
// correct response, and nothing outside the folder changes.
func TestHostileModel(t *testing.T) {
	for n := range *modelSeeds {
		seed := *modelSeed + uint64(n)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
			synctest.Test(t, func(t *testing.T) {
				runModel(t, replica, seed)
				if t.Failed() {
					t.Logf("seed %d: go test -run TestHostileModel ./syftevent -modelseeds 1 -modelseed %d", seed, seed)
				}
			})
		})
	}
}

// A model knows the expected result of each request.
type model struct {
	*hostileSite
	chance   *rand.Rand
	outside  string
	runs     runCount
	requests []*modelRequest
	steps    []string
}

// A modelRequest is a request and what has happened to it.
type modelRequest struct {
	endpoint, sender, id string
	data                 []byte
	written              int  // how many of its bytes are there
	gone                 bool // it was removed
	blocked              bool // its response's name is a directory that is not empty
	status               int  // that it must be answered with
	torn                 bool // its response was torn while no server ran: it may be run again
}

func (r *modelRequest) complete() bool { return !r.gone && r.written == len(r.data) }

func runModel(t *testing.T, replica *fakebox.Replica, seed uint64) {
	m := &model{chance: rand.New(rand.NewPCG(seed, 0))}
	router := syftevent.NewRouter()
	handle := func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		m.runs.add(req.ID)
		time.Sleep(time.Duration(len(req.Body)) * time.Millisecond)
		return syftevent.Bytes(200, req.Body), nil
	}
	router.OnRequest("/one", handle)
	router.OnRequest("/two/{id}", handle)
	m.hostileSite = &hostileSite{site: newSite(t, router, replica), router: router, log: &lockedBuffer{}}
	m.server.Logger = slog.New(slog.NewTextHandler(m.log, nil))
	m.outside = filepath.Join(replica.DataDir(), "outside")
	if err := os.MkdirAll(m.outside, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.request", "a.response", "file"} {
		if err := os.WriteFile(filepath.Join(m.outside, name), envelope("/one", map[string]any{"id": "a"}), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before := m.tree(m.outside)
	m.start()
	defer func() { m.stop() }()
	for range modelSteps {
		m.step()
	}
	// All writes are complete, and removed folders are back.
	for _, r := range m.requests {
		if !r.gone && r.written < len(r.data) {
			m.append(r, len(r.data))
		}
	}
	time.Sleep(90 * time.Second)
	synctest.Wait()
	m.check()
	if after := m.tree(m.outside); after != before {
		t.Errorf("outside:\n%s\nwas:\n%s", after, before)
	}
	if t.Failed() {
		t.Logf("steps:\n%s", strings.Join(m.steps, "\n"))
	}
}

// did records a step for the log of a failure.
func (m *model) did(format string, args ...any) {
	m.steps = append(m.steps, time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}

// step performs one random file operation.
func (m *model) step() {
	switch n := m.chance.IntN(20); {
	case n < 6:
		m.write()
	case n < 8:
		if r := m.any(); r != nil && !r.gone && r.written < len(r.data) {
			m.append(r, r.written+1+m.chance.IntN(len(r.data)-r.written))
		}
	case n < 9: // the client gives up
		if r := m.any(); r != nil && !r.gone {
			m.must(os.Remove(m.path(r.endpoint, r.sender, r.id+".request")))
			r.gone = true
			m.did("%s removed", r.id)
		}
	case n < 11: // SyftBox loses the response
		if r := m.any(); r != nil && !r.blocked {
			if os.Remove(m.path(r.endpoint, r.sender, r.id+".response")) == nil {
				m.did("%s: response removed", r.id)
			}
		}
	case n < 12:
		m.emptyFirst()
	case n < 13: // a response's name is a directory
		r := m.write()
		if m.chance.IntN(2) == 0 {
			m.occupyResponse(r)
		}
	case n < 14: // or a link
		r := m.write()
		target := filepath.Join(m.outside, []string{"a.response", "missing", "file"}[m.chance.IntN(3)])
		if os.Symlink(target, m.path(r.endpoint, r.sender, r.id+".response")) == nil {
			m.did("%s: response is a link to %s", r.id, filepath.Base(target))
		}
	case n < 15:
		m.strange()
	case n < 16:
		m.folderAway()
	case n < 17:
		m.restart()
	default:
		pause := time.Duration(m.chance.IntN(3000)) * time.Millisecond
		m.did("pause %v", pause)
		time.Sleep(pause)
	}
}

func (m *model) any() *modelRequest {
	if len(m.requests) == 0 {
		return nil
	}
	return m.requests[m.chance.IntN(len(m.requests))]
}

func (m *model) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// make returns a new request without writing it.
func (m *model) make() *modelRequest {
	endpoints := []string{"one", "two/7", "unknown", "one"}
	r := &modelRequest{
		endpoint: endpoints[m.chance.IntN(len(endpoints))],
		sender:   fmt.Sprintf("sender%d@example.com", m.chance.IntN(3)),
		id:       fmt.Sprintf("r%03d", len(m.requests)),
		status:   200,
	}
	members := map[string]any{"id": r.id, "sender": r.sender, "body": bytes.Repeat([]byte("x"), m.chance.IntN(100))}
	if r.endpoint == "unknown" {
		r.status = 404
	}
	switch m.chance.IntN(12) {
	case 0:
		members["sender"], r.status = "forged@example.com", 403
	case 1:
		members["id"], r.status = "other", 400
	case 2:
		members["expires"], r.status = "1999-01-01T00:00:00Z", 419
	case 3:
		members["method"], r.status = "BREW", 400
	}
	r.data = envelope("/"+r.endpoint, members)
	m.requests = append(m.requests, r)
	m.must(os.MkdirAll(m.path(r.endpoint, r.sender), 0o755))
	return r
}

// write writes a new request, complete or incomplete.
func (m *model) write() *modelRequest {
	r := m.make()
	if m.chance.IntN(3) > 0 {
		m.putAs(r.endpoint+"/"+r.sender, r.id, r.data)
		r.written = len(r.data)
		m.did("%s: /%s of %s, for %d", r.id, r.endpoint, r.sender, r.status)
		return r
	}
	m.append(r, m.chance.IntN(len(r.data)))
	return r
}

// append writes the rest of a request in place, all at once: the pauses between steps may be
// longer than the settle time.
func (m *model) append(r *modelRequest, upTo int) {
	f, err := os.OpenFile(m.path(r.endpoint, r.sender, r.id+".request"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	m.must(err)
	_, err = f.Write(r.data[r.written:upTo])
	r.written = upTo
	m.did("%s: %d of %d bytes", r.id, upTo, len(r.data))
	if upTo < len(r.data) {
		time.Sleep(time.Duration(m.chance.IntN(1500)) * time.Millisecond)
		_, restErr := f.Write(r.data[upTo:])
		err, r.written = restErr, len(r.data)
		m.did("%s: all bytes", r.id)
	}
	m.must(err)
	m.must(f.Close())
}

// restart stops the server and starts another one. In between it may simulate a power loss,
// after which a response contains NULs or is incomplete.
func (m *model) restart() {
	m.stop()
	m.did("restart")
	if r := m.any(); r != nil && r.complete() && !r.blocked {
		name := m.path(r.endpoint, r.sender, r.id+".response")
		data, err := os.ReadFile(name)
		if info, statErr := os.Lstat(name); err == nil && statErr == nil && info.Mode().IsRegular() && len(data) > 0 {
			torn := data[:m.chance.IntN(len(data))]
			if m.chance.IntN(2) == 0 {
				torn = make([]byte, len(data))
			}
			m.must(os.WriteFile(name, torn, 0o644))
			r.torn = true
			m.did("%s: response is torn: %.20q", r.id, torn)
		}
	}
	m.server = newSite(m.t, m.router, m.replica).server
	m.server.Logger = slog.New(slog.NewTextHandler(m.log, nil))
	m.start()
}

// emptyFirst creates an empty response before its request.
func (m *model) emptyFirst() {
	r := m.make()
	m.must(os.WriteFile(m.path(r.endpoint, r.sender, r.id+".response"), nil, 0o644))
	m.putAs(r.endpoint+"/"+r.sender, r.id, r.data)
	r.written = len(r.data)
	m.did("%s: /%s of %s, for %d, with an empty response", r.id, r.endpoint, r.sender, r.status)
}

// occupyResponse creates a directory with the name of a response, unless the response exists.
func (m *model) occupyResponse(r *modelRequest) {
	name := m.path(r.endpoint, r.sender, r.id+".response")
	if os.Mkdir(name, 0o755) != nil {
		return
	}
	if os.WriteFile(filepath.Join(name, "x"), nil, 0o644) == nil {
		r.blocked = true
		m.did("%s: response is a directory", r.id)
	}
}

// strange creates a file that is not a request.
func (m *model) strange() {
	dir := m.path("one", fmt.Sprintf("sender%d@example.com", m.chance.IntN(3)))
	m.must(os.MkdirAll(dir, 0o755))
	name := filepath.Join(dir, fmt.Sprint("strange", len(m.steps)))
	switch m.chance.IntN(5) {
	case 0:
		m.must(os.Symlink(filepath.Join(m.outside, "a.request"), name+".request"))
	case 1:
		m.must(os.Mkdir(name+".request", 0o755))
	case 2:
		m.must(os.WriteFile(name+".rejected.request", envelope("/one", nil), 0o644))
	case 3:
		m.must(os.WriteFile(name+".request.tmp.123", envelope("/one", nil), 0o644))
	case 4:
		m.must(os.Symlink(m.outside, name+"@example.com"))
	}
	m.did("strange %s", filepath.Base(name))
}

// folderAway moves a sender's folder away, and back later.
func (m *model) folderAway() {
	dir := m.path("one", fmt.Sprintf("sender%d@example.com", m.chance.IntN(3)))
	away := filepath.Join(m.outside, "..", "away")
	if os.Rename(dir, away) != nil {
		return
	}
	time.Sleep(time.Duration(m.chance.IntN(2000)) * time.Millisecond)
	m.must(os.Rename(away, dir))
	m.did("folder %s was away", filepath.Base(dir))
}

// check checks the results of all requests.
func (m *model) check() {
	m.t.Helper()
	for _, r := range m.requests {
		runs := m.runs.of(r.id)
		switch {
		case runs > 1 && !r.torn || runs > 2:
			m.t.Errorf("%s was run %d times", r.id, runs)
		case runs > 0 && r.status != 200:
			m.t.Errorf("%s was run, though it must be answered %d", r.id, r.status)
		case r.complete() && !r.blocked && r.status == 200 && runs == 0:
			m.t.Errorf("%s was run %d times", r.id, runs)
		}
		if !r.complete() || r.blocked {
			continue
		}
		data, err := os.ReadFile(m.path(r.endpoint, r.sender, r.id+".response"))
		if err != nil {
			m.t.Errorf("%s has no response: %v", r.id, err)
			continue
		}
		var got struct {
			ID     string `json:"id"`
			Status int    `json:"status_code"`
		}
		if err := json.Unmarshal(data, &got); err != nil || got.Status != r.status || got.ID != r.id {
			m.t.Errorf("%s: response %.200q, want status %d (%v)", r.id, data, r.status, err)
		}
	}
}

// tree lists what is below a folder, for comparing.
func (m *model) tree(dir string) string {
	var out strings.Builder
	m.must(filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		data, _ := os.ReadFile(name)
		fmt.Fprintf(&out, "%s %v %x\n", name, d.Type(), sha256.Sum256(data))
		return nil
	}))
	return out.String()
}
