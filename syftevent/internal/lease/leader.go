package lease

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// leaderName is the name of the claim of whoever leads.
const leaderName = "leader"

// keptLeaders is the number of generations of that claim that are kept. A process that lists an old
// state of the directory must not find a generation free that was removed.
const keptLeaders = 64

// leaders returns the generations of the leader's claim that a listing shows, in order.
func (d Dir) leaders() ([]Claim, error) {
	var entries []fs.DirEntry
	err := rootfs.Retry(func() (err error) {
		entries, err = os.ReadDir(filepath.Join(string(d), leaderDir))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []Claim
	for _, entry := range entries {
		if c, ok := parseClaim(entry.Name(), "?/"); ok && c.Name == leaderName {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b Claim) int { return cmp.Compare(a.Generation, b.Generation) })
	return all, err
}

// Lead makes the holder of a lease the leader, unless the leader may be alive. It returns the
// claim of the leader. Each leader has a higher generation than those before it.
func (d Dir) Lead(l *Lease, alive func(holder string) bool) (Claim, error) {
	dir := filepath.Join(string(d), leaderDir)
	all, err := d.leaders()
	if err != nil {
		return Claim{}, err
	}
	generation := 1
	if len(all) > 0 {
		generation = all[len(all)-1].Generation
	}
	for ; ; generation++ {
		c := Claim{Name: leaderName, Generation: generation, Holder: l.Name}
		there, _, err := c.make(dir)
		if errors.Is(err, fs.ErrNotExist) {
			if err := d.Make(); err != nil {
				return Claim{}, err
			}
			there, _, err = c.make(dir)
		}
		if err != nil || there.Holder == l.Name || alive(there.Holder) {
			if err == nil && there.Holder == l.Name {
				d.removeLeaders(all, generation-keptLeaders)
			}
			return there, err
		}
	}
}

func (d Dir) removeLeaders(all []Claim, upTo int) {
	for _, c := range all {
		if c.Generation <= upTo {
			os.Remove(filepath.Join(string(d), leaderDir, c.File()))
		}
	}
}

// Leads reports whether a leader's claim is there and still the last one. An error says nothing,
// but a claim that was removed is lost: another server may have made the same generation.
func (d Dir) Leads(c Claim) bool {
	dir := filepath.Join(string(d), leaderDir)
	next := Claim{Name: leaderName, Generation: c.Generation + 1}
	if _, err := readClaim(dir, next.File()); err == nil {
		return false
	}
	there, err := readClaim(dir, c.File())
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return there.Holder == c.Holder
}

// Leader returns the claim of the last leader.
func (d Dir) Leader() (Claim, error) {
	all, err := d.leaders()
	if err != nil || len(all) == 0 {
		return Claim{}, err
	}
	return readClaim(filepath.Join(string(d), leaderDir), all[len(all)-1].File())
}
