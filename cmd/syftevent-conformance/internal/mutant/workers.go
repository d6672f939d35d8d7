package mutant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Servers that share the work of an app store in a folder beside rpc, which SyftBox ignores:
//
//	beats/NAME          a counter that server NAME raises, and "stopped" in the end; a server that
//	                    may have been taken for dead has another NAME from then on
//	claims/HASH.N       a symbolic link to the name of the server that has a request, and the
//	                    path of the request; N rises when another server takes it over
//	answered-NAME       the replies of server NAME
const teamName = "mutant-workers.tmp"

// A team is what a server knows of the others.
type team struct {
	dir, base string        // base is the first name
	first     bool          // no other was there at the start
	slots     chan struct{} // the handlers that may run at once; nil for any number
	ended     chan struct{}
	loops     sync.WaitGroup

	mu      sync.Mutex
	lives   int                  // names besides the first
	renewed time.Time            // when the own counter was raised last
	others  map[string]*teammate // by name
	gone    map[string]time.Time // claims whose request is missing, and since when
}

type teammate struct {
	content string
	changes int
	changed time.Time // when the content was seen to change, by the own clock
}

func (s *server) joinWorkers(ctx context.Context) error {
	t := &s.team
	t.dir = filepath.Join(filepath.Dir(s.rpc), teamName)
	t.base = fmt.Sprintf("%d-%s", os.Getpid(), strings.ToLower(rand.Text()[:6]))
	t.ended, t.others, t.gone = make(chan struct{}), map[string]*teammate{}, map[string]time.Time{}
	s.replies.file, s.replies.shared = s.repliesOf(t.base), true
	if n := s.concurrency; n > 0 {
		t.slots = make(chan struct{}, n)
	} else if s.has("no-fence") {
		t.slots = make(chan struct{}, 2)
	}
	for _, name := range []string{"beats", "claims"} {
		if err := os.MkdirAll(filepath.Join(t.dir, name), 0o755); err != nil {
			return fmt.Errorf("join workers: %w", err)
		}
	}
	count := 0
	beat := func() {
		began := time.Now()
		t.mu.Lock()
		lapsed := count > 0 && began.Sub(t.renewed) >= s.workerTimeout/2
		t.mu.Unlock()
		if lapsed {
			if err := s.writeBeat("stopped"); err != nil {
				s.log.Error("heartbeat failed", "err", err)
				return
			}
			t.mu.Lock()
			t.lives++
			t.mu.Unlock()
		}
		count++
		if err := s.writeBeat(fmt.Sprint(count)); err != nil {
			s.log.Error("heartbeat failed", "err", err)
			return
		}
		t.mu.Lock()
		t.renewed = began
		t.mu.Unlock()
	}
	s.observe()
	t.first = len(t.others) == 0
	beat()
	t.loops.Go(func() {
		for {
			select {
			case <-t.ended:
				return
			case <-time.After(s.workerTimeout / 10):
				beat()
				s.observe()
			}
		}
	})
	return nil
}

// name returns the name now.
func (t *team) name() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lives == 0 {
		return t.base
	}
	return fmt.Sprintf("%s+%d", t.base, t.lives)
}

func (s *server) writeBeat(content string) error {
	name := filepath.Join(s.team.dir, "beats", s.team.name())
	if err := os.WriteFile(name+".new", []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// leaveWorkers lets others take over at once what this server has not answered.
func (s *server) leaveWorkers() {
	close(s.team.ended)
	s.team.loops.Wait()
	if s.has("leaves-claims") {
		return
	}
	if err := s.writeBeat("stopped"); err != nil {
		s.log.Error("heartbeat failed", "err", err)
	}
}

// observe notes which heartbeats have changed.
func (s *server) observe() {
	t := &s.team
	entries, err := os.ReadDir(filepath.Join(t.dir, "beats"))
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(t.dir, "beats", entry.Name()))
		if err != nil || strings.HasSuffix(entry.Name(), ".new") {
			continue
		}
		m := t.others[entry.Name()]
		if m == nil {
			m = &teammate{}
			t.others[entry.Name()] = m
		}
		if m.content != string(content) {
			m.content, m.changes, m.changed = string(content), m.changes+1, time.Now()
		}
	}
}

