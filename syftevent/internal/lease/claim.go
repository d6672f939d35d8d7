package lease

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A Claim is one generation of a claim.
type Claim struct {
	Name       string
	Generation int
	Holder     string // the name of a lease
	About      string // what it is about, for who reads it
}

// MaxAbout is the longest Claim.About in bytes. A symbolic link holds 4,095 bytes on Linux, 1,023
// on some systems.
const MaxAbout = 900

// errNoClaim means that a claim could not be made, and that nobody else has made it.
var errNoClaim = errors.New("claim cannot be made")

func (c Claim) target() string { return c.Holder + "/" + c.About }

// File returns the name of the file of a claim.
func (c Claim) File() string { return c.Name + "." + strconv.Itoa(c.Generation) }

// parseClaim returns the claim of a file name and a target.
func parseClaim(file, target string) (Claim, bool) {
	name, number, _ := strings.Cut(file, ".")
	generation, err := strconv.Atoi(number)
	holder, about, ok := strings.Cut(target, "/")
	return Claim{Name: name, Generation: generation, Holder: holder, About: about}, err == nil && ok && holder != ""
}

// make makes a claim in a directory. It returns the claim that is there then: c itself if the
// caller has it, also if an earlier attempt had made it and its reply was lost. Only the claim
// that is read decides: the error of the loser differs by file system. found reports whether the
// claim was there before this call.
func (c Claim) make(dir string) (there Claim, found bool, err error) {
	path := filepath.Join(dir, c.File())
	err = rootfs.Retry(func() error { return os.Symlink(c.target(), path) })
	if err == nil {
		return c, false, nil
	}
	there, readErr := readClaim(dir, c.File())
	switch {
	case readErr == nil:
		return there, true, nil
	case errors.Is(readErr, fs.ErrNotExist):
		return Claim{}, false, fmt.Errorf("%w: %w", errNoClaim, err)
	}
	return Claim{}, false, fmt.Errorf("%w: %w", errNoClaim, errors.Join(err, readErr))
}

// isSuperseded reports whether there is a next generation of a claim.
func (c Claim) isSuperseded(dir string) (bool, error) {
	next := Claim{Name: c.Name, Generation: c.Generation + 1}
	err := rootfs.Retry(func() error {
		_, err := os.Readlink(filepath.Join(dir, next.File()))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Superseded reports whether somebody has taken over what a claim is about.
func (d Dir) Superseded(c Claim) (bool, error) {
	return c.isSuperseded(filepath.Join(string(d), claimsDir))
}

func readClaim(dir, file string) (Claim, error) {
	var target string
	err := retryMissing(func() (err error) {
		target, err = os.Readlink(filepath.Join(dir, file))
		return err
	})
	if err != nil {
		return Claim{}, err
	}
	c, ok := parseClaim(file, target)
	if !ok {
		return Claim{}, fmt.Errorf("claim %s has no holder: %q", file, target)
	}
	return c, nil
}

// Take makes a claim under a lease: the first generation, or the next one while alive reports
// that the holder of a generation is not alive, or somebody has taken it over before. It returns
// the claim that counts now. The caller has it if Claim.Holder is the name of its lease, and must
// check [Lease.Fresh] then.
func (d Dir) Take(l *Lease, name, about string, alive func(holder string) bool) (Claim, error) {
	dir := filepath.Join(string(d), claimsDir)
	for generation := 1; ; generation++ {
		c := Claim{Name: name, Generation: generation, Holder: l.Name, About: about}
		there, found, err := c.make(dir)
		if errors.Is(err, fs.ErrNotExist) {
			if err := d.Make(); err != nil {
				return Claim{}, err
			}
			there, found, err = c.make(dir)
		}
		switch {
		case err != nil || !found:
			return there, err
		case there.Holder != l.Name && !alive(there.Holder):
			continue
		}
		// Others may have taken its holder for dead, this process included.
		if superseded, err := there.isSuperseded(dir); err != nil || !superseded {
			return there, err
		}
	}
}

// Claims calls f for each claim, in no order, until f returns false. It returns an error if
// they could not be listed; claims that could not be read are left out.
func (d Dir) Claims(f func(Claim) bool) error {
	dir := filepath.Join(string(d), claimsDir)
	list, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer list.Close()
	const part = 1024
	for {
		names, err := list.Readdirnames(part)
		for _, name := range names {
			if c, err := readClaim(dir, name); err == nil && !f(c) {
				return nil
			}
		}
		if len(names) == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			return nil
		}
	}
}

// Remove removes a claim.
func (d Dir) Remove(c Claim) error {
	return os.Remove(filepath.Join(string(d), claimsDir, c.File()))
}
