package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// inPieces are the ways in which an incomplete request may arrive.
var inPieces = []struct {
	name   string
	body   int
	arrive func(t *proof, name string, data []byte)
}{
	{"half and half", 100, func(p *proof, name string, data []byte) {
		p.write(name, 200*time.Millisecond, data[:len(data)/2], data[len(data)/2:])
	}},
	{"three chunks", 10_000, func(p *proof, name string, data []byte) {
		third := len(data) / 3
		p.write(name, 100*time.Millisecond, data[:third], data[third:2*third], data[2*third:])
	}},
	{"empty, then filled", 100, func(p *proof, name string, data []byte) {
		p.write(name, 200*time.Millisecond, nil, data)
	}},
	{"2 MB in place", 2_000_000, func(p *proof, name string, data []byte) {
		var pieces [][]byte
		for piece := 32 << 10; len(data) > 0; data = data[min(piece, len(data)):] {
			pieces = append(pieces, data[:min(piece, len(data))])
		}
		p.write(name, 0, pieces...)
	}},
}

// write writes a file in place, with a pause between two pieces.
func (p *proof) write(name string, pause time.Duration, pieces ...[]byte) {
	f, err := os.Create(name)
	if err != nil {
		p.Error(err)
		return
	}
	defer f.Close()
	for i, piece := range pieces {
		if i > 0 {
			time.Sleep(pause)
		}
		if _, err := f.Write(piece); err != nil {
			p.Error(err)
			return
		}
	}
}

// deliverInPieces delivers requests and returns how many were answered before they were
// complete.
func deliverInPieces(t *testing.T, settle string, count int, size int, arrive func(*proof, string, []byte)) int {
	p := newProof(t, map[string]any{"settle": settle, "poll_interval": "10ms"})
	p.start()
	body := []byte(strings.Repeat("x", size))
	want := base64.URLEncoding.EncodeToString(body)
	type sent struct {
		name string
		data []byte
	}
	queue := make(chan sent)
	var early atomic.Int32
	var workers sync.WaitGroup
	atOnce := 64
	if size > 1<<20 {
		atOnce = 4
	}
	for range atOnce {
		workers.Go(func() {
			for s := range queue {
				arrive(p, s.name+".request", s.data)
				r, ok := p.tryAwait(s.name)
				switch {
				case !ok:
					p.Errorf("no response to %s", s.name)
				case r.Status == 400:
					early.Add(1)
				case r.Status != 200 || r.Body != want:
					p.Errorf("%s: status %d, %d bytes of body", s.name, r.Status, len(r.Body))
				}
				// Remove the request first, so that it never exists without its response.
				os.Remove(s.name + ".request")
				os.Remove(s.name + ".response")
			}
		})
	}
	for n := range count {
		sender := fmt.Sprintf("sender%d@example.com", n%20)
		stem, data := p.request("echo", sender, body)
		queue <- sent{filepath.Join(p.folder("echo", sender), stem), data}
	}
	close(queue)
	workers.Wait()
	return int(early.Load())
}

// The server never answers an incomplete request, however it arrives.
func TestProofRequestsInPieces(t *testing.T) {
	for _, way := range inPieces {
		t.Run(way.name, func(t *testing.T) {
			if early := deliverInPieces(t, "30s", sized(1000, 40), way.body, way.arrive); early != 0 {
				t.Errorf("%d were answered before they were whole", early)
			}
		})
	}
	// With a settle time shorter than the pause, the server answers incomplete requests:
	// this proof can fail.
	t.Run("settling too soon", func(t *testing.T) {
		slowly := func(p *proof, name string, data []byte) {
			p.write(name, 2*time.Second, data[:len(data)/2], data[len(data)/2:])
		}
		if early := deliverInPieces(t, "50ms", 40, 100, slowly); early == 0 {
			t.Error("no request was answered early, though the settle time is shorter than the pause")
		}
	})
}
