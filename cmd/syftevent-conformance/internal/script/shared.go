package script

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
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

	workers        map[string]*target.Process // the servers beside it, by their names in scripts
	workersStarted int
}

// OpenShared creates a folder and a network in it. [Shared.Close] closes the network.
func OpenShared(config Config, dir string) (*Shared, error) {
	config.Names, config.Role = config.Names.OrExamples(), cmp.Or(config.Role, target.Server)
	box, err := fakebox.Open(filepath.Join(dir, "box"), fakebox.Config{Seed: config.Seed})
	if err != nil {
		return nil, err
	}
	replica, err := box.TryJoin(config.Self())
	if err != nil {
		return nil, errors.Join(err, box.Close())
	}
	return &Shared{dir: dir, config: config, box: box, replica: replica, workers: map[string]*target.Process{}}, nil
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

// Resources returns what the server uses now.
func (s *Shared) Resources() (target.Resources, error) { return s.process.Resources() }

// Folders returns the number of folders in the datasite of the server.
func (s *Shared) Folders() (n int, err error) {
	err = filepath.WalkDir(s.replica.Path(s.config.Names.Server), func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			n++
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return n, err
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

// Close kills the server, and those beside it, and closes the network. The files stay.
func (s *Shared) Close() error {
	if s.process != nil {
		s.process.Kill()
	}
	for _, process := range s.workers {
		process.Kill()
	}
	return s.box.Close()
}
