//go:build linux

package syftevent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A power loss leaves each response complete, or the server repairs it at its next start.
// The server runs on a file system in an image file. What a loop device has written to that
// file is what a disk would hold when the power fails: the file is copied under load, and
// the copy is mounted.
//
// The test needs root, loop devices and the mkfs programs.
func TestProofPowerLoss(t *testing.T) {
	if !*fullProof {
		t.Skip("takes minutes, and needs root: with -proof")
	}
	for _, kind := range []disk{
		{mkfs: "mkfs.ext4 -q -F"},
		{mkfs: "mkfs.xfs -q -f", copyOptions: ",nouuid"},
	} {
		for _, durable := range []bool{false, true} {
			name := strings.TrimPrefix(strings.Fields(kind.mkfs)[0], "mkfs.")
			if durable {
				name += " durable"
			}
			t.Run(name, func(t *testing.T) {
				p := newProof(t, "")
				p.settings.Durable = durable
				p.losePower(makeDisk(t, kind, filepath.Join(t.TempDir(), "disk")))
			})
		}
	}
}

// diskSize is enough for the load, and for xfs.
const diskSize = 400 << 20

// A disk is a file system in a file.
type disk struct {
	mkfs        string // the command that makes it
	copyOptions string // for mounting a copy beside it
	image       string
	options     string
}

func (d disk) dir() string { return d.image + ".mount" }

