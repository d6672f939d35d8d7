package fakebox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// A Replica is one person's machine: a SyftBox folder with a copy of the datasites, its
// configuration file, and its client.
type Replica struct {
	// Email is the address of the person.
	Email string

	box    *Box
	dir    string
	tree   *tree
	daemon *daemon
}

// emailPattern matches the names that SyftBox accepts for datasites.
var emailPattern = regexp.MustCompile(`^[a-z0-9_.+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$`)

// serverURL is an address where nothing answers.
const serverURL = "https://syftbox.invalid"

// Join adds a person to the network and returns their replica. An error fails the test
// passed to [New]; in a network created by [Open], Join panics. See [Box.TryJoin].
func (b *Box) Join(email string) *Replica {
	r, err := b.TryJoin(email)
	if b.failed(err) != nil && b.test == nil {
		panic(err)
	}
	return r
}

// TryJoin is like Join, but returns the error. It fails if the address is invalid or has
// joined before, or if its folder has files of somebody else.
func (b *Box) TryJoin(email string) (*Replica, error) {
	if !emailPattern.MatchString(email) {
		return nil, fmt.Errorf("fakebox: %q is not an e-mail address in lower case", email)
	}
	b.life.Lock()
	defer b.life.Unlock()
	r, started, err := b.join(email)
	if err != nil {
		return nil, err
	}
	if started {
		err = r.daemon.start()
	}
	return r, err
}

func (b *Box) join(email string) (r *Replica, started bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false, fmt.Errorf("fakebox: join %s: %w", email, errClosed)
	}
	if b.replicas[email] != nil {
		return nil, false, fmt.Errorf("fakebox: %s has already joined", email)
	}
	r = &Replica{Email: email, box: b, dir: filepath.Join(b.dir, email)}
	r.tree = &tree{sim: b.sim, email: email, dir: filepath.Join(r.dir, "SyftBox")}
	if err := r.create(); err != nil {
		return nil, false, fmt.Errorf("fakebox: create replica of %s: %w", email, err)
	}
	r.daemon = newDaemon(b.sim, b.session, b.hub, r.tree, b.config.Download)
	b.replicas[email] = r
	return r, b.started, nil
}

// create creates the folders and the configuration file. That file also identifies the
// folder as a replica of this network.
func (r *Replica) create() error {
	type configuration struct {
		DataDir   string `json:"data_dir"`
		Email     string `json:"email"`
		ServerURL string `json:"server_url"`
		ClientURL string `json:"client_url"`
	}
	want := configuration{r.DataDir(), r.Email, serverURL, "http://127.0.0.1:7938"}
	if entries, err := os.ReadDir(r.dir); err == nil && len(entries) > 0 {
		var got configuration
		data, err := os.ReadFile(r.ConfigPath())
		if err == nil {
			err = json.Unmarshal(data, &got)
		}
		if err != nil || got != want {
			return fmt.Errorf("folder %s is not empty and not a replica of this network", r.dir)
		}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	config, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.ConfigPath(), config, 0o600); err != nil {
		return err
	}
	if err := os.MkdirAll(r.Datasite(), 0o755); err != nil {
		return err
	}
	r.tree.root, err = os.OpenRoot(r.DataDir())
	return err
}

// DataDir returns the SyftBox folder, the parent of "datasites".
func (r *Replica) DataDir() string { return r.tree.dir }

// ConfigPath returns the configuration file, for SYFTBOX_CLIENT_CONFIG_PATH.
func (r *Replica) ConfigPath() string { return filepath.Join(r.dir, "config.json") }

// Datasites returns the folder that contains all datasites.
func (r *Replica) Datasites() string { return r.tree.datasites() }

// Datasite returns the person's own datasite.
func (r *Replica) Datasite() string { return filepath.Join(r.Datasites(), r.Email) }

// Path returns the file of a path relative to "datasites", such as [Event.Path].
func (r *Replica) Path(key string) string { return r.tree.path(key) }

// Start starts the client again after [Replica.Stop]. The client runs a full sync, which
// carries what was written meanwhile, then watches all folders again, and connects. Start
// returns when the client is connected. It returns an error if the client is running, if
// the network was not started or is closed, or, as in SyftBox, if the server cannot be
// reached. An error fails the test passed to [New].
func (r *Replica) Start() error {
	r.box.life.Lock()
	defer r.box.life.Unlock()
	err := r.start()
	if err != nil {
		err = fmt.Errorf("fakebox: start client of %s: %w", r.Email, err)
	}
	return r.box.failed(err)
}

func (r *Replica) start() error {
	started, closed := r.box.state()
	switch {
	case closed:
		return errClosed
	case !started:
		return errors.New("network is not started")
	case r.daemon.process.running():
		return errRunning
	}
	if err := r.daemon.start(); err != nil {
		return err
	}
	r.box.sim.journal.record(Event{Actor: boxActor(r.Email), Op: OpStart})
	return nil
}

// Stop kills the client. Until [Replica.Start], nothing is watched, sent, received or
// synced on this machine, and a file that the client was writing stays incomplete. The
// client's record of synced files survives, except for files that were sent less than
// [JournalDelay] ago: they become conflicts at the next start. Stop returns an error if
// the client is not running; an error fails the test passed to [New].
func (r *Replica) Stop() error {
	r.box.life.Lock()
	defer r.box.life.Unlock()
	err := errors.New("not running")
	if r.daemon.process.running() {
		err = r.daemon.stop()
	}
	if err != nil {
		return r.box.failed(fmt.Errorf("fakebox: stop client of %s: %w", r.Email, err))
	}
	r.box.sim.journal.record(Event{Actor: boxActor(r.Email), Op: OpStop})
	return nil
}

// SetOnline connects the machine to the network, or disconnects it. The client of an
// offline machine keeps running: sending a modified file fails, which counts towards
// [MaxErrors], and so does each full sync. When the machine is online again, the client
// reconnects after [ReconnectDelay] to [MaxReconnectDelay], and the next full sync
// carries what was missed. A client does not start on an offline machine. A new replica
// is online.
func (r *Replica) SetOnline(online bool) { r.daemon.conn.setOnline(online) }

// Cycles returns the number of full syncs of the replica that have ended, including
// failed ones. A successful full sync has handled every file that existed when it began.
func (r *Replica) Cycles() int { return int(r.daemon.syncer.cycles.Load()) }