// isAlive reports whether another server may be alive.
func (s *server) isAlive(name string) bool {
	t := &s.team
	if s.has("lease-by-mtime") {
		info, err := os.Stat(filepath.Join(t.dir, "beats", name))
		return err == nil && time.Since(info.ModTime()) < s.workerTimeout
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.others[name]
	if m == nil {
		m = &teammate{changed: time.Now()}
		t.others[name] = m
	}
	if s.has("unseen-is-dead") && m.changes < 2 {
		return false
	}
	return m.content != "stopped" && (time.Since(m.changed) < s.workerTimeout || s.has("leaves-claims"))
}

// isFresh reports whether the others cannot take this server for dead soon.
func (s *server) isFresh() bool {
	s.team.mu.Lock()
	defer s.team.mu.Unlock()
	return time.Since(s.team.renewed) < s.workerTimeout/2 || s.has("no-fence")
}

// claim makes a request this server's, and waits for a handler that is free. end frees the handler.
func (s *server) claim(file requestFile, sum [sha256.Size]byte) (end func(), ok bool) {
	free := func() {}
	wait := func() {
		if s.team.slots != nil {
			s.team.slots <- struct{}{}
			free = func() { <-s.team.slots }
		}
	}
	early := s.has("greedy") || s.has("no-fence")
	if !early {
		wait()
	}
	var earlier []string
	ok = s.isFresh()
	if ok {
		earlier, ok = s.takeClaim(file, sum)
	}
	if !ok || !s.isFresh() || s.answered(file) || s.knowsFrom(earlier, file, sum) {
		free()
		return nil, false
	}
	if early {
		wait()
	}
	return free, true
}

// takeClaim makes the next generation of the claim of a request whose holder is dead, or the first. It
// returns who had the request before.
func (s *server) takeClaim(file requestFile, sum [sha256.Size]byte) (earlier []string, ok bool) {
	t := &s.team
	if s.has("no-claims") {
		return nil, true
	}
	key := sha256.Sum256(append([]byte(file.request()), sum[:]...))
	own := t.name()
	target := own + "/" + file.request()
	for generation := 1; ; generation++ {
		name := filepath.Join(t.dir, "claims", fmt.Sprintf("%x.%d", key[:16], generation))
		switch {
		case s.has("claim-by-rename"):
			return nil, s.claimByRename(name, target)
		case s.has("nameless-claim"):
			f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o644)
			if err == nil {
				f.Close()
			}
			return nil, err == nil
		}
		err := os.Symlink(target, name)
		if err == nil {
			return earlier, true
		}
		has, readErr := os.Readlink(name)
		if readErr != nil {
			s.log.Error("claim failed", "err", errors.Join(err, readErr))
			return nil, false
		}
		holder, _, _ := strings.Cut(has, "/")
		earlier = append(earlier, holder)
		if s.has("claim-by-mtime") {
			info, err := os.Lstat(name)
			if err != nil || time.Since(info.ModTime()) < s.workerTimeout {
				return nil, false
			}
			continue
		}
		next := filepath.Join(t.dir, "claims", fmt.Sprintf("%x.%d", key[:16], generation+1))
		_, err = os.Lstat(next)
		switch {
		case err == nil: // another server has taken it over
		case holder == own:
			return earlier, true
		case s.isAlive(holder):
			return nil, false
		}
	}
}

// knowsFrom reports whether a server that had a request before has replied to it, and takes over its
// reply.
func (s *server) knowsFrom(earlier []string, file requestFile, sum [sha256.Size]byte) bool {
	t := &s.team
	for _, name := range earlier {
		if base(name) == t.base || s.has("forgets-others") {
			continue
		}
		if err := s.replies.adopt(s.repliesOf(name), file.request()); err != nil {
			s.log.Error("reading replies of another server failed", "err", err)
		}
	}
	return s.replies.lookup(file, sum)
}

// base returns the first name of a server.
func base(name string) string {
	base, _, _ := strings.Cut(name, "+")
	return base
}

// repliesOf returns the path of the replies of a server.
func (s *server) repliesOf(name string) string {
	return filepath.Join(s.team.dir, "answered-"+base(name))
}

// claimByRename claims as a server does that only looks whether there is a claim: two that look at
// the same time both have it.
func (s *server) claimByRename(name, target string) bool {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	time.Sleep(defectPause / 5)
	own := name + "." + s.team.name()
	return os.Symlink(target, own) == nil && os.Rename(own, name) == nil
}

// sweepClaims removes the claims of requests that are gone for the orphan delay.
func (s *server) sweepClaims() {
	t := &s.team
	dir := filepath.Join(t.dir, "claims")
	entries, err := os.ReadDir(dir)
	if err != nil || s.orphanDelay == 0 || s.has("claims-stay") {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(dir, entry.Name()))
		if err != nil {
			continue
		}
		_, request, _ := strings.Cut(target, "/")
		if _, err := os.Lstat(s.path(request)); !errors.Is(err, fs.ErrNotExist) {
			delete(t.gone, entry.Name())
			continue
		}
		since, known := t.gone[entry.Name()]
		switch {
		case !known:
			t.gone[entry.Name()] = time.Now()
		case time.Since(since) >= s.orphanDelay:
			os.Remove(filepath.Join(dir, entry.Name()))
			delete(t.gone, entry.Name())
		}
	}
}
