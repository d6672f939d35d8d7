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
//	replies/HASH        the response to the request; the first that a server has made
const teamName = "mutant-workers.tmp"

// A team is what a server knows of the others.
type team struct {
	dir, base string        // base is the first name
	first     bool          // no other was there at the start
	slots     chan struct{} // the handlers that may run at once; nil for any number
	ended     chan struct{}
	loops     sync.WaitGroup

	recording sync.Mutex           // held while a reply is written
	gone      map[string]time.Time // claims whose request is missing, and since when; used by sweepClaims

	mu      sync.Mutex
	lives   int                  // names besides the first
	renewed time.Time            // when the own counter was raised last
	others  map[string]*teammate // by name, this server too
}

type teammate struct {
	content string
	changes int
	changed time.Time // when the content was seen to change, by the own clock
	dead    bool      // stays true: a server that goes on has another name
}

func (s *server) joinWorkers(ctx context.Context) error {
	t := &s.team
	t.dir = filepath.Join(filepath.Dir(s.rpc), teamName)
	t.base = fmt.Sprintf("%d-%s", os.Getpid(), strings.ToLower(rand.Text()[:6]))
	t.ended, t.others, t.gone = make(chan struct{}), map[string]*teammate{}, map[string]time.Time{}
	s.replies.shared = true
	if n := s.concurrency; n > 0 {
		t.slots = make(chan struct{}, n)
	} else if s.has("no-fence") {
		t.slots = make(chan struct{}, 2)
	}
	for _, name := range []string{"beats", "claims", "replies"} {
		if err := os.MkdirAll(filepath.Join(t.dir, name), 0o755); err != nil {
			return fmt.Errorf("join workers: %w", err)
		}
	}
	count := 0
	beat := func() {
		began := time.Now()
		count++
		if err := s.writeBeat(fmt.Sprint(count)); err != nil {
			s.log.Error("heartbeat failed", "err", err)
			return
		}
		t.mu.Lock()
		lapsed := count > 1 && time.Since(t.renewed) >= s.workerTimeout && !s.has("one-name")
		t.mu.Unlock()
		if lapsed {
			// Others may have taken this server for dead before they saw the heartbeat.
			if err := s.takeNewName(count); err != nil {
				s.log.Error("heartbeat failed", "err", err)
				return
			}
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
				s.observe()
				beat()
			}
		}
	})
	// Not in the scan: sweeping the claims of many requests takes long.
	t.loops.Go(func() {
		for s.orphanDelay > 0 && !s.has("claims-stay") {
			select {
			case <-t.ended:
				return
			case <-time.After(s.orphanDelay / 10):
				s.sweepClaims()
			}
		}
	})
	return nil
}

// name returns the name now.
func (t *team) name() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.currentName()
}

// currentName is name with t.mu locked.
func (t *team) currentName() string {
	if t.lives == 0 {
		return t.base
	}
	return fmt.Sprintf("%s+%d", t.base, t.lives)
}

