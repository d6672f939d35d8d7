package lease

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
)

// machine identifies the running kernel and the namespace of process ids. It is "" if /proc
// does not show them.
var machine = sync.OnceValue(func() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(boot)) + " " + namespace
})

// process identifies this process to others on the same kernel: they need not wait for the
// timeout when it has ended.
func process() string {
	pid := os.Getpid()
	started, _, err := statOf(pid)
	if machine() == "" || err != nil {
		return ""
	}
	return fmt.Sprintf("%s %d %s", machine(), pid, started)
}

// statOf returns when a process has started, in ticks since the system has, and its state.
func statOf(pid int) (started, state string, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", "", err
	}
	// The name of the program, in parentheses, may have any characters. proc(5): the state is
	// field 3, the start is field 22.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 20 {
		return "", "", errors.New("unknown format")
	}
	return fields[19], fields[0], nil
}

// isGone reports whether a process is known to have ended. It is false for one of another
// machine.
func isGone(process string) bool {
	if machine() == "" || !strings.HasPrefix(process, machine()+" ") {
		return false
	}
	var pid int
	var started string
	if _, err := fmt.Sscanf(process[len(machine()):], "%d %s", &pid, &started); err != nil || pid <= 0 {
		return false
	}
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	now, state, err := statOf(pid)
	return err == nil && (now != started || state == "Z" || state == "X")
}
