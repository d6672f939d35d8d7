package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Sender folders are pruned and recreated, moved and replaced, and moved away and back
// while requests arrive in them. In the end each existing request has a response beside
// it, and no other folder contains new files.
func TestProofFoldersThatComeAndGo(t *testing.T) {
	p := newProof(t, map[string]any{"poll_interval": "5ms"})
	p.start()
	away := filepath.Join(p.replica.DataDir(), "away")
	if err := os.Mkdir(away, 0o755); err != nil {
		t.Fatal(err)
	}
	before := p.outside(away)
	const senders = 6
	rounds := sized(300, 40)
	var work sync.WaitGroup
	for n := range senders {
		sender := fmt.Sprintf("sender%d@example.com", n)
		chance := rand.New(rand.NewPCG(*proofSeed, uint64(n)))
		work.Go(func() {
			for round := range rounds {
				folder := filepath.Join(p.rpc(), "echo", sender)
				for m := range 5 {
					p.put(folder, fmt.Sprintf("5f5b153c-d742-4027-%04x-%06x%06x", 0x8000+n, round, m), sender)
				}
				time.Sleep(time.Duration(chance.IntN(3000)) * time.Microsecond)
				if round == rounds-1 {
					return // these stay
				}
				aside := filepath.Join(away, fmt.Sprint(n, "-", round))
				var err error
				switch chance.IntN(3) {
				case 0:
					err = prune(folder)
				case 1:
					err = os.Rename(folder, aside)
				case 2:
					if err = os.Rename(folder, aside); err == nil {
						time.Sleep(time.Duration(chance.IntN(3000)) * time.Microsecond)
						err = os.Rename(aside, folder)
					}
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	requests := 0
	err := filepath.WalkDir(filepath.Join(p.rpc(), "echo"), func(name string, _ fs.DirEntry, err error) error {
		if stem, ok := strings.CutSuffix(name, ".request"); ok {
			requests++
			if r := p.await(stem); r.Status != 200 || r.ID != filepath.Base(stem) {
				t.Errorf("%s: status %d, id %s", stem, r.Status, r.ID)
			}
		}
		return err
	})
	if err != nil || requests < 5*senders {
		t.Errorf("%d requests are there in the end: %v", requests, err)
	}
	if err := p.process.Stop(time.Minute); err != nil {
		t.Fatal(err)
	}
	p.tidyBelow(p.rpc())
	p.tidyBelow(away)
	for name := range p.outside(away) {
		isServers := filepath.Dir(name) == filepath.Dir(p.rpc()) && strings.HasSuffix(name, ".tmp")
		if !before[name] && !isServers {
			t.Errorf("written elsewhere: %s", name)
		}
	}
}

// prune removes a folder in which a server may be writing.
func prune(folder string) error {
	var err error
	for range 100 {
		if err = os.RemoveAll(folder); err == nil {
			break
		}
	}
	return err
}

// put creates a folder, writes a request elsewhere and renames it into the folder.
func (p *proof) put(folder, stem, sender string) {
	data := p.envelope(stem, "echo", sender, []byte("hello"))
	temp := filepath.Join(p.dir, stem)
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		p.Error(err)
		return
	}
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.Rename(temp, filepath.Join(folder, stem+".request"))); err != nil {
		p.Error(err)
	}
}

// outside lists the files of the replica that are neither below "rpc" nor below another
// given folder.
func (p *proof) outside(other string) map[string]bool {
	p.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(p.replica.DataDir(), func(name string, d fs.DirEntry, err error) error {
		if name == p.rpc() || name == other {
			return fs.SkipDir
		}
		names[name] = true
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	return names
}
