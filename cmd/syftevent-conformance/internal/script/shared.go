package script

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox"
)

// A Shared is one server in one network for scenarios that come one after the other
// (see [Run.Share]). The server starts when the first of them says "server start". Its
// methods may not be called concurrently, nor while a scenario runs.
type Shared struct {
	dir     string
	config  Config
	box     *fakebox.Box
	replica *fakebox.Replica
	process *target.Process // nil before the first start
	numbers int
}

// OpenShared makes a network in a folder, which it makes too. [Shared.Close] closes
// it.
func OpenShared(config Config, dir string) (*Shared, error) {
	box, err := fakebox.Open(filepath.Join(dir, "box"), fakebox.Config{Seed: config.Seed})
	if err != nil {
		return nil, err
	}
	replica, err := box.TryJoin(ServerEmail)
	if err != nil {
		return nil, errors.Join(err, box.Close())
	}
	return &Shared{dir: dir, config: config, box: box, replica: replica}, nil
}

// Dir is the folder with all of its files.
func (s *Shared) Dir() string { return s.dir }

// Died says how the server has ended, "" if it has not, or was not started yet.
func (s *Shared) Died() string {
	if s.process == nil || !s.process.Exited() {
		return ""
	}
	return s.process.Status()
}

// Stop tells the server to stop, and kills it when it does not for as long as it may
// take to answer; then that is the error.
func (s *Shared) Stop() error {
	if s.process == nil {
		return nil
	}
	if status := s.Died(); status != "" {
		return fmt.Errorf("the server has ended (%s) before it was told to stop", status)
	}
	return s.process.Stop(s.config.answerWithin(s.process.Ready()))
}

// Close ends the server at once, if it still runs, and the network. The files stay.
func (s *Shared) Close() error {
	if s.process != nil {
		s.process.Kill()
	}
	return s.box.Close()
}

// Share lets the scenario use a server that has served others. It is called before
// [Run.Params]; the script then must not stop the server, nor rely on what others
// have left in the network.
func (r *Run) Share(s *Shared) { r.shared = s }

// joinShared uses the server of the others if it runs, and reports whether it does.
func (r *Run) joinShared() bool {
	if r.shared == nil || r.shared.process == nil {
		return false
	}
	// What the others have left is not part of the story.
	r.watch = startWatch(r.rpc(), r.story, true)
	r.process = r.shared.process
	return true
}

// home is the folder of the server's logs, and of the file to which /record appends.
func (r *Run) home() string {
	if r.shared != nil {
		return r.shared.dir
	}
	return r.Dir
}

// BoxDir is the folder of the scenario's network, "" before Setup.
func (r *Run) BoxDir() string {
	if r.home() == "" {
		return ""
	}
	return filepath.Join(r.home(), "box")
}

// nextNumber numbers the requests that are made here in one network.
func (r *Run) nextNumber() int {
	n := &r.numbers
	if r.shared != nil {
		n = &r.shared.numbers
	}
	*n++
	return *n
}

// answerWithin is how long a server may take to answer: long enough for a slow
// machine, for a server that looks seldom to look many times, and for what it answers
// only after a time of its own.
func (c Config) answerWithin(ready target.Ready) time.Duration {
	return c.scale(10*time.Second + 20*ready.Poll() + ready.Settle() + ready.Republish())
}

func (c Config) scale(d time.Duration) time.Duration {
	return time.Duration(float64(d) * c.Timescale)
}