// takeNewName lets others take over at once what this server has claimed, and gives it another name.
func (s *server) takeNewName(count int) error {
	if err := s.writeBeat("stopped"); err != nil {
		return err
	}
	s.team.mu.Lock()
	s.team.lives++
	s.team.mu.Unlock()
	return s.writeBeat(fmt.Sprint(count))
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

// observe notes which heartbeats have changed, and which servers are dead.
func (s *server) observe() {
	t := &s.team
	began := time.Now() // if this server is suspended from now on, what it reads may be old
	dir := filepath.Join(t.dir, "beats")
	entries, err := os.ReadDir(dir)
	contents := map[string]string{}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".new") {
			continue
		}
		content, readErr := os.ReadFile(filepath.Join(dir, entry.Name()))
		contents[entry.Name()] = string(content)
		err = errors.Join(err, readErr)
	}
	if err != nil {
		s.log.Error("reading heartbeats failed", "err", err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, content := range contents {
		if m := t.teammate(name); m.content != content {
			m.content, m.changes, m.changed = content, m.changes+1, time.Now()
		}
	}
	for _, m := range t.others {
		silent := began.Sub(m.changed) >= s.workerTimeout && !s.has("leaves-claims")
		m.dead = m.dead || m.content == "stopped" || silent
	}
}

// teammate returns what is known of a server. t.mu is locked.
func (t *team) teammate(name string) *teammate {
	if t.others[name] == nil {
		t.others[name] = &teammate{changed: time.Now()}
	}
	return t.others[name]
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
	m := t.teammate(name)
	return !m.dead && !(s.has("unseen-is-dead") && m.changes < 2)
}

// isFresh reports whether the others cannot take this server for dead soon, and its name is still
// this one.
func (s *server) isFresh(name string) bool {
	t := &s.team
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.renewed) < s.workerTimeout/2 && t.currentName() == name || s.has("no-fence")
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
	own := s.team.name()
	ok = s.isFresh(own)
	if ok {
		earlier, ok = s.takeClaim(own, file, sum)
	}
	if !ok || !s.isFresh(own) || s.answered(file) || s.knowsFrom(earlier, file, sum) {
		free()
		return nil, false
	}
	if early {
		wait()
	}
	return free, true
}

// claimHash returns what claims call a request: other bytes are another one.
func claimHash(file requestFile, sum [sha256.Size]byte) string {
	hash := sha256.Sum256(append([]byte(file.request()), sum[:]...))
	return fmt.Sprintf("%x", hash[:16])
}

// takeClaim makes the next generation of the claim of a request whose holder is dead, or the first. It
// returns who had the request before.
func (s *server) takeClaim(own string, file requestFile, sum [sha256.Size]byte) (earlier []string, ok bool) {
	t := &s.team
	if s.has("no-claims") {
		return nil, true
	}
	claim := filepath.Join(t.dir, "claims", claimHash(file, sum))
	target := own + "/" + file.request()
	for generation := 1; ; generation++ {
		name := fmt.Sprintf("%s.%d", claim, generation)
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
		_, err = os.Lstat(fmt.Sprintf("%s.%d", claim, generation+1))
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
	if len(earlier) == 0 || s.has("forgets-others") {
		return false
	}
	response, err := os.ReadFile(s.recordedReply(file, sum))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		s.log.Error("reading reply of another server failed", "err", err)
		return true // it may be readable in the next scan
	}
	s.replies.adopt(file, sum, response)
	return true
}

// recordedReply returns the path of the recorded reply to a request.
func (s *server) recordedReply(file requestFile, sum [sha256.Size]byte) string {
	return filepath.Join(s.team.dir, "replies", claimHash(file, sum))
}

// record records the reply to a request before it is published, and returns the one that counts: that
// of another server if it was faster. So all servers publish the same response, whenever they are
// suspended or killed.
func (s *server) record(file requestFile, sum [sha256.Size]byte, response []byte) []byte {
	t := &s.team
	t.recording.Lock()
	defer t.recording.Unlock()
	name := s.recordedReply(file, sum)
	temporary := filepath.Join(t.dir, "replies", t.base+".new")
	err := os.WriteFile(temporary, response, 0o600)
	if err == nil {
		err = os.Link(temporary, name) // fails if there is one
	}
	os.Remove(temporary)
	if errors.Is(err, fs.ErrExist) {
		var recorded []byte
		if recorded, err = os.ReadFile(name); err == nil {
			return recorded
		}
	}
	if err != nil {
		s.log.Error("record reply failed", "err", err)
	}
	return response
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

// sweepClaims removes the claims of requests that are gone for the orphan delay, and the replies to
// them.
func (s *server) sweepClaims() {
	t := &s.team
	dir := filepath.Join(t.dir, "claims")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		select {
		case <-t.ended:
			return
		default:
		}
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
			hash, _, _ := strings.Cut(entry.Name(), ".")
			os.Remove(filepath.Join(t.dir, "replies", hash))
			os.Remove(filepath.Join(dir, entry.Name()))
			delete(t.gone, entry.Name())
		}
	}
}
