package script

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox"
)

// A Shared is a server and its network that several scenarios use, one after the other
// (see [Run.Share]). The server starts with the first "server start". The methods must not
// be called concurrently, or while a scenario runs.
type Shared struct {
	dir     string
	config  Config
	box     *fakebox.Box
	replica *fakebox.Replica
	process *target.Process // nil before the first start
	numbers int             // of requests
}

// OpenShared creates a folder and a network in it. [Shared.Close] closes the network.
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

// Dir returns the folder.
func (s *Shared) Dir() string { return s.dir }

// Died returns the exit status of a server that exited, "" if it runs or has not started.
func (s *Shared) Died() string {
	if s.process == nil || !s.process.Exited() {
		return ""
	}
	return s.process.Status()
}

// Stop stops the server. It returns an error if the server had exited, or had to be
// killed.
func (s *Shared) Stop() error {
	if s.process == nil {
		return nil
	}
	if status := s.Died(); status != "" {
		return fmt.Errorf("the server has ended (%s) before it was told to stop", status)
	}
	return s.process.Stop(s.config.answerWithin(s.process.Ready()))
}

// Close kills the server if it runs, and closes the network. The files stay.
func (s *Shared) Close() error {
	if s.process != nil {
		s.process.Kill()
	}
	return s.box.Close()
}
