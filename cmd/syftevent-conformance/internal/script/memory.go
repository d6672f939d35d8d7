package script

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// commandMemory checks the server's peak memory. A limit by the operating system would be
// stricter, but a limit of the address space that suits one runtime keeps another from
// starting.
func (s *server) commandMemory(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	limit, err := strconv.Atoi(args[0])
	if err != nil || limit < 1 {
		return fmt.Errorf("memory: %q is not a number of MiB", args[0])
	}
	if err := s.started(); err != nil {
		return err
	}
	peak, err := peakMemory(s.process.PID())
	if err != nil {
		return &notApplicable{"the system does not report the memory of a process: " + err.Error()}
	}
	if peak>>20 > int64(limit) {
		return &mismatch{fmt.Sprintf("at most %d MiB of memory", limit), fmt.Sprintf("the server used %d MiB", peak>>20), false}
	}
	return nil
}

// peakMemory returns the peak memory in bytes of a process and its descendants, as Linux
// reports it.
func peakMemory(pid int) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	var sum int64
	for line := range strings.Lines(string(data)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			sum = kib << 10
		}
	}
	if sum == 0 {
		return 0, errors.New("no VmHWM")
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return sum, nil // the kernel may lack the file
	}
	for child := range strings.FieldsSeq(string(children)) {
		id, err := strconv.Atoi(child)
		if err != nil {
			return 0, err
		}
		if peak, err := peakMemory(id); err == nil { // a child may have ended
			sum += peak
		}
	}
	return sum, nil
}
