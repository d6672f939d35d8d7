package lease

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestEndedProcessIsKnown(t *testing.T) {
	own := process()
	if own == "" {
		t.Skip("/proc does not show this process")
	}
	if isGone(own) {
		t.Error("this process is gone")
	}
	if isGone("other-boot pid:[1] 1 1") || isGone("") {
		t.Error("a process of another machine is known")
	}
	fields := strings.Fields(own)
	if fields[len(fields)-1] = "1"; !isGone(strings.Join(fields, " ")) {
		t.Error("a process with the number of another one is alive")
	}
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer cmd.Wait()
	started, _, err := statOf(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	fields[len(fields)-2], fields[len(fields)-1] = strconv.Itoa(cmd.Process.Pid), started
	child := strings.Join(fields, " ")
	if isGone(child) {
		t.Error("a running process is gone")
	}
	cmd.Process.Kill()
	for !isGone(child) { // it is not reaped yet
		time.Sleep(time.Millisecond)
	}
}
