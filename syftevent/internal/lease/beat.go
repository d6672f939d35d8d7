package lease

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A State is what a holder says of itself.
type State string

// The states of a holder.
const (
	Starting State = "starting"
	Running  State = "running"
	Stopping State = "stopping" // it finishes what it has begun
	Stopped  State = "stopped"  // it has ended, and left what it had claimed
)

// A Beat is the content of a heartbeat. Only Name, Sequence, State and Process matter to an
// observer of this package; the rest is for others.
type Beat struct {
	Name     string    `json:"name"`     // of the lease
	Sequence uint64    `json:"sequence"` // rises with each renewal
	State    State     `json:"state"`
	Process  string    `json:"process,omitempty"` // see [process]
	Host     string    `json:"host"`
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"` // by the holder's clock, for people

	Alone     bool     `json:"alone,omitempty"`   // the holder shares with nobody
	Leading   bool     `json:"leading,omitempty"` // it leads
	Routes    []string `json:"routes,omitempty"`  // what it has handlers for
	Temp      string   `json:"temp,omitempty"`    // begins the names of its temporary files
	InFlight  int      `json:"in_flight"`         // requests
	Answered  int      `json:"answered"`
	TakenOver int      `json:"taken_over"` // claims of dead holders
}

// write writes the heartbeat. A reader finds the old content or the new one.
func (d Dir) write(b *Beat) error {
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	path := filepath.Join(string(d), beatsDir, b.Name)
	once := func() error {
		return rootfs.Retry(func() error {
			if err := os.WriteFile(path+tempSuffix, data, 0o644); err != nil {
				return err
			}
			return os.Rename(path+tempSuffix, path)
		})
	}
	if err = once(); errors.Is(err, fs.ErrNotExist) {
		if err := d.Make(); err != nil {
			return err
		}
		err = once()
	}
	return err
}

// read reads the heartbeat of a name.
func (d Dir) read(name string) (b Beat, err error) {
	var data []byte
	err = retryMissing(func() (err error) {
		// It is opened anew: that makes NFS ask the file server.
		data, err = os.ReadFile(filepath.Join(string(d), beatsDir, name))
		return err
	})
	if err != nil {
		return Beat{}, err
	}
	if err := json.Unmarshal(data, &b); err != nil {
		return Beat{}, &malformedError{name, data, err}
	}
	if b.Name != name {
		return Beat{}, &malformedError{name, data, fmt.Errorf("it is that of %q", b.Name)}
	}
	return b, nil
}

// A malformedError means that a file is no heartbeat. After the crash of a host it may be empty.
type malformedError struct {
	name string
	data []byte
	err  error
}

func (e *malformedError) Error() string { return "read heartbeat " + e.name + ": " + e.err.Error() }
func (e *malformedError) Unwrap() error { return e.err }

// names returns the names of all heartbeats.
func (d Dir) names() ([]string, error) {
	var entries []fs.DirEntry
	err := rootfs.Retry(func() (err error) {
		entries, err = os.ReadDir(filepath.Join(string(d), beatsDir))
		return err
	})
	var names []string
	for _, entry := range entries {
		if name := entry.Name(); !strings.HasSuffix(name, tempSuffix) && !entry.IsDir() {
			names = append(names, name)
		}
	}
	return names, err
}

// Forget removes a heartbeat.
func (d Dir) Forget(name string) error {
	os.Remove(filepath.Join(string(d), beatsDir, name+tempSuffix))
	return os.Remove(filepath.Join(string(d), beatsDir, name))
}

// newSuffix returns random text for a name.
func newSuffix() string { return strings.ToLower(rand.Text()[:10]) }

// maxHost is the number of characters of a host in a name.
const maxHost = 24

// newName returns a name that no other process on any host has: the host, the process and
// random text. It has no "." and no "/".
func newName(host string, pid int) string {
	clean := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}
	host = strings.Map(clean, strings.ToLower(host))
	return fmt.Sprintf("%s-%d-%s", host[:min(len(host), maxHost)], pid, newSuffix())
}

// Base returns the name of the first lease of the process that holds the lease of a name: each
// further one has a "." and a number more.
func Base(name string) string {
	base, _, _ := strings.Cut(name, ".")
	return base
}
