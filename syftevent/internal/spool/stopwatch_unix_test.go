//go:build unix

package spool

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// suspendsItself is set in the process that TestStopwatchLeavesOutSuspension suspends.
const suspendsItself = "SYFTEVENT_SUSPENDS_ITSELF"

// A suspended process has measured almost nothing, however long it was suspended.
func TestStopwatchLeavesOutSuspension(t *testing.T) {
	if os.Getenv(suspendsItself) != "" {
		var w stopwatch
		began := time.Now()
		w.start()
		fmt.Println("ready")
		// The signal comes before this ends, or a little later.
		bufio.NewReader(os.Stdin).ReadString('\n')
		measured := w.stop()
		fmt.Println(int64(time.Since(began) - measured))
		os.Exit(0)
	}
	command := exec.Command(os.Args[0], "-test.run=^TestStopwatchLeavesOutSuspension$")
	command.Env = append(os.Environ(), suspendsItself+"=1")
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer command.Wait()
	out := bufio.NewReader(stdout)
	if line, err := out.ReadString('\n'); line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	suspend := func(signal syscall.Signal) {
		if err := command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	suspend(syscall.SIGSTOP)
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(command.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("status %v, %v", status, err)
	}
	began := time.Now()
	time.Sleep(time.Second)
	suspended := time.Since(began)
	suspend(syscall.SIGCONT)
	fmt.Fprintln(stdin)
	var left int64
	if _, err := fmt.Fscan(out, &left); err != nil {
		t.Fatal(err)
	}
	if got, want := time.Duration(left), suspended-3*beat; got < want {
		t.Errorf("left out %v of a suspension of %v", got, suspended)
	}
}
