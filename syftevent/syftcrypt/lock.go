package syftcrypt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	lockName = "syftevent-lock"
	// lockWait is how long a change of the keys waits for that of another process.
	lockWait = 10 * time.Second
	// lockPause is the time between two attempts.
	lockPause = 5 * time.Millisecond
)

// errLocked is returned by tryLock for a file that another process has locked.
var errLocked = errors.New("locked")

// lock keeps other processes from changing the keys until unlock. It waits for them if wait is
// set. On a file system without locks it does nothing, nor where it cannot write: nobody changes keys
// there.
func (s *state) lock(wait bool) (unlock func(), err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	name := filepath.Join(s.dir, lockName)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return func() {}, nil
	}
	for deadline := time.Now().Add(lockWait); ; time.Sleep(lockPause) {
		err = tryLock(f)
		if !errors.Is(err, errLocked) {
			return func() { f.Close() }, nil
		}
		if !wait || time.Now().After(deadline) {
			f.Close()
			return nil, fmt.Errorf("another process changes the keys and has locked %s", name)
		}
		if s.lockBusy != nil {
			s.lockBusy()
		}
	}
}
