//go:build unix

package syftevent_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// onFullDisk runs a test in a process of its own. While full is set, every write that would
// make a file larger than 1 MiB fails there. This process cannot have such a limit, because
// "go test" writes a log of any size.
func onFullDisk(t *testing.T, test func(full func(bool))) {
	t.Helper()
	const variable = "SYFTEVENT_TEST_ON_FULL_DISK"
	if os.Getenv(variable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), variable+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	test(func(full bool) {
		limit := before
		if full {
			limit.Cur = 1 << 20
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Error(err)
		}
	})
}

// While the disk is full, the server keeps a response and does not run its request again. If
// the response is too large to keep, the request runs again when there is space. Only senders
// whose responses could not be written wait.
func TestServerRecoversFromAFullDisk(t *testing.T) {
	onFullDisk(t, func(full func(bool)) {
		var r runs
		router := r.sizes(map[string]int{"small": 10, "large": 1 << 20, "huge": 2 << 20})
		inBubble(t, router, func(s *site) {
			full(true)
			s.ask("large", mallory, "1")
			s.ask("huge", serverEmail, "2")
			time.Sleep(time.Minute)
			s.ask("small", mallory, "3")
			s.ask("small", clientEmail, "4")
			time.Sleep(3 * time.Second)
			full(false)
			if n := s.server.Stats().Unpublished; n != 2 || r.of(mallory, "1") != 1 || r.of(serverEmail, "2") != 1 || r.of(mallory, "3") != 0 {
				t.Errorf("%d unpublished, runs: %v", n, r.times)
			}
			if !s.answered("small", clientEmail, "4") {
				t.Error("another sender is not answered")
			}
			time.Sleep(32 * time.Second)
			if !s.answered("large", mallory, "1") || !s.answered("huge", serverEmail, "2") || !s.answered("small", mallory, "3") {
				t.Error("not answered although there is room")
			}
			if r.of(mallory, "1") != 1 || r.of(serverEmail, "2") != 2 || r.of(mallory, "3") != 1 {
				t.Errorf("runs: %v", r.times)
			}
		})
	})
}
