package script

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// wideSize is the size in bytes of a wide request, which is that of the largest request
// that the suite sends.
const wideSize = 3_000_000

// wideRequest is a request with as many members as its size allows.
func wideRequest(stem, sender string) []byte {
	data := fmt.Appendf(nil, `{"id":%q,"sender":%q,"url":"syft://%s/app_data/%s/rpc/echo","method":"POST"`, stem, sender, ServerEmail, App)
	for n := 0; len(data) < wideSize-20; n++ {
		data = append(strconv.AppendInt(append(data, `,"`...), int64(n), 10), `":0`...)
	}
	return append(data, '}')
}

// commandWide sends wide requests to /echo.
func (r *Run) commandWide(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: wide NAME N")
	}
	count, err := strconv.Atoi(args[1])
	if err != nil || count < 1 {
		return fmt.Errorf("wide: %q is no number of requests", args[1])
	}
	for i := range count {
		stem, sender := fmt.Sprintf("00000000-0000-4000-9000-%012d", r.nextNumber()), fmt.Sprintf("sender%d@example.com", i%5)
		folder := "app_data/" + App + "/rpc/echo/" + sender + "/"
		if err := r.place(folder+stem+".request", wideRequest(stem, sender)); err != nil {
			return err
		}
		r.bursts[args[0]] = append(r.bursts[args[0]], one{stem, filepath.Join(r.network.Server.Datasite(), filepath.FromSlash(folder), stem+".response")})
	}
	return nil
}

// commandMemory checks the most memory that the server has had. A limit by the operating
// system would be stricter, but what limits the address space of one runtime keeps
// another from starting.
func (r *Run) commandMemory(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: memory MIB")
	}
	most, err := strconv.Atoi(args[0])
	if err != nil || most < 1 {
		return fmt.Errorf("memory: %q is no number of MiB", args[0])
	}
	if err := r.started(); err != nil {
		return err
	}
	peak, err := peakMemory(r.process.PID())
	if err != nil {
		return &notApplicable{"the system does not tell the memory of a process: " + err.Error()}
	}
	if peak>>20 > int64(most) {
		return &mismatch{fmt.Sprintf("at most %d MiB of memory", most), fmt.Sprintf("the server has had %d MiB", peak>>20), false}
	}
	return nil
}

// peakMemory is the most memory in bytes that a process and those that it has started
// have had, as Linux tells it.
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
		return sum, nil // not every kernel has it
	}
	for child := range strings.FieldsSeq(string(children)) {
		id, err := strconv.Atoi(child)
		if err != nil {
			return 0, err
		}
		if of, err := peakMemory(id); err == nil { // or it has ended
			sum += of
		}
	}
	return sum, nil
}
