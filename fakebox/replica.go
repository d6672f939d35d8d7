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

// A Replica is one person's machine: a SyftBox folder, with a copy of the
// datasites, and the configuration that names it.
type Replica struct {
	// Email is the address of the person.
	Email string

	box  *Box
	dir  string
	root *os.Root // of DataDir
	daemon
}

// emailPattern is what SyftBox accepts as the name of a datasite, in lower case.
var emailPattern = regexp.MustCompile(`^[a-z0-9_.+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$`)

// serverURL is an address at which nothing answers.
const serverURL = "https://syftbox.invalid"

// Join adds a person to the network and returns their replica. If that fails it
// fails the test that [New] was given, or panics in a network made by [Open];
// there, [Box.TryJoin] returns the error.
func (b *Box) Join(email string) *Replica {
	r, err := b.TryJoin(email)
	if b.failed(err) != nil && b.test == nil {
		panic(err)
	}
	return r
}

// TryJoin is Join that returns its error: an address that is none or has joined
// already, or a folder of that name that is not this network's.
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
		err = r.startDaemon()
	}
	return r, err
}

func (b *Box) join(email string) (r *Replica, started bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false, errors.New("fakebox: the network was closed")
	}
	if b.replicas[email] != nil {
		return nil, false, fmt.Errorf("fakebox: %s has joined already", email)
	}
	r = &Replica{Email: email, box: b, dir: filepath.Join(b.dir, email), daemon: newDaemon()}
	if err := r.create(); err != nil {
		return nil, false, fmt.Errorf("fakebox: making the replica of %s: %w", email, err)
	}
	b.replicas[email] = r
	return r, b.started, nil
}

// create makes the folders and the configuration file, which is also the mark by
// which a folder is known to be ours.
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
			return fmt.Errorf("folder %s has files and is not a replica of this network: nothing was touched, choose another address or folder", r.dir)
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
	r.root, err = os.OpenRoot(r.DataDir())
	return err
}

// DataDir returns the SyftBox folder, the parent of "datasites".
func (r *Replica) DataDir() string { return filepath.Join(r.dir, "SyftBox") }

// ConfigPath returns the configuration file, for SYFTBOX_CLIENT_CONFIG_PATH.
func (r *Replica) ConfigPath() string { return filepath.Join(r.dir, "config.json") }

// Datasites returns the folder that holds everyone's datasite.
func (r *Replica) Datasites() string { return filepath.Join(r.DataDir(), "datasites") }

// Datasite returns the person's own datasite.
func (r *Replica) Datasite() string { return filepath.Join(r.Datasites(), r.Email) }