// makeDisk makes a disk and mounts it, or skips the test.
func makeDisk(t *testing.T, d disk, image string) disk {
	t.Helper()
	words := strings.Fields(d.mkfs)
	if _, err := exec.LookPath(words[0]); err != nil || os.Geteuid() != 0 {
		t.Skipf("LEFT OUT: needs root and %s: %v", words[0], err)
	}
	if err := sparse(image, diskSize); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(words[0], append(words[1:], image)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", d.mkfs, err, out)
	}
	d.image, d.options = image, "loop"
	if err := d.mount(); err != nil {
		t.Skipf("LEFT OUT: no loop device can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := d.unmount(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d disk) mount() error {
	if err := os.Mkdir(d.dir(), 0o755); err != nil {
		return err
	}
	out, err := exec.Command("mount", "-o", d.options, d.image, d.dir()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mount: %w: %s", err, out)
	}
	return nil
}

func (d disk) unmount() error {
	out, err := exec.Command("umount", d.dir()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("umount: %w: %s", err, out)
	}
	return nil
}

// copyAt copies the image without syncing the file system. It discards a copy during which
// the file system wrote: no disk ever had that content.
func (d disk) copyAt(image string) (disk, error) {
	copied := disk{image: image, options: d.options + d.copyOptions}
	for {
		before, err := os.Stat(d.image)
		if err != nil {
			return copied, err
		}
		if err := copyFile(d.image, image); err != nil {
			return copied, err
		}
		if after, err := os.Stat(d.image); err != nil || after.ModTime().Equal(before.ModTime()) {
			return copied, err
		}
	}
}

// copyFile copies a file byte for byte, and leaves holes where there are zeros.
func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	defer target.Close()
	zeros, block := make([]byte, 1<<20), make([]byte, 1<<20)
	for offset := int64(0); ; offset += int64(len(block)) {
		n, err := io.ReadFull(source, block)
		if n > 0 && !bytes.Equal(block[:n], zeros[:n]) {
			if _, err := target.WriteAt(block[:n], offset); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return target.Truncate(offset + int64(n))
		}
		if err != nil {
			return err
		}
	}
}

// powerLosses is the number of power losses of a disk. They occur at different times since
// the last commit of the journal, which happens every 5 s. The last one occurs after data was
// written back, which begins after 30 s.
const powerLosses = 4

// losePower runs a server on a disk under load, simulates several power losses, and checks
// how a server recovers from each.
func (p *proof) losePower(d disk) {
	p.settings.DataDir = d.dir()
	p.start()
	var pause sync.RWMutex // held for writing while the disk is copied
	over := make(chan struct{})
	var load sync.WaitGroup
	for n := range 4 {
		chance := rand.New(rand.NewPCG(*proofSeed, uint64(n)))
		load.Go(func() { p.load(n, chance, &pause, over) })
	}
	var copies []disk
	for n := range powerLosses {
		time.Sleep(max(proofDuration(), 33*time.Second) / powerLosses)
		pause.Lock()
		p.child.cmd.Process.Signal(syscall.SIGSTOP)
		c, err := d.copyAt(fmt.Sprint(d.image, n))
		p.child.cmd.Process.Signal(syscall.SIGCONT)
		pause.Unlock()
		if err != nil {
			p.Error(err)
			break
		}
		copies = append(copies, c)
	}
	close(over)
	load.Wait()
	p.child.kill()
	for n, c := range copies {
		if err := c.mount(); err != nil {
			p.Error(err)
			continue
		}
		p.Run(fmt.Sprint("power loss ", n), func(t *testing.T) {
			after := &proof{T: t, settings: p.settings}
			after.settings.DataDir = c.dir()
			after.afterPowerLoss()
		})
		if err := c.unmount(); err != nil {
			p.Error(err)
		}
		os.Remove(c.image)
	}
}

// load writes complete requests and syncs them, so that they survive the power loss and only
// the server's files are at stake.
func (p *proof) load(n int, chance *rand.Rand, pause *sync.RWMutex, over <-chan struct{}) {
	dir := filepath.Join(p.rpc(), "record", fmt.Sprintf("sender%d@example.com", n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.Error(err)
		return
	}
	for m := 0; ; m++ {
		select {
		case <-over:
			return
		default:
		}
		id := fmt.Sprintf("r%06d", m)
		data := envelope("/record", map[string]any{"id": id, "sender": filepath.Base(dir), "body": bytes.Repeat([]byte("x"), chance.IntN(3000))})
		pause.RLock()
		temp := filepath.Join(dir, id+".request.tmp.1")
		f, err := os.Create(temp)
		if err == nil {
			_, err = f.Write(data)
			err = errors.Join(err, f.Sync(), f.Close(), os.Rename(temp, filepath.Join(dir, id+".request")))
		}
		pause.RUnlock()
		if err != nil {
			p.Error(err)
			return
		}
		time.Sleep(time.Duration(chance.IntN(20)) * time.Millisecond)
	}
}

// afterPowerLoss examines the files that survived, and starts a server on them.
func (p *proof) afterPowerLoss() {
	if _, err := os.Stat(p.rpc()); errors.Is(err, fs.ErrNotExist) {
		p.Log("before the first commit")
		return
	}
	counts := map[string]int{}
	responses, err := filepath.Glob(filepath.Join(p.rpc(), "*", "*", "*.response"))
	if err != nil {
		p.Fatal(err)
	}
	kinds := map[string]string{}
	for _, name := range responses {
		data, err := os.ReadFile(name)
		if err != nil {
			p.Fatal(err)
		}
		kinds[name] = kindOfResponse(data)
		counts[kinds[name]]++
	}
	requests, err := filepath.Glob(filepath.Join(p.rpc(), "*", "*", "*.request"))
	if err != nil {
		p.Fatal(err)
	}
	whole := 0
	for _, name := range requests {
		if data, err := os.ReadFile(name); err == nil && json.Valid(data) {
			whole++
		}
	}
	p.Logf("%d requests (%d whole), %d responses: %v", len(requests), whole, len(responses), counts)
	if torn := counts["NULs"] + counts["torn"]; torn > 0 {
		p.Errorf("%d of %d responses count as responses and are not whole", torn, len(responses))
	}
	if p.settings.Durable && counts["empty"] > 0 {
		p.Errorf("%d of %d durable responses are empty", counts["empty"], len(responses))
	}
	p.start()
	defer p.child.kill()
	lost := func() (names []string) {
		for _, name := range requests {
			data, err := os.ReadFile(strings.TrimSuffix(name, ".request") + ".response")
			if err != nil || kindOfResponse(data) != "whole" {
				names = append(names, name)
			}
		}
		return names
	}
	began := time.Now()
	for len(lost()) > 0 && time.Since(began) < proofPatience {
		time.Sleep(100 * time.Millisecond)
	}
	if names := lost(); len(names) > 0 {
		p.Errorf("after a restart %d of %d requests have no whole response: %q", len(names), len(requests), names[:min(len(names), 3)])
	}
}

// kindOfResponse classifies a response file.
func kindOfResponse(data []byte) string {
	switch {
	case len(data) == 0:
		return "empty"
	case json.Valid(data) && statusIn(data) != 0:
		return "whole"
	case len(bytes.Trim(data, "\x00")) == 0:
		return "NULs"
	}
	return "torn"
}
