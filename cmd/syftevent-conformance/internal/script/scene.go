package script

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// A scene is what all parts of a scenario share: the network, the clock and the timeline.
type scene struct {
	config   Config
	ctx      context.Context
	dir      string // the script's directory
	network  *boxscript.Network
	shared   *Shared // nil for a server of the scenario's own
	timeline *timeline
	watch    *watch    // nil before the server's first start
	observer observer  // nil before that, or if the scenario is not observed
	notifier *notifier // nil if the watch shows the observer the changes
	script   string    // its text; "" for a scenario that is not observed
	premises *premises
	encrypts bool // the server has keys, outside of the app's folder
}

// open starts the network, or uses the shared one.
func (s *scene) open(network *boxscript.Network) error {
	s.network = network
	network.Seed, network.Delivery, network.Sender = s.config.Seed, s.config.Delivery, s.config.Names.Client
	err := error(nil)
	if s.shared != nil {
		err = network.Adopt(s.shared.box, s.shared.replica)
	} else {
		err = network.Start(s.boxDir(), s.config.Self())
	}
	if err != nil || s.config.Role != target.Client {
		return err
	}
	// SyftBox has brought the folder of the server's app.
	return os.MkdirAll(s.rpc(), 0o755)
}

// home returns the folder of the server's logs and of the record file.
func (s *scene) home() string {
	if s.shared != nil {
		return s.shared.dir
	}
	return s.dir
}

func (s *scene) boxDir() string {
	if s.home() == "" {
		return ""
	}
	return filepath.Join(s.home(), "box")
}

// rpc returns the folder in which the server's requests arrive. That of a client's call is in its
// own replica.
func (s *scene) rpc() string {
	return s.network.Server.Path(s.config.Names.Server + "/app_data/" + s.config.Names.App + "/rpc")
}

func (s *scene) recordPath() string { return filepath.Join(s.home(), "record.log") }

// relative shortens a path for a message.
func (s *scene) relative(name string) string {
	rel, err := filepath.Rel(s.network.Server.Datasites(), name)
	if err != nil {
		return name
	}
	return filepath.ToSlash(rel)
}

// list returns the paths below the script's directory, and whether each is a folder.
func (s *scene) list() (map[string]bool, error) {
	paths := map[string]bool{}
	err := filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // a temporary file
		}
		paths[name] = d != nil && d.IsDir()
		return err
	})
	return paths, err
}

// sleep pauses, and returns early with an error if the run is canceled.
func (s *scene) sleep(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// startWatch begins to watch "rpc". If silent, the files that exist already are not
// part of the timeline.
func (s *scene) startWatch(silent bool) {
	if s.watch != nil {
		return
	}
	if s.script != "" {
		// What the script names may be its own.
		planted := func(base string) bool { return strings.Contains(s.script, base) }
		if s.config.Role == target.Client {
			s.observer = newClientObserver(s.rpc(), s.config.Names.Client, planted)
		} else {
			s.observer = newServerObserver(s.rpc(), planted)
		}
	}
	shown := s.observer
	if shown != nil {
		var err error
		if s.notifier, err = startNotifier(s.network.Server.Path(s.config.Names.Server), s.observer); err == nil {
			shown = nil
		}
	}
	s.watch = startWatch(s.rpc(), s.timeline, shown, silent)
}

func (s *scene) endWatch() {
	if s.watch != nil {
		s.watch.end()
	}
	if s.notifier != nil {
		s.notifier.end()
	}
}

// addCommand adds a command to the timeline, after the file changes so far.
func (s *scene) addCommand(name string, neg bool, args []string) {
	if s.watch != nil && !s.config.LooseTimeline {
		s.watch.scan()
	}
	s.timeline.add(Commanded, s.commandText(name, neg, args), -1)
}

// answerWithin returns how long a server may take to answer: long enough for a slow
// machine, a long poll interval, and the server's own delays.
func (c Config) answerWithin(ready target.Ready) time.Duration {
	return c.scale(10*time.Second + 20*ready.Poll() + ready.Settle() + ready.Republish())
}

func (c Config) scale(d time.Duration) time.Duration {
	return time.Duration(float64(d) * c.Timescale)
}

// exists reports whether a path exists. It does not follow symbolic links.
func exists(name string) (bool, error) {
	_, err := lstat(name)
	if os.IsNotExist(err) {
		return false, nil
	}
	return err == nil, err
}
