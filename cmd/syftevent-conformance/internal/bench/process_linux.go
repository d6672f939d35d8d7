package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processorTime returns the processor time of a process and its descendants, in seconds.
func processorTime(pid int) (float64, error) {
	const perSecond = 100 // USER_HZ, the same on every Linux
	total := 0.0
	for _, p := range family(pid) {
		fields, err := statFields(p)
		if err != nil {
			if p == pid {
				return 0, fmt.Errorf("read processor time: %w", err)
			}
			continue // a child that exited
		}
		user, _ := strconv.ParseFloat(fields[11], 64)
		system, _ := strconv.ParseFloat(fields[12], 64)
		total += (user + system) / perSecond
	}
	return total, nil
}

// resident returns the resident memory of a process and its descendants, in megabytes.
func resident(pid int) (float64, error) {
	total := 0.0
	for _, p := range family(pid) {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p))
		if err != nil {
			if p == pid {
				return 0, fmt.Errorf("read memory: %w", err)
			}
			continue
		}
		for line := range strings.Lines(string(data)) {
			if text, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				kilobytes, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 64)
				if err != nil {
					return 0, fmt.Errorf("read memory: %w", err)
				}
				total += kilobytes / 1024
			}
		}
	}
	return total, nil
}

// statFields returns the fields of /proc/PID/stat from the third on. The second is a
// name, which may contain separators.
func statFields(pid int) ([]string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	_, rest, ok := strings.Cut(string(data[bytes.LastIndexByte(data, ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return nil, fmt.Errorf("/proc/%d/stat: unknown format", pid)
	}
	return fields, nil
}

// family returns a process and its descendants.
func family(pid int) []int {
	members := []int{pid}
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	parents := map[int]int{}
	for _, name := range names {
		p, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			continue
		}
		if fields, err := statFields(p); err == nil {
			parents[p], _ = strconv.Atoi(fields[1])
		}
	}
	for i := 0; i < len(members); i++ {
		for p, parent := range parents {
			if parent == members[i] {
				members = append(members, p)
			}
		}
	}
	return members
}

// briefly sleeps with more precision than time.Sleep.
func briefly(d time.Duration) {
	wait := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&wait, nil)
}
