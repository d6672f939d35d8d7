package target

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// resourcesOf reads what Linux reports of a process and its descendants.
func resourcesOf(pid int) (r Resources, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return r, err
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			r.Memory = kib << 10
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			r.Peak = kib << 10
		}
		fmt.Sscanf(line, "Threads: %d", &r.Threads)
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return r, err
	}
	r.Descriptors = len(open)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return r, nil // the kernel may lack the file
	}
	for child := range strings.FieldsSeq(string(children)) {
		id, err := strconv.Atoi(child)
		if err != nil {
			return r, err
		}
		of, err := resourcesOf(id)
		if err != nil {
			continue // it has ended
		}
		r.Memory += of.Memory
		r.Peak += of.Peak
		r.Threads += of.Threads
		r.Descriptors += of.Descriptors
	}
	return r, nil
}
